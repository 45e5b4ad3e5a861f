"""A small soak; `make soak` runs the large one."""

from benchmarks.soak import Rates, run


def test_nothing_is_lost_nor_done_twice_whatever_goes_wrong() -> None:
    figures = run(250, seed=7)
    assert {what: count for what, count in figures.violations.items() if count} == {}
    assert figures.counts["findings"] > 200
    assert min(figures.counts[what] for what in ("throttled", "denied", "timed out", "malformed")) > 0


def test_what_is_lost_is_found_by_the_check() -> None:
    """With every call refused nothing gets through, and the check says so."""
    figures = run(20, seed=7, rates=Rates(throttled=1.0, malformed=0.0, never=0.0, twice=0.0))
    assert figures.violations["lost: received too often"] > 0
