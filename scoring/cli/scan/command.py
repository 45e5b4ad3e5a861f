"""The command `triage scan`: live findings of one or many analyzers, read only unless told otherwise."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.score import Format, Model, PolicyFile, Threshold

if TYPE_CHECKING:
    from scoring.aws.analyzers import Analyzer
    from scoring.cli.scan.apply import Plan
    from scoring.cli.scan.resume import ScanProgress
    from scoring.cli.scan.score import Decided, Group, Seen, Source
    from scoring.decision_log.log import DecisionLog
    from scoring.files.errors import BadInput

BAD_INPUT = 2
_SHOWN = 20


class Status(StrEnum):
    """Findings of which status are read."""

    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    RESOLVED = "RESOLVED"
    all = "all"


AnalyzerArns = Annotated[
    list[str],
    typer.Option("--analyzer-arn", metavar="ARN", help="An analyzer; may be repeated.", show_default=False),
]
RoleName = Annotated[
    str | None,
    typer.Option(metavar="R", help="Role to assume in member accounts for their facts.", show_default=False),
]
ExternalId = Annotated[
    str | None,
    typer.Option(metavar="X", help="External id that this role asks for.", show_default=False),
]
Profile = Annotated[
    str | None, typer.Option(metavar="P", help="Profile of the AWS configuration.", show_default=False)
]
Region = Annotated[
    str | None, typer.Option(metavar="R", help="Default: the configuration's.", show_default=False)
]
Table = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", envvar="TRIAGE_TABLE", help="DynamoDB table of the decision log.", show_default=False
    ),
]


def scan(
    analyzer_arn: AnalyzerArns,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ARN]...", hidden=True)] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Archive what comes out as archive; it can be undone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before archiving.")] = False,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Archive so many at most.")] = 500,
    table: Table = None,
    role_name: RoleName = None,
    external_id: ExternalId = None,
    profile: Profile = None,
    region: Region = None,
    model: Model = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="A table for people; the others for programs.")
    ] = Format.table,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Write to this file, when all is done; F.partial keeps what is there until then.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a scan with the same --output was interrupted.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Ask about each resource by itself: more facts, many requests.")
    ] = False,
    status: Annotated[Status, typer.Option(help="Findings of which status.")] = Status.ACTIVE,
) -> None:
    """Score the live findings of analyzers of all types. Nothing is written to AWS without --apply.

    Findings that analyzers of several regions have of the same role or bucket are reported once. With
    --table the decision log says which findings somebody has brought back: those are not archived again.
    --apply needs it, and a policy whose mode is enforce.
    """
    from scoring.aws.analyzers import look_up, read_arn
    from scoring.aws.connection import Options, connect_as
    from scoring.cli.options import decision_log
    from scoring.cli.output.decisions import WRITERS
    from scoring.cli.scan.apply import check_log, check_ready, plan
    from scoring.cli.scan.score import Source, fold
    from scoring.decision.settings import load_settings
    from scoring.decision_log.deduplication import reactivated
    from scoring.files.output_file import destination

    settings = load_settings(model, policy, threshold)
    if apply:
        check_ready(settings.policy, table, resume=resume)
        _check_askable(is_agreed=yes)
    arns = list(dict.fromkeys([*analyzer_arn, *(more or ())]))
    options = Options(profile=profile, region=region, role_name=role_name, external_id=external_id)
    aws = connect_as(options, fallback_region=read_arn(arns[0]).region)
    log = decision_log(table, aws) if table else None
    faults: list[BadInput] = []
    source = Source(
        aws=aws,
        settings=settings,
        report=faults.append,
        status=None if status is Status.all else status.value,
        deep=deep,
        reactivated=partial(reactivated, log=log) if log else None,
    )
    analyzers = [look_up(arn, aws.sessions) for arn in arns]
    if apply and log is not None:
        check_log(log)
    progress = _progress(output, source, table, resume=resume)
    with progress or nullcontext(), destination(output, (model, policy)) as out:
        groups = fold(_scanned(analyzers, source, progress, is_shown=progress is not None))
        WRITERS[format](((group.case, group.decision) for group in groups), out, settings.policy)
    _tell(groups, faults)
    if apply and log is not None:
        _archive(plan(groups, most), analyzers, source, log, is_agreed=yes)
    raise typer.Exit(BAD_INPUT if faults else 0)


def _archive(
    chosen: "Plan", analyzers: "list[Analyzer]", source: "Source", log: "DecisionLog", *, is_agreed: bool
) -> None:
    """Say what will be archived, ask, do it, and say what became of it."""
    from scoring.cli.scan.apply import archive
    from scoring.explanation.safe_text import visible

    more = f"; {chosen.over} more are over the limit of --most" if chosen.over else ""
    typer.echo(f"To archive: {_findings(len(chosen.cases))}{more}", err=True)
    if not chosen.cases:
        return
    if not is_agreed:
        typer.confirm("Archive them?", abort=True, err=True)
    done, left, untold = 0, Counter[str](), Counter[str]()
    for batch in archive(chosen, analyzers, source, log):
        done += len(batch.done)
        left.update(one.why for one in batch.left)
        untold.update(batch.untold)
    for why, count in left.most_common():
        typer.echo(f"  {_findings(count)} not archived: {visible(why)}", err=True)
    for why, count in untold.most_common():
        typer.echo(f"  {_findings(count)} archived, but: {visible(why)}", err=True)
    typer.echo(f"Archived: {_findings(done)}. triage undo takes them back.", err=True)


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _check_askable(*, is_agreed: bool) -> None:
    import sys

    from scoring.files.errors import BadInput

    if not is_agreed and not sys.stdin.isatty():
        raise BadInput("expected --yes where nobody can be asked", field="--apply")


def _progress(
    output: str | None, source: "Source", table: str | None, *, resume: bool
) -> "ScanProgress | None":
    """Keep what is found out beside the output, if there is one."""
    from scoring.cli.scan.resume import ScanProgress
    from scoring.files.errors import BadInput
    from scoring.files.output_file import STANDARD

    if output is None or output == STANDARD:
        if resume:
            raise BadInput("expected the --output that the interrupted scan had", field="--resume")
        return None
    decides = {"policy": source.settings.policy.sha256, "table": table, "deep": source.deep}
    return ScanProgress(output, decides, resume=resume)


def _scanned(
    analyzers: "list[Analyzer]", source: "Source", progress: "ScanProgress | None", *, is_shown: bool
) -> "Iterator[Decided]":
    """Scan, with a bar on a terminal, and say what is kept where it is interrupted."""
    from scoring.cli.scan.score import scan
    from scoring.files.errors import BadInput

    if progress is None:
        yield from _watched(scan(analyzers, source), is_shown=is_shown)
        return
    try:
        for case, decision in _watched(scan(analyzers, source, progress.known), is_shown=is_shown):
            progress.keep(case)
            yield case, decision
    except (BadInput, KeyboardInterrupt) as error:
        kept = f"{_findings(progress.count)} kept in {progress.path}: --resume goes on"
        if isinstance(error, BadInput):
            raise BadInput(f"{error.expected}; {kept}", where=error.where) from error
        typer.echo(f"interrupted; {kept}", err=True)
        raise


def _tell(groups: "list[Group]", faults: "list[BadInput]") -> None:
    """Say on standard error what could not be read, and what is reported once for several regions."""
    for fault in faults:
        typer.echo(str(fault), err=True)
    repeated = [group.decision for group in groups if group.decision.duplicates]
    if not repeated:
        return
    count = sum(len(decision.duplicates) for decision in repeated)
    are = "1 finding repeats" if count == 1 else f"{count} findings repeat"
    typer.echo(f"{are} what another region's analyzer found of the same resource; reported once:", err=True)
    for decision in repeated[:_SHOWN]:
        others = ", ".join(f"{seen.finding_id} ({_region(seen)})" for seen in decision.duplicates)
        own = decision.everywhere[0]
        typer.echo(f"  {own.finding_id} ({_region(own)}): also {others}", err=True)
    if len(repeated) > _SHOWN:
        typer.echo(f"  and {len(repeated) - _SHOWN} more; --format jsonl names all", err=True)


def _region(seen: "Seen") -> str:
    return seen.analyzer_arn.split(":")[3]


def _watched(decided: "Iterator[Decided]", *, is_shown: bool) -> "Iterator[Decided]":
    """Show on a terminal how far it is, where the results do not go there too."""
    import sys

    if not sys.stderr.isatty() or (not is_shown and sys.stdout.isatty()):
        yield from decided
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} findings"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        for pair in decided:
            bar.advance(task)
            yield pair
