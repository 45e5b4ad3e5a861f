"""The command `triage doctor`: checks what has to be in place, and says how to mend what is not."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.options import (
    ExternalId,
    LogTable,
    ModelFile,
    OutputFormat,
    PolicyFile,
    Profile,
    Region,
    RoleName,
)

if TYPE_CHECKING:
    from scoring.cli.doctor.result import CheckResult

PROBLEMS = 1
_LONGEST = 600


def doctor(
    analyzer_arn: Annotated[
        list[str] | None,
        typer.Option(
            "--analyzer-arn",
            metavar="ARN",
            help="An analyzer; may be repeated. Default: those of the region.",
            show_default=False,
        ),
    ] = None,
    topic_arn: Annotated[
        str | None,
        typer.Option(
            "--topic-arn",
            metavar="ARN",
            envvar="TRIAGE_TOPIC_ARN",
            help="Topic of the alerts.",
            show_default=False,
        ),
    ] = None,
    table: LogTable = None,
    role_name: RoleName = None,
    external_id: ExternalId = None,
    principal_arn: Annotated[
        str | None,
        typer.Option(
            "--principal-arn",
            metavar="ARN",
            help="Whose permissions count, such as the function's role. Default: yours.",
            show_default=False,
        ),
    ] = None,
    model: ModelFile = None,
    policy: PolicyFile = None,
    output_format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Text for people, JSON for programs.")
    ] = "text",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Check what has to be in place.

    Model, policy, credentials, analyzers, organization, member accounts, table, topic and permissions; each
    problem with its fix. Nothing is written. The exit code is 1 where there are problems.
    """
    from scoring.aws.connection import Options, connect_as, region_of
    from scoring.cli.doctor.checks import run_checks
    from scoring.cli.doctor.result import Target
    from scoring.cli.output.console import print_records
    from scoring.findings.arn import Arn

    options = Options(profile=profile, region=region, role_name=role_name, external_id=external_id)
    arns = tuple(dict.fromkeys(analyzer_arn or ()))
    fallback = next((parsed.region for arn in arns if (parsed := Arn.try_parse(arn))), None)
    target = Target(
        aws=connect_as(options, fallback_region=fallback),
        region=region_of(options) or fallback,
        analyzer_arns=arns,
        topic_arn=topic_arn or None,
        table=table or None,
        role_name=role_name,
        model=model,
        policy=policy,
        principal_arn=principal_arn,
    )
    results = list(_shown(run_checks(target), output_format))
    problems = sum(result.status == "problem" for result in results)
    if output_format == "json":
        print_records(results, output_format)
    else:
        typer.echo(
            "\nNo problems." if not problems else f"\n{problems} problem{'' if problems == 1 else 's'}."
        )
    raise typer.Exit(PROBLEMS if problems else 0)


def _shown(results: "Iterable[CheckResult]", output_format: OutputFormat) -> "Iterator[CheckResult]":
    """Print each result as it comes, for people."""
    from scoring.explanation.safe_text import visible

    for result in results:
        if output_format == "text":
            typer.echo(f"{result.status:<7}  {result.check}: {visible(result.text, _LONGEST)}")
            if result.fix:
                typer.echo(f"{'':<9}fix: {visible(result.fix, _LONGEST)}")
        yield result
