"""The report and the model card: what stands in them, whatever the data, and that they open from disk."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import training.train
from scoring.scorecard.formats import load
from tests.live_aws import Run
from tests.training.histories import read, record, write
from training.evaluation.drift import shifts, shifts_over_time, stability
from training.evaluation.metrics import measure
from training.report import plots
from training.report.report import render
from training.train import Request, Trained

PICTURES = [
    "What is archived, what is missed",
    "Scores by verdict",
    "Calibration of the risk",
    "What decides",
    "Drift of scores",
    "Drift of keys",
]


class Page(HTMLParser):
    """The tags of a page, with what they name, and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.named: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.named += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def page_of(version: Path) -> Page:
    page = Page((version / "report.html").read_text())
    assert page.open == []
    return page


def train(run: Run, folder: Path, records: str, *options: object) -> Path:
    assert run("train", records, "--out", folder / "m", *options).code == 0
    return next((folder / "m").glob("*/"))


# The page.


def test_the_report_shows_all_its_pictures(version: Path) -> None:
    page = page_of(version)
    assert page.headings[1 : 1 + len(PICTURES)] == PICTURES
    labels = [value for name, value in page.named if name == "aria-label"]
    assert labels == PICTURES


def test_the_report_opens_from_disk(version: Path) -> None:
    text = (version / "report.html").read_text()
    assert "<script" not in text
    assert "@import" not in text
    for name, value in page_of(version).named:
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith("#")
        assert not name.startswith("on")
    assert "default-src 'none'" in text


def test_what_is_small_on_a_telephone_stays_within_it(version: Path) -> None:
    text = (version / "report.html").read_text()
    widths = [float(width) for width in re.findall(r'<svg [^>]*?width="([0-9.]+)pt"', text)]
    assert len(widths) == len(PICTURES)
    assert max(widths) < 375


def test_numbers_of_the_page_are_those_of_the_metrics(version: Path) -> None:
    metrics = json.loads((version / "metrics.json").read_text())
    for name in ("report.html", "card.md"):
        text = (version / name).read_text()
        assert f"Threshold {metrics['threshold']['value']}" in text
        assert f"ROC AUC {metrics['roc_auc']:.3f}" in text
        assert version.name in text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    verdicts = ["unintended" if n % 4 == 0 else "expected" for n in range(120)]
    made = [record(n, n, verdict=verdict) for n, verdict in enumerate(verdicts)]
    return training.train.train(read(tmp_path_factory.mktemp("small") / "h.jsonl", made), load(), Request())


def rendered(trained: Trained, threshold: int) -> str:
    card = msgspec.structs.replace(trained.card, threshold=threshold)
    judged = replace(trained, card=card)
    return render(judged, measure(judged))[0]


def listed(page: str, heading: str) -> list[list[float]]:
    """The points of each finding that stands under a heading, its score last."""
    part = page[page.index(heading) : page.index("<h2>Tables</h2>")]
    number = re.compile(r'<td class="number[^"]*">([+-]?[0-9.]+)</td>')
    return [[float(points) for points in number.findall(one)] for one in part.split("<details>")[1:]]


@pytest.mark.parametrize(
    ("threshold", "heading"), [(9000, "Misses, one by one"), (-9000, "Nothing missed. Closest")]
)
def test_the_lowest_unintended_stand_there_one_by_one_and_add_up(
    small: Trained, threshold: int, heading: str
) -> None:
    each = listed(rendered(small, threshold), heading)
    assert len(each) == (6 if threshold > 0 else 5)
    assert [score for *_, score in each] == sorted(score for *_, score in each)
    for *parts, score in each:
        assert sum(round(10 * points) for points in parts) == round(10 * score)


@pytest.mark.parametrize(
    ("records", "options"),
    [
        ([record(1)], ()),
        ([record(n, n) for n in range(40)], ("--labels", "none")),
        ([record(n, n, verdict="expected") for n in range(40)], ()),
        ([record(n, 0, verdict="unintended") for n in range(80)], ()),
    ],
)
def test_pages_of_very_little(
    run: Run, tmp_path: Path, records: list[dict[str, object]], options: tuple[str, ...]
) -> None:
    version = train(run, tmp_path, write(tmp_path / "h.jsonl", records), *options)
    page = page_of(version)
    assert "What it promises" in page.headings
    assert "nan" not in (version / "card.md").read_text()
    assert "None" not in (version / "card.md").read_text()


def test_the_card_with_precedent_shows_what_decides(run: Run, tmp_path: Path) -> None:
    made = []
    for n in range(60):
        principal = f"{n % 7:012d}" if n % 2 else "444455556666"
        own = {"tags": {}, "principal_account": {"id": principal, "in_org": True}}
        made.append({**record(n, n, principal=principal), "context": own})
    version = train(run, tmp_path, write(tmp_path / "h.jsonl", made), "--labels", "none")
    page = page_of(version)
    assert page.headings == ["What it promises", "What decides", "Tables", "Data"]
    assert "No verdict was used" in (version / "report.html").read_text()


# Pictures.


def figures() -> dict[str, Callable[[], Figure]]:
    drawn = pd.DataFrame(
        {
            "part": "calibration",
            "threshold": [10, 20, 30],
            "archived_share": [0.0, 0.4, 1.0],
            "miss_rate": [0.0, 0.1, 1.0],
            "miss_rate_upper": [0.1, 0.2, 1.0],
        }
    )
    some = np.array([0.1, 0.4])
    scores = pd.DataFrame({"score": [1.0, 9.0], "verdict": ["expected", "unintended"]})
    groups = pd.DataFrame({"predicted": some, "observed": some, "upper": some + 0.1, "lower": some - 0.1})
    sizes = pd.DataFrame({"name": ["$x$ & <b>", "y" * 90], "points": [2.0, 1.0]})
    moved = {"begins": ["2026-01-01", "2026-02-01"], "low": some, "middle": some + 1, "high": some + 2}
    return {
        "trade_off": lambda: plots.trade_off(drawn, 20, 0.05),
        "histogram": lambda: plots.histogram(scores, 50),
        "calibration": lambda: plots.calibration(groups),
        "bars": lambda: plots.bars(sizes, "points"),
        "bands": lambda: plots.bands(pd.DataFrame(moved), "points", 5),
        "shades": lambda: plots.shades(pd.DataFrame({"2026-01-01": [0.0, 9.0]}, index=["a", "b"]), 0.5),
    }


@pytest.mark.parametrize("name", sorted(figures()))
def test_a_picture_is_the_same_each_time_and_takes_the_colours_of_its_page(name: str) -> None:
    first, second = (plots.to_svg(figures()[name](), 'a "title"') for _ in range(2))
    assert first == second
    assert first.startswith('<svg role="img" aria-label="a &quot;title&quot;" ')
    coloured = re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", first)
    assert set(coloured) <= {"#ffffff"}
    assert "var(--blue, #2563eb)" in first
    Page(first)


@pytest.mark.parametrize("name", sorted(figures()))
def test_no_legend_searches_for_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search takes as long as there is data, and warns of it on a machine that has other work."""
    monkeypatch.setattr("matplotlib.legend.Legend._find_best_position", None)
    plots.to_svg(figures()[name](), "drawn without a search")


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.trade_off(pd.DataFrame({"part": []}), None, None),
        lambda: plots.histogram(pd.DataFrame({"score": [], "verdict": []}), None),
        lambda: plots.histogram(pd.DataFrame({"score": [3.0] * 5, "verdict": "expected"}), 30),
        lambda: plots.bars(pd.DataFrame({"name": [], "points": []}), "points"),
    ],
)
def test_pictures_of_nothing(figure: Callable[[], Figure]) -> None:
    assert "<svg" in plots.to_svg(figure(), "nothing")


# Drift.


def test_what_moves_is_found(tmp_path: Path) -> None:
    before = [record(n, n / 10, tags={"Environment": "prod" if n % 2 else "dev"}) for n in range(200)]
    after = [record(200 + n, 30 + n / 10, tags={"Environment": "prod"}) for n in range(200)]
    dataset = read(tmp_path / "h.jsonl", [*before, *after])
    old, new = np.arange(200), np.arange(200, 400)
    moved = shifts(dataset, old, new)
    assert moved[0].feature == "environment"
    assert moved[0].stability > 0.25
    assert all(one.stability < 0.01 for one in moved[1:])
    over_time = shifts_over_time(dataset, old, new, most=3)
    assert over_time.index[0] == "environment"
    assert over_time.shape[1] == 6


def test_what_was_never_seen_is_counted(tmp_path: Path) -> None:
    made = [record(n, n, principal="444455556666" if n < 30 else f"{n:012d}") for n in range(40)]
    dataset = read(tmp_path / "h.jsonl", made)
    found = {one.feature: one for one in shifts(dataset, np.arange(30), np.arange(30, 40))}
    assert found["principal"].new_share == 1
    assert found["account"].new_share == 0


def test_many_rare_values_are_no_drift() -> None:
    rng = np.random.default_rng(1)
    old, new = (np.bincount(rng.integers(0, 400, 300), minlength=400) for _ in range(2))
    assert stability(old, new) < 0.1
