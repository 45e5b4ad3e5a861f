"""What the commands of training have in common: options, and reading a history."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.faults import Faults

if TYPE_CHECKING:
    from scoring.cli.progress import ProgressBar
    from scoring.policy.policy import Policy
    from scoring.scorecard.scorecard import Scorecard
    from training.dataset.dataset import Dataset
    from training.dataset.parallel import Executor

History = Annotated[
    list[str],
    typer.Argument(
        metavar="HISTORY...",
        help="Records as JSON lines or any other JSON, also gzipped, or Parquet; or folders of such files. "
        "- is standard input.",
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


def cores(jobs: int | None) -> int:
    """Return how many processes to use."""
    import os

    return jobs or os.cpu_count() or 1


def open_executor(jobs: int | None, scheduler: str | None = None) -> "AbstractContextManager[Executor]":
    """Get ready who reads: processes of this machine, or a Dask cluster."""
    from training.dataset.parallel import executor

    return executor(cores(jobs), scheduler)


def read_history(
    paths: list[str],
    policy: str | None,
    jobs: int | None,
    bar: "ProgressBar",
    faults: Faults,
    cards: "Sequence[Scorecard]" = (),
    executor: "Executor | None" = None,
    *,
    unverified: bool = True,
) -> "tuple[Dataset, Policy]":
    """Read the history that a command was given; say each fault on standard error.

    A history in which nothing is left ends the command.

    Parameters
    ----------
    bar : ProgressBar
        Counts the records.
    faults : Faults
        Takes the records that cannot be read.
    cards : sequence of Scorecard
        What is to score the findings.
    executor : callable, optional
        Who reads; by default so many processes as there are jobs.
    unverified : bool
        Whether verdicts count of which it is not certain who gave them.

    Returns
    -------
    dataset, policy
    """
    from scoring.files.errors import BadInput, printable
    from scoring.policy import policy as policies
    from training.dataset.dataset import read_dataset

    rules = policies.load(policy or policies.DEFAULT)
    with nullcontext(executor) if executor else open_executor(jobs) as readers:
        dataset = read_dataset(
            paths,
            rules,
            report=faults,
            cards=cards,
            unverified=unverified,
            executor=readers,
            progress=bar.add,
        )
    if not len(dataset) and faults.count:
        raise faults.exit()
    if not len(dataset):
        raise BadInput("expected at least one finding with a time", where=printable(", ".join(paths)))
    return dataset, rules
