"""The command `triage history pull`: past decisions as records."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import LogTable, OptionalAnalyzerArns, Profile, Region
from scoring.cli.progress import progress

if TYPE_CHECKING:
    from collections import Counter
    from datetime import timedelta

    from scoring.aws.enrich import Aws
    from training.history.pull import Logged

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
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Pull past decisions: from the decision log, from Access Analyzer, and from CloudTrail.

    Archived by a person is expected; resolved soon after an alert is unintended; archived by a rule or by us
    is no verdict. Everything else is precedent. Of several verdicts on a finding, train takes the last that
    a person gave, and what is concluded only where nobody gave one. Nothing is changed in AWS.
    """
    from collections import Counter
    from datetime import timedelta

    from scoring.aws.analyzers import AnalyzerArn
    from scoring.aws.connection import Options, connect_as
    from scoring.files.errors import BadInput
    from scoring.files.output_file import STANDARD
    from training.history.pull import Logged
    from training.history.record_files import write_records

    arns = list(dict.fromkeys(analyzer_arn or ()))
    if not arns and not table:
        raise BadInput("expected an analyzer, or the decision log's table (--table)", field="--analyzer-arn")
    if not resolved_within < MOST_DAYS:
        raise BadInput("expected a number of days", field="--resolved-within", value=resolved_within)
    first = AnalyzerArn.parse(arns[0], "--analyzer-arn").region if arns else None
    aws = connect_as(Options(profile=profile, region=region), fallback_region=first)
    counts: Counter[str] = Counter()
    known = Logged()
    faults = Faults()

    def records() -> Iterator[dict[str, Any]]:
        # The log comes first: what it knows of alerts and of our archives decides on what an analyzer says.
        if table:
            yield from _logged(aws, table, known, counts)
        for arn in arns:
            asked = own_role or [] if cloudtrail else None
            yield from _listed(aws, arn, asked, known, timedelta(days=resolved_within), counts, faults)

    with progress("records") as bar:
        bar.left_behind = f"nothing was written to {out}" if out != STANDARD else ""
        written = write_records(bar.each(records()), out)
    for reason, count in sorted(counts.items()):
        typer.echo(f"{count:>9,} {reason}", err=out == STANDARD)
    typer.echo(f"{written:>9,} records in {out}", err=out == STANDARD)
    raise faults.exit()


def _logged(aws: "Aws", table: str, known: "Logged", counts: "Counter[str]") -> Iterator[dict[str, Any]]:
    from scoring.cli.options import decision_log
    from training.history.pull import from_log

    yield from from_log(decision_log(table, aws), known, counts)


def _listed(
    aws: "Aws",
    arn: str,
    own_roles: list[str] | None,
    known: "Logged",
    resolved_within: "timedelta",
    counts: "Counter[str]",
    faults: Faults,
) -> Iterator[dict[str, Any]]:
    """Read an analyzer's findings of all statuses; `own_roles` None leaves CloudTrail out."""
    from scoring.aws.errors import AwsError
    from scoring.cli.options import access_analyzer
    from scoring.files.errors import BadInput
    from training.history.cloudtrail import status_changes
    from training.history.pull import from_analyzer

    analyzers = access_analyzer(aws)
    analyzer = analyzers.look_up(arn)
    changes = []
    if own_roles is not None:
        changes = status_changes(aws.sessions.client("cloudtrail", region=analyzer.region), arn, own_roles)

    def findings() -> Iterator[Any]:
        for row in analyzers.rows(analyzer, status=None):
            try:
                yield analyzers.read_row(row, analyzer)
            except AwsError:
                raise
            except BadInput as error:
                counts["findings that cannot be read: left out"] += 1
                faults(error.at(f"{arn}: finding {row['id']}"))

    yield from from_analyzer(findings(), changes, known, resolved_within, counts)
