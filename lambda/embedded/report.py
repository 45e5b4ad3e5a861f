"""The demo's report: one HTML page that opens from disk, with no network and no script."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded import demo_words
from embedded.demo_results import OUTCOMES, TYPES, Decided, Results
from scoring.sanitize import visible

if TYPE_CHECKING:
    from scoring.decide import Decision

BIN = 5  # points of score in one bar
LAST = 120  # scores from here on share one bar

_STYLED = re.compile(r'<(?P<name>\w+)(?P<before>[^<>]*) style="(?P<style>[^"<>]*)"(?P<after>[^<>]*)>')
_CLASS = re.compile(r' class="([^"]*)"')
_INDENT = re.compile(r"\n\s*")


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


@dataclass(frozen=True)
class Count:
    """Something that was counted, with its share of the largest one in percent."""

    name: str
    says: str
    count: int
    share: float


def to_html(results: Results) -> str:
    """Render the report."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from scoring.rendering import style, to_fragment

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared = SharedStyles()
    archived = [one for one in results.decided if one.decision.outcome == "archive"]
    decisions = [one.decision for one in results.decided]
    return environment.get_template("report.html.j2").render(
        subtitle=f"demo with seed {results.outcome.seed}",
        lead=demo_words.lead(results),
        figures=demo_words.figures(results),
        promises=demo_words.promises(results),
        calls=demo_words.calls(results),
        model=decisions[0].model,
        bin=BIN,
        histogram=histogram(decisions),
        types=[
            (TYPES.get(name, name), found.total(), found, _stack(found, results))
            for name, found in results.by_type.items()
        ],
        counts=results.counts,
        guardrails=guardrails(decisions),
        reasons=reasons(archived),
        unknown=unknown(results.alerts),
        archived=[
            (one.decision, one.message.explanation, _because(one.decision))
            for one in sorted(archived, key=lambda one: (one.decision.score, one.id))
        ],
        alerts=[
            (one.decision, one.message.explanation, shared(to_fragment(one.message.explanation, level=4)))
            for one in results.alerts
        ],
        style=style(),
        shared=shared,
    )


class SharedStyles:
    """Turns the styles that explanations carry in every tag, for mail programs, into classes of the page.

    Calling it gives the HTML with classes; its text is the style sheet of all that it has seen so far. What
    stands in an explanation is escaped, so that only tags of the template look like tags.

    Examples
    --------
    >>> shared = SharedStyles()
    >>> shared('<p class="note" style="margin:0">a</p>'), shared('<b style="margin:0">b</b>')
    ('<p class="note m0">a</p>', '<b class="m0">b</b>')
    >>> print(shared)
    .m0 { margin:0 }
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, html: str) -> str:
        """Put classes in the place of styles."""
        return _INDENT.sub("\n", _STYLED.sub(self._classed, html))

    def __str__(self) -> str:
        return "\n".join(f".{name} {{ {style} }}" for style, name in self._names.items())

    def _classed(self, tag: re.Match[str]) -> str:
        names = [self._names.setdefault(tag["style"], f"m{len(self._names)}")]
        rest = tag["before"] + tag["after"]
        if found := _CLASS.search(rest):
            names.insert(0, found[1])
            rest = rest.replace(found[0], "")
        return f'<{tag["name"]} class="{" ".join(names)}"{rest}>'


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
                says = f"{demo_words.done(outcome, count)} with a score {_range(number)}"
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


def _stack(found: Counter[str], results: Results) -> tuple[Bar, ...]:
    """The outcomes of one type side by side, as wide as the type is frequent."""
    largest = max(other.total() for other in results.by_type.values())
    bars, x = [], 0.0
    for outcome in OUTCOMES:
        width = 100 * found[outcome] / largest
        if width:
            bars.append(Bar(outcome, x, 0, width, 100, demo_words.done(outcome, found[outcome])))
        x += width
    return tuple(bars)


def guardrails(decisions: Iterable[Decision]) -> list[Count]:
    """How often each guardrail stood in the way, the most frequent first."""
    found = Counter(
        name
        for decision in decisions
        if decision.outcome == "alert"
        for name in {rail.name for rail in decision.guardrails}
    )
    return _counts(found, demo_words.GUARDRAILS)


def reasons(archived: Iterable[Decided]) -> list[Count]:
    """Why findings were archived: by their score, or by a rule of the policy."""
    found: Counter[str] = Counter()
    for one in archived:
        below = one.decision.reason.startswith("score ")
        found["score below the threshold" if below else one.decision.reason] += 1
    return _counts(found, {})


def unknown(alerts: Iterable[Decided]) -> list[Count]:
    """For how many alerts which fact was not known, and why; details, which are never scored, as one."""
    why: dict[str, Counter[str]] = {}
    for one in alerts:
        refused = one.record["context"].get("unknown", {})
        known_as = {name: "details" if name.startswith("details.") else name for name in one.decision.unknown}
        for kind in sorted(set(known_as.values())):
            reason = next(refused.get(name, "") for name, known in known_as.items() if known == kind)
            short = visible(reason.partition(":")[0]) or "does not answer the question"
            why.setdefault(kind, Counter())[short] += 1
    words = {
        kind: f"{demo_words.FACTS.get(kind, kind)}: "
        + ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        for kind, reasons in why.items()
    }
    return _counts(Counter({kind: reasons.total() for kind, reasons in why.items()}), words)


def _because(decision: Decision) -> str:
    """The rule that an archived finding followed, or what spoke most for it."""
    if not decision.reason.startswith("score "):
        return visible(decision.reason)
    lowest = sorted((one for one in decision.contributions if one.points < 0), key=lambda one: one.points)[:2]
    return (
        "; ".join(f"−{-one.points:.1f} {visible(one.text)}" for one in lowest) or "nothing speaks against it"
    )


def _counts(found: Counter[str], words: dict[str, str]) -> list[Count]:
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    largest: Any = max(found.values(), default=1)
    return [Count(name, words.get(name, ""), count, 100 * count / largest) for name, count in ordered]
