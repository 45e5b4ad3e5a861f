"""The pictures of the report: which findings each shows, and what is said of it.

A new one is a function here, listed in `draw_all`; `training.report.plots` draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from scoring.explanation.safe_text import visible
from training.arrays import Ints
from training.evaluation.dataframes import scores_table
from training.evaluation.drift import Importance, periods, shifts_over_time
from training.evaluation.metrics import measured
from training.report import plots
from training.report.sentences import percent
from training.threshold.bounds import share_upper
from training.threshold.threshold import curve
from training.train import Trained

MOST_BARS: Final = 16
MOST_MOVED: Final = 10
LARGE_MOVE: Final = 0.25
_RISK_BINS: Final = 10


class Picture(NamedTuple):
    """A picture with its heading and what it shows."""

    title: str
    says: str
    svg: str


def draw_all(trained: Trained, weights: Sequence[Importance]) -> list[Picture]:
    """Draw all pictures for which there is something to show."""
    drawn = (
        _trade_off(trained),
        _histogram(trained),
        _calibration(trained),
        _importance(weights),
        _drift_of_scores(trained),
        _drift_of_keys(trained),
    )
    return [picture for picture in drawn if picture is not None]


def before_and_after(trained: Trained) -> tuple[Ints, Ints]:
    """Return what effects and precedent rest on, and all that came after it."""
    split, later = trained.split, trained.split.later
    past = np.sort(np.concatenate([split.fit, split.backlog]))
    return np.setdiff1d(past, later), later


def _trade_off(trained: Trained) -> Picture | None:
    dataset, delta = trained.dataset, trained.request.delta
    curves = []
    for name, rows in (("calibration", trained.split.calibration), ("test", trained.split.test)):
        fair = rows[dataset.for_threshold[rows]]
        if dataset.unintended[fair].any():
            bad, weight = dataset.unintended[fair], dataset.weight[fair]
            everyone = trained.out_of_fold_scores[rows]
            drawn = curve(
                trained.out_of_fold_scores[fair],
                bad,
                delta,
                weight,
                population=everyone,
                largest=dataset.largest_weight,
            )
            curves.append(drawn.assign(part=name))
    if not curves:
        return None
    alpha = trained.threshold.alpha if trained.threshold else None
    figure = plots.trade_off(pd.concat(curves), trained.card.threshold, alpha)
    says = (
        "What each threshold archives of all findings and of the unintended ones, with its upper bound "
        f"(confidence {percent(1 - delta, 0)})."
    )
    title = "What is archived, what is missed"
    return Picture(title, says, plots.to_svg(figure, title))


def _histogram(trained: Trained) -> Picture | None:
    name, rows = measured(trained)
    if not len(rows):
        return None
    figure = plots.histogram(
        scores_table(trained.dataset, trained.out_of_fold_scores, rows), trained.card.threshold
    )
    says = f"Labelled findings of the {name} part; what is left of the threshold is archived."
    title = "Scores by verdict"
    return Picture(title, says, plots.to_svg(figure, title))


def _calibration(trained: Trained) -> Picture | None:
    name, rows = measured(trained)
    if not trained.card.risk or not len(rows):
        return None
    risk = trained.risk[rows]
    bad = trained.dataset.unintended[rows]
    groups = [group for group in np.array_split(np.argsort(risk, kind="stable"), _RISK_BINS) if len(group)]
    hits = np.array([bad[group].sum() for group in groups])
    size = np.array([len(group) for group in groups])
    found = {
        "predicted": [risk[group].mean() for group in groups],
        "observed": hits / size,
        "upper": share_upper(hits, size, 0.05),
        "lower": 1 - share_upper(size - hits, size, 0.05),
    }
    figure = plots.calibration(pd.DataFrame(found))
    says = f"Labelled findings of the {name} part in tenths by predicted risk, each with its 90 % interval."
    title = "Calibration of the risk"
    return Picture(title, says, plots.to_svg(figure, title))


def _importance(weights: Sequence[Importance]) -> Picture | None:
    shown = [one for one in weights[:MOST_BARS] if one.points]
    if not shown:
        return None
    sizes = [(visible(" × ".join(one.table.key), 60), one.points) for one in shown]
    figure = plots.bars(pd.DataFrame(sizes, columns=["name", "points"]), "points")
    title = "What decides"
    return Picture(title, "How far each table moves scores, on average.", plots.to_svg(figure, title))


def _drift_of_scores(trained: Trained) -> Picture | None:
    _, after = before_and_after(trained)
    found = periods(trained.dataset.time[after], trained.out_of_fold_scores[after])
    if len(found) < 2:
        return None
    figure = plots.bands(pd.DataFrame(found), "score in points", trained.card.threshold)
    title = "Drift of scores"
    says = "All findings after the fit, in periods with equally many of them."
    return Picture(title, says, plots.to_svg(figure, title))


def _drift_of_keys(trained: Trained) -> Picture | None:
    before, after = before_and_after(trained)
    moved = shifts_over_time(trained.dataset, before, after, MOST_MOVED)
    if moved.empty:
        return None
    moved.index = moved.index.map(lambda name: visible(str(name), 60))
    title = "Drift of keys"
    says = (
        "How far the frequencies of values have moved since the fit, for the keys that moved farthest: "
        f"population stability index by period. Above {LARGE_MOVE} is a large move."
    )
    return Picture(title, says, plots.to_svg(plots.shades(moved, 2 * LARGE_MOVE), title))
