"""Encode the parts of a history: in this process, in several, or on a Dask cluster, by joblib.

Batches come in the order of the parts, so that the result is the same wherever they were encoded.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import joblib
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from scoring.features.features import VERSION
from scoring.files.errors import BadInput, printable
from training.dataset.rows import Batch

if TYPE_CHECKING:
    from distributed import Client

FEW: Final = 8
"""So many parts are encoded sooner than processes are started."""
LOCAL: Final = "local"
PATIENCE: Final = 10
"""Seconds until a scheduler or a worker has to answer."""
OPTION: Final = "--scheduler"


class Part(partial[Batch]):
    """A part of a history: the call that encodes it, which can be made in any process."""


class StreamPart(partial[Batch]):
    """A part that this process has to encode, since it reads a stream to its end."""


Executor: TypeAlias = Callable[[Iterable[Part | StreamPart]], Iterator[Batch]]
"""Encodes parts and yields the batches in their order; parts are taken as they are needed."""


@contextmanager
def executor(jobs: int = 1, scheduler: str | None = None) -> Iterator[Executor]:
    """Open an executor: this process, several processes, or a cluster.

    Parameters
    ----------
    jobs : int
        Processes of this machine.
    scheduler : str, optional
        Address of a Dask scheduler, as ``tcp://host:8786``, or ``local`` for a cluster on this machine that
        ends with the context. As long as the context is open all of joblib works there.

    Raises
    ------
    BadInput
        The cluster cannot be reached, its workers do not have this version, or Dask is not installed.
    """
    if scheduler is None:
        yield partial(in_processes, jobs) if jobs > 1 else one_by_one
        return
    with _connect(scheduler, jobs) as client:
        _check_workers(client, scheduler)
        with joblib.parallel_config("dask", client=client):
            yield partial(in_parallel, in_order())


def one_by_one(parts: Iterable[Part | StreamPart]) -> Iterator[Batch]:
    """Encode parts in this process."""
    for part in parts:
        yield part()


def in_processes(jobs: int, parts: Iterable[Part | StreamPart]) -> Iterator[Batch]:
    """Encode parts in processes that end with the last part; few parts in this process."""
    parts = iter(parts)
    first = list(islice(parts, FEW))
    if len(first) < FEW:
        yield from one_by_one(first)
        return
    parallel = in_order(n_jobs=jobs, backend="loky")
    with _ignoring_interrupts():
        list(parallel([delayed(int)()]))
    try:
        yield from in_parallel(parallel, chain(first, parts))
    finally:
        get_reusable_executor(reuse=True).shutdown()


def in_parallel(parallel: Parallel, parts: Iterable[Part | StreamPart]) -> Iterator[Batch]:
    """Encode parts by joblib.

    Parameters
    ----------
    parallel : Parallel
        Gives its results as a generator, in order.

    Raises
    ------
    BadInput
        A part cannot be read. The batches before it are yielded first.
    """
    streams: deque[StreamPart] = deque()

    def calls() -> Iterator[Any]:
        try:
            for part in parts:
                if isinstance(part, StreamPart):
                    streams.append(part)
                    yield delayed(_encode)(None)
                else:
                    yield delayed(_encode)(part)
        except BadInput as error:
            yield delayed(_encode)(error)

    results = parallel(calls())
    try:
        for result in results:
            if isinstance(result, BadInput):
                raise result
            yield streams.popleft()() if result is None else result
    finally:
        # joblib warns of results that are not used: after an interrupt or a fault that is no news.
        with warnings.catch_warnings(action="ignore"):
            results.close()


def _encode(part: Part | BadInput | None) -> Batch | BadInput | None:
    """Encode a part; return a fault, so that it comes in its turn, and whatever is no part."""
    if not isinstance(part, Part):
        return part
    try:
        return part()
    except BadInput as error:
        return error


def in_order(**options: Any) -> Parallel:
    """Return joblib's Parallel, which gives results one after the other, in the order of the calls.

    Two calls are ahead for each process or thread: none runs dry, and little is held in memory. With more of
    them an interrupt would not end the processes without a word: their executor stumbles over calls that
    still wait in the parent.
    """
    return Parallel(return_as="generator", pre_dispatch="2 * n_jobs", batch_size=1, **options)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Let processes that are started in this block ignore an interrupt, which they inherit: we end them.

    This process ignores interrupts meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# The cluster.


@contextmanager
def _connect(scheduler: str, jobs: int) -> Iterator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        expected = f"expected the extra scale to be installed; there is no package {error.name}"
        raise BadInput(expected, field=OPTION, value=scheduler) from None
    # What goes wrong comes as an exception; the log would add what follows from it.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if scheduler == LOCAL:
        quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
        with _ignoring_interrupts():
            cluster = LocalCluster(jobs, threads_per_worker=1, **quiet)
        with cluster, Client(cluster, set_as_default=False) as client:
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
    from distributed.comm import get_address_host_port, parse_address

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
