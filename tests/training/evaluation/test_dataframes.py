"""Tidy DataFrames say what the decisions say."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from scoring.decision.settings import load_settings
from training.dataset.dataset import read_dataset
from training.evaluation.dataframes import (
    CONTRIBUTION,
    DECISION,
    decide_history,
    findings_table,
    history_or_simulated,
)
from training.simulate import simulate


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("history") / "history.jsonl"
    file.write_text("".join(json.dumps(one.record) + "\n" for one in simulate(200, seed=4)))
    return str(file)


def test_contributions_add_up_to_the_scores(path: str) -> None:
    settings = load_settings()
    decisions, contributions = decide_history([path], settings)
    base = Decimal(settings.card.base) / 10
    sums = contributions.groupby("finding_id")["points"].agg(lambda some: sum(map(Decimal, map(str, some))))

    assert list(decisions.columns) == DECISION
    assert list(contributions.columns) == CONTRIBUTION
    for row in decisions.itertuples():
        assert base + sums.get(row.finding_id, 0) == Decimal(str(row.score))


def test_a_finding_is_decided_on_as_it_was_when_it_came_up(path: str) -> None:
    decisions, _ = decide_history([path], load_settings())
    assert set(decisions["reason"].str.extract("^already (.*)")[0].dropna()) == set()


def test_findings_carry_their_verdicts_and_features(path: str) -> None:
    dataset = read_dataset([path], report=pytest.fail)
    table = findings_table(dataset)

    assert len(table) == len(dataset)
    assert (table["verdict"] == "unintended").sum() == dataset.unintended.sum()
    assert table["found"].is_monotonic_increasing
    assert str(table["found"].dt.tz) == "UTC"
    assert set(dataset.X.columns) <= set(table.columns)


def test_a_history_that_is_given_is_taken(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evaluation.dataframes.gettempdir", lambda: str(tmp_path))
    made = history_or_simulated(findings=5)

    assert history_or_simulated(path) == path
    assert Path(made).read_text().count("\n") == 5
