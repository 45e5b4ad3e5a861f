"""The promise in simulation with a known truth: small, and as `make bench` draws it."""

import pytest

from benchmarks import promise

DRAWS = 60


@pytest.mark.parametrize("kind", promise.KINDS)
def test_it_is_kept(kind: str) -> None:
    broken, _, _ = promise.broken(kind, 1_000, DRAWS)
    assert broken <= promise.most_broken(DRAWS)


def test_a_slow_drift_is_allowed_for_where_many_verdicts_hide_it_from_chance() -> None:
    """Without what `sunk` takes off, a third of these draws break."""
    broken, _, _ = promise.broken("drift by .3", 3_000, DRAWS)
    assert broken <= promise.most_broken(DRAWS)


def test_second_review_gives_back_what_wrong_verdicts_cost() -> None:
    _, before, _ = promise.broken("3 % wrong, no second review", 1_000, DRAWS)
    _, after, _ = promise.broken("3 % wrong, second review", 1_000, DRAWS)
    assert after > before + 0.2


def test_verdicts_on_alerts_and_a_large_drift_give_no_threshold() -> None:
    for kind in ("verdicts on alerts", "drift by 1"):
        assert promise.broken(kind, 1_000, DRAWS)[2] >= DRAWS - 1
