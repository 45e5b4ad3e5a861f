"""Pictures of the report, each a function from a DataFrame to a figure; the same numbers give the same bytes.

Matplotlib draws them: reports need still pictures that open from disk, without a script or the network, and
notebooks show the same figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#2563eb"
RED: Final = "#d92d20"
GREY: Final = "#667085"
INK: Final = "#1d2939"
COLOURS: Final = {"blue": BLUE, "red": RED, "grey": GREY, "ink": INK}
"""Names of the colours; on a page they are its own, so that it can be dark."""

_SETTINGS: Final[Any] = {
    "svg.hashsalt": "access-triage",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "text.parse_math": False,  # names may hold any character
    "text.color": INK,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}
_WIDTH: Final = 4.9  # inches: text stays readable where a telephone shrinks the picture
ROOM: Final = 0.3  # of an axis, for a legend above the bars: where a free place is searched, it takes long
_BARS: Final = 36
_DAYS_SHOWN: Final = 5
_LONGEST_NAME: Final = 34

P = ParamSpec("P")


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    @wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(_SETTINGS):
            return draw(*arguments, **options)

    return drawn


def to_svg(figure: Figure, title: str) -> str:
    """Write a figure as an SVG element that screen readers can name.

    Its colours are the variables of the page (`COLOURS`), and where there are none those it was drawn with.
    """
    import matplotlib

    out = StringIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1system-ui, sans-serif", text)
    for name, colour in COLOURS.items():
        text = re.sub(rf"(fill|stroke): {colour}", rf"\1: var(--{name}, {colour})", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


def make_axes(across: str, up: str, *, height: float = 2.9) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _in_percent(*of: Any) -> None:
    for axis in of:
        axis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g} %")


@_styled
def trade_off(curves: pd.DataFrame, threshold: int | None, alpha: float | None) -> Figure:
    """Draw what is archived against what is missed, with the confidence band and the chosen point.

    Parameters
    ----------
    curves : DataFrame
        One or two curves as `training.threshold.threshold.curve` makes them, one below the other, with their
        names in
        the column `part`; the first one has the band and the chosen point.
    threshold : int or None
        In tenths.
    alpha : float or None
        The share of the unintended that may be archived.
    """
    figure, axes = make_axes("archived, of all findings", "archived, of the unintended")
    top = min(1.0, 5 * (alpha or 0.05))
    named = list(curves.groupby("part", sort=False, observed=True))
    for (name, curve), colour, style in zip(named, (BLUE, GREY), ("-", "--"), strict=False):
        axes.step(curve["archived_share"], curve["miss_rate"], style, where="post", color=colour, label=name)
    if named:
        _, first = named[0]
        across, lower, upper = first["archived_share"], first["miss_rate"], first["miss_rate_upper"]
        axes.fill_between(
            across, lower, upper, step="post", color=BLUE, alpha=0.16, linewidth=0, label="its upper bound"
        )
        if threshold is not None:
            place = min(int(np.searchsorted(first["threshold"].to_numpy(), threshold)), len(first) - 1)
            at = (across.iloc[place], lower.iloc[place])
            axes.plot(*at, "o", color=RED, markersize=6, label=f"threshold {threshold / 10}", zorder=3)
    if alpha is not None:
        axes.axhline(alpha, color=RED, linewidth=0.9, linestyle=":", label=f"at most {100 * alpha:g} %")
    seen = [float(curve["archived_share"][curve["miss_rate"] <= top].max()) for _, curve in named]
    axes.set_xlim(0, min(1.0, max([0.1, *seen]) + 0.03))
    axes.set_ylim(0, top)
    _in_percent(axes.xaxis, axes.yaxis)
    _explain(axes, loc="upper left")
    return figure


@_styled
def histogram(scores: pd.DataFrame, threshold: int | None) -> Figure:
    """Draw how scores are distributed, by verdict; each verdict's bars add up to one.

    Parameters
    ----------
    scores : DataFrame
        `score` in points and `verdict`; verdicts other than expected and unintended are not drawn.
    threshold : int or None
        In tenths.
    """
    figure, axes = make_axes("score in points", "share of findings with that verdict")
    points = scores["score"].to_numpy()
    if len(points):
        low, high = float(points.min()), float(points.max())
        bins = np.linspace(low, high if high > low else low + 1, _BARS + 1).tolist()
        for verdict, colour in (("expected", BLUE), ("unintended", RED)):
            of_verdict = points[scores["verdict"] == verdict]
            if len(of_verdict):
                weights = np.full(len(of_verdict), 1 / len(of_verdict))
                said = f"{verdict} ({len(of_verdict):,})"
                axes.hist(of_verdict, bins, weights=weights, color=colour, alpha=0.5, label=said)
        _in_percent(axes.yaxis)
    _mark(axes.axvline, threshold)
    axes.margins(y=ROOM)
    _explain(axes, loc="upper right")
    return figure


def _explain(axes: Axes, **options: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)


def _mark(line: Callable[..., Any], threshold: int | None) -> None:
    if threshold is not None:
        line(threshold / 10, color=INK, linewidth=1.2, linestyle="--", label=f"threshold {threshold / 10}")


@_styled
def calibration(groups: pd.DataFrame) -> Figure:
    """Draw the risk that was predicted against the share that turned out to be unintended.

    Parameters
    ----------
    groups : DataFrame
        `predicted` and `observed` shares, and the `lower` and `upper` bound of what was observed.
    """
    figure, axes = make_axes("predicted risk", "found unintended")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=":", label="as predicted")
    observed = groups["observed"]
    axes.errorbar(
        groups["predicted"],
        observed,
        yerr=[observed - groups["lower"], groups["upper"] - observed],
        fmt="o",
        color=BLUE,
        markersize=4,
        linewidth=1,
        label="a tenth of them",
    )
    most = min(1.0, 1.08 * float(groups[["predicted", "upper"]].to_numpy().max()))
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    _in_percent(axes.xaxis, axes.yaxis)
    axes.legend(loc="upper left")
    return figure


@_styled
def bars(sizes: pd.DataFrame, across: str) -> Figure:
    """Draw named bars, the first on top.

    Parameters
    ----------
    sizes : DataFrame
        `name` and `points`.
    """
    figure, axes = make_axes(across, "", height=0.6 + 0.21 * max(len(sizes), 1))
    places = np.arange(len(sizes))[::-1]
    drawn = axes.barh(places, sizes["points"], color=BLUE, height=0.7)
    axes.bar_label(drawn, [f"{size:.1f}" for size in sizes["points"]], padding=3, color=GREY, fontsize=8)
    axes.set_yticks(places, [_shortened(name) for name in sizes["name"]])
    axes.margins(x=0.1, y=0.02)
    axes.tick_params(axis="y", length=0)
    return figure


@_styled
def bands(periods: pd.DataFrame, up: str, threshold: int | None = None) -> Figure:
    """Draw how quantiles move over time.

    Parameters
    ----------
    periods : DataFrame
        `begins` (a day), and `low`, `middle` and `high`: the tenth, the half and nine tenths.
    threshold : int or None
        In tenths.
    """
    figure, axes = make_axes("", up)
    places = np.arange(len(periods))
    low, high = periods["low"], periods["high"]
    axes.fill_between(places, low, high, color=BLUE, alpha=0.16, linewidth=0, label="middle 80 %")
    axes.plot(places, periods["middle"], "o-", color=BLUE, markersize=3, label="median")
    _mark(axes.axhline, threshold)
    step = -(-len(periods) // _DAYS_SHOWN)
    axes.set_xticks(places[::step], list(periods["begins"])[::step])
    room = 0.3 * (float(high.max()) - min(float(low.min()), (threshold or low.min() * 10) / 10))
    axes.set_ylim(top=float(high.max()) + room)
    axes.legend(loc="upper center", ncols=3)
    return figure


@_styled
def shades(moved: pd.DataFrame, most: float) -> Figure:
    """Draw a table of numbers, each cell the darker the larger its number is.

    Parameters
    ----------
    moved : DataFrame
        One row a name, one column a period.
    most : float
        What is darkest; larger numbers are as dark.
    """
    from matplotlib.patches import Rectangle

    rows, columns = moved.shape
    figure, axes = make_axes("", "", height=0.5 + 0.24 * max(rows, 1))
    for (row, column), size in np.ndenumerate(moved.to_numpy()):
        strength = float(min(size / most, 1.0))
        place = (column - 0.48, rows - 1 - row - 0.46)
        axes.add_patch(Rectangle(place, 0.96, 0.92, facecolor=BLUE, alpha=0.05 + 0.6 * strength, linewidth=0))
        axes.text(column, rows - 1 - row, f"{size:.2f}", ha="center", va="center", fontsize=8)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.set_yticks(np.arange(rows)[::-1], [_shortened(str(name)) for name in moved.index])
    axes.set_xticks(np.arange(columns), [str(name)[5:] for name in moved.columns])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
