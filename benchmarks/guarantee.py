"""Whether `triage train` keeps its promise, and what it archives, in many kinds of histories.

Each draw is a history of the simulator, given to `triage train` with its default settings, and later
findings, given to `triage score`. Of those the true probability of being unintended is known, and so is the
share of unintended findings below the threshold, exactly. A promise is broken where that is more than alpha;
a version without a threshold breaks none.

The kinds of histories: verdicts on findings drawn at random; one decision rolled out to several findings at
once; an organization that changes; verdicts on what alerts alone; some verdicts wrong.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom

from benchmarks.commands import score, train, write
from scoring.scorecard import formats
from training.arrays import Floats
from training.simulate import simulate
from training.simulate.stream import SimulatedRecord

ALPHA, DELTA = 0.05, 0.05
FINDINGS, LATER = 3_000, 4_000
CARD = formats.DEFAULT
Record = dict[str, Any]


class Drawn(NamedTuple):
    """What one draw came to on later findings; `perfect` is what the true probabilities would archive."""

    miss_rate: float
    archived: float
    perfect: float
    shut: tuple[str, ...]


def main() -> None:
    """Print the table; exit 1 where a promise is broken more often than chance allows."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=4)
    options.add_argument("--labels", type=int, default=1_000)
    options.add_argument("--kinds", default=",".join(KINDS), help="comma-separated")
    given = options.parse_args()
    title = f"alpha {ALPHA:.0%}, delta {DELTA:.0%}, {given.labels:,} labels, {given.draws} draws a kind"
    headings = ("history", "broken", "miss rate", "archived", "of perfect", "no threshold", "gates shut")
    table = Table(*headings, title=title, title_justify="left")
    is_broken = False
    for kind in given.kinds.split(","):
        found = [draw(kind, given.labels, seed) for seed in range(given.draws)]
        broken = sum(one.miss_rate > ALPHA for one in found)
        is_broken |= broken > most_broken(len(found))
        shut = sorted({name for one in found for name in one.shut})
        table.add_row(
            kind,
            f"{broken} of {len(found)}",
            _with_error([one.miss_rate for one in found]),
            _with_error([one.archived for one in found]),
            f"{mean(one.archived for one in found) / mean(one.perfect for one in found):.2f}",
            f"{sum(one.archived == 0 for one in found)}",
            ", ".join(shut),
        )
    Console(width=120).print(table)
    if is_broken:
        raise SystemExit(1)


def draw(kind: str, labels: int, seed: int) -> Drawn:
    """Train on one history and look at what its threshold does to later findings."""
    settings, change = KINDS[kind]
    noise, drift = settings
    made = list(simulate(FINDINGS + LATER, seed=seed, labelled=1.0, noise=noise, drift=drift))
    rng = np.random.default_rng(seed)
    past, later = made[:FINDINGS], made[FINDINGS:]
    with tempfile.TemporaryDirectory() as folder:
        history = write(Path(folder) / "history.jsonl", change(past, labels, rng))
        findings = write(Path(folder) / "later.jsonl", [bare(one.record) for one in later])
        model = train(history, Path(folder) / "models")
        decisions = score(findings, model.registry)
    value = model.metrics["threshold"]["value"]
    points = np.array([one["score"] for one in decisions])
    below = np.zeros(len(points), dtype=bool) if value is None else points < value
    probability = np.array([one.probability for one in later])
    shut = tuple(gate["name"] for gate in model.metrics["gates"] if not gate["passed"])
    missed = float(probability[below].sum() / probability.sum())
    return Drawn(missed, float(below.mean()), perfect(probability), shut)


def perfect(probability: Floats) -> float:
    """Return what could be archived at exactly alpha missed, if the true probabilities were known."""
    ranked = np.sort(probability)
    return float((np.cumsum(ranked) <= ALPHA * probability.sum()).mean())


def bare(record: Record) -> Record:
    """Return a record without its verdict."""
    return {name: value for name, value in record.items() if name != "label"}


def by_person(record: Record) -> Record:
    """Return a record whose verdict a person gave, where it was concluded from the finding being resolved."""
    label = record["label"]
    return record | {"label": label | {"source": "console"}} if label["source"] == "resolved" else record


def drawn(past: list[SimulatedRecord], labels: int, rng: np.random.Generator) -> list[Record]:
    """Keep the verdicts of so many findings, drawn at random and reviewed by people."""
    kept = set(rng.choice(len(past), labels, replace=False).tolist())
    return [by_person(one.record) if i in kept else bare(one.record) for i, one in enumerate(past)]


def on_alerts(past: list[SimulatedRecord], labels: int, rng: np.random.Generator) -> list[Record]:
    """Keep so many verdicts among the findings on which the built-in card alerts; they are its upper half."""
    with tempfile.TemporaryDirectory() as folder:
        findings = write(Path(folder) / "all.jsonl", [bare(one.record) for one in past])
        points = np.array([one["score"] for one in score(findings, Path(CARD))])
    alerts = np.flatnonzero(points > np.median(points))
    kept = set(rng.choice(alerts, min(labels, len(alerts)), replace=False).tolist())
    return [by_person(one.record) if i in kept else bare(one.record) for i, one in enumerate(past)]


def rolled_out(past: list[SimulatedRecord], labels: int, rng: np.random.Generator) -> list[Record]:
    """Roll one decision out to five findings on average, with one verdict on nine of ten of them."""
    records: list[Record] = []
    for number, record in enumerate(drawn(past, labels, rng)):
        for copied in range(int(rng.geometric(1 / 5))):
            one = copy.deepcopy(record)
            detail = one["finding"]["detail"]
            name = "id" if "id" in detail else "findingId"
            detail[name] = f"{detail[name]}-{copied}"
            if copied and "label" in one and rng.random() < 0.1:
                is_bad = rng.random() < past[number].probability
                one["label"]["verdict"] = "unintended" if is_bad else "expected"
            records.append(one)
    return records


Change = Callable[[list[SimulatedRecord], int, np.random.Generator], list[Record]]
# Share of verdicts that are wrong, drift, and what becomes of the history.
KINDS: dict[str, tuple[tuple[float, float], Change]] = {
    "at random": ((0.0, 0.0), drawn),
    "rolled out": ((0.0, 0.0), rolled_out),
    "drift": ((0.0, 0.5), drawn),
    "on alerts": ((0.0, 0.0), on_alerts),
    "1 % wrong": ((0.01, 0.0), drawn),
    "3 % wrong": ((0.03, 0.0), drawn),
}


def _with_error(values: list[float]) -> str:
    error = float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0
    return f"{mean(values):.1%} ± {error:.1%}"


def most_broken(count: int) -> int:
    """Return a number that is exceeded once in a thousand times, where each draw is broken with delta."""
    return int(binom.ppf(0.999, count, DELTA))


if __name__ == "__main__":
    main()
