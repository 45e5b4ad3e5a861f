"""`triage backtest` and `triage tune`: replays, the curve, and its three readings."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import triage
from scoring.policy import policy as policies
from scoring.scorecard import formats
from tests.live_aws import Run
from tests.training.conftest import FINDINGS
from tests.training.histories import PARTNER, at, record, write
from training.dataset.dataset import read_dataset
from training.evaluation.backtest import ALERT, replay, turning_points
from training.threshold.bounds import share_upper

HAND_MADE = formats.DEFAULT


def backtest(run: Run, *arguments: object) -> Any:
    result = run("backtest", *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def tune(run: Run, *arguments: object) -> Any:
    result = run("tune", *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


@pytest.fixture(scope="module")
def registry(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry whose version has left a part of the history for the threshold and one for the test."""
    folder = tmp_path_factory.mktemp("parts")
    shares = ["--calibration-share", "0.6", "--test-share", "0.2"]
    assert triage.main(["train", str(history), "--out", str(folder), *shares]) == 0
    return folder


@pytest.fixture(scope="module")
def version(registry: Path) -> Path:
    """The folder of the version."""
    return registry / (registry / "current").read_text().strip()


# Backtest.


def test_of_what_every_label_fits_the_card_that_measures_it_is_replayed(
    run: Run, history: Path, every_label: Path
) -> None:
    models = every_label
    version = models / (models / "current").read_text().strip()
    metrics = json.loads((version / "metrics.json").read_text())
    replayed = backtest(run, history, "--model", models)
    assert "the card that it was measured with" in replayed["note"]
    (found,) = replayed["models"]
    assert found["findings"] == metrics["data"]["parts"]["test"]["n"]
    assert found["roc_auc"] == pytest.approx(metrics["roc_auc"])
    assert found["by_score"]["misses"] == metrics["test"]["misses"]
    tuned = tune(run, history, "--model", models)
    assert tuned["findings"] == found["findings"]
    assert tuned["current"]["miss_rate"] == pytest.approx(metrics["test"]["miss_rate"])


def test_a_model_that_every_label_fits_and_nothing_measures_says_that_nothing_is_left(
    run: Run, history: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    assert run("train", history, "--out", models, "--calibration-share", 0, "--test-share", 0).code == 0
    result = run("tune", history, "--model", models)
    assert result.code == 2
    assert "--calibration-share" in result.err
    assert backtest(run, history, "--model", models)["models"][0]["findings"] == 0


def test_a_replay_decides_as_the_runtime_does(run: Run, history: Path) -> None:
    found = backtest(run, history, "--model", HAND_MADE)["models"][0]
    active = history.with_name("active.jsonl")
    lines = []
    for line in history.read_text().splitlines():
        one = json.loads(line)
        one["finding"]["detail"]["status"] = "ACTIVE"
        lines.append(json.dumps(one) + "\n")
    active.write_text("".join(lines))
    decided = [json.loads(line) for line in run("score", active, "--format", "jsonl").out.splitlines()]
    outcomes = Counter(one["outcome"] for one in decided)
    assert found["findings"] == len(decided) == FINDINGS
    assert found["archived"] == outcomes["archive"] > 0
    labels = [json.loads(line).get("label", {}).get("verdict") for line in lines]
    missed = [
        one["finding_id"]
        for one, label in zip(decided, labels, strict=True)
        if one["outcome"] == "archive" and label == "unintended"
    ]
    assert sorted(found["missed"]) == sorted(missed)
    assert sum(month["missed"] for month in found["months"]) == len(missed)
    assert sum(month["findings"] for month in found["months"]) == FINDINGS
    assert sum(month["archived"] for month in found["months"]) == found["archived"]


def test_of_a_trained_model_only_later_findings_are_replayed(
    run: Run, history: Path, registry: Path, version: Path
) -> None:
    parts = json.loads((version / "metrics.json").read_text())["data"]["parts"]
    replayed = backtest(run, history, "--model", registry)
    assert replayed["models"][0]["findings"] == parts["calibration"]["n"] + parts["test"]["n"]
    everything = backtest(run, history, "--model", registry, "--all")
    assert everything["models"][0]["findings"] == FINDINGS
    assert "came after" in replayed["note"]
    until = parts["calibration"]["to"]
    chosen_on = re.search(r"chosen on ([0-9,]+) of them, up to (\S+ \S+) UTC", replayed["note"])
    assert chosen_on
    assert chosen_on[2] <= until.replace("T", " ")
    assert 0 < int(chosen_on[1].replace(",", "")) <= parts["calibration"]["n"]


def test_a_model_that_has_learned_from_nothing_says_so_and_what_chose_its_threshold(
    run: Run, tmp_path: Path
) -> None:
    history, registry = tmp_path / "h.jsonl", tmp_path / "models"
    run("simulate", "--findings", "700", "--labelled", "1", "--seed", "2", "--out", history)
    shares = ["--calibration-share", "1", "--test-share", "0", "--alpha", "0.2"]
    trained = run("train", history, "--out", registry, *shares)
    assert trained.code == 0, trained.err
    note = backtest(run, history, "--model", registry)["note"]
    assert note.startswith("All 700 findings. A threshold was chosen on 700 of them, up to ")
    assert "not known" in backtest(run, history, "--model", HAND_MADE)["note"]


def test_two_models_are_compared_on_the_same_findings(run: Run, history: Path, registry: Path) -> None:
    ours, theirs = backtest(run, history, "--model", registry, "--against", HAND_MADE)["models"]
    for name in ("findings", "labelled", "unintended", "positives"):
        assert ours[name] == theirs[name]
    assert ours["roc_auc"] > theirs["roc_auc"]
    assert ours["model"]["kind"] == "trained"
    table = run("backtest", history, "--model", registry, "--against", HAND_MADE)
    assert table.code == 0
    assert "ROC AUC" in table.out
    assert ours["model"]["version"] in table.out


def test_alerts_a_day(run: Run, tmp_path: Path) -> None:
    made = [record(n, n // 3, principal="*", finding={"isPublic": True}) for n in range(30)]
    made.append(record(99, 5, principal="*", finding={"isPublic": True}))
    found = backtest(run, write(tmp_path / "h.jsonl", made), "--model", HAND_MADE)["models"][0]
    assert found["alerts_per_day"] == {"mean": 3.1, "ninetieth": 3.1, "busiest": 4.0}


def test_a_replay_sees_a_finding_as_it_was_before_its_verdict(run: Run, tmp_path: Path) -> None:
    before = record(1, 0, verdict="unintended", decided=1, tags={"Environment": "prod"})
    after = record(1, 0, tags={"Environment": "dev"}, finding={"updatedAt": at(2)})
    first = write(tmp_path / "a.jsonl", [before])
    both = write(tmp_path / "b.jsonl", [after, before])
    kept = backtest(run, first, "--model", HAND_MADE)["models"]
    assert backtest(run, both, "--model", HAND_MADE)["models"] == kept


def test_what_was_archived_by_its_status_is_decided_on_all_the_same(run: Run, tmp_path: Path) -> None:
    made = [record(n, n, finding={"status": status}) for n, status in enumerate(("ARCHIVED", "RESOLVED"))]
    found = backtest(run, write(tmp_path / "h.jsonl", made), "--model", HAND_MADE)["models"][0]
    assert found["archived"] + found["alerts_per_day"]["mean"] * 2 == 2


def test_a_backtest_without_labels_says_so(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", [record(n, n) for n in range(5)])
    result = run("backtest", path, "--model", HAND_MADE)
    assert result.code == 0
    assert "not known" in result.out


# Tune.


def test_the_guarantee_is_that_of_the_training(run: Run, history: Path, registry: Path) -> None:
    found = tune(run, history, "--model", registry)
    guarantee = found["guarantee"]
    assert guarantee["threshold"] is not None
    assert guarantee["miss_rate_upper"] <= 0.05
    assert guarantee["more_labels"] == 0
    assert found["model"] == formats.load(registry).sha256
    stricter = tune(run, history, "--model", registry, "--alpha", 0.02)["guarantee"]
    assert stricter["threshold"] <= guarantee["threshold"]
    assert stricter["archived_share"] <= guarantee["archived_share"]


def test_a_guarantee_out_of_reach(run: Run, history: Path, registry: Path) -> None:
    found = tune(run, history, "--model", registry, "--alpha", 0.001)
    assert found["guarantee"]["threshold"] is None
    assert found["guarantee"]["archived_share"] == 0
    assert found["guarantee"]["more_labels"] == 2995 - found["unintended"]
    result = run("tune", history, "--model", registry, "--alpha", 0.001)
    assert result.code == 0
    assert f"{found['guarantee']['more_labels']} more findings labelled unintended" in result.out


def test_turning_points_say_what_a_replay_does(history: Path) -> None:
    dataset, card = read_dataset([str(history)], report=pytest.fail), formats.load(HAND_MADE)
    rules = policies.load(policies.DEFAULT)
    turning = turning_points([str(history)], dataset, card, rules)
    for threshold in (-100, 200, 300, 301, 450, 2000):
        [replayed] = replay([str(history)], dataset, [card], rules, threshold)
        assert ((turning >= threshold) == (replayed.outcome == ALERT)).all()


def test_a_budget_is_kept_by_the_lowest_threshold_guardrails_counted_in(run: Run, history: Path) -> None:
    nothing = tune(run, history, "--model", HAND_MADE, "--alerts-per-day", 0)
    least, most = nothing["budget"]["alerts_per_day"], nothing["findings_per_day"]
    assert nothing["budget"]["threshold"] is None
    assert 0 < least < most
    wanted = (least + most) / 2
    found = tune(run, history, "--model", HAND_MADE, "--alerts-per-day", wanted)
    budget, days = found["budget"], found["findings"] / found["findings_per_day"]
    assert least < budget["alerts_per_day"] <= wanted
    options = ("--model", HAND_MADE, "--threshold", f"{budget['threshold']:.1f}")
    [replayed] = backtest(run, history, *options)["models"]
    alerts = sum(month["alerts"] for month in replayed["months"])
    assert alerts / days == pytest.approx(budget["alerts_per_day"], rel=1e-2)
    generous = tune(run, history, "--model", HAND_MADE, "--alerts-per-day", 1000)["budget"]
    assert generous["archived_share"] == 0


def test_a_budget_that_guardrails_alone_exceed_has_no_threshold(run: Run, tmp_path: Path) -> None:
    made = [record(n, n // 3, principal="*", finding={"isPublic": True}) for n in range(30)]
    budget = tune(run, write(tmp_path / "h.jsonl", made), "--model", HAND_MADE, "--alerts-per-day", 1)[
        "budget"
    ]
    assert budget["threshold"] is None
    assert budget["alerts_per_day"] == pytest.approx(30 / 9, rel=1e-3)


def test_without_unintended_verdicts_of_all_scores_there_is_no_answer(run: Run, tmp_path: Path) -> None:
    """Not even a cost is weighed: what costs nothing because nobody looked is no bargain."""
    made = [record(n, n // 3, verdict="expected") for n in range(60)]
    made += [
        record(n, n // 3, verdict="unintended", decision={"outcome": "alert"}, effect="alert")
        for n in range(60, 70)
    ]
    path = write(tmp_path / "h.jsonl", made)
    costs = ("--cost-miss", 100, "--cost-alert", 1, "--alerts-per-day", 1)
    found = tune(run, path, "--model", HAND_MADE, *costs)
    assert found["cannot_say"] == "cannot say: 0 unintended verdicts that were given whatever the score"
    assert found["cost"] is None
    assert found["guarantee"]["threshold"] is None
    readings = [found["guarantee"], found["budget"], found["current"], *found["curve"]]
    assert {one[name] for one in readings for name in ("miss_rate", "miss_rate_upper")} == {None}
    text = run("tune", path, "--model", HAND_MADE, *costs)
    assert text.code == 0
    assert "cannot say: 0 unintended verdicts that were given whatever the score" in text.out


def test_a_miss_that_costs_more_is_archived_less(run: Run, history: Path, registry: Path) -> None:
    shares = [
        tune(run, history, "--model", registry, "--cost-miss", miss, "--cost-alert", 1)["cost"][
            "archived_share"
        ]
        for miss in (0, 2, 10, 1000)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert shares[-1] < 0.5


def test_the_curve_rises_and_its_bounds_are_those_of_clopper_and_pearson(
    run: Run, history: Path, registry: Path
) -> None:
    found = tune(run, history, "--model", registry)
    for name in ("threshold", "archived_share", "miss_rate", "miss_rate_upper"):
        values = [one[name] for one in found["curve"]]
        assert values == sorted(values)
    for one in found["curve"]:
        misses = round(one["miss_rate"] * found["unintended"])
        assert one["miss_rate_upper"] == pytest.approx(
            float(share_upper(misses, found["unintended"], 0.05)), abs=1e-5
        )


def test_a_model_s_tags_are_looked_up_however_rare_they_are_here(
    run: Run, tmp_path: Path, version: Path
) -> None:
    card = json.loads((version / "scorecard.json").read_text())
    table = {"key": ["tag:costcenter"], "points": {"x": 50}, "default": 0, "unknown": 50}
    asking = tmp_path / "card.json"
    asking.write_text(json.dumps(card | {"table": [*card["table"], table], "risk": []}))
    few = write(tmp_path / "few.jsonl", [record(1, tags={"Cost Center": "x"}), record(2, 1)])
    found = tune(run, few, "--model", asking)
    assert found["findings"] == 2
    assert found["curve"][1]["threshold"] - found["curve"][0]["threshold"] == 5
    trained = run("train", few, "--prior", asking, "--out", tmp_path / "m")
    assert (trained.code, trained.err) == (0, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--cost-miss", 5), "--cost-miss"),
        (("--cost-miss", -5, "--cost-alert", 1), "--cost-miss"),
        (("--cost-miss", "nan", "--cost-alert", 1), "--cost-miss"),
        (("--alerts-per-day", "inf"), "--alerts-per-day"),
        (("--alpha", 0), "--alpha"),
        (("--delta", 1), "--delta"),
    ],
)
def test_goals_that_make_no_sense(run: Run, tmp_path: Path, options: tuple[object, ...], says: str) -> None:
    path = write(tmp_path / "h.jsonl", [record(1)])
    result = run("tune", path, "--model", HAND_MADE, *options)
    assert result.code == 2
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--delta", 0), "--delta"), (("--delta", "nan"), "--delta"), (("-",), "read twice")],
)
def test_a_backtest_that_makes_no_sense(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], says: str
) -> None:
    path = write(tmp_path / "h.jsonl", [record(1)])
    result = run("backtest", path, "--model", HAND_MADE, *arguments)
    assert result.code == 2
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("command", ["backtest", "tune"])
def test_a_history_that_is_older_than_the_model(
    run: Run, tmp_path: Path, registry: Path, command: str
) -> None:
    old = [record(n, -400 + n, principal=PARTNER) for n in range(5)]
    result = run(command, write(tmp_path / "h.jsonl", old), "--model", registry)
    assert result.code == (0 if command == "backtest" else 2)
    assert "Traceback" not in result.err
    assert "later than those" in result.err or "The 0 of 5 findings" in result.out


@pytest.mark.parametrize("command", ["backtest", "tune"])
def test_a_bad_record_is_named_and_the_others_are_used(run: Run, tmp_path: Path, command: str) -> None:
    path = write(tmp_path / "h.jsonl", [record(1), {"finding": {"id": "x"}}, record(2, 1)])
    result = run(command, path, "--model", HAND_MADE, "--format", "json")
    assert result.code == 2
    assert f"{path}: line 2: finding." in result.err
    found = json.loads(result.out)
    assert (found["models"][0] if command == "backtest" else found)["findings"] == 2
