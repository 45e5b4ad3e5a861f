"""Ints as texts: what the estimator accepts, and what becomes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.features import UNKNOWN
from training.arrays import Floats

MOST_BINS = 32


def edges_of(frame: pd.DataFrame) -> dict[str, Floats]:
    """Return the inner edges of the bins of each numeric column: quantiles, at most 31."""
    edges = {}
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
    """Return a frame of texts: a missing value is "unknown", a number its bin, all else its text.

    An empty text stays a value of its own.
    """
    return pd.DataFrame({str(name): _texts(frame[name], edges.get(str(name))) for name in frame.columns})


def _texts(column: Any, edges: Floats | None) -> NDArray[np.object_]:
    missing = column.isna().to_numpy()
    if edges is None:
        out = column.to_numpy(dtype=object).copy()
        if pd.api.types.infer_dtype(out[~missing], skipna=False) not in ("string", "empty"):
            out[~missing] = [str(value) for value in out[~missing]]
        out[missing] = UNKNOWN
        return np.asarray(out, dtype=object)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bounds = [f"{edge:.6g}" for edge in edges]
    names = [f"{low} to {high}" for low, high in zip(["below", *bounds], [*bounds, "above"], strict=True)]
    names.append(UNKNOWN)
    place = np.where(np.isnan(numbers), len(names) - 1, np.searchsorted(edges, numbers, side="right"))
    return np.array(names, dtype=object)[place]
