"""Explanations of decisions written out: text for a terminal, one HTML page, or JSON lines with the facts."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TextIO

import msgspec

from scoring.decision.decide import Decision
from scoring.decision.settings import Decided, Settings
from scoring.explanation.explain import explain, explanation
from scoring.explanation.render import to_page
from scoring.explanation.safe_text import shown_json
from scoring.findings import context as contexts
from scoring.findings.record import Case

_BETWEEN: Final = f"\n{'-' * 78}\n\n"


def write_text(decided: Iterable[Decided], out: TextIO, settings: Settings) -> int:
    """Write one explanation after the other, with a line between them; return how many."""
    count = 0
    for case, decision in decided:
        text = explain(case, decision, settings.policy, card=settings.card).text.rstrip("\n") + "\n"
        out.write(_BETWEEN + text if count else text)
        count += 1
    return count


def write_html(decided: Iterable[Decided], out: TextIO, settings: Settings) -> int:
    """Write one page with all explanations, which needs nothing from elsewhere; return how many."""
    contents = [
        explanation(case, decision, settings.policy, card=settings.card) for case, decision in decided
    ]
    if contents:
        out.write(to_page(contents, title="Findings of IAM Access Analyzer"))
    return len(contents)


def write_json(decided: Iterable[Decided], out: TextIO, settings: Settings) -> int:  # noqa: ARG001 - all formats alike
    """Write a line for each: the decision, the finding's facts and its context; return how many."""
    count = 0
    for case, decision in decided:
        out.write(shown_json(msgspec.json.encode(with_facts(case, decision))).decode() + "\n")
        count += 1
    return count


def with_facts(case: Case, decision: Decision) -> dict[str, Any]:
    """Return a decision with what it was decided on: ``finding`` as it was understood, and ``context``."""
    return {
        **msgspec.to_builtins(decision),
        "finding": msgspec.to_builtins(case.finding),
        "context": contexts.to_json(case.context),
    }


WRITERS: Final[dict[str, Callable[[Iterable[Decided], TextIO, Settings], int]]] = {
    "text": write_text,
    "html": write_html,
    "json": write_json,
}
