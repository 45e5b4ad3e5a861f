"""The demo's report: one HTML page that opens from disk, with no network and no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded.demo import words as demo_words
from embedded.demo.report.charts import BIN, histogram, stack
from embedded.demo.report.styles import SharedStyles
from embedded.demo.results import TYPES, Decided, Results
from scoring.decision.decide import is_by_rule
from scoring.decision.guardrails import in_short
from scoring.explanation.safe_text import visible

if TYPE_CHECKING:
    from scoring.decision.decide import Decision


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

    from scoring.explanation.render import style, to_fragment

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["in_short"] = in_short
    shared = SharedStyles()
    largest = max(found.total() for found in results.by_type.values())
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
            (TYPES.get(name, name), found.total(), found, stack(found, largest))
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


def guardrails(decisions: Iterable[Decision]) -> list[Count]:
    """How often each guardrail stood in the way, the most frequent first."""
    found = Counter(
        name
        for decision in decisions
        if decision.outcome == "alert"
        for name in {rail.name for rail in decision.guardrails}
    )
    return _counts(found, {name: in_short(name) for name in found})


def reasons(archived: Iterable[Decided]) -> list[Count]:
    """Why findings were archived: by their score, or by a rule of the policy."""
    found: Counter[str] = Counter()
    for one in archived:
        found[one.decision.reason if is_by_rule(one.decision) else "score below the threshold"] += 1
    return _counts(found, {})


def unknown(alerts: Iterable[Decided]) -> list[Count]:
    """Count the alerts by fact that was not known, and why; details are never scored and count as one."""
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
    """The rule by which a finding was archived, or else the two contributions that lowered its score most."""
    if is_by_rule(decision):
        return visible(decision.reason)
    lowest = sorted((one for one in decision.contributions if one.points < 0), key=lambda one: one.points)[:2]
    return (
        "; ".join(f"−{-one.points:.1f} {visible(one.text)}" for one in lowest) or "nothing speaks against it"
    )


def _counts(found: Counter[str], words: dict[str, str]) -> list[Count]:
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    largest: Any = max(found.values(), default=1)
    return [Count(name, words.get(name, ""), count, 100 * count / largest) for name, count in ordered]
