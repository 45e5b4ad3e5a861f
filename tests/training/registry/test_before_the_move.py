"""Models that were trained before the folders were moved are read as ever.

``before_the_move`` was written by the commands as they were then: a registry with two versions, the
first of them current; later records; and what the second version decided on these under the policy.
"""

import gzip
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from scoring.files.errors import BadInput
from tests.live_aws import Run
from training.registry.registry import Registry
from training.registry.stores import FolderStore
from training.registry.version import load_training

STORED = Path(__file__).parent / "before_the_move"
RECORDS, POLICY = STORED / "records.jsonl.gz", STORED / "policy.toml"
FIRST, SECOND = "2026-03-18-c3edcb16", "2026-04-09-cad794b8"
FILES = ["card.md", "metrics.json", "report.html", "scorecard.json", "test.parquet", "training.joblib"]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    with zipfile.ZipFile(STORED / "models.zip") as packed:
        packed.extractall(tmp_path / "models")
    return tmp_path / "models"


def test_a_model_decides_as_it_did_or_leaves_it_to_a_person(run: Run, stored: Path) -> None:
    """Facts are read more carefully since then: what was archived may alert, never the other way round."""
    result = run("score", RECORDS, "--model", stored / SECOND, "--policy", POLICY, "--format", "jsonl")
    assert (result.code, result.err) == (0, "")
    stored_text = gzip.decompress((STORED / "decisions.jsonl.gz").read_bytes()).decode()
    then, now = ([json.loads(line) for line in text.splitlines()] for text in (stored_text, result.out))
    assert len(then) == len(now) == 60
    assert {one["outcome"] for one in then} == {"archive", "alert", "skip"}
    same = 0
    for before, after in zip(then, now, strict=True):
        assert before.keys() <= after.keys()
        for key in ("finding_id", "resource", "finding_type", "threshold", "model"):
            assert before[key] == after[key]
        same += before["outcome"] == after["outcome"]
        assert (before["outcome"], after["outcome"]) in {
            (before["outcome"], before["outcome"]),
            ("archive", "alert"),
        }
        if after["outcome"] != "skip":
            points = sum(Decimal(str(one["points"])) for one in after["contributions"])
            assert Decimal(str(after["base"])) + points == Decimal(str(after["score"]))
    assert same >= 57


def test_models_are_compared_as_they_were(run: Run, stored: Path) -> None:
    models = ("--model", stored / SECOND, "--against", stored)
    result = run("backtest", RECORDS, *models, "--policy", POLICY, "--format", "json")
    assert (result.code, result.err) == (0, "")
    then, now = json.loads((STORED / "backtest.json").read_text()), json.loads(result.out)
    assert then.keys() <= now.keys()
    for before, after in zip(then["models"], now["models"], strict=True):
        assert before.keys() <= after.keys()
        assert (before["model"], before["threshold"]) == (after["model"], after["threshold"])
        assert after["archived"] <= before["archived"]


def test_the_registry_goes_on(run: Run, stored: Path) -> None:
    listed = json.loads(run("models", "list", stored, "--format", "json").out)
    assert [(one["version"], one["current"]) for one in listed] == [(FIRST, True), (SECOND, False)]
    assert [one["threshold"] for one in listed] == [42.9, 45.8]
    assert run("models", "show", stored).out == (stored / FIRST / "card.md").read_text()
    promoted = run("models", "promote", stored, SECOND)
    assert (promoted.code, promoted.out) == (0, f"{SECOND} is current, {FIRST} before\n")
    assert run("models", "rollback", stored).out == f"{FIRST} is current, {SECOND} no longer\n"
    found = Registry(FolderStore(stored))
    assert sorted(found.version(SECOND).digests) == FILES
    found.verify(SECOND)


def test_the_next_version_is_trained_and_compared_with_it(run: Run, stored: Path, tmp_path: Path) -> None:
    result = run("train", RECORDS, "--out", stored, "--prior", stored, "--policy", POLICY)
    assert (result.code, result.err) == (0, "")
    assert f"the current version is {FIRST}; triage models promote" in result.out
    assert run("tune", RECORDS, "--model", stored / SECOND).code == 0


def test_what_notebooks_load_is_of_one_release(stored: Path) -> None:
    """It holds classes, which have moved since."""
    with pytest.raises(BadInput) as caught:
        load_training(Registry(FolderStore(stored)), SECOND)
    assert str(caught.value) == (
        f"{stored}/{SECOND}/training.joblib: was written by another release of access-triage: "
        "train again to open it; the scorecard still works"
    )
