"""Pictures of the report as SVG, for inclusion in a page; the same numbers give the same bytes.

Matplotlib draws them: reports need still pictures that open from disk, without a script or the network, and
notebooks show the same figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from training.arrays import Bools, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#2563eb"
RED: Final = "#d92d20"
GREY: Final = "#667085"
_SETTINGS: Final[Any] = {
    "svg.hashsalt": "access-triage",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # names may hold any character
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_BARS: Final = 40
_DAYS_SHOWN: Final = 6


def to_svg(figure: Figure, title: str) -> str:
    """Write a figure as an SVG element that screen readers can name."""
    import matplotlib

    out = StringIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def make_axes(across: str, up: str, *, height: float = 3.0) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(across)
        axes.set_ylabel(up)
    return figure, axes


def trade_off(curves: Sequence[tuple[str, pd.DataFrame]], chosen: int | None, alpha: float | None) -> Figure:
    """Draw what is archived against what is missed, with the confidence band and the chosen point.

    Parameters
    ----------
    curves : sequence of (name, curve)
        As `training.threshold.curve` makes them; the first one has the band and the chosen point.
    chosen : int or None
        Threshold in tenths.
    """
    figure, axes = make_axes("archived share of all findings", "archived share of the unintended")
    for (name, curve), colour, style in zip(curves, (BLUE, GREY), ("-", "--"), strict=False):
        axes.step(curve["archived_share"], curve["miss_rate"], style, where="post", color=colour, label=name)
    if curves:
        _, first = curves[0]
        across, lower, upper = first["archived_share"], first["miss_rate"], first["miss_rate_upper"]
        axes.fill_between(across, lower, upper, step="post", color=BLUE, alpha=0.15, linewidth=0)
        if chosen is not None:
            place = min(int(np.searchsorted(first["threshold"].to_numpy(), chosen)), len(first) - 1)
            axes.plot(across.iloc[place], lower.iloc[place], "o", color=RED, label=f"threshold {chosen / 10}")
    if alpha is not None:
        axes.axhline(alpha, color=RED, linewidth=0.8, linestyle=":", label=f"at most {100 * alpha:g} %")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, min(1.0, 6 * (alpha or 0.05)))
    axes.legend(frameon=False)
    return figure


def histogram(scores: Floats, unintended: Bools, threshold: int | None) -> Figure:
    """Draw how scores are distributed, by verdict; each verdict's bars add up to one."""
    figure, axes = make_axes("score in points", "share of its verdict")
    points = scores / 10
    if len(points):
        low, high = float(points.min()), float(points.max())
        bins = np.linspace(low, high if high > low else low + 1, _BARS + 1).tolist()
        for name, colour, rows in (("expected", BLUE, ~unintended), ("unintended", RED, unintended)):
            if rows.any():
                weights = np.full(int(rows.sum()), 1 / rows.sum())
                axes.hist(points[rows], bins, weights=weights, color=colour, alpha=0.5, label=name)
        axes.legend(frameon=False)
    if threshold is not None:
        axes.axvline(threshold / 10, color=GREY, linewidth=1)
    return figure


def calibration(predicted: Floats, observed: Floats, upper: Floats, lower: Floats) -> Figure:
    """Draw the risk that was predicted against the share that turned out to be unintended."""
    figure, axes = make_axes("predicted risk", "share unintended")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    errors = np.vstack([observed - lower, upper - observed])
    axes.errorbar(predicted, observed, yerr=errors, fmt="o", color=BLUE, markersize=4, linewidth=1)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    return figure


def bars(names: Sequence[str], sizes: Sequence[float], across: str) -> Figure:
    """Draw named bars, the largest first."""
    figure, axes = make_axes(across, "", height=0.6 + 0.22 * max(len(names), 1))
    places = np.arange(len(names))[::-1]
    axes.barh(places, list(sizes), color=BLUE)
    axes.set_yticks(places, list(names))
    return figure


def bands(days: Sequence[str], low: Floats, middle: Floats, high: Floats, up: str) -> Figure:
    """Draw how quantiles move over time."""
    figure, axes = make_axes("", up)
    places = np.arange(len(days))
    axes.fill_between(places, low, high, color=BLUE, alpha=0.15, linewidth=0, label="middle 80 %")
    axes.plot(places, middle, "o-", color=BLUE, markersize=3, label="median")
    step = -(-len(days) // _DAYS_SHOWN)
    axes.set_xticks(places[::step], list(days)[::step])
    axes.legend(frameon=False)
    return figure
