"""Verdicts to review again: those of "unintended" that keep the threshold down.

A verdict that is wrong costs most where a harmless finding was called unintended: one with a low score uses
up what may be missed. Reviewing these again, from the lowest score up, until as many are confirmed as decide
on the threshold, gives back what wrong ones cost (measured in ``benchmarks.guarantee``). A reversal takes two
people; see `training.dataset.verdicts`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import beta

from training.arrays import Bools, Floats, Ints
from training.dataset.dataset import Dataset
from training.threshold.bounds import allowed_misses

CHECKED: Final = 40
"""Verdicts drawn among the others, to see how many of those are wrong."""
_WRONG: Final = 0.03
"""Share of wrong verdicts that is assumed where too few were repeated."""


@dataclass(frozen=True)
class Again:
    """Verdicts to review again.

    Attributes
    ----------
    rows : array
        Findings called unintended, from the lowest score up.
    checks : array
        Further ones, drawn among those above.
    share, share_after : float
        Archived share now, and if so many of `rows` are reversed that the others decide on the threshold.
    """

    rows: Ints
    checks: Ints
    share: float
    share_after: float

    @property
    def sentence(self) -> str:
        """What they cost."""
        if not len(self.rows):
            return "No verdict is to be reviewed again: there is no threshold that it could raise."
        points = 100 * (self.share_after - self.share)
        return (
            f"These {len(self.rows)} verdicts of unintended cost you up to {points:.0f} points of archived"
            " share: have them reviewed again (review-again.csv). A reversal takes two people."
        )


def verdicts_again(
    dataset: Dataset,
    rows: Ints,
    scores: Ints,
    population: Ints,
    risk: Floats,
    alpha: float,
    delta: float,
) -> Again:
    """Choose the verdicts to review again.

    Parameters
    ----------
    rows : array of shape (n,)
        Findings called unintended that calibrate the threshold.
    scores : array of shape (n,)
        By cards that were not fitted on them.
    population : array of shape (m,)
        Scores of all findings by such cards.
    risk : array of shape (n,)
        Probability of "unintended" for each, by its score.
    """
    nothing = rows[:0]
    k = allowed_misses(len(rows), alpha, delta)
    if k < 0 or not len(population):
        return Again(nothing, nothing, 0.0, 0.0)
    ranked = np.argsort(scores, kind="stable")
    p = np.clip(risk[ranked], 1e-6, 1.0)
    right = p / (p + _WRONG * (1 - p))
    # One more than decides: what is confirmed is to reach the (k + 1)-th.
    count = min(int(np.searchsorted(np.cumsum(right), k + 1)) + 1, len(ranked))
    listed, above = ranked[:count], ranked[count:]
    now, after = int(scores[ranked[k]]), int(scores[listed[-1]])
    rng = np.random.default_rng(int(dataset.digest[:8], 16))
    checks = np.sort(rng.permutation(above)[:CHECKED])
    return Again(
        rows[listed],
        rows[checks],
        float((population < now).mean()),
        float((population < after).mean()),
    )


def as_csv(dataset: Dataset, again: Again, scores: Ints) -> bytes:
    """Write the list as ``triage review --import`` takes it: the verdict is for a person to fill in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["finding_id", "verdict", "note", "by", "resource", "score", "why"])
    about = dataset.about
    for rows, why in ((again.rows, "again"), (again.checks, "check")):
        for row in rows.tolist():
            names = [_harmless(str(about[name].iloc[row])) for name in ("finding_id", "resource")]
            writer.writerow([names[0], "", "", "", names[1], scores[row] / 10, why])
    return out.getvalue().encode("utf-8", "backslashreplace")


def wrong_verdicts(repeated: Bools, agreed: Bools) -> dict[str, Any]:
    """Estimate the share of wrong verdicts from findings that two people reviewed.

    Of two who each err with probability e, independently, 2 e (1 - e) disagree; the interval is that of
    Clopper and Pearson for the disagreements, level .95, carried over.

    Examples
    --------
    >>> wrong_verdicts(np.ones(100, dtype=bool), np.arange(100) >= 6)
    {'repeated': 100, 'disagreed': 6, 'share': 0.031, 'lower': 0.0113, 'upper': 0.0676}
    """
    n = int(repeated.sum())
    apart = int((repeated & ~agreed).sum())
    if not n:
        return {"repeated": 0, "disagreed": 0, "share": None, "lower": None, "upper": None}
    low = float(beta.ppf(0.025, apart, n - apart + 1)) if apart else 0.0
    high = float(beta.ppf(0.975, apart + 1, n - apart)) if apart < n else 1.0
    share, lower, upper = (_error(one) for one in (apart / n, low, high))
    return {"repeated": n, "disagreed": apart, "share": share, "lower": lower, "upper": upper}


def _error(disagree: float) -> float:
    """Return the smaller e of 2 e (1 - e) = d; a half where more disagree than chance would."""
    return round((1 - float(np.sqrt(max(0.0, 1 - 2 * disagree)))) / 2, 4)


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking text of others for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def ids(again: Again, dataset: Dataset) -> Sequence[str]:
    """Return the ids of the findings to review again, from the lowest score up."""
    return [str(dataset.about["finding_id"].iloc[row]) for row in again.rows.tolist()]
