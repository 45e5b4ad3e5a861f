"""How a score adds up, as a column of signed points that sums exactly to it: first what is known."""

from collections.abc import Sequence
from typing import Final

from scoring.decision.decide import Decision
from scoring.explanation.content import Column, Line, MeterPart
from scoring.explanation.safe_text import visible
from scoring.points import from_tenths
from scoring.scorecard.scorecard import Contribution

BLOCKS: Final = 10
_SHOWN: Final = 12
_ALWAYS: Final = 3
_SMALL: Final = 20  # tenths; a smaller contribution gets a line of its own only where there are few
_LONG: Final = 240


# Who can set what a line rests on.
_BY: Final = {
    "sharer": "the sharer",
    "account": "the account",
    "organization": "the organization",
    "aws": "AWS",
}


def column(decision: Decision, *, is_blind: bool = False) -> Column:
    """Lay out the points of a decision, the largest first: what is known, then what is not.

    Parameters
    ----------
    is_blind : bool
        Whether the threshold is not said.
    """
    largest = max((abs(round(c.points * 10)) for c in decision.contributions), default=0) or 1
    lines, rest = _part([c for c in decision.contributions if c.known], largest)
    doubtful, doubtful_rest = _part([c for c in decision.contributions if not c.known], largest)
    score, known, threshold = decision.score, decision.known, decision.threshold
    scale = max(100.0, score, threshold or 0.0)
    mark = -1 if threshold is None else _percent(threshold, scale)
    return Column(
        base=f"{decision.base:.1f}",
        lines=lines,
        rest=rest,
        known=f"{known:.1f}" if doubtful else "",
        doubtful=doubtful,
        doubtful_rest=doubtful_rest,
        total=f"{score:.1f}",
        threshold="" if is_blind else "none" if threshold is None else f"{threshold:.1f}",
        fill=_percent(score, scale),
        mark=mark,
        meter=_meter(_percent(min(known, score), scale), _percent(score, scale), mark),
    )


def _part(contributions: Sequence[Contribution], largest: int) -> tuple[tuple[Line, ...], Line | None]:
    """Lay out some of the points: lines of their own for the larger ones, and one for all others."""
    sized = [(round(c.points * 10), f"{visible(c.text, _LONG)} ({_BY[c.set_by]})") for c in contributions]
    sized.sort(key=lambda pair: -abs(pair[0]))
    shown = sum(1 for tenths, _ in sized if abs(tenths) >= _SMALL)
    shown = min(max(shown, _ALWAYS), _SHOWN)
    if len(sized) - shown == 1:
        shown += 1
    lines = tuple(_line(tenths, text, largest) for tenths, text in sized[:shown])
    rest = sized[shown:]
    if not rest:
        return lines, None
    return lines, _line(sum(tenths for tenths, _ in rest), f"{len(rest)} smaller ones", largest)


def _meter(known: int, score: int, mark: int) -> tuple[MeterPart, ...]:
    """Cut the bar where the known points end, the score ends and the threshold is."""
    cuts = sorted({0, known, score, *((mark,) if mark >= 0 else ())} - {100})
    is_below = score < mark
    return tuple(
        MeterPart(_part_name(start, known, score, mark, is_below=is_below), start, end - start, start == mark)
        for start, end in zip(cuts, [*cuts[1:], 100], strict=True)
    )


def _part_name(start: int, known: int, score: int, mark: int, *, is_below: bool) -> str:
    if start >= score:
        return "at-empty"
    if start >= known:
        return "at-doubt"
    if is_below:
        return "at-less"
    return "at-more" if 0 <= mark <= start else "at-base"


def _line(tenths: int, text: str, largest: int) -> Line:
    share = min(100 * abs(tenths) // largest, 100)
    blocks = max(share * BLOCKS // 100, 1 if tenths else 0)
    bar = "█" * blocks + "░" * (BLOCKS - blocks)
    return Line(f"{from_tenths(tenths):+.1f}", text, share, bar, tenths < 0)


def _percent(value: float, scale: float) -> int:
    return max(0, min(100, round(100 * value / scale)))
