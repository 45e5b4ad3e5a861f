"""How a score adds up, as a column of signed points that sums exactly to it."""

from typing import Final

from scoring.decision.decide import Decision
from scoring.explanation.content import Column, Line
from scoring.explanation.safe_text import visible
from scoring.points import from_tenths

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


def column(decision: Decision) -> Column:
    """Lay out the points of a decision, the largest first."""
    sized = [
        (round(c.points * 10), f"{visible(c.text, _LONG)} ({_BY[c.set_by]})") for c in decision.contributions
    ]
    sized.sort(key=lambda pair: -abs(pair[0]))
    shown = sum(1 for tenths, _ in sized if abs(tenths) >= _SMALL)
    shown = min(max(shown, _ALWAYS), _SHOWN)
    if len(sized) - shown == 1:
        shown += 1
    largest = max((abs(tenths) for tenths, _ in sized), default=0) or 1
    rest = sized[shown:]
    score, threshold = decision.score, decision.threshold
    scale = max(100.0, score, threshold or 0.0)
    return Column(
        base=f"{decision.base:.1f}",
        lines=tuple(_line(tenths, text, largest) for tenths, text in sized[:shown]),
        rest=_line(sum(tenths for tenths, _ in rest), f"{len(rest)} smaller ones", largest) if rest else None,
        total=f"{score:.1f}",
        threshold="none" if threshold is None else f"{threshold:.1f}",
        fill=_percent(score, scale),
        mark=-1 if threshold is None else _percent(threshold, scale),
    )


def _line(tenths: int, text: str, largest: int) -> Line:
    share = min(100 * abs(tenths) // largest, 100)
    blocks = max(share * BLOCKS // 100, 1 if tenths else 0)
    bar = "█" * blocks + "░" * (BLOCKS - blocks)
    return Line(f"{from_tenths(tenths):+.1f}", text, share, bar, tenths < 0)


def _percent(value: float, scale: float) -> int:
    return max(0, min(100, round(100 * value / scale)))
