"""The app: the stack that ``cdk deploy`` deploys, and beside it the templates that are deployed otherwise."""

from pathlib import Path
from typing import Any

from aws_cdk import App, BootstraplessSynthesizer, Duration, Stage, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.triage_stack import TriageStack
from infra.workflow import Pace

NAME = "AccessTriage"
ZIP = Path(__file__).parents[2] / "build/access-triage.zip"

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
    pace = Pace(interval=_seconds(app, "retry_seconds", 5), lease=_seconds(app, "lease_seconds", 30))
    TriageStack(app, NAME, code=_asset, pace=pace)
    console = Stage(app, "Console")
    TriageStack(
        console,
        NAME,
        code=lambda _scope: lambda_.Code.from_cfn_parameters(),
        pace=pace,
        synthesizer=BootstraplessSynthesizer(),
        stack_name=NAME,
    )
    acknowledge(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def _asset(_scope: Construct) -> lambda_.Code:
    return lambda_.Code.from_asset(str(ZIP))


def _seconds(app: App, name: str, default: int) -> Duration:
    return Duration.seconds(int(app.node.try_get_context(name) or default))
