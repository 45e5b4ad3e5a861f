"""Gates open only where the evidence excludes harm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from training.threshold import gates

ALPHA, DELTA = 0.05, 0.05


def test_few_verdicts_open_no_gate_on_selection() -> None:
    """They are as often below the threshold as above it, and prove nothing."""
    below = np.arange(400) % 2 == 0
    reviewed = np.arange(400) < 12
    assert not gates.independent_of_score(reviewed, below.astype(float), ALPHA).passed


@pytest.mark.parametrize(
    ("below", "above", "opens"), [(0.4, 0.4, True), (0.1, 0.6, False), (0.0, 1.0, False)]
)
def test_review_by_score_shuts_the_gate(below: float, above: float, opens: bool) -> None:
    rng = np.random.default_rng(0)
    is_below = rng.random(3_000) < 0.4
    reviewed = rng.random(3_000) < np.where(is_below, below, above)
    gate = gates.independent_of_score(reviewed, is_below.astype(float), ALPHA)
    assert gate.passed is opens
    assert opens or "drawn by lot" in gate.text


def test_it_opens_wrongly_no_more_often_than_its_confidence_allows() -> None:
    """Where findings below are reviewed so seldom that just more than twice alpha would be missed."""
    rng = np.random.default_rng(1)
    harm = gates.HARM * ALPHA
    ratio = ALPHA * (1 - harm) / (harm * (1 - ALPHA))
    opened = 0
    for _ in range(400):
        is_below = rng.random(800) < 0.4
        reviewed = rng.random(800) < np.where(is_below, 0.6 * ratio, 0.6)
        opened += gates.independent_of_score(reviewed, is_below.astype(float), ALPHA).passed
    assert opened <= 0.05 * 400


@given(st.lists(st.booleans(), min_size=0, max_size=200))
def test_gates_say_something_of_any_history(found: list[bool]) -> None:
    flags = np.array(found, dtype=bool)
    said = [
        gates.both_verdicts(flags),
        gates.enough_rollouts(int(flags.sum()), ALPHA, DELTA),
        gates.independent_of_score(flags, np.roll(flags, 1).astype(float), ALPHA),
        gates.every_period_reviewed(flags),
        gates.no_drift(np.flatnonzero(flags)),
    ]
    assert all(gate.text and gate.name in gates.NAMES for gate in said)


def test_one_class_and_few_rollouts() -> None:
    only = gates.both_verdicts(np.ones(80, dtype=bool))
    assert (only.passed, "cannot say: 0 expected verdicts" in only.text) == (False, True)
    few = gates.enough_rollouts(40, ALPHA, DELTA)
    assert (few.passed, "it takes 19 more" in few.text) == (False, True)
    assert gates.enough_rollouts(59, ALPHA, DELTA).passed


def test_an_unreviewed_period_between_verdicts() -> None:
    reviewed = np.random.default_rng(2).random(3_000) < 0.3
    assert gates.every_period_reviewed(reviewed).passed
    backlog_first = np.concatenate([np.zeros(5_000, dtype=bool), reviewed])
    assert gates.every_period_reviewed(backlog_first).passed
    reviewed[1_200:1_700] = False
    assert not gates.every_period_reviewed(reviewed).passed


def test_drift_of_scores() -> None:
    rng = np.random.default_rng(3)
    same = rng.normal(300, 100, 1_000).astype(int)
    assert gates.no_drift(same).passed
    assert not gates.no_drift(np.concatenate([same[:500], same[500:] + 100])).passed
    assert not gates.no_drift(same[:50]).passed


def test_a_gate_is_accepted_by_its_name_only() -> None:
    closed = gates.Gate(gates.DRIFT, False, "moved")
    assert gates.shut([closed], ()) == [closed]
    assert gates.shut([closed], (gates.DRIFT,)) == []
    with pytest.raises(BadInput, match="expected one of both-verdicts, enough-rollouts"):
        gates.check_names(["drift"])
