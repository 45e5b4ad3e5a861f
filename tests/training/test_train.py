"""`triage train`: the files of a version, what is in them, and what they rest on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.decision.settings import Settings
from scoring.features.features import UNKNOWN
from scoring.findings.access.action_reference import LEVELS
from scoring.findings.finding import Finding
from scoring.policy import policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.live_aws import Run
from tests.training.histories import (
    ACCOUNT,
    PARTNER,
    STRANGER,
    Record,
    features_of,
    record,
    scores,
    trained,
    write,
)
from training.dataset.files import read_cases
from training.registry.models import learned_until
from training.registry.registry import Registry
from training.registry.stores import FolderStore
from training.registry.version import load_training

ORDERED = {
    "access_level": LEVELS,
    "public": ("not public", "public"),
    "unused": ("few services", "some services", "many services"),
}
FILES = {
    "scorecard.json",
    "metrics.json",
    "card.md",
    "report.html",
    "training.joblib",
    "test.parquet",
    "measured.json",
    "review-again.csv",
    "manifest.json",
}


def metrics_of(version: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((version / "metrics.json").read_text())
    return found


@pytest.fixture(scope="module")
def card(version: Path) -> Scorecard:
    return formats.load(version)


# The files of a version.


def test_a_version_has_its_files_and_their_digests(registry: Path, version: Path) -> None:
    assert {path.name for path in version.iterdir()} == FILES
    assert {path.name for path in registry.iterdir()} == {version.name, "current", "promotions", "uses.jsonl"}
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["version"] == version.name
    assert manifest["sha256"] == {
        name: hashlib.sha256((version / name).read_bytes()).hexdigest() for name in FILES - {"manifest.json"}
    }


def test_metrics_have_the_fields_of_the_contract(version: Path) -> None:
    metrics = metrics_of(version)
    for name in ("n", "positives", "roc_auc", "average_precision", "log_loss", "brier"):
        assert metrics[name] > 0
    threshold = metrics["threshold"]
    assert threshold["value"] is not None
    assert (threshold["alpha"], threshold["delta"]) == (0.05, 0.05)
    assert 0 < threshold["archived_share"] < 1
    assert threshold["miss_rate"] <= threshold["miss_rate_upper"] <= 0.05
    assert threshold["calibration_n"] > threshold["calibration_positives"] >= 59


def test_every_label_fits_and_what_is_measured_is_later_than_what_that_card_learned_from(
    version: Path,
) -> None:
    metrics = metrics_of(version)
    parts = metrics["data"]["parts"]
    assert metrics["fit_n"] == parts["fit"]["labelled"] == metrics["data"]["records"]["with a verdict"]
    assert metrics["measured_on"] == "test"
    assert parts["calibration"]["to"] < parts["test"]["from"]
    assert metrics["n"] == parts["test"]["labelled"] == round(0.2 * metrics["fit_n"])


def test_a_share_for_calibration_is_left_out_of_the_fit(run: Run, history: Path, tmp_path: Path) -> None:
    assert run("train", history, "--out", tmp_path / "m", "--calibration-share", 0.5).code == 0
    metrics = metrics_of(tmp_path / "m" / (tmp_path / "m" / "current").read_text().strip())
    parts = metrics["data"]["parts"]
    assert parts["fit"]["to"] < parts["calibration"]["from"]
    assert parts["calibration"]["to"] < parts["test"]["from"]
    assert metrics["fit_n"] == parts["fit"]["labelled"]


def test_the_runtime_takes_the_registry_the_version_and_the_file(registry: Path, version: Path) -> None:
    loaded = {formats.load(where).sha256 for where in (registry, version, version / "scorecard.json")}
    assert loaded == {metrics_of(version)["model"]["sha256"]}
    assert learned_until(registry) == learned_until(version / "scorecard.json")
    assert learned_until(version).is_known


def test_the_scorecard_is_small_and_its_threshold_travels_with_it(version: Path, card: Scorecard) -> None:
    assert (version / "scorecard.json").stat().st_size < 5_000_000
    assert card.kind == "trained"
    assert card.threshold == round(metrics_of(version)["threshold"]["value"] * 10)
    assert card.risk


def test_the_same_training_gives_the_same_bytes(
    run: Run, history: Path, version: Path, tmp_path: Path
) -> None:
    assert run("train", history, "--out", tmp_path, "--jobs", 1).code == 0
    again = tmp_path / version.name
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in version.iterdir()
    }


def test_json_says_the_same(run: Run, tmp_path: Path) -> None:
    records = write(tmp_path / "h.jsonl", [record(n, n, verdict="expected") for n in range(5)])
    result = run("train", records, "--out", tmp_path / "m", "--format", "json")
    found = json.loads(result.out)
    assert result.code == 0
    assert found["current"] == found["version"]
    assert found["metrics"] == metrics_of(tmp_path / "m" / found["version"])


# Parity and order.


def test_runtime_and_training_give_the_same_score_on_every_row(
    history: Path, registry: Path, version: Path, card: Scorecard
) -> None:
    kept = load_training(Registry(FolderStore(registry)), version.name)
    about = kept["about"].set_index("finding_id")
    deciding = Settings(card, policy.load())
    compared = 0
    for case in read_cases([str(history)]):
        if isinstance(case.finding, Finding) and case.finding.id in about.index:
            decision = deciding.decide(case)
            assert round(decision.score * 10) == about.loc[case.finding.id, "score"]
            total = card.base + sum(round(part.points * 10) for part in decision.contributions)
            assert total == about.loc[case.finding.id, "score"]
            compared += 1
    assert compared == len(about) > 1000


@pytest.fixture(scope="module")
def rows(history: Path) -> list[dict[str, str]]:
    lines = history.read_text().splitlines()[::23]
    return [features_of(json.loads(line)) for line in lines]


def test_every_table_is_in_order_for_all_that_it_lists_and_for_what_it_does_not(card: Scorecard) -> None:
    tables = [(table, name) for table in card.tables for name in ORDERED if name in table.key]
    assert any(len(table.key) > 1 for table, _ in tables)
    for table, name in tables:
        place = table.key.index(name)
        others = {values[:place] + values[place + 1 :] for values in table.points}
        for other in others | {("never seen",) * (len(table.key) - 1)}:
            points = [table.look_up((*other[:place], value, *other[place:])) for value in ORDERED[name]]
            assert points == sorted(points)
            assert table.unknown >= points[-1]


def in_order(card: Scorecard, row: Mapping[str, str], name: str, values: Iterable[str]) -> bool:
    found = [card.score({**row, name: value})[0] for value in values]
    return found == sorted(found)


@given(st.data())
@settings(max_examples=50)
def test_what_a_person_would_insist_on_is_in_order(
    rows: list[dict[str, str]], card: Scorecard, data: st.DataObject
) -> None:
    row = {**dict.fromkeys((f.name for f in card.features), "absent"), **data.draw(st.sampled_from(rows))}
    # Values that no training has seen, also in pairs with those that are in order.
    free = sorted(set(row) - ORDERED.keys())
    for name in data.draw(st.lists(st.sampled_from(free), max_size=6)):
        row[name] = data.draw(st.sampled_from(["never seen", UNKNOWN, "absent", "not applicable"]))
    for name, values in ORDERED.items():
        assert in_order(card, row, name, (*values, UNKNOWN))


# No labels, few labels, the prior.


def probes() -> list[Record]:
    return [
        record(900 + n, 300, tags=tags, principal=principal, account=account)
        for n, (tags, principal, account) in enumerate(
            (tags, principal, account)
            for tags in ({}, {"Environment": "prod"}, {"Environment": "dev", "Project": "x"})
            for principal in (PARTNER, STRANGER, "*")
            for account in (ACCOUNT, "222233334444")
        )
    ]


@pytest.mark.parametrize("labels", ["all", "none"])
def test_with_no_labels_and_no_precedent_the_result_is_the_card(
    run: Run, tmp_path: Path, labels: str
) -> None:
    young = [record(n, n / 10) for n in range(20)]
    card, _ = trained(run, young, tmp_path, "--labels", labels)
    assert scores(card, probes()) == scores(formats.load(), probes())


def test_with_no_labels_there_is_no_threshold_and_nothing_is_archived(run: Run, tmp_path: Path) -> None:
    records = [record(n, n) for n in range(60)]
    path = write(tmp_path / "h.jsonl", records)
    result = run("train", path, "--out", tmp_path / "m")
    assert (result.code, result.err) == (0, "")
    assert "this history has 0: it takes 59 more" in result.out
    decided = run("score", path, "--model", tmp_path / "m", "--format", "jsonl")
    outcomes = [json.loads(line) for line in decided.out.splitlines()]
    assert {one["outcome"] for one in outcomes} == {"alert"}
    assert {one["threshold"] for one in outcomes} == {None}


@pytest.mark.parametrize(("alpha", "labels", "more"), [(0.05, 20, 39), (0.01, 20, 279), (0.05, 58, 1)])
def test_without_enough_labels_it_says_how_many_more_it_takes(
    run: Run, tmp_path: Path, alpha: float, labels: int, more: int
) -> None:
    records = [record(n, n, verdict="unintended" if n % 2 else "expected") for n in range(2 * labels)]
    path = write(tmp_path / "h.jsonl", records)
    result = run("train", path, "--out", tmp_path / "m", "--alpha", alpha)
    assert result.code == 0
    assert f"has {labels}: it takes {more} more" in result.out
    assert metrics_of(tmp_path / "m" / (tmp_path / "m" / "current").read_text().strip())["threshold"] | {
        "value": None,
        "more_labels": more,
    }


def test_without_calibration_there_is_no_threshold(run: Run, history: Path, tmp_path: Path) -> None:
    lines = history.read_text().splitlines(keepends=True)[:250]
    (tmp_path / "h.jsonl").write_text("".join(lines))
    result = run(
        "train", tmp_path / "h.jsonl", "--out", tmp_path / "m", "--calibration-share", 0, "--test-share", 0
    )
    assert result.code == 0
    assert "No threshold: nothing is archived" in result.out
    assert "the calibration part has 0: it takes 59 more" in result.out
    metrics = metrics_of(next((tmp_path / "m").glob("*/")))
    assert metrics["roc_auc"] is None
    assert metrics["threshold"]["value"] is None
    assert metrics["data"]["parts"]["fit"]["labelled"] == metrics["data"]["records"]["with a verdict"]


def test_the_prior_is_where_learning_starts(run: Run, tmp_path: Path) -> None:
    text = formats.DEFAULT.read_text().replace('name = "default"', 'name = "ours"')
    assert "base = 4" in text
    (tmp_path / "ours.toml").write_text(text.replace("base = 4", "base = 44"))
    young = [record(n, n / 10) for n in range(20)]
    card, version = trained(run, young, tmp_path, "--prior", tmp_path / "ours.toml")
    assert scores(card, probes()) == [score + 400 for score in scores(formats.load(), probes())]
    assert metrics_of(version)["model"]["prior"]["name"] == "ours"


def test_a_prior_may_write_its_keys_in_any_order(run: Run, tmp_path: Path) -> None:
    """The search for combinations once took the same columns in another order for another key."""
    (tmp_path / "ours.json").write_text(
        json.dumps(
            {
                "schema": 1,
                "name": "ours",
                "version": "1",
                "base": 10,
                "threshold": None,
                "tag_limit": 0,
                "table": [
                    {"key": key, "points": {}, "default": 0}
                    for key in (["resource_type", "trust"], ["trust", "public"], ["account", "principal"])
                ],
            }
        )
    )
    verdicts = ["unintended" if n % 3 else "expected" for n in range(200)]
    records = [record(n, n, verdict=verdict) for n, verdict in enumerate(verdicts)]
    card, _ = trained(run, records, tmp_path, "--prior", tmp_path / "ours.json")
    keys = [frozenset(table.key) for table in card.tables]
    assert len(keys) == len(set(keys))
