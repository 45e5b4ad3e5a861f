"""The charts of the demo's report, as positions and sizes in percent."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded.demo.results import OUTCOMES
from embedded.demo.words import done

if TYPE_CHECKING:
    from scoring.decision.decide import Decision

BIN = 5  # points of score in one bar
LAST = 120  # scores from here on share one bar


@dataclass(frozen=True)
class Bar:
    """A part of a chart: position and size in percent of it."""

    outcome: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class Tick:
    """A label on an axis, at a place in percent."""

    at: float
    says: str


@dataclass(frozen=True)
class Histogram:
    """Scores of what was archived and of what raised an alert, in bars of equal width."""

    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    threshold: Tick | None


def histogram(decisions: Iterable[Decision]) -> Histogram:
    """Count scores; what was skipped is left out, since nothing was decided about it.

    Bars of one score stand on each other, archived below.
    """
    shown = [decision for decision in decisions if decision.outcome != "skip"]
    counted = Counter[tuple[int, str]]((_bin(one.score), one.outcome) for one in shown)
    threshold = shown[0].threshold if shown else None
    bins = [number for number, _ in counted]
    first, last = min([0, *bins]), max([100 // BIN - 1, *bins])
    heights = [sum(counted[number, outcome] for outcome in OUTCOMES) for number in range(first, last + 1)]
    step = _step(max(heights))
    top = step * math.ceil(max(1, *heights) / step)
    width = 100 / (last - first + 1)
    bars = []
    for number in range(first, last + 1):
        floor = 0
        for outcome in OUTCOMES[:2]:
            count = counted[number, outcome]
            if count:
                y, height = 100 - 100 * (floor + count) / top, 100 * count / top
                says = f"{done(outcome, count)} with a score {_range(number)}"
                bars.append(Bar(outcome, (number - first) * width, y, width, height, says))
            floor += count
    return Histogram(
        bars=tuple(bars),
        across=tuple(
            Tick((number - first) * width, f"{number * BIN}" + ("+" if number * BIN == LAST else ""))
            for number in range(first, last + 2)
            if number * BIN % 20 == 0
        ),
        up=tuple(Tick(100 - 100 * count / top, str(count)) for count in range(0, top + 1, step)),
        threshold=None
        if threshold is None
        else Tick((threshold / BIN - first) * width, f"threshold {threshold:.1f}"),
    )


def _bin(score: float) -> int:
    return math.floor(min(score, LAST) / BIN)


def _range(number: int) -> str:
    return f"of {LAST} or more" if number * BIN == LAST else f"from {number * BIN} to {(number + 1) * BIN}"


def _step(highest: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 ... of which four reach the highest bar."""
    steps = (int(digit * 10**power) for power in itertools.count() for digit in (1, 2, 5))
    return next(step for step in steps if 4 * step >= highest)


def stack(found: Counter[str], largest: int) -> tuple[Bar, ...]:
    """Put outcomes side by side, in percent of the largest total."""
    bars, x = [], 0.0
    for outcome in OUTCOMES:
        width = 100 * found[outcome] / largest
        if width:
            bars.append(Bar(outcome, x, 0, width, 100, done(outcome, found[outcome])))
        x += width
    return tuple(bars)
