"""The command `triage undo`: brings back what was archived automatically."""

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.scan.command import Profile, Region, Table

if TYPE_CHECKING:
    from scoring.pipeline.undo import Undone


class Form(StrEnum):
    """How archives are written."""

    table = "table"
    jsonl = "jsonl"


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
    table: Table = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make them active again; without this it is a dry run.")
    ] = False,
    format: Annotated[Form, typer.Option(help="For people, or for programs.")] = Form.table,  # noqa: A002
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Bring back what was archived automatically.

    What stands in the decision log as archived by model, time or finding (one of the three) is listed; with
    --apply it becomes active again, and is never archived again without a person.
    """
    from datetime import UTC, datetime

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.cli.moments import read_moment
    from scoring.cli.options import decision_log, writers
    from scoring.files.errors import BadInput
    from scoring.pipeline import undo as archives

    if sum(chosen is not None for chosen in (model, since, finding)) != 1:
        raise BadInput("expected one of --model, --since and --finding")
    if not table:
        raise BadInput("expected the decision log's table (or TRIAGE_TABLE)", field="--table")
    now = datetime.now(UTC)
    first = None if since is None else read_moment(since, now, "--since")
    aws = connect_as(Options(profile=profile, region=region))
    with as_bad_input(f"undo from {table}"):
        log = decision_log(table, aws)
        done = archives.undo(
            log, writers(aws) if apply else None, now=now, model=model, since=first, finding_id=finding
        )
        _print(list(done), format, is_applied=apply)


def _print(done: "list[Undone]", form: Form, *, is_applied: bool) -> None:
    import msgspec

    from scoring.cli.output.table import columns
    from scoring.explanation.safe_text import shown_json

    if form is Form.jsonl:
        for undone in done:
            fields = msgspec.to_builtins(undone.archive)
            del fields["mark"]
            typer.echo(shown_json(msgspec.json.encode({**fields, "outcome": undone.outcome})))
        return
    if done:
        headings = ("Archived", "Finding", "Resource", "Score", "Model", "Outcome")
        typer.echo(columns(headings, [_row(undone) for undone in done]))
    counts = Counter(undone.outcome for undone in done)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no archive to bring back"
    typer.echo(f"\n{told}" if done else told)
    if counts["taken"]:
        typer.echo("What is taken somebody else is at work on: run it again in some minutes.")
    if done and not is_applied:
        typer.echo("Nothing was written: --apply does it.")


def _row(undone: "Undone") -> tuple[str, ...]:
    archive = undone.archive
    return (
        archive.decided_at[:19] + "Z",
        archive.finding_id,
        archive.resource,
        f"{archive.score:.1f}",
        archive.model,
        undone.outcome,
    )
