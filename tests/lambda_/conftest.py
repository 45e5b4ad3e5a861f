from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lambda_.deployment import Deployment, deployed


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    """Both handlers on the embedded AWS."""
    with deployed(monkeypatch, tmp_path) as deployment:
        yield deployment
