"""Work that falls into parts, and those who do it.

Results come in the order of the tasks, whoever does them; so what is made of them depends on nobody.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

from training.dataset.rows import Batch

AHEAD: Final = 3
"""So many tasks wait for each process or thread: it never runs dry, and little is held in memory."""


class Task(NamedTuple):
    """Something that gives a batch, and can be done elsewhere."""

    function: Callable[..., Batch]
    arguments: tuple[Any, ...]

    def __call__(self) -> Batch:
        """Do it here."""
        return self.function(*self.arguments)


class Workers(Protocol):
    """Do tasks."""

    def run(self, tasks: Iterable[Task | Batch]) -> Iterator[Batch]:
        """Yield the batches in the order of the tasks.

        Tasks are taken as they are needed; what is a batch already is passed on.
        """
        ...


class Here:
    """Does tasks one after the other, in this process."""

    def run(self, tasks: Iterable[Task | Batch]) -> Iterator[Batch]:
        """Yield the batches in the order of the tasks."""
        for task in tasks:
            yield task() if isinstance(task, Task) else task


def in_order(submit: Callable[..., Any], tasks: Iterable[Task | Batch], ahead: int) -> Iterator[Batch]:
    """Submit tasks, at most so many ahead of the one that is waited for, and yield their results in order.

    Parameters
    ----------
    submit : callable
        Takes a function and its arguments, and returns a future.
    """
    waiting: deque[Any] = deque()
    try:
        for task in tasks:
            waiting.append(submit(task.function, *task.arguments) if isinstance(task, Task) else task)
            if len(waiting) > ahead:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    finally:
        # Something went wrong, or somebody has interrupted: nobody waits for the others any more.
        for future in waiting:
            if not isinstance(future, Batch):
                future.cancel()


@contextmanager
def starting_processes() -> Iterator[None]:
    """Have the processes that are started here ignore an interrupt: who has started them ends them.

    They inherit that. This process ignores interrupts meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(done: Any) -> Batch:
    batch: Batch = done if isinstance(done, Batch) else done.result()
    return batch
