"""The command `triage scan`: live findings of one or many analyzers, read only unless told otherwise."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.configuration import configured, say_sources
from scoring.cli.faults import Faults
from scoring.cli.options import (
    AnalyzerArns,
    DecisionFormat,
    ExternalId,
    LogFile,
    LogTable,
    ModelFile,
    OutputFile,
    PolicyFile,
    Profile,
    Region,
    RoleName,
    Threshold,
    access_analyzer,
    decision_log,
    named_log,
)
from scoring.cli.progress import progress

if TYPE_CHECKING:
    from scoring.aws.analyzers import Analyzer
    from scoring.cli.scan.apply import Plan
    from scoring.cli.scan.resume import ScanProgress
    from scoring.cli.scan.score import Group, Scanned, Seen, Source
    from scoring.decision_log.log import DecisionLog

_SHOWN = 20


def scan(
    analyzer_arn: AnalyzerArns,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ARN]...", hidden=True)] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Archive what comes out as archive; it can be undone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before archiving.")] = False,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Archive so many at most.")] = 500,
    table: LogTable = None,
    log_file: LogFile = None,
    role_name: RoleName = None,
    external_id: ExternalId = None,
    profile: Profile = None,
    region: Region = None,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    output_format: DecisionFormat = "table",
    output: OutputFile = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a scan with the same --output was interrupted.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Ask about each resource by itself: more facts, many requests.")
    ] = False,
    status: Annotated[
        Literal["ACTIVE", "ARCHIVED", "RESOLVED", "all"], typer.Option(help="Findings of which status.")
    ] = "ACTIVE",
) -> None:
    """Score the live findings of analyzers of all types. Nothing is written to AWS without --apply.

    What several analyzers say of the same resource is reported once, also where one of them is an AWS
    service's own, as Security Hub makes it. With a decision log, a table or a local file (--log FILE, made if
    need be), alerts and archives are recorded for triage review, and what somebody has brought back is not
    archived again. --apply needs a log, and a policy whose mode is enforce. With --output, F.partial keeps
    what was read until all is done.
    """
    from scoring.aws.analyzers import AnalyzerArn
    from scoring.aws.connection import Options, connect_as
    from scoring.cli.output.decisions import WRITERS
    from scoring.cli.scan.apply import check_log, check_ready
    from scoring.cli.scan.score import Source, fold
    from scoring.decision.settings import load_settings
    from scoring.decision_log.deduplication import reactivated
    from scoring.files.output_file import destination

    if not apply:
        model, policy, _ = configured(model, policy)
    settings = load_settings(model, policy, threshold)
    table, log_file = named_log(table, log_file)
    if apply:
        check_ready(settings.policy, table or log_file, resume=resume)
        _check_askable(is_agreed=yes)
    arns = list(dict.fromkeys([*analyzer_arn, *(more or ())]))
    options = Options(profile=profile, region=region, role_name=role_name, external_id=external_id)
    aws = connect_as(options, fallback_region=AnalyzerArn.parse(arns[0], "--analyzer-arn").region)
    log = decision_log(table, aws, log_file, create=True) if table or log_file else None
    faults = Faults()
    source = Source(
        aws=aws,
        analyzers=access_analyzer(aws),
        settings=settings,
        report=faults,
        status=None if status == "all" else status,
        deep=deep,
        reactivated=partial(reactivated, log=log) if log else None,
    )
    analyzers = [source.analyzers.look_up(arn) for arn in arns]
    if apply and log is not None:
        check_log(log)
    kept = _open_partial(output, source, table or log_file, resume=resume)
    with kept or nullcontext(), destination(output, (model, policy)) as out:
        groups = fold(_scanned(analyzers, source, kept), analyzers)
        WRITERS[output_format](((group.case, group.decision) for group in groups), out, settings.policy)
    _name_duplicates(groups)
    if log is not None:
        if apply:
            say_sources(model, policy)
        _log_and_archive(groups, most if apply else 0, analyzers, source, log, apply=apply, is_agreed=yes)
    raise faults.exit()


def _log_and_archive(
    groups: "list[Group]",
    most: int,
    analyzers: "list[Analyzer]",
    source: "Source",
    log: "DecisionLog",
    *,
    apply: bool,
    is_agreed: bool,
) -> None:
    """Record what is not to be archived, archive the rest, and record what was left of it."""
    from scoring.cli.scan.apply import plan
    from scoring.cli.scan.record import record
    from scoring.explanation.safe_text import visible
    from scoring.files.errors import BadInput

    chosen = plan(groups, most)
    archiving = {pair[1].finding_id for pair in chosen.cases}
    members = [pair for group in groups for pair in group.members]
    others = [pair for pair in members if pair[1].finding_id not in archiving]
    try:
        became = record(others, log, source.settings.policy, applied=apply)
    except BadInput as error:
        if apply:
            raise
        typer.echo(visible(f"nothing was recorded: {error}", 400), err=True)  # who may only read still scans
        return
    if apply:
        ended = _archive(chosen, analyzers, source, log, is_agreed=is_agreed)
        left = [pair for pair in chosen.cases if pair[1].finding_id not in ended]
        became += record(left, log, source.settings.policy, applied=apply)
    if became.keys() - {"known"}:
        said = ", ".join(f"{count:,} {what}" for what, count in became.items())
        typer.echo(f"Decision log {log.name}: {said}. triage review goes through the alerts.", err=True)


def _archive(
    chosen: "Plan", analyzers: "list[Analyzer]", source: "Source", log: "DecisionLog", *, is_agreed: bool
) -> set[str]:
    """Say what will be archived, ask, do it, and say what became of it, also where it ends half-way.

    Returns
    -------
    set of str
        Findings that are archived, or are active no longer.
    """
    from scoring.cli.scan.apply import NO_LONGER_ACTIVE, archive
    from scoring.explanation.safe_text import visible

    more = f"; {chosen.over} more are over the limit of --most" if chosen.over else ""
    typer.echo(f"To archive: {_findings(len(chosen.cases))}{more}", err=True)
    if not chosen.cases:
        return set()
    if not is_agreed and not typer.confirm("Archive them?", err=True):
        typer.echo("Nothing was archived.", err=True)
        return set()
    ended: set[str] = set()
    done, left, untold = 0, Counter[str](), Counter[str]()
    try:
        for batch in archive(chosen, analyzers, source, log):
            done += len(batch.done)
            left.update(one.why for one in batch.left)
            untold.update(batch.untold)
            gone = [one.finding_id for one in batch.left if one.why == NO_LONGER_ACTIVE]
            ended.update(batch.done, gone)
    finally:
        for why, count in left.most_common():
            typer.echo(f"  {_findings(count)} not archived: {visible(why)}", err=True)
        for why, count in untold.most_common():
            typer.echo(f"  {_findings(count)} archived, but: {visible(why)}", err=True)
        way_back = " triage undo takes them back." if done else ""
        typer.echo(f"Archived: {_findings(done)}.{way_back}", err=True)
    return ended


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _check_askable(*, is_agreed: bool) -> None:
    import sys

    from scoring.files.errors import BadInput

    if not is_agreed and not sys.stdin.isatty():
        raise BadInput("expected --yes where nobody can be asked", field="--apply")


def _open_partial(
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
    analyzers: "list[Analyzer]", source: "Source", kept: "ScanProgress | None"
) -> "Iterator[Scanned]":
    """Scan, and say what is kept where something ends it half-way."""
    from scoring.cli.scan.score import scan
    from scoring.files.errors import BadInput

    with progress("findings") as bar:
        if kept is None:
            yield from bar.each(scan(analyzers, source))
            return
        try:
            for case, decision in bar.each(scan(analyzers, source, kept.known)):
                kept.keep(case)
                yield case, decision
        except (BadInput, KeyboardInterrupt) as error:
            bar.left_behind = f"{_findings(kept.count)} kept in {kept.path}: --resume goes on"
            if isinstance(error, BadInput):
                raise BadInput(f"{error.expected}; {bar.left_behind}", where=error.where) from error
            raise


def _name_duplicates(groups: "list[Group]") -> None:
    """Say on standard error what is reported once for several analyzers."""
    repeated = [group.decision for group in groups if group.decision.duplicates]
    if not repeated:
        return
    count = sum(len(decision.duplicates) for decision in repeated)
    are = "1 finding repeats" if count == 1 else f"{count} findings repeat"
    typer.echo(f"{are} what another analyzer found of the same resource; reported once:", err=True)
    for decision in repeated[:_SHOWN]:
        others = ", ".join(f"{seen.finding_id} ({_region(seen)})" for seen in decision.duplicates)
        own = decision.everywhere[0]
        typer.echo(f"  {own.finding_id} ({_region(own)}): also {others}", err=True)
    if len(repeated) > _SHOWN:
        typer.echo(f"  and {len(repeated) - _SHOWN} more; --format jsonl names all", err=True)


def _region(seen: "Seen") -> str:
    from scoring.explanation.safe_text import visible
    from scoring.findings.arn import Arn

    region = Arn.parse(seen.analyzer_arn).region
    return f"{region}, managed by {visible(seen.managed_by)}" if seen.managed_by else region
