"""The report and the model card of a version: pages that open from disk, with no network and no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from scoring.points import from_tenths
from scoring.sanitize import visible
from scoring.scorecard import Contribution, Key, Table
from training import pictures
from training.bounds import share_upper
from training.drift import Importance, importance, periods, shifts
from training.final_scores import probabilities
from training.metrics import measured
from training.report_words import percent, sentences
from training.threshold import curve
from training.train import Trained

MOST_MISSES: Final = 200
MOST_ENTRIES: Final = 20
MOST_SHIFTS: Final = 15
MOST_TABLES: Final = 20
_RISK_BINS: Final = 10
_TEMPLATES: Final = Path(__file__).parent / "templates"


class Picture(NamedTuple):
    """A picture with its heading and what it shows."""

    title: str
    says: str
    svg: str


class Miss(NamedTuple):
    """A finding that was unintended and would have been archived."""

    finding_id: str
    resource: str
    score: float
    base: float
    contributions: list[Contribution]


def render(trained: Trained, metrics: Mapping[str, Any]) -> tuple[str, str]:
    """Render the report as HTML and the model card as Markdown.

    Returns
    -------
    report, card : str
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    name, rows = measured(trained)
    weights = importance(trained.card.tables, trained.dataset.X.iloc[rows])
    missed = _missed(trained)
    content = {
        **metrics,
        "sentences": sentences(metrics),
        "importance": weights,
        "measured": [
            (what, metrics[what])
            for what in ("roc_auc", "average_precision", "log_loss", "brier", "n", "positives", "measured_on")
        ],
        "one_in": round(1 / trained.request.delta),
        "pictures": _pictures(trained, weights),
        "entries": lambda table: list(_entries(table)),
        "shifts": shifts(trained.dataset, *_before_and_after(trained))[:MOST_SHIFTS],
        "misses": [_miss(trained, row) for row in missed[:MOST_MISSES]],
        "missed_in_all": len(missed),
        "measured_on": name,
    }
    pages = []
    for template, is_html in (("report.html.j2", True), ("card.md.j2", False)):
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=is_html,  # noqa: S701 - the other page is Markdown, which the filter md is for
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters.update(visible=visible, md=_markdown)
        pages.append(environment.get_template(template).render(content))
    return pages[0], pages[1]


def _markdown(text: str) -> str:
    """Make text harmless in a cell of a Markdown table."""
    return "".join(c if c.isalnum() or c in " ×_:-." else f"&#{ord(c)};" for c in visible(text))


def _before_and_after(trained: Trained) -> tuple[Any, Any]:
    parts = trained.parts
    past = np.sort(np.concatenate([parts.fit, parts.backlog]))
    return past, np.concatenate([parts.calibration, parts.test])


def _missed(trained: Trained) -> list[int]:
    _, rows = measured(trained)
    threshold = trained.card.threshold
    if threshold is None:
        return []
    bad = rows[trained.dataset.unintended[rows] & (trained.scores[rows] < threshold)]
    return [int(row) for row in bad[np.argsort(trained.scores[bad], kind="stable")]]


def _miss(trained: Trained, row: int) -> Miss:
    features = {str(name): str(value) for name, value in trained.dataset.X.iloc[row].items()}
    score, contributions = trained.card.score(features)
    about = trained.dataset.about
    return Miss(
        finding_id=str(about["finding_id"].iloc[row]),
        resource=str(about["resource"].iloc[row]),
        score=from_tenths(score),
        base=from_tenths(trained.card.base),
        contributions=sorted(contributions, key=lambda part: -abs(part.points)),
    )


def _entries(table: Table) -> Iterator[tuple[Key, int, tuple[int, int, int]]]:
    """Yield the entries of a table that differ most from zero, the largest first."""
    ranked = sorted(table.points.items(), key=lambda entry: (-abs(entry[1]), entry[0]))[:MOST_ENTRIES]
    for values, points in sorted(ranked, key=lambda entry: (-entry[1], entry[0])):
        yield values, points, table.evidence.get(values, (0, 0, 0))


def _pictures(trained: Trained, weights: list[Importance]) -> list[Picture]:
    drawn = [_trade_off(trained), _histogram(trained), _calibration(trained)]
    shown = weights[:MOST_TABLES]
    names = [visible(" × ".join(one.table.key), 60) for one in shown]
    figure = pictures.bars(names, [one.points for one in shown], "points")
    drawn.append(
        Picture(
            "Importance of tables",
            "How far each table moves scores, on average.",
            pictures.to_svg(figure, "Importance of tables"),
        )
    )
    drawn.append(_drift(trained))
    return [picture for picture in drawn if picture is not None]


def _trade_off(trained: Trained) -> Picture | None:
    dataset, delta = trained.dataset, trained.request.delta
    curves = []
    for name, rows in (("calibration", trained.parts.calibration), ("test", trained.parts.test)):
        fair = rows[dataset.for_threshold[rows]]
        if dataset.unintended[fair].any():
            drawn = curve(
                trained.scores[fair],
                dataset.unintended[fair],
                delta,
                dataset.weight[fair],
                population=trained.scores[rows],
            )
            curves.append((name, drawn))
    if not curves:
        return None
    alpha = trained.threshold.alpha if trained.threshold else None
    figure = pictures.trade_off(curves, trained.card.threshold, alpha)
    says = (
        "What each threshold archives of all findings and of the unintended ones, with its upper bound "
        f"(confidence {percent(1 - delta)})."
    )
    return Picture(
        "What is archived, what is missed", says, pictures.to_svg(figure, "Archived against missed")
    )


def _histogram(trained: Trained) -> Picture | None:
    name, rows = measured(trained)
    if not len(rows):
        return None
    figure = pictures.histogram(
        trained.scores[rows].astype(float), trained.dataset.unintended[rows], trained.card.threshold
    )
    says = f"Labelled findings of the {name} part; the line is the threshold."
    return Picture("Scores by verdict", says, pictures.to_svg(figure, "Scores by verdict"))


def _calibration(trained: Trained) -> Picture | None:
    name, rows = measured(trained)
    if not trained.card.risk or not len(rows):
        return None
    risk = probabilities(trained.card.risk, trained.scores[rows])
    bad = trained.dataset.unintended[rows]
    groups = [group for group in np.array_split(np.argsort(risk, kind="stable"), _RISK_BINS) if len(group)]
    hits = np.array([bad[group].sum() for group in groups])
    size = np.array([len(group) for group in groups])
    figure = pictures.calibration(
        np.array([risk[group].mean() for group in groups]),
        hits / size,
        upper=share_upper(hits, size, 0.05),
        lower=1 - share_upper(size - hits, size, 0.05),
    )
    says = f"Tenths of the {name} part by predicted risk, each with its 90 % interval."
    return Picture("Calibration of the risk", says, pictures.to_svg(figure, "Calibration"))


def _drift(trained: Trained) -> Picture | None:
    _, after = _before_and_after(trained)
    found = periods(trained.dataset.time[after], trained.scores[after])
    if len(found) < 2:
        return None
    low, middle, high = (np.array([getattr(one, n) for one in found]) for n in ("low", "middle", "high"))
    figure = pictures.bands([one.begins for one in found], low, middle, high, "score in points")
    says = "All findings after the fit, in periods with equally many of them."
    return Picture("Drift of scores", says, pictures.to_svg(figure, "Drift of scores"))
