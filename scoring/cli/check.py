"""The command `triage check`: what a change would expose, before it is made."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.faults import BAD_INPUT
from scoring.cli.options import AccountsFile, ModelFile, OutputFile, PolicyFile, Threshold

if TYPE_CHECKING:
    from scoring.findings.planned.planned import Deployment

CheckFormat = Literal["table", "text", "json", "sarif", "markdown"]


def check(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|-...",
            help="A resource's policy (JSON), a CloudFormation template (JSON, YAML), a Terraform plan"
            " (terraform show -json), or what list-access-preview-findings prints.",
            show_default=False,
        ),
    ],
    resource: Annotated[
        str | None,
        typer.Option(
            "--resource", metavar="ARN", help="The resource that a policy file is of.", show_default=False
        ),
    ] = None,
    resource_type: Annotated[
        str | None,
        typer.Option(
            "--resource-type",
            metavar="TYPE",
            help="What a policy file is of, such as AWS::S3::Bucket. Default: by the ARN or the actions.",
            show_default=False,
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ID", help="The account of the deployment.", show_default=False),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="R", help="The region of the deployment.", show_default=False),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=VALUE",
            help="A parameter of a template; may be repeated. One that is not given is not known, whatever"
            " its default.",
            show_default=False,
        ),
    ] = None,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    accounts: AccountsFile = None,
    output_format: Annotated[
        CheckFormat,
        typer.Option(
            "--format",
            help="A table or whole explanations for people, JSON for programs, SARIF 2.1.0 for a code host,"
            " Markdown for a comment.",
        ),
    ] = "table",
    output: OutputFile = None,
) -> None:
    """Score what a change would expose, before it is made.

    Each principal that a policy lets in from outside the account is scored as its finding would be, by the
    same model and policy. What cannot be known yet counts as the worst: values known after apply, parameters
    that are not given, NotPrincipal, NotAction, a Deny, conditions that do not surely hold. Exit code 1: a
    finding is at or above the threshold, or public, or hands over control. 2: something could not be read.
    """
    import io

    import msgspec

    from scoring.cli.configuration import say_sources
    from scoring.cli.output.checked import FORMATS, Checked, Checks
    from scoring.decision.planned import is_inside
    from scoring.decision.settings import load_settings
    from scoring.files.errors import BadInput
    from scoring.files.output_file import destination
    from scoring.findings.accounts import described
    from scoring.findings.planned.read import planned_cases

    deployment = _deployment(account, region, parameter or [])
    _check_type(resource, resource_type)
    say_sources(model, policy)
    settings = load_settings(model, policy, threshold)
    found: list[Checked] = []
    faults: list[str] = []
    inside = 0
    for file in files:
        try:
            for one in planned_cases(file, deployment, resource=resource, resource_type=resource_type):
                if isinstance(one, BadInput):
                    faults.append(str(one))
                    continue
                [case] = described([one.case], accounts, settings.policy.known_vendors)
                if is_inside(case, settings.policy):
                    inside += 1
                    continue
                found.append(Checked(msgspec.structs.replace(one, case=case), settings.decide(case)))
        except BadInput as error:
            faults.append(str(error))
    for fault in faults:
        typer.echo(fault, err=True)
    checks = Checks(found=found, policy=settings.policy, inside=inside, faults=tuple(faults))
    inputs = (*files, model, policy, accounts)
    with destination(output, inputs) as out:
        # The same bytes whatever the terminal speaks.
        text = io.TextIOWrapper(out, encoding="utf-8", errors="backslashreplace", newline="")
        FORMATS[output_format](checks, text)
        text.flush()
        text.detach()
    raise typer.Exit(BAD_INPUT if faults else int(checks.stopping > 0))


def _deployment(account: str | None, region: str | None, parameters: list[str]) -> "Deployment":
    import re

    from scoring.files.errors import BadInput
    from scoring.findings.arn import account_id
    from scoring.findings.planned.planned import Deployment

    if account is not None:
        account_id(account, field="--account")
    if region is not None and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", region):
        raise BadInput("expected a region, such as eu-west-1", field="--region", value=region)
    given: dict[str, str] = {}
    for one in parameters:
        name, separator, value = one.partition("=")
        if not separator or not name:
            raise BadInput("expected NAME=VALUE", field="--parameter", value=one)
        given[name] = value
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    found = next((name for start, name in partition.items() if (region or "").startswith(f"{start}-")), "aws")
    return Deployment(account=account, region=region, partition=found, parameters=given)


def _check_type(resource: str | None, resource_type: str | None) -> None:
    from scoring.files.errors import BadInput, did_you_mean
    from scoring.findings.arn import Arn
    from scoring.findings.resource_types import TABLE

    if resource is not None:
        Arn.parse(resource, "--resource")
    if resource_type is not None and resource_type not in TABLE:
        expected = f"expected a resource type of Access Analyzer{did_you_mean(resource_type, TABLE)}"
        raise BadInput(expected, field="--resource-type", value=resource_type)
