"""The threshold of the card of all labels archives what the cards of the folds archive."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.threshold.out_of_fold import LEAST_POPULATION, OutOfFold, at_share


def out_of_fold(population: np.ndarray) -> OutOfFold:
    return OutOfFold(np.arange(3), np.array([10, 20, 30]), np.zeros(3), population)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=80), st.floats(0, 1))
def test_no_more_than_the_share_is_archived_and_the_next_threshold_would(
    scores: list[int], share: float
) -> None:
    points = np.array(scores)
    threshold = at_share(points, share)
    assert (points < threshold).mean() <= share + 1e-9
    if (points >= threshold).any():
        assert (points < threshold + 1).mean() > share - 1e-9


def test_the_share_is_kept_whatever_the_scale() -> None:
    rng = np.random.default_rng(0)
    by_fold = rng.normal(300, 100, (5, 2_000)).round().astype(int)
    found = out_of_fold(by_fold)
    by_card = np.rint(by_fold[0] * 1.3 - 40).astype(int)
    threshold = found.threshold_for(250, by_card)
    assert abs((by_card < threshold).mean() - (by_fold < 250).mean()) < 0.01


def test_with_few_findings_without_a_verdict_the_threshold_is_copied() -> None:
    found = out_of_fold(np.zeros((5, LEAST_POPULATION - 1), dtype=int))
    assert found.threshold_for(25, np.zeros(LEAST_POPULATION - 1, dtype=int)) == 25
    assert found.share_below(25) == 2 / 3
