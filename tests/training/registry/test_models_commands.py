"""`triage models`: the gate before a version becomes current, the way back, and what is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.scorecard import formats
from scoring.scorecard.formats import to_json
from tests.live_aws import Run
from tests.training.histories import copy_of, record, write
from training.registry.promotion import broken_guarantee
from training.registry.registry import Registry
from training.registry.stores import BucketStore, FolderStore


def candidate(
    registry: Path,
    version: Path,
    name: str,
    change: Callable[[dict[str, Any]], None] | None = None,
    held_out: bytes | None = None,
    **metrics: Any,
) -> None:
    """Put a version beside the current one that differs from it in its scorecard or its metrics."""
    files = {path.name: path.read_bytes() for path in version.iterdir() if path.name != "manifest.json"}
    if change is not None:
        card = json.loads(files["scorecard.json"])
        change(card)
        files["scorecard.json"] = to_json(formats.from_json(json.dumps(card))).encode()
    if held_out is not None:
        files["test.parquet"] = held_out
    found = json.loads(files["metrics.json"])
    files["metrics.json"] = json.dumps(found | metrics).encode()
    Registry(FolderStore(registry)).add(name, files)


@pytest.fixture
def copied(registry: Path, tmp_path: Path) -> Path:
    return copy_of(registry, tmp_path)


def upside_down(card: dict[str, Any]) -> None:
    """Give what is trusted least the fewest points."""
    card["table"] = [table for table in card["table"] if table["key"] == ["trust"]]
    card.pop("seen_in", None)
    points = card["table"][0]["points"]
    worst = card["table"][0]["unknown"]
    card["table"][0]["points"] = {name: worst - value for name, value in points.items()}
    card["table"][0]["unknown"] = 10_000
    card["table"][0].pop("evidence", None)


def test_an_equal_candidate_is_promoted(run: Run, copied: Path, version: Path) -> None:
    candidate(copied, version, "equal")
    result = run("models", "promote", copied, "equal")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"equal is current, {version.name} before\n"
    assert (copied / "current").read_text() == "equal\n"
    assert run("models", "rollback", copied).out == f"{version.name} is current, equal no longer\n"
    assert (copied / "current").read_text() == f"{version.name}\n"
    assert run("models", "rollback", copied).code == 2


def test_a_candidate_that_ranks_worse_is_refused_unless_forced(run: Run, copied: Path, version: Path) -> None:
    candidate(copied, version, "worse", upside_down)
    result = run("models", "promote", copied, "worse")
    assert result.code == 1
    assert "it ranks worse than the current version on the test part" in result.err
    assert (copied / "current").read_text().strip() == version.name
    forced = run("models", "promote", copied, "worse", "--force")
    assert forced.code == 0
    assert "it ranks worse" in forced.err
    assert (copied / "current").read_text() == "worse\n"


def test_a_candidate_that_breaks_its_guarantee_is_refused_unless_forced(
    run: Run, copied: Path, version: Path
) -> None:
    test = {"n": 300, "archived_share": 0.5, "positives": 100, "misses": 20, "miss_rate": 0.2}
    candidate(copied, version, "broken", test=test)
    result = run("models", "promote", copied, "broken")
    assert result.code == 1
    assert "it breaks its guarantee: on the test part 20 of 100 unintended findings" in result.err
    assert run("models", "promote", copied, "broken", "--force").code == 0


def test_a_first_version_that_breaks_its_guarantee_is_not_promoted_by_itself(
    copied: Path, version: Path
) -> None:
    metrics = json.loads((version / "metrics.json").read_text())
    assert broken_guarantee(metrics) == []
    for misses, is_broken in ((5, False), (9, False), (10, True), (100, True)):
        metrics["test"] = {"positives": 100, "misses": misses}
        assert bool(broken_guarantee(metrics)) == is_broken
    metrics["threshold"]["value"] = None
    assert broken_guarantee(metrics) == []


def test_a_candidate_is_compared_where_it_can_be(run: Run, copied: Path, version: Path) -> None:
    one_class = pd.read_parquet(version / "test.parquet").assign(_unintended=False).to_parquet(index=False)
    candidate(copied, version, "alone", held_out=one_class)
    assert run("models", "promote", copied, "alone").code == 0
    candidate(copied, version, "other", held_out=one_class)
    result = run("models", "promote", copied, "other")
    assert result.code == 1
    assert "it cannot be compared with alone: too few labels on the test part of other" in result.err


def test_a_candidate_with_a_tag_that_the_current_version_never_knew(
    run: Run, copied: Path, version: Path
) -> None:
    def with_tag(card: dict[str, Any]) -> None:
        card["table"].append({"key": ["tag:new"], "points": {}, "default": 0, "unknown": 0})

    candidate(copied, version, "tagged", with_tag)
    result = run("models", "promote", copied, "tagged")
    assert result.code == 1
    assert "no tag:new on the test part of tagged" in result.err


def test_the_next_training_is_kept_beside_the_current_version(
    run: Run, copied: Path, version: Path, tmp_path: Path
) -> None:
    records = write(tmp_path / "h.jsonl", [record(n, n, verdict="expected") for n in range(9)])
    result = run("train", records, "--out", copied)
    assert result.code == 0
    assert f"the current version is {version.name}; triage models promote" in result.out
    assert (copied / "current").read_text().strip() == version.name
    listed = json.loads(run("models", "list", copied, "--format", "json").out)
    assert sorted(one["current"] for one in listed) == [False, True]
    assert {one["threshold"] is None for one in listed} == {True, False}


def test_list_and_show(run: Run, registry: Path, version: Path) -> None:
    listed = run("models", "list", registry)
    assert (listed.code, listed.err) == (0, "")
    assert listed.out.splitlines()[1].split()[:2] == ["*", version.name]
    assert run("models", "show", registry).out == (version / "card.md").read_text()
    shown = run("models", "show", registry, version.name, "--format", "json")
    assert json.loads(shown.out) == json.loads((version / "metrics.json").read_text())


def test_list_goes_on_after_a_damaged_version(run: Run, copied: Path, version: Path) -> None:
    candidate(copied, version, "damaged")
    (copied / "damaged" / "metrics.json").write_text("{}")
    result = run("models", "list", copied)
    assert result.code == 2
    assert "damaged: metrics.json is not what was written" in result.err
    assert version.name in result.out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("list", "{}"), ""),
        (("show", "{}"), "expected a version, since none is current"),
        (("promote", "{}", "nothing"), "expected a version of the registry (there are: none)"),
        (("rollback", "{}"), "no version was promoted before"),
        (("list", "s3://"), "expected s3://bucket"),
    ],
)
def test_an_empty_registry(run: Run, tmp_path: Path, command: tuple[str, ...], says: str) -> None:
    result = run("models", *(part.format(tmp_path / "none") for part in command))
    assert result.code == (2 if says else 0)
    assert says in result.err
    assert not (tmp_path / "none").exists()


def test_the_whole_way_with_a_bucket(run: Run, bucket: BucketStore, tmp_path: Path) -> None:
    where = "s3://models/team/prod"
    for name in ("first", "second"):
        days = np.arange(12) + (20 if name == "second" else 0)
        records = [record(n, float(day), verdict="expected") for n, day in enumerate(days)]
        assert run("train", write(tmp_path / f"{name}.jsonl", records), "--out", where).code == 0
    registry = Registry(bucket)
    listed = json.loads(run("models", "list", where, "--format", "json").out)
    assert [one["current"] for one in listed] == [True, False]
    forced = run("models", "promote", where, listed[1]["version"], "--force")
    assert forced.code == 0
    assert bucket.read("current") == f"{listed[1]['version']}\n".encode()
    assert run("models", "rollback", where).code == 0
    assert bucket.read("current") == f"{listed[0]['version']}\n".encode()
    assert run("models", "show", where).out.startswith("# default ")
    later = write(tmp_path / "later.jsonl", [record(n, 100.0 + n) for n in range(3)])
    for model in (where, f"{where}/{listed[0]['version']}"):
        tuned = json.loads(run("tune", later, "--model", model, "--format", "json").out)
        assert tuned["model"] == registry.scorecard(listed[0]["version"]).sha256
        assert tuned["note"].startswith("The 3 of 3 findings that came after")
    missing = run("backtest", later, "--model", f"{where}/nothing")
    assert missing.code == 2
    assert "expected a version of the registry" in missing.err
    again = run("train", later, "--prior", where, "--out", tmp_path / "local")
    assert (again.code, again.err) == (0, "")
