"""Gates: what has to be so for a threshold to keep its promise, and is not so in every history.

Where the evidence does not exclude harm a gate stays shut: having few labels opens none. A shut gate takes
the threshold away, unless somebody accepts that by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import ncx2

from scoring.files.errors import BadInput
from training.arrays import Bools, Floats, Ints
from training.threshold.bounds import labels_needed, share_upper

CLASSES: Final = "both-verdicts"
ROLLOUTS: Final = "enough-rollouts"
SELECTION: Final = "verdicts-independent-of-score"
PERIODS: Final = "every-period-reviewed"
DRIFT: Final = "no-drift"
USES: Final = "uses-of-calibration-data"
NAMES: Final = (CLASSES, ROLLOUTS, SELECTION, PERIODS, DRIFT, USES)

# Harm is to miss more than so many times alpha, because of how findings were chosen for review.
HARM: Final = 2.0
CONFIDENCE: Final = 0.95
# Of the same year's calibration data: so many were measured (`benchmarks.guarantee`), and no more.
MOST_USES: Final = 12
CHUNKS: Final = 10
# Verdicts that a period is to have on average, so that its lower bound can say something.
LEAST_IN_CHUNK: Final = 20
UNREVIEWED: Final = 0.25
# Population stability index: below it is commonly taken for no move.
LARGE_MOVE: Final = 0.1
MOVE_BINS: Final = 5


class Gate(NamedTuple):
    """One gate: whether it is open, and what it says; where it is shut, what to do."""

    name: str
    passed: bool
    text: str


def check_names(accepted: Collection[str]) -> None:
    """Refuse what is no gate's name.

    Raises
    ------
    BadInput
        With the names there are.
    """
    for name in accepted:
        if name not in NAMES:
            raise BadInput(f"expected one of {', '.join(NAMES)}", field="--accept", value=name)


def both_verdicts(unintended: Bools) -> Gate:
    """Ask for findings of both verdicts; `unintended` is of those that may calibrate."""
    found = int(unintended.sum())
    if why := cannot_say(unintended):
        return Gate(CLASSES, False, f"{why}: review more findings")
    return Gate(CLASSES, True, f"{found:,} unintended and {len(unintended) - found:,} expected")


def cannot_say(unintended: Bools) -> str:
    """Return why verdicts say nothing of what is missed; empty where they say something.

    Parameters
    ----------
    unintended : array of shape (verdicts,)
        Of verdicts that were given whatever the score: others say only what a threshold let through.

    Examples
    --------
    >>> cannot_say(np.array([False, False]))
    'cannot say: 0 unintended verdicts that were given whatever the score'
    >>> cannot_say(np.array([False, True]))
    ''
    """
    found = int(unintended.sum())
    if 0 < found < len(unintended):
        return ""
    kind = "expected" if found else "unintended"
    return f"cannot say: 0 {kind} verdicts that were given whatever the score"


def enough_rollouts(votes: int, alpha: float, delta: float) -> Gate:
    """Ask for so many unintended rollouts that a promise can be made at all."""
    needed = labels_needed(alpha, delta)
    text = f"{votes:,} unintended rollouts, of at least {needed:,}"
    if votes >= needed:
        return Gate(ROLLOUTS, True, text)
    what = "same principal, actions, account and day count once"
    return Gate(ROLLOUTS, False, f"{text} ({what}): it takes {needed - votes:,} more")


def independent_of_score(reviewed: Bools, below: Floats, alpha: float) -> Gate:
    """Ask that findings below the threshold were reviewed about as often as those above.

    If they are reviewed r times as often, and a share alpha of the reviewed unintended ones lies below, then
    alpha / (alpha + r (1 - alpha)) of all unintended ones do. The gate opens where that is at most twice
    alpha for the lower confidence bound of r.

    Parameters
    ----------
    reviewed : array of shape (findings,)
    below : array of shape (findings,)
        Whether each is below the threshold, by cards not fitted on it; a share where several cards say so.

    Examples
    --------
    >>> below = np.array([1.0, 0.0] * 500)
    >>> independent_of_score(np.arange(1000) % 3 > 0, below, 0.05).passed
    True
    >>> independent_of_score(below == 0, below, 0.05).passed
    False
    """
    level = (1 - CONFIDENCE) / 2
    low = [float(below.sum()), float(below[reviewed].sum())]
    high = [len(below) - low[0], float(reviewed.sum()) - low[1]]
    least = 1 - float(share_upper(low[0] - low[1], low[0], level)) if low[0] > 0 else 1.0
    most = float(share_upper(high[1], high[0], level)) if high[0] > 0 else 1.0
    ratio = least / most if most > 0 else 0.0
    missed = alpha / (alpha + ratio * (1 - alpha))
    shares = [100 * got / max(of, 1.0) for of, got in (low, high)]
    text = f"{shares[0]:.0f} % of the findings below the threshold have a verdict, {shares[1]:.0f} % above it"
    if missed <= HARM * alpha:
        return Gate(SELECTION, True, text)
    more = "review findings below the threshold, drawn by lot, or all of a period"
    return Gate(SELECTION, False, f"{text}: up to {100 * missed:.0f} % may be missed; {more}")


def every_period_reviewed(reviewed: Bools) -> Gate:
    """Ask that between the first and the last verdict no period went without, shown by a lower bound.

    Parameters
    ----------
    reviewed : array of shape (findings,)
        In the order of time.

    Examples
    --------
    >>> every_period_reviewed(np.arange(2000) % 2 == 0).passed
    True
    >>> every_period_reviewed((np.arange(2000) < 800) | (np.arange(2000) > 1200)).passed
    False
    """
    places = np.flatnonzero(reviewed)
    span = reviewed[places[0] : places[-1] + 1] if len(places) else reviewed[:0]
    chunks = np.array_split(span, max(1, min(CHUNKS, int(span.sum()) // LEAST_IN_CHUNK)))
    usual = float(span.mean()) if len(span) else 0.0
    shut = 0
    for chunk in chunks:
        without = int(len(chunk) - chunk.sum())
        least = 1 - float(share_upper(without, len(chunk), 1 - CONFIDENCE)) if len(chunk) else 0.0
        shut += least < UNREVIEWED * usual
    if not shut and len(span):
        return Gate(
            PERIODS, True, f"verdicts in each of {len(chunks)} periods, {100 * usual:.0f} % on average"
        )
    return Gate(
        PERIODS,
        False,
        f"in {shut} of {len(chunks)} periods too little was reviewed: review a part of these findings",
    )


def no_drift(scores: Ints) -> Gate:
    """Ask that scores of the later half of findings are spread as those of the earlier half.

    Parameters
    ----------
    scores : array of shape (findings,)
        In the order of time, by cards not fitted on these findings.
    """
    early, late = np.array_split(scores, 2)
    if len(late) < 5 * CHUNKS:
        return Gate(DRIFT, False, f"{len(scores)} findings are too few to see drift: it takes {10 * CHUNKS}")
    edges = np.unique(np.quantile(early, np.linspace(0, 1, MOVE_BINS + 1)[1:-1]))
    p, q = (_shares(np.searchsorted(edges, part), len(edges) + 1) for part in (early, late))
    moved = float(((q - p) * np.log(q / p)).sum())
    most = _most_moved(moved, len(edges), 1 / len(early) + 1 / len(late))
    text = (
        f"scores moved by {moved:.2f}, at most {most:.2f}, between the halves (stability index; large from"
        f" {LARGE_MOVE})"
    )
    if most < LARGE_MOVE:
        return Gate(DRIFT, True, text)
    return Gate(DRIFT, False, f"{text}: train on findings since the change")


def few_uses(number: int, *, strict: bool) -> Gate:
    """Ask that the year's calibration data were not used more often than the promise was measured for.

    Parameters
    ----------
    number : int
        Which use of the year this one is.
    strict : bool
        Whether delta is spent on the uses, so that each version keeps the promise by itself.
    """
    if strict:
        text = f"use {number} of the year: delta is spent on all of them, each version keeps the promise"
        return Gate(USES, True, text)
    text = f"use {number} of the year: the promise is for the findings of the year together, not each version"
    if number <= MOST_USES:
        return Gate(USES, True, f"{text} (--strict-delta promises that)")
    return Gate(USES, False, f"{text}, and was measured for {MOST_USES}: train with --strict-delta")


def _most_moved(moved: float, freedom: int, noise: float) -> float:
    """Return the upper confidence bound on a stability index.

    Divided by its noise it is about chi-square, not central where scores have moved (Yurdakul, Naranjo 2020,
    "Statistical properties of the population stability index", J. Risk Model Validation).
    """
    if not freedom:
        return moved
    low, high = 0.0, 4 * moved / noise + 100.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if ncx2.cdf(moved / noise, freedom, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high * noise


def _shares(place: Ints, places: int) -> Floats:
    counts = np.bincount(place, minlength=places) + 0.5
    return np.asarray(counts / counts.sum())


def shut(gates: Sequence[Gate], accepted: Collection[str]) -> list[Gate]:
    """Return the gates that are shut and that nobody accepted."""
    return [gate for gate in gates if not gate.passed and gate.name not in accepted]
