"""The command `triage undo`: brings back what was archived automatically."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.options import (
    DryRun,
    ListFormat,
    LogFile,
    LogTable,
    OutputFormat,
    Profile,
    Region,
    access_analyzer,
    decision_log,
)
from scoring.cli.progress import progress

if TYPE_CHECKING:
    from scoring.pipeline.undo import Undone


def undo(
    model: Annotated[
        str | None,
        typer.Option(metavar="V", help="Archived by this model: its version or digest.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Archived then or later: 2026-11-01, 2026-11-01T10:00:00Z (UTC), or 90m, 24h, 7d ago.",
            show_default=False,
        ),
    ] = None,
    finding: Annotated[
        str | None, typer.Option(metavar="ID", help="This finding.", show_default=False)
    ] = None,
    table: LogTable = None,
    log_file: LogFile = None,
    apply: DryRun = False,
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Bring back what was archived automatically.

    What the decision log has as archived by model, time or finding (one of the three) is listed; with
    --apply it becomes active again, and is never archived again without a person.
    """
    from datetime import UTC, datetime

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.cli.moments import read_moment
    from scoring.files.errors import BadInput
    from scoring.pipeline import undo as archives

    if sum(chosen is not None for chosen in (model, since, finding)) != 1:
        raise BadInput("expected one of --model, --since and --finding")
    now = datetime.now(UTC)
    first = None if since is None else read_moment(since, now, "--since")
    aws = connect_as(Options(profile=profile, region=region))
    log, analyzers = decision_log(table, aws, log_file), access_analyzer(aws) if apply else None
    done: list[Undone] = []
    try:
        with as_bad_input(f"undo from {log.name}"), progress("archives") as bar:
            found = archives.undo(log, analyzers, now=now, model=model, since=first, finding_id=finding)
            done.extend(bar.each(found))
    except BaseException:
        if done:  # they are active again, whatever has stopped it
            _print(done, output_format, is_applied=apply)
        raise
    _print(done, output_format, is_applied=apply)


def _print(done: "list[Undone]", output_format: OutputFormat, *, is_applied: bool) -> None:
    from scoring.cli.output.console import print_columns, print_records

    if output_format != "table":
        print_records(map(_record, done), output_format)
        return
    if done:
        headings = ("Archived", "Finding", "Resource", "Score", "Model", "Outcome")
        print_columns(headings, map(_row, done), numbers=["Score"], unbroken=["Finding"])
        typer.echo()
    counts = Counter(undone.outcome for undone in done)
    total = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    typer.echo(total or "no archive to bring back")
    if counts["taken"]:
        typer.echo("Taken: another run holds these findings. Run it again in some minutes.")
    if done and not is_applied:
        typer.echo("Nothing was written: --apply does it.")


def _record(undone: "Undone") -> dict[str, object]:
    import msgspec

    fields = msgspec.to_builtins(undone.archive)
    del fields["state"]
    return {**fields, "outcome": undone.outcome}


def _row(undone: "Undone") -> tuple[str, ...]:
    from scoring.explanation.words import moment

    archive = undone.archive
    return (
        moment(archive.decided_at),
        archive.finding_id,
        archive.resource,
        f"{archive.score:.1f}",
        archive.model,
        undone.outcome,
    )
