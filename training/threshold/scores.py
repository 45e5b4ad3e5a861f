"""Scores of a dataset's rows by the runtime's scorecard, with the limit on what tags may take off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit

from scoring.points import TENTH
from scoring.scorecard.scorecard import TAG_LIMIT, Scorecard
from training.arrays import Floats, Ints
from training.threshold.risk import Risk

_AT_ONCE = 20_000


def card_scores(card: Scorecard, X: pd.DataFrame) -> tuple[Ints, Ints]:
    """Score rows with the runtime's scorecard.

    Returns
    -------
    scores : array of shape (rows,)
        In tenths of points.
    before_tag_limit : array of shape (rows,)
        The same without the limit on what tags and aliases may take off.

    Raises
    ------
    ValueError
        A feature of the scorecard is not among the columns.
    """
    names = [feature.name for feature in card.features]
    missing = [name for name in names if name not in X.columns]
    if missing:
        raise ValueError(f"the scorecard needs the column {missing[0]!r}, which the rows lack")
    kind, examples = _alike(X[names])
    scores = np.empty(len(examples), dtype=np.int64)
    before_tag_limit = np.empty(len(examples), dtype=np.int64)
    for i, features in enumerate(_features(X[names], examples)):
        score, contributions = card.score(features)
        limited = contributions and contributions[-1].feature == TAG_LIMIT
        scores[i] = score
        before_tag_limit[i] = score - round(contributions[-1].points * 10) if limited else score
    return scores[kind], before_tag_limit[kind]


def _alike(X: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return which rows hold the same in all columns, as a number for each row, and a row of each kind."""
    kind: Ints = np.zeros(len(X), dtype=np.int64)
    for name in X.columns:
        codes, values = pd.factorize(X[name])
        # Numbered anew each time: no product of many columns' sizes ever overflows.
        kind = pd.factorize(kind * (len(values) + 1) + codes)[0]
    return kind, np.unique(kind, return_index=True)[1]


def _features(X: pd.DataFrame, rows: Ints) -> Iterator[dict[str, str]]:
    names = list(X.columns)
    for start in range(0, len(rows), _AT_ONCE):
        some = X.iloc[rows[start : start + _AT_ONCE]]
        columns = [some[name].to_numpy(dtype=object).tolist() for name in names]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def probabilities(risk: Risk, scores: Ints, calibration: float = 0.0) -> Floats:
    """Return the probability of "unintended" for each score.

    Parameters
    ----------
    risk : tuple of (int, float)
        As scorecards have it.
    calibration : float
        Log-odds of a score of zero, where there is no calibrated risk.

    Examples
    --------
    >>> probabilities(((100, 0.1), (200, 0.4)), np.array([50, 150, 250])).tolist()
    [0.1, 0.1, 0.4]
    """
    if not risk:
        return np.asarray(expit(calibration + TENTH * scores))
    starts, values = (np.array(column) for column in zip(*risk, strict=True))
    return np.asarray(values[np.maximum(np.searchsorted(starts, scores, side="right") - 1, 0)])
