"""Which combinations of columns explain what smaller keys leave over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from training.arrays import Floats, Ints
from training.estimator.keys import Key

MOST_PAIRS, MOST_TRIPLES = 40, 60
# Triples are looked for among those that extend the best pairs.
PARENTS = 12
VARIANCES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class Found(NamedTuple):
    """A combination, the log evidence for it, and the prior variance under which that is largest."""

    key: Key
    evidence: float
    variance: float


@dataclass
class Screen:
    """Rows as codes, with what a fit leaves over of each.

    Attributes
    ----------
    codes : mapping of column to array of shape (n,)
    residual, curvature : arrays of shape (n,)
        First and second derivative of the log likelihood by the row's log-odds.
    """

    codes: dict[str, Ints]
    residual: Floats
    curvature: Floats
    _sizes: dict[frozenset[str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, codes: dict[str, Ints], residual: Floats, curvature: Floats) -> Screen:
        """Number the values that occur, and leave out columns that never vary or repeat another one."""
        distinct: dict[bytes, tuple[str, Ints]] = {}
        for name, column in codes.items():
            numbered = pd.factorize(column)[0]
            if len(numbered) and numbered.max() > 0:
                distinct.setdefault(numbered.tobytes(), (name, numbered))
        return cls(dict(distinct.values()), residual, curvature)

    def combinations(self, present: Sequence[Key], largest_key: int) -> list[Found]:
        """Return the combinations of two and three columns with the most evidence, the best first.

        Parameters
        ----------
        present : sequence of keys
            Left out.
        """
        known = {frozenset(key) for key in present}
        names = list(self.codes)
        pairs = [key for key in combinations(names, 2) if frozenset(key) not in known]
        found = self._best(pairs, MOST_PAIRS) if largest_key > 1 else []
        if largest_key < 3:
            return found
        triples = {
            tuple(n for n in names if n in (*pair.key, name)): None
            for pair in found[:PARENTS]
            for name in names
            if name not in pair.key
        }
        return found + self._best([key for key in triples if frozenset(key) not in known], MOST_TRIPLES)

    def _best(self, keys: Sequence[Key], most: int) -> list[Found]:
        ranked = sorted(map(self._evidence, keys), key=lambda found: -found.evidence)
        best: list[Found] = []
        for found in ranked:
            if len(best) == most:
                break
            if self._is_finer(found.key):
                best.append(found)
        return best

    def _evidence(self, key: Key) -> Found:
        """Return the log evidence for a further key over none (Laplace), at the best of a few variances."""
        code = self._combined(key)
        g, h = np.bincount(code, self.residual), np.bincount(code, self.curvature)
        there = h > 0
        self._sizes[frozenset(key)] = int(there.sum())
        g, h = g[there], h[there]
        v = np.array(VARIANCES)[:, None]
        evidence = 0.5 * ((g * g) * v / (h * v + 1) - np.log1p(h * v)).sum(axis=1)
        best = int(np.argmax(evidence))
        return Found(key, float(evidence[best]), VARIANCES[best])

    def _is_finer(self, key: Key) -> bool:
        """Say whether a combination has more values than each part of it: others say the same once more."""
        return self._size(key) > max(map(self._size, combinations(key, len(key) - 1)))

    def _size(self, key: Key) -> int:
        if frozenset(key) not in self._sizes:
            self._evidence(key)
        return self._sizes[frozenset(key)]

    def _combined(self, key: Key) -> Ints:
        code = self.codes[key[0]].astype(np.int64)
        for name in key[1:]:
            code = code * (int(self.codes[name].max()) + 1) + self.codes[name]
            if int(code.max()) > 4 * len(code):
                code = pd.factorize(code)[0]
        return code
