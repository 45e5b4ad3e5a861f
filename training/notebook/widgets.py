"""What notebooks show: pictures, explanations, and the threshold as a slider; needs the extra `notebooks`."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets
import numpy as np
from IPython.display import HTML, Image

from scoring.points import from_tenths
from training.notebook.explorer import Explorer
from training.notebook.threshold_plot import ThresholdPicture
from training.report.sentences import percent
from training.threshold.threshold import Reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scoring.explanation.explain import Message

SHOWN_CHANGES: Final = 8


def show(figure: Figure) -> Image:
    """Show a figure on white, so that it can be read in dark mode too."""
    out = BytesIO()
    figure.savefig(out, format="png", dpi=110, facecolor="white")
    return Image(out.getvalue(), format="png")  # type: ignore[no-untyped-call]


def show_explanation(message: Message) -> HTML:
    """Show an explanation as the mail and the page do, in a frame of its own."""
    page = escape(message.html, quote=True)
    frame = f'<iframe srcdoc="{page}" sandbox="" style="width: 100%; height: 46em; border: 0"></iframe>'
    return HTML(f"<div>{frame}</div>")  # type: ignore[no-untyped-call]


class ThresholdWidget:
    """Sliders for the threshold and for alpha, and what they change: numbers, picture, findings.

    Moving alpha moves the threshold to the one with that guarantee, where there is one.

    Parameters
    ----------
    explorer : Explorer
    alpha : float
        Where its slider begins.

    Attributes
    ----------
    box : ipywidgets.VBox
        To be displayed.
    """

    def __init__(self, explorer: Explorer, alpha: float = 0.05) -> None:
        self.explorer = explorer
        self.picture = ThresholdPicture(explorer, alpha)
        wide: dict[str, Any] = {"layout": widgets.Layout(width="48%")}
        low, high = (from_tenths(int(score)) for score in (np.min(explorer.scores), np.max(explorer.scores)))
        self.threshold = widgets.FloatSlider(
            min=low, max=high + 0.1, step=0.1, description="threshold", readout_format=".1f", **wide
        )
        self.alpha = widgets.FloatSlider(
            value=alpha, min=0.005, max=0.2, step=0.005, description="alpha", readout_format=".3f", **wide
        )
        self.numbers = widgets.HTML()
        self.image = widgets.Image(format="png")
        self.findings = widgets.HTML()
        self.box = widgets.VBox(
            [widgets.HBox([self.threshold, self.alpha]), self.numbers, self.image, self.findings]
        )
        start = explorer.for_guarantee(alpha).value
        start = explorer.current if start is None else start
        self.threshold.value = low if start is None else from_tenths(start)
        self.threshold.observe(lambda _: self._show(), "value")
        self.alpha.observe(lambda _: self._follow(), "value")
        self._show()

    @property
    def chosen(self) -> int:
        """The threshold as it stands, in tenths."""
        return int(round(self.threshold.value * 10))  # noqa: RUF046 - the slider has no types

    def _follow(self) -> None:
        """Go to the threshold that has the guarantee for alpha."""
        value = self.explorer.for_guarantee(self.alpha.value).value
        if value is not None and value != self.chosen:
            self.threshold.value = from_tenths(value)
        else:
            self._show()

    def _show(self) -> None:
        reading = self.explorer.at(self.chosen)
        self.picture.move(self.chosen, reading, self.alpha.value)
        self.numbers.value = _numbers(self.explorer, reading, self.alpha.value)
        self.image.value = self.picture.png()
        self.findings.value = _changes(self.explorer, self.chosen)


def _numbers(explorer: Explorer, reading: Reading, alpha: float) -> str:
    promised = explorer.for_guarantee(alpha)
    if promised.value is None:
        word = f"no threshold has the guarantee; it takes {promised.more_labels} more unintended findings"
    elif reading.threshold is not None and reading.threshold <= promised.value:
        word = "within the guarantee"
    else:
        word = f"above {from_tenths(promised.value)}, the highest threshold with the guarantee"
    told = (
        ("archived", percent(reading.archived_share)),
        ("missed", f"{percent(reading.miss_rate)}, at most {percent(reading.miss_rate_upper)}"),
        ("alerts a day", f"{reading.alerts:.1f} of {explorer.per_day:.1f} findings"),
        (f"alpha {percent(alpha)}, confidence {percent(1 - explorer.delta)}", word),
    )
    return "".join(f"<div><b>{escape(name)}</b>: {escape(value)}</div>" for name, value in told)


def _changes(explorer: Explorer, threshold: int) -> str:
    changed = explorer.changes(threshold)
    if not len(changed):
        return "<p>No finding changes sides against the current threshold.</p>"
    table = changed.head(SHOWN_CHANGES).to_html(index=False, border=0, escape=True)
    return f"<p>Against the current threshold, findings that change sides:</p>{table}"
