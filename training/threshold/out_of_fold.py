"""Every label fits and calibrates: scores out of fold, and a threshold for the card of all labels.

Cards fitted without a fifth of the findings score that fifth. What these scores promise is taken over to the
card that is fitted on everything by the share that is archived: its threshold archives the same share of the
findings without a verdict, which no card was fitted on, as the cards of the folds do (measured: a threshold
copied on the scale of scores archives 4 points less). That this keeps the promise rests on the stability of
cross-validated risk (Bayle, Bayle, Janson, Mackey 2020, arXiv 2007.12671), and is no theorem in finite
samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.arrays import Floats, Ints

# With fewer findings without a verdict their share says too little: the threshold is copied then.
LEAST_POPULATION = 200

Score = Callable[[Ints], Ints]


@dataclass(frozen=True)
class OutOfFold:
    """What cards score that were fitted without the findings that they score.

    Attributes
    ----------
    rows, scores : arrays of shape (labelled findings,)
        In tenths of points.
    risk : array of shape (labelled findings,)
        Probabilities as each fit sees them.
    population : array of shape (folds, findings without a verdict)
        Scores of all these by each card.
    """

    rows: Ints
    scores: Ints
    risk: Floats
    population: Ints

    @property
    def in_time(self) -> Ints:
        """Scores in the order of time: of the population the mean of all cards; no fold's card moves that.

        Of the findings left out where the population is smaller: a few hundred cannot show a lack of drift.
        """
        if self.population.shape[1] < max(LEAST_POPULATION, len(self.scores)):
            return self.scores
        return np.asarray(np.rint(self.population.mean(axis=0)), dtype=np.int64)

    def share_below(self, cut: int) -> float:
        """Return the share of findings that the cards of the folds archive.

        Of the population, or of the findings left out where that is small.
        """
        few = self.population.shape[1] < LEAST_POPULATION
        return float(((self.scores if few else self.population) < cut).mean())

    def threshold_for(self, cut: int, scores: Ints) -> int:
        """Return the threshold of the card of all labels that stands for a cut among these scores.

        Parameters
        ----------
        cut : int
            A threshold of scores out of fold.
        scores : array of shape (findings without a verdict,)
            By the card of all labels.
        """
        if self.population.shape[1] < LEAST_POPULATION:
            return cut
        return at_share(scores, self.share_below(cut))


def at_share(scores: Ints, share: float) -> int:
    """Return the highest threshold that archives no more than a share of some scores.

    Examples
    --------
    >>> at_share(np.array([10, 20, 20, 40]), 0.5), at_share(np.array([10, 20, 30, 40]), 0.5)
    (20, 30)
    """
    ranked = np.sort(scores)
    most = int(np.floor(share * len(ranked) + 1e-9))
    return int(ranked[most]) if most < len(ranked) else int(ranked[-1]) + 1
