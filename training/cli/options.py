"""What the commands of training have in common: options, the progress on a terminal, words for a fault."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from scoring.policy.policy import Policy
    from scoring.scorecard.scorecard import Scorecard
    from training.dataset.dataset import Dataset
    from training.dataset.tasks import Workers

BAD_INPUT = 2

History = Annotated[
    list[str],
    typer.Argument(
        metavar="HISTORY...",
        help="Records as JSON lines or any other JSON, also gzipped, or Parquet; or folders of such files. "
        "- is standard input.",
        show_default=False,
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="P",
        help="A policy.toml; some features depend on it. Default: the built-in policy.",
        show_default=False,
    ),
]
Alpha = Annotated[
    float, typer.Option(metavar="A", help="At most this share of unintended findings may be archived ...")
]
Delta = Annotated[
    float, typer.Option(metavar="D", help="... but with this probability: confidence is 1 - delta.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="J", min=1, help="Processes and threads; nothing else depends on it. Default: all cores."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Dask cluster (extra: scale): tcp://host:8786, or local for one on this machine. "
        "Its workers read Parquet files themselves, under the same paths.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="M",
        help="A scorecard.json, a version's folder or a registry's; s3://bucket/prefix too.",
        show_default=False,
    ),
]


class Format(StrEnum):
    """How results are written."""

    table = "table"
    json = "json"


OutputFormat = Annotated[Format, typer.Option(help="A table for people, JSON for programs.")]


class Watch:
    """What a terminal shows while it takes long; nothing where there is none."""

    def __init__(self, progress: Any = None) -> None:
        self.progress = progress
        self.task = None if progress is None else progress.add_task("reading")

    def count(self, records: int) -> None:
        """So many more records were read."""
        if self.progress is not None:
            self.progress.update(self.task, advance=records)

    def stage(self, name: str) -> None:
        """Something else begins."""
        if self.progress is not None:
            self.progress.update(self.task, description=name)


@contextmanager
def watch() -> Iterator[Watch]:
    """Show on standard error how far it is, if that is a terminal."""
    import sys

    if not sys.stderr.isatty():
        yield Watch()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} records, {task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Watch(progress)


def cores(jobs: int | None) -> int:
    """Return how many processes to use."""
    import os

    return jobs or os.cpu_count() or 1


def workers(jobs: int | None, scheduler: str | None = None) -> "AbstractContextManager[Workers]":
    """Get together who does the work."""
    from training.dataset.parallel import workers as gather

    return gather(cores(jobs), scheduler)


def read_history(
    paths: list[str],
    policy: str | None,
    jobs: int | None,
    watching: Watch,
    cards: "Sequence[Scorecard]" = (),
    crew: "Workers | None" = None,
    *,
    unverified: bool = True,
) -> "tuple[Dataset, Policy, int]":
    """Read the history that a command was given; say each fault on standard error.

    A history in which nothing is left ends the command.

    Parameters
    ----------
    cards : sequence of Scorecard
        What is to score the findings.
    crew : Workers, optional
        Who reads; by default so many processes as there are jobs.
    unverified : bool
        Whether verdicts count of which it is not certain who gave them.

    Returns
    -------
    dataset, policy
    code : int
        The exit code: 2 where records were broken.
    """
    from scoring.files.errors import BadInput, printable
    from scoring.policy import policy as policies
    from training.dataset.dataset import BROKEN, read_dataset

    rules = policies.load(policy or policies.DEFAULT)
    with nullcontext(crew) if crew else workers(jobs) as readers:
        dataset = read_dataset(
            paths,
            rules,
            report=complain,
            cards=cards,
            unverified=unverified,
            workers=readers,
            progress=watching.count,
        )
    if not len(dataset) and dataset.counts[BROKEN]:
        raise typer.Exit(BAD_INPUT)
    if not len(dataset):
        raise BadInput("expected at least one finding with a time", where=printable(", ".join(paths)))
    return dataset, rules, BAD_INPUT if dataset.counts[BROKEN] else 0


def complain(fault: str) -> None:
    """Say a fault on standard error."""
    typer.echo(fault, err=True)
