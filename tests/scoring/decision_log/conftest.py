"""The decision log in each of its storages."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws
from scoring.decision_log import table
from scoring.decision_log.dynamodb import DynamoDb
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.sqlite import Sqlite
from scoring.decision_log.storage import Storage

numbers = itertools.count()


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def dynamodb(aws: EmbeddedAws) -> DynamoDb:
    client, name = aws.client("dynamodb"), f"log-{next(numbers)}"
    table.create(client, name)
    return DynamoDb(client, name)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Sqlite]:
    storage = Sqlite(tmp_path / "log.sqlite", create=True)
    yield storage
    storage.close()


@pytest.fixture(params=["dynamodb", "sqlite"])
def storage(request: Any) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def log(storage: Storage) -> DecisionLog:
    return DecisionLog(storage)
