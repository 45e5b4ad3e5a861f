"""Items of older versions are read, those of newer ones refused, and nothing is changed."""

from typing import Any

import pytest

from scoring.decision_log import cursor, schema
from scoring.decision_log.cursor import SummaryCursor
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.schema import SCHEMA
from scoring.decision_log.storage import Put
from scoring.files.errors import BadInput


def put(log: DecisionLog, **more: Any) -> None:
    finding_id, item = SummaryCursor.KEY
    log.storage.write([Put(item={"finding_id": finding_id, "item": item, "until": "2026-11-01", **more})])


@pytest.mark.parametrize("number", [{}, *({"schema": one} for one in range(SCHEMA + 1))])
def test_what_an_older_version_wrote_is_read(log: DecisionLog, number: dict[str, int]) -> None:
    put(log, **number)
    assert cursor.read(log, SummaryCursor).until == "2026-11-01"


@pytest.mark.parametrize("number", [SCHEMA + 1, -1, "1", None])
def test_what_a_newer_version_wrote_is_refused_by_name(log: DecisionLog, number: object) -> None:
    put(log, schema=number)
    before = log.storage.get(SummaryCursor.KEY)
    with pytest.raises(BadInput, match=r"decision log: summary progress.*schema"):
        cursor.read(log, SummaryCursor)
    assert log.storage.get(SummaryCursor.KEY) == before


def test_each_recipe_is_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = (lambda item: item | {"steps": "a"}, lambda item: item | {"steps": item["steps"] + "b"})
    monkeypatch.setattr(schema, "RECIPES", recipes)
    monkeypatch.setattr(schema, "SCHEMA", len(recipes))
    assert schema.upgraded({})["steps"] == "ab"
    assert schema.upgraded({"schema": 1, "steps": "-"})["steps"] == "-b"
    assert "steps" not in schema.upgraded({"schema": 2})
