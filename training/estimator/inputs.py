"""Rows as texts: what the estimator accepts, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from scoring.features.features import UNKNOWN
from scoring.scorecard.scorecard import Table
from training.arrays import Floats, Ints

MOST_BINS = 32


def edges_of(frame: pd.DataFrame) -> dict[str, Floats]:
    """Return the inner edges of the bins of each numeric column: quantiles, at most 31."""
    edges: dict[str, Floats] = {}
    for name in frame.columns:
        dtype = frame[name].dtype
        if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
            numbers = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            numbers = np.unique(numbers[~np.isnan(numbers)])
            middles = (numbers[1:] + numbers[:-1]) / 2
            if len(middles) >= MOST_BINS:
                middles = np.quantile(numbers, np.linspace(0, 1, MOST_BINS + 1)[1:-1])
            edges[str(name)] = middles
    return edges


def texts_of(frame: pd.DataFrame, edges: dict[str, Floats]) -> pd.DataFrame:
    """Return a frame of categories that are texts.

    A missing value is "unknown", a number its bin, all else its text. An empty text stays a value of its own.
    """
    return pd.DataFrame({str(name): _texts(frame[name], edges.get(str(name))) for name in frame.columns})


def _texts(column: Any, edges: Floats | None) -> pd.Categorical:
    if edges is not None:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bounds = [f"{edge:.6g}" for edge in edges]
        names = [f"{low} to {high}" for low, high in zip(["below", *bounds], [*bounds, "above"], strict=True)]
        codes = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right"))
        return categories(names, codes)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return categories(list(column.cat.categories), column.cat.codes.to_numpy())
    codes, values = pd.factorize(column.to_numpy(dtype=object))
    return categories(list(values), codes)


def categories(values: list[Any], codes: Ints) -> pd.Categorical:
    """Return rows given as indices into values; equal texts become one, index -1 "unknown"."""
    place: dict[str, int] = {}
    merged = [place.setdefault(str(value), len(place)) for value in values]
    merged.append(place.setdefault(UNKNOWN, len(place)))
    return pd.Categorical.from_codes(
        np.array(merged, dtype=np.int32)[codes], pd.Index(list(place), dtype=object)
    )


class Card(Protocol):
    """A prior: what `scoring.scorecard.scorecard.Scorecard` has."""

    @property
    def base(self) -> int:
        """Points that every row gets, in tenths."""

    @property
    def tables(self) -> Sequence[Table]:
        """Tables of points, in tenths."""
