"""What a history cannot promise: the command says why, and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from scoring.scorecard import formats
from tests.live_aws import Run
from tests.training.histories import Record, scores, write
from training.simulate import simulate


@pytest.fixture(scope="module")
def alerts_reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history where analysts gave verdicts only on what the built-in card alerts on."""
    records: list[Record] = [one.record for one in simulate(600, seed=9, labelled=1.0, rate=0.3)]
    card = formats.load()
    points = scores(card, records)
    cut = sorted(points)[len(points) // 2]
    for one, score in zip(records, points, strict=True):
        if score < cut:
            one.pop("label", None)
    return Path(write(tmp_path_factory.mktemp("history") / "history.jsonl", records))


def trained(run: Run, history: Path, out: Path, *more: Any) -> tuple[str, dict[str, Any], str]:
    result = run("train", history, "--out", out, "--test-share", 0, *more)
    assert result.code == 0, result.err
    version = out / (out / "current").read_text().strip()
    return result.out, json.loads((version / "metrics.json").read_text()), (version / "card.md").read_text()


def test_verdicts_on_alerts_alone_set_no_threshold(run: Run, alerts_reviewed: Path, tmp_path: Path) -> None:
    said, metrics, card = trained(run, alerts_reviewed, tmp_path / "m")
    gate = next(one for one in metrics["gates"] if one["name"] == "verdicts-independent-of-score")
    assert not gate["passed"]
    assert metrics["threshold"]["value"] is None
    assert "No threshold: nothing is archived" in said
    assert "drawn by lot" in " ".join(said.split())
    assert "drawn by lot" in " ".join(card.split())

    said, metrics, card = trained(
        run, alerts_reviewed, tmp_path / "accepted", "--accept", "verdicts-independent-of-score"
    )
    assert metrics["threshold"]["value"] is not None
    assert next(one for one in metrics["gates"] if one["name"] == gate["name"])["accepted"]
    assert "Accepted although shut, by --accept verdicts-independent-of-score" in " ".join(card.split())


def test_a_gate_that_does_not_exist_is_refused(run: Run, alerts_reviewed: Path, tmp_path: Path) -> None:
    result = run("train", alerts_reviewed, "--out", tmp_path / "m", "--accept", "everything")
    assert result.code == 2
    assert "--accept" in result.err
    assert "no-drift" in result.err
