"""The certificate: its bound against exact enumeration, and the way from a week's draw to the promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

import triage
from scoring.decision import audit_sample
from scoring.decision.decide import BY_RULE
from scoring.decision_log import audit_key, certificates, draws
from scoring.decision_log.entries import Entry
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.verdicts import give
from scoring.files.errors import BadInput
from scoring.findings.record import Label
from scoring.policy.limits import Archives
from scoring.review.verdict import open_alerts
from scoring.scorecard import formats
from training.threshold.certificate import Sample, error_of_run, missed_upper, unintended_upper
from training.threshold.certify import certify, tally, window_of

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
NOW = MONDAY + timedelta(weeks=3)
MODEL = formats.load().sha256
WEEKLY = Archives(draws_per_week=12)
DELTA = 0.05


@st.composite
def strata(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Sizes, unintended ones and draws of up to three strata, small enough to enumerate."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 60))
        found.append((size, draw(st.integers(0, size)), draw(st.integers(0, size))))
    return found


@given(strata(), st.sampled_from([0.05, 0.2]))
def test_the_bound_is_below_the_truth_no_more_often_than_it_says(
    truth: list[tuple[int, int, int]], delta: float
) -> None:
    """Over all draws, weighed by their exact probability."""
    unintended = sum(bad for _, bad, _ in truth)
    wrong = 0.0
    ranges = [range(max(0, n - (size - bad)), min(bad, n) + 1) for size, bad, n in truth]
    chance = [
        {found: float(hypergeom.pmf(found, size, bad, n)) for found in outcomes}
        for (size, bad, n), outcomes in zip(truth, ranges, strict=True)
    ]
    bounds: dict[tuple[int, ...], int] = {}
    for found in product(*ranges):
        if len(truth) == 3 and len(bounds) > 400:
            return
        samples = [Sample(size, n, k) for (size, _, n), k in zip(truth, found, strict=True)]
        bounds[found] = unintended_upper(samples, delta)
        if bounds[found] < unintended:
            wrong += float(np.prod([by[k] for by, k in zip(chance, found, strict=True)]))
    assert wrong <= delta + 1e-9


@given(st.integers(1, 400), st.data())
def test_more_found_is_never_a_lower_bound(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size))
    found = data.draw(st.integers(0, n))
    bound = unintended_upper([Sample(size, n, found)], DELTA)
    assert found <= bound <= size - (n - found)
    if found:
        assert unintended_upper([Sample(size, n, found - 1)], DELTA) <= bound
    assert 0 <= missed_upper([Sample(size, n, found)], 10, DELTA) <= 1


def test_all_runs_of_a_year_spend_no_more_than_delta() -> None:
    assert sum(error_of_run(n, DELTA) for n in range(1, 10_000)) < DELTA


# A log with three weeks in shadow mode


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DecisionLog]:
    made = DecisionLog.in_file(tmp_path / "log.sqlite", create=True)
    audit_key.keep_secret(made, b"s" * 32)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unsampled() -> None:
    """Here findings are drawn."""


def decided(
    log: DecisionLog, number: int, outcome: str, at: datetime, *, reason: str = "below", mode: str = "shadow",
    effect: Any = "none", model: str = MODEL, audit: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    name = f"finding-{number}"
    decision = {"finding_id": name, "outcome": outcome, "reason": reason, "guardrails": [], "score": 1.0}
    entry = Entry(
        finding_id=name,
        status="ACTIVE",
        outcome=outcome,
        content=f"content-{number}",
        record={
            "finding": {"id": name},
            "context": {},
            "decision": decision | {"threshold": 30.0, "resource": "arn:aws:sqs:::q"},
            **({"audit": audit} if audit else {}),
        },
        mode=mode,
        policy_sha256="p",
        model={"version": "1", "sha256": model},
    )
    log.settle(entry, effect, latest=None, now=at)
    return name


def answer(log: DecisionLog, name: str, verdict: Any) -> None:
    [decision] = log.decisions(name)
    assert give(log, decision, Label(verdict, "ada", NOW, "cli"))


def three_weeks(log: DecisionLog, archived: int = 90, alerts: int = 60) -> None:
    for number in range(archived):
        by_rule = f"{BY_RULE}: x" if number % 10 == 0 else "below"
        decided(log, number, "archive", MONDAY + timedelta(hours=5 * number), reason=by_rule)
    for number in range(archived, archived + alerts):
        name = decided(log, number, "alert", MONDAY + timedelta(hours=5 * (number - archived)))
        answer(log, name, "unintended")


def test_the_smallest_lots_of_each_week_are_drawn_rules_apart(log: DecisionLog) -> None:
    three_weeks(log)
    windows = draws.close_due(log, WEEKLY, NOW)
    assert [one.name for one in windows] == ["2026-W45", "2026-W46", "2026-W47"]
    for window in windows:
        assert {stratum.kind for stratum in window.strata} == {"score", "rule"}
        assert sum(len(stratum.drawn) for stratum in window.strata) == WEEKLY.draws_per_week
        for stratum in window.strata:
            secret = audit_key.secret_of(log)
            lots = [audit_sample.lot(one.finding_id, one.content, MODEL, secret) for one in stratum.drawn]
            assert lots == sorted(lots)
    assert draws.close_due(log, WEEKLY, NOW) == windows, "what is drawn stays drawn"
    assert not draws.is_due(log, WEEKLY, NOW)


def test_what_is_drawn_waits_like_an_alert_until_it_is_answered(log: DecisionLog) -> None:
    three_weeks(log, alerts=0)
    assert list(open_alerts(log)) == []
    windows = draws.close_due(log, WEEKLY, NOW)
    drawn = {one.finding_id for window in windows for one in window.drawn}
    listed = list(open_alerts(log))
    assert {one.finding_id for one in listed} == drawn
    shown = audit_sample.record_as_reviewed(listed[0].record)["decision"]
    assert (shown["outcome"], shown["threshold"], shown["reason"]) == ("alert", None, audit_sample.REVIEWED)
    answer(log, listed[0].finding_id, "expected")
    assert listed[0].finding_id not in {one.finding_id for one in open_alerts(log)}


def test_who_has_no_verdict_counts_as_unintended_and_answers_only_help(log: DecisionLog) -> None:
    three_weeks(log)
    windows = draws.close_due(log, WEEKLY, NOW)
    start, end = window_of(windows, MODEL, None, None, NOW)
    before = certify(log, tally(log, windows, MODEL, start, end), MODEL, alpha=0.5, delta=DELTA, now=NOW)
    assert (before.archived, before.drawn, before.reviewed, before.unintended_found) == (90, 36, 0, 36)
    assert not before.holds
    for window in windows:
        for one in window.drawn:
            answer(log, one.finding_id, "expected")
    after = certify(log, tally(log, windows, MODEL, start, end), MODEL, alpha=0.5, delta=DELTA, now=NOW)
    assert (after.reviewed, after.unintended_found, after.alerts_unintended) == (36, 0, 60)
    assert after.runs == before.runs == 1, "the same draw, and so no other run"
    assert after.holds
    assert after.missed_upper < before.missed_upper
    assert certificates.latest(log, MODEL) == after
    week = start + timedelta(weeks=1)
    other = certify(log, tally(log, windows, MODEL, start, week), MODEL, alpha=0.5, delta=DELTA, now=NOW)
    assert (other.runs, other.error_spent) == (2, error_of_run(2, DELTA))


def test_where_archives_happen_only_what_was_held_is_drawn(log: DecisionLog) -> None:
    share = {"share": 0.5, "chosen": True, "window": "2026-W45"}
    for number in range(40):
        held = number % 4 == 0
        decided(
            log, number, "archive", MONDAY + timedelta(hours=number), mode="enforce",
            effect="alert" if held else "archive", audit=share if held else {**share, "chosen": False},
        )  # fmt: skip
    [window] = draws.close_due(log, WEEKLY, MONDAY + timedelta(weeks=1))
    [stratum] = window.strata
    assert stratum.archived == 40
    held_ones = {f"finding-{number}" for number in range(0, 40, 4)}
    assert {one.finding_id for one in stratum.drawn} == held_ones


def test_a_share_is_fixed_for_the_week_by_the_week_before(log: DecisionLog) -> None:
    three_weeks(log, archived=30, alerts=0)
    in_second = MONDAY + timedelta(weeks=1, hours=1)
    share = draws.share_for(log, WEEKLY, "score", in_second)
    assert 0 < share < 1
    decided(log, 999, "archive", in_second)
    assert draws.share_for(log, Archives(draws_per_week=500), "score", in_second) == share
    assert draws.share_for(log, WEEKLY, "score", in_second + timedelta(weeks=5)) == WEEKLY.audit_share


@pytest.mark.parametrize("needs", ["certificate", "forecast"])
def test_a_model_archives_without_a_certificate_only_where_a_forecast_is_enough(
    log: DecisionLog, needs: Any
) -> None:
    asked = Archives(enforce_needs=needs)
    hindrance = certificates.hindrance(log, asked, MODEL, None)
    assert bool(hindrance) == (needs == "certificate")
    test_who_has_no_verdict_counts_as_unintended_and_answers_only_help(log)
    assert certificates.hindrance(log, asked, MODEL, None) == ""
    assert bool(certificates.hindrance(log, asked, "b" * 64, None)) == (needs == "certificate")


def test_a_deployment_that_has_decided_before_goes_on_as_it_did(tmp_path: Path) -> None:
    for name, has_history in (("old", True), ("new", False)):
        log = DecisionLog.in_file(tmp_path / f"{name}.sqlite", create=True)
        if has_history:
            decided(log, 1, "alert", MONDAY)
        assert certificates.first_need(log, "certificate") == ("forecast" if has_history else "certificate")
        decided(log, 2, "alert", MONDAY)
        assert bool(certificates.hindrance(log, Archives(), MODEL, "certificate")) != has_history
        log.close()


# By the command


def run(log: DecisionLog, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    code = triage.main(["certify", "--model", str(formats.DEFAULT), "--log", log.name, *more])
    return code, *capsys.readouterr()


@pytest.fixture
def three(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> DecisionLog:
    three_weeks(log)
    return log


def test_the_command_says_what_waits_and_then_what_is_missed(
    three: DecisionLog, capsys: pytest.CaptureFixture[str]
) -> None:
    window = ("--from", "2026-11-02", "--to", "2026-11-23")
    code, out, _ = run(three, capsys, *window, "--dry-run", "--format", "json")
    said = json.loads(out)
    assert code == 0
    assert said == {"from": "2026-11-02", "to": "2026-11-23", "archived": 90, "drawn": 90, "waiting": 90}
    assert certificates.latest(three, MODEL) is None, "nothing is stated, and no error spent"
    code, out, _ = run(three, capsys, *window)
    assert code == 1
    assert "90 of 90 drawn findings have no verdict" in out
    for window_ in draws.closed_windows(three):
        for one in window_.drawn:
            answer(three, one.finding_id, "expected")
    code, out, _ = run(three, capsys, *window, "--format", "json")
    said = json.loads(out)
    assert code == 0
    assert {name: said[name] for name in ("archived", "drawn", "reviewed", "unintended_found")} == {
        "archived": 90, "drawn": 90, "reviewed": 90, "unintended_found": 0,
    }  # fmt: skip
    assert {"from", "to", "mode", "alerts_unintended", "missed_upper", "confidence", "runs"} <= said.keys()
    assert said["missed_upper"] == 0.0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--from", "2026-11-03"), "--from: expected a Monday, such as 2026-11-02"),
        (("--from", "2026-11-02", "--to", "2099-01-05"), "are not over"),
        (("--from", "2026-11-23", "--to", "2026-11-02"), "expected --from before --to"),
        (("--alpha", "2"), "--alpha: expected a number between 0 and 1"),
        (("--table", "t"), "expected a table or a file, not both"),
    ],
)
def test_what_cannot_be_certified_is_said_in_a_line(
    three: DecisionLog, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], says: str
) -> None:
    code, _, error = run(three, capsys, *more)
    assert code == 2
    assert says in error
    assert error.count("\n") == 1


def test_a_certificate_for_another_model_is_refused(log: DecisionLog) -> None:
    decided(log, 1, "archive", MONDAY, model="b" * 64)
    windows = draws.close_due(log, WEEKLY, NOW)
    with pytest.raises(BadInput, match="it has models bbbbbbbbbbbb: a certificate speaks of the model that"):
        window_of(windows, MODEL, None, None, NOW)
