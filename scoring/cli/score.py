"""The commands `triage score` and `triage explain`: findings from a file, without touching AWS."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from scoring.files.errors import BadInput

T = TypeVar("T")

BAD_INPUT = 2


class Format(StrEnum):
    """How decisions are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Page(StrEnum):
    """How an explanation is written."""

    text = "text"
    html = "html"
    json = "json"


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-",
        help="Findings as AWS gives them, or records; JSON or JSON lines, also gzipped. - is standard input.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="A scorecard.json, a version's folder or a registry's folder. Default: the built-in card.",
        show_default=False,
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy", metavar="P", help="A policy.toml. Default: the built-in policy.", show_default=False
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        metavar="T", help="Points; below it a finding is archived. Default: the model's.", show_default=False
    ),
]


def score(
    file: File,
    model: Model = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="A table for people, also in a pipe; the others for programs.")
    ] = Format.table,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Write to this file, when all is done. Default: standard output.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad record, and leave no output file behind.")
    ] = False,
) -> None:
    """Score findings from a file: one decision each, in their order.

    A record that cannot be read is named on standard error; the others are still scored, and the exit code is
    then 2. AWS is not asked and not told anything.
    """
    from scoring.cli.output.decisions import WRITERS
    from scoring.decision.settings import decide_all, load_settings
    from scoring.files.json_file import check
    from scoring.files.output_file import destination
    from scoring.findings.cases import Cases

    settings = load_settings(model, policy, threshold)
    check(file)
    cases = Cases(file, _complain, is_strict=strict)
    with destination(output, (file, model, policy)) as out:
        decided = decide_all(_watched(cases, is_shown=output is not None), settings)
        WRITERS[format](decided, out, settings.policy)
        if strict and cases.faults:
            out.flush()
            raise typer.Exit(BAD_INPUT)
    raise typer.Exit(BAD_INPUT if cases.faults else 0)


def explain(
    file: File,
    finding_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="Only the finding with this id. Default: all, one after the other.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    format: Annotated[  # noqa: A002 - the option's name
        Page,
        typer.Option(
            help="Text, one HTML page, or JSON: a line for each decision, with the finding's facts."
        ),
    ] = Page.text,
) -> None:
    """Explain decisions as the alerts do."""
    import sys

    from scoring.cli.output.explanations import WRITERS
    from scoring.decision.settings import decide_all, load_settings
    from scoring.files.errors import BadInput
    from scoring.findings.cases import Cases

    settings = load_settings(model, policy, threshold)
    cases = Cases(file, _complain)
    chosen = (case for case in cases if finding_id is None or case.finding.id == finding_id)
    found = WRITERS[format](decide_all(chosen, settings), sys.stdout, settings.policy)
    if finding_id is not None and not found:
        raise BadInput(
            "expected the id of a finding in this file", field="--id", value=finding_id, where=file
        )
    raise typer.Exit(BAD_INPUT if cases.faults else 0)


def _complain(error: "BadInput") -> None:
    typer.echo(str(error), err=True)


def _watched(cases: Iterable[T], *, is_shown: bool) -> Iterable[T]:
    """Show on a terminal how far it is, where the results do not go there too."""
    import sys

    return _counted(cases) if sys.stderr.isatty() and (is_shown or not sys.stdout.isatty()) else cases


def _counted(cases: Iterable[T]) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} findings"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        for count, case in enumerate(cases):
            if count % 1000 == 0:
                progress.update(task, completed=count)
            yield case
