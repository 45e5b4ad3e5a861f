"""The picture of a threshold that is being moved: drawn once, then only what moves is drawn again."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from training.notebook.explorer import Explorer
from training.report.plots import BLUE, GREY, RED, ROOM
from training.threshold.threshold import Reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 60


class ThresholdPicture:
    """Archived share against miss rate, and the scores by verdict, with a threshold to move.

    Parameters
    ----------
    explorer : Explorer
    alpha : float
        Drawn as the limit of the miss rate.

    Attributes
    ----------
    figure : matplotlib Figure
    """

    figure: Figure

    def __init__(self, explorer: Explorer, alpha: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import PercentFormatter

        self.figure = Figure(figsize=(9.6, 3.4), dpi=90, layout="constrained", facecolor="white")
        self._canvas = FigureCanvasAgg(self.figure)
        self._trade_off, self._scores = self.figure.subplots(1, 2)
        self._draw_trade_off(explorer, alpha)
        self._draw_scores(explorer)
        for axis in (self._trade_off.xaxis, self._trade_off.yaxis, self._scores.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=1, symbol=" %"))
        # Laid out once: doing so each time takes most of the time that a moved slider has.
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def move(self, threshold: int, reading: Reading, alpha: float) -> None:
        """Move what depends on the threshold, in tenths, and on alpha."""
        self._point.set_data([reading.archived_share], [reading.miss_rate])
        self._line.set_xdata([threshold / 10, threshold / 10])
        self._limit.set_ydata([alpha, alpha])
        self._trade_off.set_ylim(0, min(1.0, 6 * alpha))

    def png(self) -> bytes:
        """Return the picture as it is now."""
        out = BytesIO()
        self._canvas.print_png(out)  # type: ignore[no-untyped-call]  # draws once, where savefig draws twice
        return out.getvalue()

    def _draw_trade_off(self, explorer: Explorer, alpha: float) -> None:
        axes, drawn = self._trade_off, explorer.curve
        across, lower, upper = drawn["archived_share"], drawn["miss_rate"], drawn["miss_rate_upper"]
        axes.step(across, lower, where="post", color=BLUE, label="missed")
        axes.fill_between(across, lower, upper, step="post", color=BLUE, alpha=0.15, linewidth=0)
        self._limit = axes.axhline(alpha, color=RED, linewidth=0.8, linestyle=":", label="alpha")
        (self._point,) = axes.plot([], [], "o", color=RED, label="threshold")
        axes.set(xlabel="archived share of all findings", ylabel="archived share of the unintended")
        axes.set_xlim(0, 1)
        axes.legend(frameon=False, loc="upper left")

    def _draw_scores(self, explorer: Explorer) -> None:
        axes, points = self._scores, explorer.scores / 10
        bins = np.linspace(points.min(), max(points.max(), points.min() + 1), _BINS + 1).tolist()
        expected = explorer.fair & ~explorer.unintended
        for name, colour, rows in (
            ("expected", BLUE, expected),
            ("unintended", RED, explorer.fair & explorer.unintended),
        ):
            if rows.any():
                weights = np.full(int(rows.sum()), 1 / rows.sum())
                axes.hist(
                    points[rows],
                    bins,
                    weights=weights,
                    histtype="stepfilled",
                    color=colour,
                    alpha=0.5,
                    label=name,
                )
        self._line = axes.axvline(points.min(), color=GREY)
        axes.set(xlabel="score in points", ylabel="share of findings with that verdict")
        axes.margins(y=ROOM)
        axes.legend(frameon=False, loc="upper right")
