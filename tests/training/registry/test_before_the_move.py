"""Models that were trained before the folders were moved are read as ever.

``before_the_move`` was written by the commands as they were then: a registry with two versions, the
first of them current; later records; and what the second version decided on these under the policy.
"""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

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
# What a decision says in words may be said better.
WORDS = {"text", "reason", "note"}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    with zipfile.ZipFile(STORED / "models.zip") as packed:
        packed.extractall(tmp_path / "models")
    return tmp_path / "models"


def assert_kept(then: Any, now: Any, place: str = "") -> None:
    """All that was there is there, and the same; further keys are welcome."""
    if isinstance(then, dict):
        assert then.keys() <= now.keys(), place
        for key in then.keys() - WORDS:
            assert_kept(then[key], now[key], f"{place}.{key}")
    elif isinstance(then, list):
        assert len(then) == len(now), place
        for number, pair in enumerate(zip(then, now, strict=True)):
            assert_kept(*pair, f"{place}[{number}]")
    else:
        assert then == now, place


def test_a_model_decides_as_it_did(run: Run, stored: Path) -> None:
    result = run("score", RECORDS, "--model", stored / SECOND, "--policy", POLICY, "--format", "jsonl")
    assert (result.code, result.err) == (0, "")
    then = gzip.decompress((STORED / "decisions.jsonl.gz").read_bytes()).decode().splitlines()
    now = result.out.splitlines()
    assert len(then) == len(now) == 60
    assert {json.loads(line)["outcome"] for line in then} == {"archive", "alert", "skip"}
    for number, (before, after) in enumerate(zip(then, now, strict=True), 1):
        assert_kept(json.loads(before), json.loads(after), f"line {number}")


def test_models_are_compared_as_they_were(run: Run, stored: Path) -> None:
    models = ("--model", stored / SECOND, "--against", stored)
    result = run("backtest", RECORDS, *models, "--policy", POLICY, "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert_kept(json.loads((STORED / "backtest.json").read_text()), json.loads(result.out))


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
