from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.services.delivery import Handler
from handlers import single
from tests.lambda_.deployment import Deployment, deployed


@pytest.fixture
def wiring() -> Handler:
    """How the four steps are wired: in one function, unless a test is marked with `workflow.both_wirings`."""
    return single.handler


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wiring: Handler) -> Iterator[Deployment]:
    """One wiring and the scheduled handler on the embedded AWS."""
    with deployed(monkeypatch, tmp_path, wiring) as deployment:
        yield deployment
