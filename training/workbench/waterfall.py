"""How a score adds up, as steps from the base to the score, and as a picture of them."""

from __future__ import annotations

from typing import Final, NamedTuple

from scoring.decision.decide import Decision
from scoring.explanation.safe_text import visible
from scoring.points import said_points

_SET_BY: Final = {
    "sharer": "whoever shares it",
    "account": "the resource's account",
    "organization": "the organization",
    "aws": "AWS",
}


class Step(NamedTuple):
    """One step of the sum, in integer tenths of points.

    Attributes
    ----------
    start, end : int
        What the sum is before and after it.
    kind : str
        ``base``, ``known``, ``unknown``, or ``total``.
    set_by : str
        Who could have set the fact, in words; empty for sums.
    """

    kind: str
    text: str
    start: int
    end: int
    set_by: str = ""

    @property
    def points(self) -> str:
        """The step's own points, signed."""
        tenths = self.end if self.kind in ("base", "total") else self.end - self.start
        return (
            said_points(tenths).replace("-", "−")
            if tenths < 0 or self.kind in ("base", "total")
            else f"+{said_points(tenths)}"
        )

    @property
    def total(self) -> str:
        """What the sum is after it."""
        return said_points(self.end).replace("-", "−")


class Bar(NamedTuple):
    """A bar of the picture, in percent of its width."""

    x: float
    width: float
    kind: str


def steps(decision: Decision) -> list[Step]:
    """Return base, known contributions by size, then those of what is not known, and the score they come to.

    Contributions of no points are left out: they change no sum.
    """
    at = round(decision.base * 10)
    found = [Step("base", "base", 0, at)]
    moving = [one for one in decision.contributions if one.points]
    for known in (True, False):
        some = sorted((one for one in moving if one.known == known), key=lambda one: -abs(one.points))
        for one in some:
            end = at + round(one.points * 10)
            kind = "known" if known else "unknown"
            found.append(Step(kind, visible(one.text, 300), at, end, _SET_BY.get(one.set_by, one.set_by)))
            at = end
    found.append(Step("total", "score" if decision.score == decision.known else "score at worst", 0, at))
    return found


def bars(found: list[Step]) -> list[Bar]:
    """Place each step on one scale, from the lowest sum to the highest."""
    low = min(0, *(min(step.start, step.end) for step in found))
    high = max(1, *(max(step.start, step.end) for step in found))
    span = high - low
    placed = []
    for step in found:
        left, right = sorted((step.start, step.end))
        kind = (
            step.kind
            if step.kind in ("base", "total", "unknown")
            else "more"
            if step.end > step.start
            else "less"
        )
        placed.append(
            Bar(round(100 * (left - low) / span, 2), round(max(100 * (right - left) / span, 0.4), 2), kind)
        )
    return placed


def mark(found: list[Step], threshold: float | None) -> float | None:
    """Place the threshold on the same scale; None where there is none, or it lies outside."""
    if threshold is None:
        return None
    low = min(0, *(min(step.start, step.end) for step in found))
    high = max(1, *(max(step.start, step.end) for step in found))
    place = 100 * (threshold * 10 - low) / (high - low)
    return round(place, 2) if 0 <= place <= 100 else None
