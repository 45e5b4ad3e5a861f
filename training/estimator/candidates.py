"""Candidates: ways to fit the same rows, compared on rows left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from joblib import Parallel, delayed

from training.arrays import Floats, Ints
from training.estimator.crossfit import Crossfit, Design, fold_numbers
from training.estimator.newton import Effects

# A candidate leaves the race when it is behind by more than so many nats and standard errors.
HOPELESS_NATS, HOPELESS_ERRORS = 3.0, 2.0


@dataclass(eq=False)
class Candidate:
    """One way to fit, and how well it does on each fold that was left out.

    Attributes
    ----------
    design : Design
    variance_scale : array of shape (keys,), or one for each fold
        What each key's prior variance is multiplied by.
    cost : float
        Nats that the log loss has to gain before this candidate is preferred.
    columns : sequence of arrays, optional
        Which of the design's keys are fitted in each fold; by default all.
    starts : sequence of Effects, optional
        For each fold, the fit to start from.
    """

    design: Design
    variance_scale: Floats | Sequence[Floats]
    cost: float = 0.0
    columns: Sequence[Ints] | None = None
    starts: Sequence[Effects] | None = None
    effects: list[Effects] = field(default_factory=list)
    parts: list[Crossfit] = field(default_factory=list)
    losses: list[Floats] = field(default_factory=list)

    def run(self, number: int, fold: Ints) -> None:
        """Fit without one fold and see how well the fit does there, unless that was done before."""
        if len(self.losses) > number:
            return
        design, scale = self.design, self.variance_scale
        if self.columns is not None:
            design = replace(design, keys=tuple(design.keys[i] for i in self.columns[number]))
            scale = self.variance_scale[number]
        start = self.starts[number] if self.starts else self.effects[-1] if self.effects else None
        effects = design.fit(np.flatnonzero(fold != number), np.asarray(scale), start, is_rough=True)
        left_out = np.flatnonzero(fold == number)
        self.effects.append(effects)
        self.losses.append(design.loss(design.log_odds(effects, left_out, left_out=True), left_out))
        self.parts.append(Crossfit.of(design, self.effects[-1], left_out))

    @property
    def total(self) -> float:
        """Log loss so far, summed over rows, and the cost."""
        return self.total_after(len(self.losses))

    def total_after(self, rounds: int) -> float:
        """Log loss of so many folds, summed over rows, and the cost."""
        return float(sum(loss.sum() for loss in self.losses[:rounds])) + self.cost

    @property
    def crossfit(self) -> Crossfit:
        """Effects on all rows that were left out."""
        return Crossfit.join(self.parts)

    def lead(self, other: Candidate) -> tuple[float, float]:
        """Return by how many nats this one is ahead, costs included, and the standard error of that."""
        rounds = min(len(self.losses), len(other.losses))
        difference = np.concatenate(other.losses[:rounds]) - np.concatenate(self.losses[:rounds])
        error = float(difference.std()) * len(difference) ** 0.5
        return float(difference.sum()) + other.cost - self.cost, error


def race(candidates: Sequence[Candidate], fold: Ints, n_jobs: int | None) -> Candidate:
    """Run candidates fold by fold and return the best; what falls far behind is not run any further.

    Racing: Maron, Moore 1994, "Hoeffding races".
    """
    running = list(candidates)
    for number in fold_numbers(fold):
        Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(candidate.run)(number, fold) for candidate in running
        )
        best = min(running, key=lambda one: one.total_after(number + 1))
        leads = [best.lead(one) for one in running]
        running = [
            one
            for one, (ahead, error) in zip(running, leads, strict=True)
            if one is best or ahead <= HOPELESS_NATS + HOPELESS_ERRORS * error
        ]
    return min(running, key=lambda one: one.total)


def crossfit(design: Design, fold: Ints, n_jobs: int | None) -> Crossfit:
    """Fit without each fold, as thoroughly as on all rows: what is fitted on such effects fits those."""

    def left_out(number: int) -> Crossfit:
        effects = design.fit(np.flatnonzero(fold != number), np.ones(len(design.keys)))
        return Crossfit.of(design, effects, np.flatnonzero(fold == number))

    numbers = range(int(fold.max()) + 1)
    return Crossfit.join(
        Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(left_out)(number) for number in numbers)
    )
