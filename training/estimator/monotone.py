"""Keep effects in order: a higher value of an ordered column never gets less, all else equal.

It holds for each table by itself, and therefore for every sum of tables. Every value of an ordered column is
listed for each combination of the other columns that is listed at all, so a table's default never stands
between two listed values: an unlisted combination gets the default whatever the ordered value is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from training.arrays import Floats, Ints
from training.estimator.keys import Columns, KeyValues, Order

# Of turns between two ordered columns; one column is done after the first.
ROUNDS = 5


@dataclass(frozen=True)
class Grid:
    """Where the ordered values of a key stand among its distinct values.

    Attributes
    ----------
    index : array of shape (groups, values of the first ordered column, of the second, ...)
        Indices of distinct values; a group is one combination of the other columns.
    """

    index: Ints

    def project(self, effects: Floats, weights: Floats) -> Floats:
        """Return ordered effects close to the given ones (weighted least squares along each column)."""
        values = effects[self.index]
        axes = range(1, values.ndim)
        wrong = [axis for axis in axes if _falls(values, axis)]
        if not wrong:
            return effects
        weight = weights[self.index]
        for _ in range(ROUNDS):
            for axis in wrong:
                values = _isotonic(values, weight, axis)
            wrong = [axis for axis in axes if _falls(values, axis)]
            if not wrong:
                break
        # A running maximum along one column keeps the order along the others: the result is in order exactly.
        for axis in axes:
            values = np.maximum.accumulate(values, axis=axis)
        out = effects.copy()
        out[self.index] = values
        return out


def complete(values: KeyValues, columns: Columns, order: Order) -> tuple[KeyValues, Grid | None]:
    """List every ordered value for each combination of the other columns, and say where they stand."""
    ordered = [i for i, name in enumerate(values.key) if name in order]
    if not ordered:
        return values, None
    place = {i: {v: n for n, v in enumerate(columns.categories[values.key[i]])} for i in ordered}
    chains = [np.array([place[i][v] for v in order[values.key[i]]], dtype=np.int32) for i in ordered]
    inside = np.ones(len(values.parts), dtype=bool)
    for i, chain in zip(ordered, chains, strict=True):
        inside &= np.isin(values.parts[:, i], chain)
    groups = values.parts[inside].copy()
    groups[:, ordered] = 0
    if len(ordered) == len(values.key):
        groups = np.zeros((1, len(values.key)), dtype=np.int32)
    groups = np.unique(groups, axis=0)
    shape = tuple(len(chain) for chain in chains)
    cells = np.repeat(groups, int(np.prod(shape)), axis=0)
    for i, mesh in zip(ordered, np.meshgrid(*chains, indexing="ij"), strict=True):
        cells[:, i] = np.tile(mesh.ravel(), len(groups))
    parts, back = np.unique(np.concatenate([values.parts, cells]), axis=0, return_inverse=True)
    back = back.reshape(-1)
    grid = Grid(back[len(values.parts) :].reshape(len(groups), *shape))
    return values.renumbered(parts, back[: len(values.parts)]), grid


def _isotonic(values: Floats, weight: Floats, axis: int) -> Floats:
    """Weighted isotonic regression along an axis, all lines in one call.

    The lines are laid end to end, each raised above all of the one before, so that no two are pooled.
    """
    values, weight = values.swapaxes(axis, -1), weight.swapaxes(axis, -1)
    step = float(values.max() - values.min()) + 1.0
    above = step * np.arange(values[..., 0].size).reshape(*values.shape[:-1], 1)
    fitted = isotonic_regression((values + above).ravel(), weights=weight.ravel()).x
    ordered: Floats = fitted.reshape(values.shape) - above
    return ordered.swapaxes(axis, -1)


def _falls(values: Floats, axis: int) -> bool:
    before: list[slice] = [slice(None)] * values.ndim
    after = before.copy()
    before[axis], after[axis] = slice(None, -1), slice(1, None)
    return bool((values[tuple(after)] < values[tuple(before)]).any())
