from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom

from training.arrays import Bools, Floats, Ints
from training.threshold.bounds import allowed_misses, labels_needed, share_upper, weighted_share_upper
from training.threshold.risk import calibrate_risk
from training.threshold.threshold import choose_threshold, curve, read_budget, read_cost, read_threshold

Rule = Callable[[Ints, Bools], int | None]

ALPHA, DELTA, DRAWS = 0.05, 0.05, 500
# More violations than this in 500 draws come once in a thousand, if each violates with probability delta.
MOST_VIOLATIONS = int(binom.ppf(0.999, DRAWS, DELTA))


def draw(rng: np.random.Generator, n: int, ties: int) -> tuple[Ints, Bools]:
    """Integer scores and labels of a population whose miss rate is known at each threshold."""
    unintended = rng.random(n) < 0.15
    scores = np.rint(rng.normal(np.where(unintended, 520, 300), 120) / ties).astype(int) * ties
    return scores, unintended


def violations(rng: np.random.Generator, rule: Rule, truth: Ints, n: int = 1000, ties: int = 1) -> int:
    """How many of the draws give a threshold that archives more than alpha of the unintended."""
    count = 0
    for _ in range(DRAWS):
        threshold = rule(*draw(rng, n, ties))
        count += threshold is not None and (truth < threshold).mean() > ALPHA
    return count


@pytest.fixture(scope="module")
def truth():
    scores, unintended = draw(np.random.default_rng(1), 2_000_000, ties=1)
    return scores[unintended]


def learn_then_test(scores: Ints, unintended: Bools) -> int | None:
    return choose_threshold(scores, unintended, ALPHA, DELTA).value


def test_guarantee_holds_in_simulation(truth):
    assert violations(np.random.default_rng(2), learn_then_test, truth) <= MOST_VIOLATIONS


def test_guarantee_holds_with_ties_only_because_below_is_strict():
    scores, unintended = draw(np.random.default_rng(3), 2_000_000, ties=60)
    truth = scores[unintended]
    assert violations(np.random.default_rng(4), learn_then_test, truth, ties=60) <= MOST_VIOLATIONS

    def or_equal(scores: Ints, unintended: Bools) -> int | None:
        value = choose_threshold(scores, unintended, ALPHA, DELTA).value
        assert value is not None
        return value + 1

    assert violations(np.random.default_rng(4), or_equal, truth, ties=60) > MOST_VIOLATIONS


def test_a_plain_quantile_breaks_the_guarantee(truth):
    def quantile(scores: Ints, unintended: Bools) -> int | None:
        return int(np.quantile(scores[unintended], ALPHA, method="lower"))

    assert violations(np.random.default_rng(5), quantile, truth) > DRAWS // 4


def test_guarantee_holds_for_a_sample_with_known_probabilities():
    scores, unintended = draw(np.random.default_rng(6), 2_000_000, ties=1)
    truth = scores[unintended]

    def audited(scores: Ints, unintended: Bools) -> int | None:
        rng = np.random.default_rng(int(scores.sum()) % 2**32)
        chance = np.where(scores < 400, 0.2, 1.0)
        seen = rng.random(len(scores)) < chance
        return choose_threshold(scores[seen], unintended[seen], ALPHA, DELTA, weight=1 / chance[seen]).value

    rng = np.random.default_rng(7)
    found = [audited(*draw(rng, 6000, 1)) for _ in range(DRAWS)]
    given = [threshold for threshold in found if threshold is not None]
    assert sum((truth < threshold).mean() > ALPHA for threshold in given) <= MOST_VIOLATIONS
    # Valid and of use: it archives most of the time, and not next to nothing.
    assert len(given) > 0.9 * DRAWS
    assert np.mean([(truth < threshold).mean() for threshold in given]) > 0.01


def test_no_threshold_says_how_many_labels_it_takes():
    few = choose_threshold(range(58), [True] * 58, ALPHA, DELTA)
    assert (few.value, few.more_labels) == (None, 1)
    assert (
        choose_threshold([5, 6], [False, False], ALPHA, DELTA).more_labels
        == labels_needed(ALPHA, DELTA)
        == 59
    )
    assert choose_threshold([], [], 0.01, DELTA).more_labels == 299
    weighted = choose_threshold(range(40), [True] * 40, ALPHA, DELTA, weight=[1.0, 20.0] * 20)
    assert weighted.value is None
    assert weighted.more_labels > 0


@pytest.mark.parametrize(("alpha", "delta"), [(0.05, 0.05), (0.01, 0.05), (0.1, 0.01)])
def test_allowed_misses_is_the_largest(alpha, delta):
    for n in (0, 1, 59, 100, 333, 5000):
        k = allowed_misses(n, alpha, delta)
        assert k < 0 or binom.cdf(k, n, alpha) <= delta
        assert n == 0 or binom.cdf(k + 1, n, alpha) > delta


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.booleans()), max_size=300),
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.5),
)
@example([(0, True)], 0.5, 0.49999999999999994)  # 1 - alpha rounds to more than delta
def test_what_is_missed_is_what_is_allowed(rows, alpha, delta):
    scores, unintended = [s for s, _ in rows], [u for _, u in rows]
    chosen = choose_threshold(np.array(scores, dtype=int), unintended, alpha, delta)
    if chosen.value is None:
        assert chosen.more_labels > 0
    else:
        missed = sum(u and s < chosen.value for s, u in rows)
        assert missed == chosen.misses <= allowed_misses(sum(unintended), alpha, delta)
        assert share_upper(missed, sum(unintended), delta) <= alpha + 1e-9


def test_scores_must_be_integers():
    with pytest.raises(ValueError, match="integer tenths"):
        choose_threshold([1.5], [True], ALPHA, DELTA)
    with pytest.raises(ValueError, match="one length"):
        choose_threshold([1], [True, False], ALPHA, DELTA)
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose_threshold([1], [True], 0.0, DELTA)
    with pytest.raises(ValueError, match="positive and finite"):
        weighted_share_upper([True, False], [1.0, 0.0], DELTA)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_weighted_bound_covers_the_share(share):
    rng = np.random.default_rng(8)
    covered, bounds = 0, []
    for _ in range(DRAWS):
        hit = rng.random(400) < share
        chance = np.where(rng.random(400) < 0.5, 0.25, 1.0)
        seen = rng.random(400) < chance
        bounds.append(weighted_share_upper(hit[seen], 1 / chance[seen], DELTA))
        covered += bounds[-1] >= share
    assert covered >= DRAWS - MOST_VIOLATIONS
    assert np.mean(bounds) < share + 0.15


def test_curve_and_its_three_readings():
    rng = np.random.default_rng(9)
    scores, unintended = draw(rng, 3000, 1)
    of = curve(scores, unintended, DELTA)
    assert (of.diff().dropna()[["threshold", "archived_share", "miss_rate", "miss_rate_upper"]] >= 0).all(
        axis=None
    )
    assert (of["miss_rate_upper"] >= of["miss_rate"]).all()
    chosen = choose_threshold(scores, unintended, ALPHA, DELTA)
    assert chosen.value is not None
    reading = read_threshold(of, chosen.value, findings_per_day=200)
    assert reading.threshold == chosen.value
    assert reading.archived_share == (scores < chosen.value).mean()
    assert reading.alerts == pytest.approx(200 * (1 - reading.archived_share))
    assert reading.miss_rate_upper <= ALPHA
    assert read_threshold(of, None).archived_share == 0

    cheap, dear = read_cost(of, miss_cost=1, alert_cost=1), read_cost(of, miss_cost=500, alert_cost=1)
    assert dear.threshold is not None
    assert cheap.threshold is not None
    assert dear.threshold < cheap.threshold
    costs = [500 * (unintended & (scores < t)).mean() + (scores >= t).mean() for t in of["threshold"]]
    assert dear.cost == pytest.approx(min(costs))

    budget = read_budget(of, alerts_per_day=60, findings_per_day=200)
    assert budget.threshold is not None
    assert budget.alerts <= 60 < 200 * (scores >= budget.threshold - 1).mean()


def test_curve_of_a_weighted_sample_follows_the_population():
    rng = np.random.default_rng(10)
    scores, unintended = draw(rng, 20_000, 10)
    chance = np.where(scores < 350, 0.1, 1.0)
    seen = rng.random(len(scores)) < chance
    whole = curve(scores, unintended, DELTA).set_index("threshold")
    part = curve(scores[seen], unintended[seen], DELTA, weight=1 / chance[seen]).set_index("threshold")
    both = whole.join(part.add_suffix("_sample"), how="inner")
    assert (both["archived_share"] - both["archived_share_sample"]).abs().max() < 0.03
    assert (both["miss_rate"] - both["miss_rate_sample"]).abs().max() < 0.05
    assert (both["miss_rate_upper_sample"] >= both["miss_rate"]).all()
    with_population = curve(scores[seen], unintended[seen], DELTA, population=scores)
    assert with_population.set_index("threshold")["archived_share"].equals(whole["archived_share"])


def test_curve_without_unintended_findings_promises_nothing():
    of = curve([10, 20], [False, False], DELTA)
    assert (of["miss_rate_upper"] == 1).all()
    assert of["miss_rate"].isna().all()
    assert curve(np.zeros(0, dtype=int), [], DELTA).empty


@pytest.mark.parametrize("labels", [150, 3000])
def test_risk_rises_and_is_calibrated(labels):
    rng = np.random.default_rng(11)

    def sample(n: int) -> tuple[Ints, Floats, Bools]:
        scores = rng.normal(0, 200, n).round().astype(int)
        probability = expit(-2 + scores / 100)
        return scores, probability, rng.random(n) < probability

    scores, _, unintended = sample(labels)
    risk = calibrate_risk(scores, unintended)
    assert risk == tuple(sorted(risk))
    assert all(0 < p < 1 for _, p in risk)
    assert [p for _, p in risk] == sorted(p for _, p in risk)
    later, probability, _ = sample(20_000)
    at = np.maximum(np.searchsorted([s for s, _ in risk], later, side="right") - 1, 0)
    assert abs(np.array([p for _, p in risk])[at] - probability).mean() < (0.06 if labels < 1000 else 0.03)


def test_risk_needs_both_classes():
    assert calibrate_risk([], []) == ()
    assert calibrate_risk(range(100), [False] * 100) == ()
    assert calibrate_risk(range(100), [i % 20 == 0 for i in range(100)]) == ()


def test_risk_of_scores_that_say_nothing_is_the_base_rate():
    y = np.arange(400) % 4 == 0
    risk = calibrate_risk(np.arange(400) % 7, y)
    assert all(0.15 < p < 0.35 for _, p in risk)


def test_curve_is_a_frame_for_plots():
    assert isinstance(curve([1, 2, 3], [True, False, True], DELTA), pd.DataFrame)


def test_what_a_sample_did_not_draw_counts_as_possible() -> None:
    """All that were drawn weigh 1, while the sample of the archived could have weighed 50."""
    scores, unintended = np.arange(300), np.ones(300, dtype=bool)
    plain = choose_threshold(scores, unintended, ALPHA, DELTA)
    sampled = choose_threshold(scores, unintended, ALPHA, DELTA, largest=50.0)
    expected_too = choose_threshold(
        np.arange(310), np.arange(310) < 300, ALPHA, DELTA, weight=np.where(np.arange(310) < 300, 1.0, 50.0)
    )

    assert plain.value is not None
    assert sampled.value is None
    assert sampled.more_labels > 0
    assert expected_too == sampled
