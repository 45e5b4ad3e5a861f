"""The command `triage history pull`: past decisions as records."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import (
    ExternalId,
    LogFile,
    LogTable,
    OptionalAnalyzerArns,
    PolicyFile,
    Profile,
    Region,
    RoleName,
    access_analyzer,
    decision_log,
    named_log,
)
from scoring.cli.progress import progress

MOST_DAYS = 100_000.0

history = typer.Typer(
    help="Past decisions, as records to train on.", rich_markup_mode=None, no_args_is_help=True
)


@history.callback()
def _group() -> None:
    """Keep the command under its own name, though it is the only one."""


@history.command()
def pull(
    out: Annotated[
        str,
        typer.Option(
            metavar="F",
            help="File to write: .jsonl, .jsonl.gz or .parquet by its name; - is standard output.",
            show_default=False,
        ),
    ],
    analyzer_arn: OptionalAnalyzerArns = None,
    table: LogTable = None,
    log_file: LogFile = None,
    own_role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="R",
            help="Name or ARN of a role whose archives are nobody's verdict; may be repeated.",
            show_default=False,
        ),
    ] = None,
    cloudtrail: Annotated[
        bool, typer.Option(help="Ask CloudTrail who archived; without it no archive is a verdict.")
    ] = True,
    resolved_within: Annotated[
        float,
        typer.Option(metavar="DAYS", min=0, help="Resolved so soon after its alert is unintended."),
    ] = 7.0,
    enrich: Annotated[
        bool,
        typer.Option("--enrich", help="Look up tags, aliases and accounts of what an analyzer lists."),
    ] = False,
    role_name: RoleName = None,
    external_id: ExternalId = None,
    policy: PolicyFile = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Pull past decisions: from the decision log, from Access Analyzer, and from CloudTrail.

    Archived by a person is expected; resolved soon after an alert is unintended; archived by a rule or by us
    is no verdict. Everything else is precedent. Of several verdicts on a finding, train takes the last that
    a person gave, and what is concluded only where nobody gave one. Nothing is changed in AWS.

    The log has what was known about each finding when it was decided on. What an analyzer lists beyond that
    is looked up with --enrich, or with --role-name through that role in member accounts: as it is now.
    """
    from collections import Counter
    from datetime import timedelta

    from scoring.aws.analyzers import AnalyzerArn
    from scoring.aws.connection import Options, connect_as
    from scoring.files.errors import BadInput
    from scoring.files.output_file import STANDARD
    from scoring.policy import policy as policies
    from training.history.pull import (
        Logged,
        enriched,
        from_analyzer,
        from_log,
        read_analyzer,
        without_context,
    )
    from training.history.record_files import write_records

    arns = list(dict.fromkeys(analyzer_arn or ()))
    table, log_file = named_log(table, log_file)
    if not arns and not table and not log_file:
        expected = "expected an analyzer, or the decision log (--table or --log)"
        raise BadInput(expected, field="--analyzer-arn")
    if not resolved_within < MOST_DAYS:
        raise BadInput("expected a number of days", field="--resolved-within", value=resolved_within)
    first = AnalyzerArn.parse(arns[0], "--analyzer-arn").region if arns else None
    options = Options(profile=profile, region=region, role_name=role_name, external_id=external_id)
    aws = connect_as(options, fallback_region=first)
    vendors = policies.load(policy or policies.DEFAULT).known_vendors
    counts: Counter[str] = Counter()
    faults = Faults()

    def records() -> Iterator[dict[str, Any]]:
        known = Logged()
        # The log comes first: what it knows of alerts and of our archives decides on what an analyzer says.
        if table or log_file:
            yield from from_log(decision_log(table, aws, log_file), known, counts)
        for arn in arns:
            roles = own_role or [] if cloudtrail else None
            found, changes = read_analyzer(arn, access_analyzer(aws), aws.sessions, roles, faults)
            read = enriched(found, aws, vendors) if enrich or role_name else without_context(found)
            yield from from_analyzer(read, changes, known, timedelta(days=resolved_within), counts)

    with progress("records") as bar:
        bar.left_behind = f"nothing was written to {out}" if out != STANDARD else ""
        written = write_records(bar.each(records()), out)
    if faults.count:
        counts["findings that cannot be read: left out"] = faults.count
    for reason, count in sorted(counts.items()):
        typer.echo(f"{count:>9,} {reason}", err=out == STANDARD)
    typer.echo(f"{written:>9,} records in {out}", err=out == STANDARD)
    raise faults.exit()
