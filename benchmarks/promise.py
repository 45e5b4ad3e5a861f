"""The procedures behind the promise, in simulations with a known truth, fast enough for thousands of draws.

Scores and verdicts are drawn here, and the procedures are the product's own: one vote a rollout and the
binomial rule (`choose_threshold`), second review, the draw and its bound (`missed_upper`), several versions a
year. What `triage train` makes of whole histories is in ``benchmarks.guarantee``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import mean
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom, norm

from training.arrays import Bools, Ints
from training.threshold.bounds import allowed_misses
from training.threshold.certificate import Sample, error_of_run, missed_upper
from training.threshold.gates import independent_of_score, no_drift
from training.threshold.threshold import choose_threshold

ALPHA, DELTA = 0.05, 0.05
DRAWS = 400
BASE_RATE, SEPARATION = 0.15, 2.2


class Kept(NamedTuple):
    """What one draw came to: the true share missed, and the share archived (None: no threshold)."""

    missed: float
    archived: float | None


def history(n: int, rng: np.random.Generator, shift: float = 0.0) -> tuple[Ints, Bools]:
    """Draw scores (tenths) and whether each finding is unintended."""
    bad = rng.random(n) < BASE_RATE
    points = rng.normal(np.where(bad, SEPARATION, 0.0) + shift, 1.0)
    return np.rint(100 * points).astype(np.int64), bad


def truth(threshold: int | None, shift: float = 0.0) -> Kept:
    """Return what a threshold misses and archives, exactly."""
    if threshold is None:
        return Kept(0.0, None)
    at = threshold / 100 - shift
    missed, kept = float(norm.cdf(at - SEPARATION)), float(norm.cdf(at))
    return Kept(missed, BASE_RATE * missed + (1 - BASE_RATE) * kept)


def independent(n: int, rng: np.random.Generator) -> Kept:
    """Every verdict by itself."""
    scores, bad = history(n, rng)
    return truth(choose_threshold(scores, bad, ALPHA, DELTA, in_time=scores).value)


def clusters(size: float, icc: float) -> Callable[[int, np.random.Generator], Kept]:
    """So many rollouts, of so many findings on average, with scores and verdicts alike; one vote each."""

    def drawn(n: int, rng: np.random.Generator) -> Kept:
        scores, bad = history(n, rng)
        sizes = rng.geometric(1 / size, len(scores))
        rollout = np.repeat(np.arange(len(scores)), sizes)
        own = np.rint(100 * rng.normal(0, 1, len(rollout))).astype(np.int64)
        centre = np.where(bad, SEPARATION, 0.0)[rollout] * 100
        spread = np.sqrt(icc) * (scores[rollout] - centre) + np.sqrt(1 - icc) * own
        every = np.rint(centre + spread).astype(np.int64)
        # One finding of each rollout, by lot: the first, since their order is of no meaning.
        first = np.unique(rollout, return_index=True)[1]
        return truth(choose_threshold(every[first], bad, ALPHA, DELTA).value)

    return drawn


def drift(by: float) -> Callable[[int, np.random.Generator], Kept]:
    """Scores that sink all the time, and are judged at the end.

    The threshold is lowered by what they sank, and the gate on drift may say no.
    """

    def drawn(n: int, rng: np.random.Generator) -> Kept:
        scores, bad = history(n, rng)
        scores = scores - np.rint(100 * by * np.arange(n) / n).astype(np.int64)
        value = choose_threshold(scores, bad, ALPHA, DELTA, in_time=scores).value
        return truth(value if no_drift(scores).passed else None, shift=-by)

    return drawn


def by_score(n: int, rng: np.random.Generator) -> Kept:
    """Verdicts on what alerts alone: the gate on selection has to say no."""
    scores, bad = history(n, rng)
    reviewed = scores > np.quantile(scores, 0.5)
    value = choose_threshold(scores[reviewed], bad[reviewed], ALPHA, DELTA).value
    below = scores < (value if value is not None else scores.min())
    gate = independent_of_score(reviewed, below.astype(np.float64), ALPHA)
    return truth(value if gate.passed else None)


def wrong(share: float, second: bool) -> Callable[[int, np.random.Generator], Kept]:
    """So many verdicts wrong; with second review the lowest unintended ones until enough are confirmed."""

    def drawn(n: int, rng: np.random.Generator) -> Kept:
        scores, bad = history(n, rng)
        said = bad ^ (rng.random(n) < share)
        if second:
            said = reviewed_again(scores, bad, said)
        return truth(choose_threshold(scores, said, ALPHA, DELTA).value)

    return drawn


def reviewed_again(scores: Ints, bad: Bools, said: Bools) -> Bools:
    """Review the lowest verdicts of "unintended" again until those that decide are confirmed."""
    found = said.copy()
    ranked = np.flatnonzero(said)[np.argsort(scores[said], kind="stable")]
    confirmed = 0
    for row in ranked.tolist():
        if confirmed > max(0, allowed_misses(int(found.sum()), ALPHA, DELTA)):
            break
        found[row] = bad[row]
        confirmed += bool(bad[row])
    return found


def twelve(strict: bool) -> Callable[[int, np.random.Generator], Kept]:
    """Twelve versions a year on a history that grows: the year's findings together, or the worst version."""

    def drawn(n: int, rng: np.random.Generator) -> Kept:
        scores, bad = history(2 * n, rng)
        kept = []
        for month in range(12):
            have = n + n * month // 12
            delta = error_of_run(month + 1, DELTA) if strict else DELTA
            kept.append(truth(choose_threshold(scores[:have], bad[:have], ALPHA, delta).value))
        missed = [one.missed for one in kept]
        archived = mean(one.archived or 0.0 for one in kept)
        return Kept(max(missed) if strict else mean(missed), archived)

    return drawn


def certificate(draws: int) -> Callable[[int, np.random.Generator], Kept]:
    """The certificate of a window: how often its bound is below the window's own truth."""

    def drawn(n: int, rng: np.random.Generator) -> Kept:
        scores, bad = history(n, rng)
        below = scores < int(np.quantile(scores, rng.uniform(0.1, 0.6)))
        rows = rng.permutation(np.flatnonzero(below))[:draws]
        sample = Sample(int(below.sum()), len(rows), int(bad[rows].sum()))
        bound = missed_upper([sample], int(bad[~below].sum()), DELTA)
        missed = float(bad[below].sum() / max(1, bad.sum()))
        return Kept(ALPHA + 1e-9 if missed > bound else 0.0, bound)

    return drawn


KINDS: dict[str, Callable[[int, np.random.Generator], Kept]] = {
    "independent": independent,
    "clusters of 5, ICC .5": clusters(5, 0.5),
    "clusters of 5, ICC .9": clusters(5, 0.9),
    "clusters of 10, ICC .5": clusters(10, 0.5),
    "clusters of 10, ICC .9": clusters(10, 0.9),
    "drift by .05 standard deviations": drift(0.05),
    "drift by .15": drift(0.15),
    "drift by .3": drift(0.3),
    "drift by .5": drift(0.5),
    "drift by 1": drift(1.0),
    "verdicts on alerts": by_score,
    "1 % wrong, second review": wrong(0.01, second=True),
    "3 % wrong, second review": wrong(0.03, second=True),
    "5 % wrong, second review": wrong(0.05, second=True),
    "3 % wrong, no second review": wrong(0.03, second=False),
    "twelve retrainings, the year": twelve(strict=False),
    "twelve retrainings, --strict-delta": twelve(strict=True),
    "certificate, 50 drawn (archived: bound)": certificate(50),
    "certificate, 400 drawn (archived: bound)": certificate(400),
}


def broken(kind: str, labels: int, draws: int, seed: int = 0) -> tuple[int, float, float]:
    """Return how many draws break the promise, what is archived, and how many have no threshold."""
    rng = np.random.default_rng([seed, *kind.encode()])
    found = [KINDS[kind](labels, rng) for _ in range(draws)]
    archived = mean(one.archived or 0.0 for one in found)
    return sum(one.missed > ALPHA for one in found), archived, sum(one.archived is None for one in found)


def most_broken(draws: int) -> int:
    """Return a number that is exceeded once in a thousand times, where each draw is broken with delta."""
    return int(binom.ppf(0.999, draws, DELTA))


def main() -> None:
    """Print the table; exit 1 where a promise is broken more often than chance allows."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=DRAWS)
    options.add_argument("--labels", type=int, default=1_000)
    given = options.parse_args()
    title = f"alpha {ALPHA:.0%}, delta {DELTA:.0%}, {given.labels:,} verdicts, {given.draws} draws a kind"
    table = Table("history", "broken", "archived", "no threshold", title=title, title_justify="left")
    is_broken = False
    for kind in KINDS:
        count, archived, without = broken(kind, given.labels, given.draws)
        is_broken |= count > most_broken(given.draws)
        error = (count / given.draws * (1 - count / given.draws) / given.draws) ** 0.5
        table.add_row(kind, f"{count / given.draws:.1%} ± {error:.1%}", f"{archived:.1%}", str(without))
    Console(width=110).print(table)
    if is_broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
