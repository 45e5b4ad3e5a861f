"""The report and the model card of a version: pages that open from disk, with no network and no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from scoring.explanation.safe_text import visible
from scoring.points import from_tenths
from scoring.scorecard.scorecard import Contribution, Key, Table
from training.evaluation.drift import importance, shifts
from training.evaluation.metrics import day, measured
from training.report.pictures import LARGE_MOVE, before_and_after, draw_all
from training.report.sentences import figures, percent, sentences
from training.train import Trained

MEASURED: Final = (
    ("roc_auc", "ROC AUC"),
    ("average_precision", "average precision"),
    ("log_loss", "log loss"),
    ("brier", "Brier score"),
    ("n", "labelled findings"),
    ("positives", "of them unintended"),
    ("measured_on", "part of the history"),
)
MOST_MISSES: Final = 200
NEAREST: Final = 5
MOST_ENTRIES: Final = 20
MOST_SHIFTS: Final = 15
_TEMPLATES: Final = Path(__file__).parent / "templates"


class Miss(NamedTuple):
    """A finding that was unintended, and would have been archived or came near to it."""

    finding_id: str
    resource: str
    came_up: str
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
    shown = rows if len(rows) else before_and_after(trained)[0]
    weights = importance(trained.card.tables, trained.dataset.X.iloc[shown])
    lowest, missed = _lowest(trained)
    content = {
        **metrics,
        "figures": figures(metrics),
        "sentences": sentences(metrics),
        "importance": weights,
        "measured": [
            (title, "not known" if metrics[what] is None else metrics[what]) for what, title in MEASURED
        ],
        "one_in": round(1 / trained.request.delta),
        "pictures": draw_all(trained, weights),
        "entries": lambda table: list(_entries(table)),
        "shifts": shifts(trained.dataset, *before_and_after(trained))[:MOST_SHIFTS],
        "large_move": LARGE_MOVE,
        "misses": [_miss(trained, row) for row in lowest],
        "missed_in_all": missed,
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
        environment.filters.update(visible=visible, md=_markdown, percent=percent)
        pages.append(environment.get_template(template).render(content))
    return pages[0], pages[1]


def _markdown(text: str) -> str:
    """Make text harmless in a cell of a Markdown table."""
    return "".join(c if c.isalnum() or c in " ×_:-." else f"&#{ord(c)};" for c in visible(text))


def _lowest(trained: Trained) -> tuple[list[int], int]:
    """Return the unintended findings that are missed or else come nearest, and how many are missed in all."""
    _, rows = measured(trained)
    bad = rows[trained.dataset.unintended[rows]]
    bad = bad[np.argsort(trained.out_of_fold_scores[bad], kind="stable")]
    threshold = trained.card.threshold
    missed = 0 if threshold is None else int((trained.out_of_fold_scores[bad] < threshold).sum())
    return [int(row) for row in bad[: min(missed, MOST_MISSES) or NEAREST]], missed


def _miss(trained: Trained, row: int) -> Miss:
    features = {str(name): str(value) for name, value in trained.dataset.X.iloc[row].items()}
    score, contributions = trained.card.score(features)
    about = trained.dataset.about
    return Miss(
        finding_id=str(about["finding_id"].iloc[row]),
        resource=str(about["resource"].iloc[row]),
        came_up=day(float(about["time"].iloc[row])),
        score=from_tenths(score),
        base=from_tenths(trained.card.base),
        contributions=sorted(contributions, key=lambda part: -abs(part.points)),
    )


def _entries(table: Table) -> Iterator[tuple[Key, int, tuple[int, int, int]]]:
    """Yield the entries of a table that differ most from zero, the largest first."""
    ranked = sorted(table.points.items(), key=lambda entry: (-abs(entry[1]), entry[0]))[:MOST_ENTRIES]
    for values, points in sorted(ranked, key=lambda entry: (-entry[1], entry[0])):
        yield values, points, table.evidence.get(values, (0, 0, 0))
