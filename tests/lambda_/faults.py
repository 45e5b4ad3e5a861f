"""What can go wrong with a call to AWS: the process dies before or after it, or AWS answers with an error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

Call = tuple[str, str]
"""Service and operation."""


class Crash(BaseException):
    """The process is dead."""


@contextmanager
def calls(around: Callable[[Call, Callable[[], Any]], Any]) -> Iterator[list[Call]]:
    """Let `around` make every call of any boto3 client inside the block; yields what was called."""
    make = BaseClient._make_api_call
    made: list[Call] = []

    def call(client: BaseClient, operation: str, parameters: Any) -> Any:
        name = (client.meta.service_model.service_name, operation)
        made.append(name)
        return around(name, lambda: make(client, operation, parameters))

    with patch.object(BaseClient, "_make_api_call", call):
        yield made


@contextmanager
def counted() -> Iterator[list[Call]]:
    """Let every call be made."""
    with calls(lambda _, make: make()) as made:
        yield made


@contextmanager
def crash(number: int, *, after: bool) -> Iterator[list[Call]]:
    """Let the process die at the call of a number, before it is made or when it has just been answered.

    Yields the calls, the last one being that at which it died; there are fewer if it did not come so far.
    """
    seen: list[Call] = []

    def around(name: Call, make: Callable[[], Any]) -> Any:
        if len(seen) == number:
            raise Crash
        seen.append(name)
        if len(seen) == number and not after:
            raise Crash
        answer = make()
        if len(seen) == number:
            raise Crash
        return answer

    with calls(around):
        try:
            yield seen
        except Crash:
            return


@contextmanager
def refused(call: Call, error: Exception) -> Iterator[None]:
    """Let AWS answer all calls of an operation with an error."""

    def around(name: Call, make: Callable[[], Any]) -> Any:
        if name == call:
            raise error
        return make()

    with calls(around):
        yield
