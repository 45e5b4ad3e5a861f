"""The app: the stack that ``cdk deploy`` deploys, and beside it the templates that are deployed otherwise."""

from pathlib import Path
from typing import Any

from aws_cdk import App, BootstraplessSynthesizer, Stage, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.nag_suppressions import acknowledge
from infra.stacks.analyzers import AnalyzersStack
from infra.stacks.forwarding import ForwardingStack
from infra.stacks.member_role import MemberRoleStack
from infra.stacks.stack_sets import StackSetStack
from infra.stacks.triage_stack import TriageStack

NAME = "AccessTriage"
ZIP = Path(__file__).parents[3] / "build/access-triage.zip"

# How CDK behaves, the same whether its command or Python runs the app.
_CONTEXT: dict[str, Any] = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-sns-subscriptions:restrictSqsDescryption": True,
    "@aws-cdk/core:checkSecretUsage": True,
    "@aws-cdk/core:target-partitions": ["aws", "aws-cn", "aws-us-gov"],
    "aws:cdk:disable-stack-trace": True,
}


def application() -> App:
    """Build the app.

    The stack of ``cdk deploy`` is the only one at the top: so the command needs no name. What is in a stage
    is not deployed unless named.
    """
    app = App(analytics_reporting=False, context=_CONTEXT)
    TriageStack(app, NAME, code=_asset)
    TriageStack(
        Stage(app, "Console"),
        NAME,
        code=lambda _scope: lambda_.Code.from_cfn_parameters(),
        **_plain(NAME),
    )
    templates = Stage(app, "Templates")
    MemberRoleStack(templates, "MemberRole", **_plain(f"{NAME}MemberRole"))
    ForwardingStack(templates, "Forwarding", **_plain(f"{NAME}Forwarding"))
    AnalyzersStack(templates, "AccountAnalyzers", zone="ACCOUNT", **_plain("AccessAnalyzers"))
    AnalyzersStack(
        templates, "OrganizationAnalyzers", zone="ORGANIZATION", **_plain("OrganizationAccessAnalyzers")
    )
    _stack_sets(Stage(app, "StackSets"), templates)
    acknowledge(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def _stack_sets(scope: Stage, templates: Stage) -> None:
    """Make a StackSet of each template that is for many accounts or regions."""
    made = templates.synth()

    def template(name: str) -> Any:
        return made.get_stack_by_name(name).template

    StackSetStack(
        scope,
        "MemberRoles",
        template=template(f"{NAME}MemberRole"),
        in_one_region=True,
        **_plain(f"{NAME}MemberRoles"),
    )
    StackSetStack(
        scope,
        "ForwardingRegions",
        template=template(f"{NAME}Forwarding"),
        in_one_account=True,
        **_plain(f"{NAME}ForwardingRegions"),
    )
    StackSetStack(
        scope,
        "AnalyzersOfAccounts",
        template=template("AccessAnalyzers"),
        **_plain("AccessAnalyzersOfAccounts"),
    )


def _plain(name: str) -> dict[str, Any]:
    """Return the settings of a stack whose template is deployed with or without CDK."""
    return {"stack_name": name, "synthesizer": BootstraplessSynthesizer()}


def _asset(_scope: Construct) -> lambda_.Code:
    return lambda_.Code.from_asset(str(ZIP))
