"""A simulated history as rows of features, with what only a simulation knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scoring.findings.record import read_case
from scoring.policy import policy
from training.arrays import Bools, Floats, Ints
from training.dataset.dataset import assemble
from training.dataset.rows import encode_cases
from training.simulate import simulate


@dataclass(frozen=True)
class Simulated:
    """Findings in the order of time: the backlog, then those with labels, then those to test on.

    Attributes
    ----------
    X : DataFrame of categories, shape (findings, features)
    probability : array of shape (findings,)
        True probability of being unintended.
    unintended : array of shape (findings,)
        What they truly are.
    label : array of shape (findings,)
        What an analyst said, mistakes included.
    backlog, labelled, test : array
        Numbers of findings.
    """

    X: pd.DataFrame
    probability: Floats
    unintended: Bools
    label: Ints
    backlog: Ints
    labelled: Ints
    test: Ints


def simulated(
    backlog: int, labelled: int, test: int, *, seed: int, drift: float = 0.0, **more: Any
) -> Simulated:
    """Simulate a history of so many findings."""
    n = backlog + labelled + test
    made = list(simulate(n, seed=seed, labelled=1.0, drift=drift, **more))
    # The simulator's findings are all different ones, so that rows stay rows.
    cases = [read_case(one.record) for one in made]
    dataset = assemble(encode_cases(cases, policy.load()).rows)
    order = np.asarray(dataset.about["row"])
    probability = np.array([one.probability for one in made])[order]
    unintended = np.array([one.verdict == "unintended" for one in made])[order]
    label = np.asarray(dataset.about["verdict"])
    everything = np.arange(len(order))
    return Simulated(
        dataset.X,
        probability,
        unintended,
        label,
        everything[:backlog],
        everything[backlog : backlog + labelled],
        everything[backlog + labelled :],
    )
