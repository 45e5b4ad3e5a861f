"""Training on a Dask cluster, where one machine has not the memory or takes too long.

Workers read and encode the parts of a history and put the encodings of neighbouring parts together, so that
texts are parsed and compared where they were read; numbers come back, some hundred bytes a finding. The
search for keys runs there too, by joblib's backend for Dask.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import joblib
from distributed import Client, Future, LocalCluster
from distributed.comm import get_address_host_port, parse_address

from scoring.features.features import VERSION
from scoring.files.errors import BadInput, printable
from training.dataset.rows import Batch, join_batches
from training.dataset.tasks import AHEAD, Task, in_order, starting_processes

LOCAL: Final = "local"
# So many neighbouring batches are put together on a worker before they come back.
TOGETHER: Final = 16
PATIENCE: Final = 10
"""Seconds until a scheduler or a worker has to answer."""
OPTION: Final = "--scheduler"
# What goes wrong comes as an exception; the log would add what follows from it.
QUIET: Final = logging.CRITICAL


class Cluster:
    """Does tasks on a Dask cluster."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def run(self, tasks: Iterable[Task | Batch]) -> Iterator[Batch]:
        """Yield batches, each of several tasks, in the order of the tasks."""
        ahead = 1 + AHEAD * sum(self.client.nthreads().values()) // TOGETHER
        yield from in_order(self._submit, self._joined(tasks), ahead)

    def _joined(self, tasks: Iterable[Task | Batch]) -> Iterator[Task]:
        group: list[Batch | Future] = []
        for task in tasks:
            group.append(self._submit(task.function, *task.arguments) if isinstance(task, Task) else task)
            if len(group) == TOGETHER:
                yield Task(join_batches, tuple(group))
                group = []
        if group:
            yield Task(join_batches, tuple(group))

    def _submit(self, function: Any, *arguments: Any) -> Future:
        return self.client.submit(function, *arguments, pure=False)


@contextmanager
def cluster(scheduler: str, jobs: int) -> Iterator[Cluster]:
    """Connect to a cluster; joblib works there as long as the context is open.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, as ``tcp://host:8786``, or ``local`` for a cluster on this machine that
        ends with the context.
    jobs : int
        Workers of the local cluster.

    Raises
    ------
    BadInput
        The address is none, nobody answers there, or the workers do not have this version.
    """
    logging.getLogger("distributed").setLevel(QUIET)
    with _client(scheduler, jobs) as client:
        _check_workers(client, scheduler)
        with joblib.parallel_config("dask", client=client):
            yield Cluster(client)


@contextmanager
def _client(scheduler: str, jobs: int) -> Iterator[Client]:
    if scheduler == LOCAL:
        with starting_processes():
            here = LocalCluster(jobs, threads_per_worker=1, dashboard_address=None, silence_logs=QUIET)
        with here, Client(here, set_as_default=False) as client:
            yield client
        return
    _reach(scheduler)
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        problem = f"no Dask scheduler answers there: {printable(str(error))}"
        raise BadInput(problem, field=OPTION, value=scheduler) from None
    with client:
        yield client


def _reach(scheduler: str) -> None:
    """Make sure that somebody listens; a client that cannot connect says more than one line."""
    expected = f"expected an address such as tcp://host:8786, or {LOCAL}"
    try:
        scheme, _ = parse_address(scheduler)
        host, port = get_address_host_port(scheduler, strict=True)
        if scheme not in ("tcp", "tls"):
            raise ValueError(scheme)
    except ValueError:
        raise BadInput(expected, field=OPTION, value=scheduler) from None
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        problem = f"the scheduler cannot be reached: {printable(str(error))}"
        raise BadInput(problem, field=OPTION, value=scheduler) from None


def _check_workers(client: Client, scheduler: str) -> None:
    """Make sure that workers are there and see the features that this machine sees."""
    expected = f"expected workers with this version of access-triage (features {VERSION})"
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        versions = set(client.run(_version).values())
    except (OSError, ImportError) as error:
        raise BadInput(f"{expected}: {printable(str(error))}", field=OPTION, value=scheduler) from None
    if versions != {VERSION}:
        others = ", ".join(sorted(map(str, versions - {VERSION})))
        raise BadInput(f"{expected}; some have {others}", field=OPTION, value=scheduler)


def _version() -> object:
    return VERSION
