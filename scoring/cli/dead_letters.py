"""The commands `triage dead-letters`: what could not be handled, seen and handed over again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from scoring.cli.options import DryRun, ListFormat, OutputFormat, Profile, Region

if TYPE_CHECKING:
    from scoring.aws.dead_letters import Handled, Letter, Stack
    from scoring.aws.enrich import Aws

_MOST = 1000

app = typer.Typer(
    no_args_is_help=True,
    help="See what could not be handled and waits in the dead-letter queues, and hand it over again.",
)

StackName = Annotated[
    str,
    typer.Option("--stack", metavar="NAME", envvar="TRIAGE_STACK", help="Name of the deployed stack."),
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID...]", help="Letters, as list shows them.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="All letters.")]


class _Letters(NamedTuple):
    found: "list[Letter]"
    stack: "Stack"
    aws: "Aws"


@app.command("list")
def list_letters(
    stack: StackName = "AccessTriage",
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the letters of all dead-letter queues of a stack; nothing is taken out."""
    from scoring.cli.output.console import print_columns, print_records

    with _letters(stack, profile, region) as letters:
        if output_format != "table":
            print_records(map(_record, letters.found), output_format)
            return
        if not letters.found:
            typer.echo("no dead letters")
            return
        headings = ("Since", "Queue", "What", "About", "Error", "Letter")
        rows = ((*_columns(one)[:4], _short(one.error), one.id) for one in letters.found)
        print_columns(headings, rows, unbroken=["Letter"])
        typer.echo(
            f"\n{len(letters.found)} to be looked at: triage dead-letters show ID, then replay ID --apply"
        )


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="A letter, as list shows it.")],
    stack: StackName = "AccessTriage",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show one letter whole, as JSON: why it is there, and the event in it."""
    import json

    with _letters(stack, profile, region) as letters:
        (letter,) = _chosen(letters.found, [letter_id], is_all=False)
        typer.echo(json.dumps({**_record(letter), "body": letter.body}, indent=2))


@app.command()
def replay(
    ids: Ids = None,
    all_letters: All = False,
    apply: DryRun = False,
    stack: StackName = "AccessTriage",
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Hand letters over again to what should have handled them; each then leaves its queue.

    An event that was handled meanwhile does nothing a second time. What cannot be read is kept.
    """
    _handle("replay", ids, all_letters, apply, stack, output_format, profile, region)


@app.command()
def discard(
    ids: Ids = None,
    all_letters: All = False,
    apply: DryRun = False,
    stack: StackName = "AccessTriage",
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Delete letters that nobody needs: those that replay keeps, or that fail again and again."""
    _handle("discard", ids, all_letters, apply, stack, output_format, profile, region)


def _handle(
    what: Literal["replay", "discard"],
    ids: list[str] | None,
    is_all: bool,
    is_applied: bool,
    stack: str,
    output_format: OutputFormat,
    profile: str | None,
    region: str | None,
) -> None:
    from scoring.aws import dead_letters
    from scoring.aws.errors import as_bad_input

    done: list[Handled] = []
    with _letters(stack, profile, region) as letters:
        chosen = _chosen(letters.found, ids or [], is_all=is_all)
        if not is_applied:
            _print_plan(what, chosen, output_format)
            return
        act = dead_letters.replay if what == "replay" else dead_letters.discard
        try:
            with as_bad_input(f"{what} letters of {stack}"):
                done.extend(act(chosen, letters.stack, letters.aws))
        finally:  # they have left their queues, whatever has stopped it
            _print_done(done, output_format)


@contextmanager
def _letters(name: str, profile: str | None, region: str | None) -> Iterator[_Letters]:
    from contextlib import ExitStack

    from scoring.aws import dead_letters
    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input

    aws = connect_as(Options(profile=profile, region=region))
    with ExitStack() as seen:
        with as_bad_input(f"dead letters of {name}"):
            stack = dead_letters.find_stack(name, aws)
            found = list(dead_letters.read_letters(stack, aws, most=_MOST, seen=seen))
        yield _Letters(sorted(found, key=lambda one: one.sent_at), stack, aws)


def _chosen(letters: "list[Letter]", ids: list[str], *, is_all: bool) -> "list[Letter]":
    from scoring.files.errors import BadInput

    if bool(ids) == is_all:
        raise BadInput("expected ids of letters, or --all")
    if is_all:
        return letters
    known = {one.id: one for one in letters}
    for one in ids:
        if one not in known:
            raise BadInput(
                "no letter has this id; one that somebody else reads is hidden for two minutes",
                where=one,
            )
    return [known[one] for one in dict.fromkeys(ids)]


def _print_plan(what: str, letters: "list[Letter]", output_format: OutputFormat) -> None:
    from scoring.cli.output.console import print_columns, print_records

    if output_format != "table":
        print_records(map(_record, letters), output_format)
        return
    if letters:
        headings = ("Since", "Queue", "What", "About", "Letter")
        print_columns(headings, map(_columns, letters), unbroken=["Letter"])
        typer.echo()
    typer.echo(f"{len(letters)} to {what}")
    if letters:
        typer.echo("Nothing was written: --apply does it.")


def _print_done(done: "list[Handled]", output_format: OutputFormat) -> None:
    from collections import Counter

    from scoring.cli.output.console import print_columns, print_records

    if output_format != "table":
        print_records(
            ({**_record(one.letter), "outcome": one.outcome, "why": one.why} for one in done), output_format
        )
        return
    if done:
        headings = ("Since", "Queue", "What", "About", "Letter", "Outcome")
        rows = ((*_columns(one.letter), ": ".join(filter(None, (one.outcome, one.why)))) for one in done)
        print_columns(headings, rows, unbroken=["Letter"])
        typer.echo()
    counts = Counter(one.outcome for one in done)
    typer.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no dead letters")


def _columns(letter: "Letter") -> tuple[str, ...]:
    from scoring.explanation.words import moment

    return moment(letter.sent_at), letter.queue, letter.kind, _short(letter.about), letter.id


def _short(text: str) -> str:
    from scoring.explanation.safe_text import cut, visible

    return cut(visible(text, 200), 60)


def _record(letter: "Letter") -> dict[str, object]:
    return {
        name: getattr(letter, name) for name in ("id", "queue", "sent_at", "kind", "about", "error", "event")
    }
