"""Who does the work: this process, some processes beside it, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Final

from joblib.externals.loky import ProcessPoolExecutor

from scoring.files.errors import BadInput
from training.dataset.rows import Batch
from training.dataset.tasks import AHEAD, Here, Task, Workers, in_order, starting_processes

FEW: Final = 8
"""So many tasks are done sooner than processes are started."""


class Processes:
    """Do tasks in processes that end with the last of them."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, tasks: Iterable[Task | Batch]) -> Iterator[Batch]:
        """Yield the batches in the order of the tasks."""
        tasks = iter(tasks)
        some = list(islice(tasks, FEW))
        if len(some) < FEW:
            yield from Here().run(some)
            return
        with ProcessPoolExecutor(self.jobs) as pool:
            with starting_processes():
                pool.submit(int)
            yield from in_order(pool.submit, chain(some, tasks), AHEAD * self.jobs)


@contextmanager
def workers(jobs: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """Get workers together.

    Parameters
    ----------
    jobs : int
        Processes of this machine.
    scheduler : str, optional
        See `training.dataset.cluster.cluster`. While the context is open joblib works there too.

    Raises
    ------
    BadInput
        The cluster cannot be reached, or Dask is not installed.
    """
    if scheduler is None:
        yield Processes(jobs) if jobs > 1 else Here()
        return
    try:
        from training.dataset.cluster import cluster
    except ModuleNotFoundError as error:
        expected = f"expected the extra scale to be installed; there is no package {error.name}"
        raise BadInput(expected, field="--scheduler", value=scheduler) from None
    with cluster(scheduler, jobs) as found:
        yield found
