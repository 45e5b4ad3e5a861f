"""Rollouts: findings that one decision of somebody brought about, and that are decided on together.

The same principal is given the same level of access to one type of resource in one account on one day: one
template rolled out, one script run. Its verdicts say what one verdict says, so it has one vote, and no part
of it may be fitted on while another one judges the fit.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from training.arrays import Floats, Ints
from training.dataset.dataset import DAY, Dataset

SAME = ("principal", "resource_type", "access_level", "account")


def rollouts(dataset: Dataset) -> Ints:
    """Return the number of each finding's rollout, shape (findings,).

    Where it is not known who is given access, or nobody is, each finding is a rollout of its own.
    """
    day = np.floor(dataset.time / DAY).astype(np.int64)
    number: Ints = pd.factorize(day)[0].astype(np.int64)
    for name in SAME:
        codes = dataset.X[name].cat.codes.to_numpy().astype(np.int64)
        number = pd.factorize(number * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    alone = dataset.X["principal"].isin((UNKNOWN, NOT_APPLICABLE)).to_numpy()
    number[alone] = int(number.max(initial=0)) + 1 + np.arange(int(alone.sum()))
    return np.asarray(pd.factorize(number)[0], dtype=np.int64)


def one_each(dataset: Dataset, rollout: Ints, rows: Ints) -> Ints:
    """Return one of the given findings for each of their rollouts, drawn by hash; in the order of time."""
    names = dataset.about["finding_id"].astype(str).to_numpy()[rows].tolist()
    drawn = [f"{dataset.digest}\0{name}".encode("utf-8", "surrogatepass") for name in names]
    draw = [hashlib.sha256(content).digest() for content in drawn]
    ranked = rows[np.array(sorted(range(len(rows)), key=draw.__getitem__), dtype=np.int64)]
    first = np.unique(rollout[ranked], return_index=True)[1]
    return np.sort(ranked[first])


def votes(rollout: Ints, rows: Ints) -> Floats:
    """Return the weight of each finding that gives each rollout among them one vote.

    Examples
    --------
    >>> votes(np.array([0, 0, 1, 2]), np.array([0, 1, 2])).tolist()
    [0.5, 0.5, 1.0]
    """
    size = np.bincount(rollout[rows], minlength=int(rollout.max(initial=0)) + 1)
    return np.asarray(1.0 / size[rollout[rows]], dtype=np.float64)


def time_blocks(rollout: Ints, rows: Ints, blocks: int) -> Ints:
    """Cut findings, in the order of time, into blocks of about as many each; none cuts a rollout.

    Examples
    --------
    >>> time_blocks(np.array([0, 1, 1, 1, 2, 3]), np.arange(6), 2).tolist()
    [0, 0, 0, 0, 1, 1]
    """
    _, first, place = np.unique(rollout[rows], return_index=True, return_inverse=True)
    return np.asarray(first[place.reshape(-1)] * blocks // max(1, len(rows)), dtype=np.int64)
