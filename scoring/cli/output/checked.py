"""What `triage check` found, written out: for people, for programs, for code hosts (SARIF), for a comment.

References
----------
OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's documentation, "SARIF
support for code scanning" (``security-severity``, ``partialFingerprints``).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TextIO

import msgspec

from scoring.decision.decide import Decision
from scoring.decision.planned import stops
from scoring.explanation import words
from scoring.explanation.content import Explanation
from scoring.explanation.explain import explanation
from scoring.explanation.render import to_text
from scoring.explanation.safe_text import shown_json, visible
from scoring.explanation.severity import known_and_not
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.planned.planned import Place, PlannedCase
from scoring.points import said_points
from scoring.policy.policy import Policy


class Checked(msgspec.Struct, frozen=True):
    """A finding that a change would raise, and what was decided on it."""

    planned: PlannedCase
    decision: Decision

    @property
    def stops(self) -> bool:
        """Whether it is reason not to make the change."""
        return stops(self.decision)


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run found.

    Attributes
    ----------
    inside : int
        Grants that stay in the resource's own account.
    faults : tuple of str
        What could not be read, a line each.
    """

    found: Sequence[Checked]
    policy: Policy
    inside: int = 0
    faults: tuple[str, ...] = ()

    @property
    def stopping(self) -> int:
        """How many findings are reason not to make the change."""
        return sum(one.stops for one in self.found)

    @property
    def summary(self) -> str:
        """All of it in one line."""
        count = len(self.found)
        raised = f"{count:,} finding{'' if count == 1 else 's'} would be raised"
        said = f"{raised}, {self.stopping:,} of them stop the change"
        if self.inside:
            said += f"; {self.inside:,} grant{'' if self.inside == 1 else 's'} within the account"
        if self.faults:
            said += f"; {len(self.faults):,} could not be read"
        return said


def write_text(checks: Checks, out: TextIO) -> None:
    """Write each explanation as an alert shows it, with where the access is written down."""
    for one in checks.found:
        planned = one.planned
        out.write(f"{_place(planned.place)}: {_verdict(one)}\n")
        for note in planned.notes:
            out.write(f"  note: {visible(note)}\n")
        out.write("\n" + to_text(explained(one, checks.policy)).rstrip("\n"))
        out.write(f"\n{'-' * 78}\n\n")
    out.write(f"{checks.summary}\n")


def write_table(checks: Checks, out: TextIO) -> None:
    """Write a line for each finding, those that stop the change first, then what they come to."""
    rows = [
        (
            "stops" if one.stops else "passes",
            one.decision.severity,
            known_and_not(one.decision).replace(" ", ""),
            _place(one.planned.place),
            headline(one, checks.policy),
        )
        for one in sorted(checks.found, key=lambda one: (not one.stops, -one.decision.known))
    ]
    headings = ("Change", "Severity", "Points", "Where", "Finding")
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(4)]
    for row in (headings, *rows) if rows else ():
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        out.write("  ".join((*cells, row[4])).rstrip() + "\n")
    for note in dict.fromkeys(
        f"{_place(one.planned.place)}: {visible(note)}" for one in checks.found for note in one.planned.notes
    ):
        out.write(f"note: {note}\n")
    out.write(f"{checks.summary}\n")


def write_json(checks: Checks, out: TextIO) -> None:
    """Write one object: the decisions with their places and notes, and what they come to."""
    found = [
        {
            **msgspec.to_builtins(one.decision),
            "stops": one.stops,
            "place": msgspec.to_builtins(one.planned.place),
            "notes": list(one.planned.notes),
        }
        for one in checks.found
    ]
    whole = {
        "findings": found,
        "stopping": checks.stopping,
        "inside": checks.inside,
        "errors": list(checks.faults),
    }
    out.write(shown_json(msgspec.json.encode(whole)).decode() + "\n")


def write_sarif(checks: Checks, out: TextIO) -> None:
    """Write SARIF 2.1.0, which code hosts show beside the lines of a change."""
    out.write(shown_json(msgspec.json.encode(sarif(checks))).decode() + "\n")


def write_markdown(checks: Checks, out: TextIO) -> None:
    """Write a comment for a pull request; nothing that others have written is markup in it."""
    out.write(f"### access-triage: {_markdown(checks.summary)}\n")
    if checks.found:
        out.write("\n| change | severity | points | where | finding |\n|---|---|---|---|---|\n")
    for one in sorted(checks.found, key=lambda one: (not one.stops, -one.decision.known)):
        cells = (
            "**stops**" if one.stops else "passes",
            one.decision.severity,
            _markdown(known_and_not(one.decision)),
            _markdown(_place(one.planned.place)),
            _markdown(headline(one, checks.policy)),
        )
        out.write(f"| {' | '.join(cells)} |\n")
    for one in checks.found:
        if not one.stops:
            continue
        title = f"{_place(one.planned.place)}: {headline(one, checks.policy)}"
        text = to_text(explained(one, checks.policy)).rstrip("\n")
        notes = "".join(f"\nnote: {visible(note)}" for note in one.planned.notes)
        indented = "\n".join(f"    {line}".rstrip() for line in (text + notes).split("\n"))
        out.write(f"\n<details><summary>{_html(title)}</summary>\n\n{indented}\n\n</details>\n")
    for fault in checks.faults:
        out.write(f"\n- {_markdown(fault)}\n")


FORMATS: Final[dict[str, Callable[[Checks, TextIO], None]]] = {
    "table": write_table,
    "text": write_text,
    "json": write_json,
    "sarif": write_sarif,
    "markdown": write_markdown,
}


def headline(one: Checked, policy: Policy) -> str:
    """Say a finding in one sentence."""
    case = one.planned.case
    if not isinstance(case.finding, Finding):
        return visible(case.finding.kind)
    return str(words.headline(Exposure(case.finding, case.context, policy)))


def explained(one: Checked, policy: Policy) -> Explanation:
    """Explain a finding as an alert does, without what only a finding that is there can have."""
    content = explanation(one.planned.case, one.decision, policy)
    return msgspec.structs.replace(content, link=None, commands=(), remedies=())


def sarif(checks: Checks) -> dict[str, Any]:
    """Return a SARIF log of one run, as objects to encode."""
    from importlib.metadata import version

    kinds = sorted({one.decision.resource_type for one in checks.found})
    index = {kind: number for number, kind in enumerate(kinds)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "access-triage",
                        "version": version("access-triage"),
                        "rules": [_rule(kind, checks) for kind in kinds],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": not checks.faults,
                        "toolExecutionNotifications": [
                            {"level": "error", "message": {"text": visible(fault, 1000)}}
                            for fault in checks.faults
                        ],
                    }
                ],
                "results": [_result(one, checks.policy, index) for one in checks.found],
            }
        ],
    }


def _rule(kind: str, checks: Checks) -> dict[str, Any]:
    worst = max(one.decision.known for one in checks.found if one.decision.resource_type == kind)
    return {
        "id": f"access-outside/{visible(kind)}",
        "shortDescription": {"text": f"Access from outside the account to {visible(kind)}"},
        "fullDescription": {
            "text": "IAM Access Analyzer would raise a finding: somebody outside the account is given access."
        },
        "defaultConfiguration": {"level": "warning"},
        # Code hosts show a rule's severity from 0 to 10; ours is of about 100 points.
        "properties": {"security-severity": f"{min(max(worst, 1.0), 100.0) / 10:.1f}", "tags": ["security"]},
    }


def _result(one: Checked, policy: Policy, index: dict[str, int]) -> dict[str, Any]:
    decision, planned = one.decision, one.planned
    content = explained(one, policy)
    reasons = [f"{part.points:+.1f} {visible(part.text)}" for part in decision.contributions if part.points]
    lines = [
        f"{content.headline}. {visible(decision.reason)}.",
        f"{said_points(round(decision.base * 10))} to begin with; " + "; ".join(reasons),
        *(f"note: {visible(note)}" for note in planned.notes),
    ]
    place: dict[str, Any] = {}
    if planned.place.file:
        place["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(planned.place.file)},
            "region": {"startLine": planned.place.line or 1},
        }
    if planned.place.name:
        place["logicalLocations"] = [{"fullyQualifiedName": visible(planned.place.name), "kind": "resource"}]
    return {
        "ruleId": f"access-outside/{visible(decision.resource_type)}",
        "ruleIndex": index[decision.resource_type],
        "level": "error" if one.stops else "note",
        "message": {"text": "\n".join(lines)},
        "locations": [place],
        "partialFingerprints": {"accessTriage/v1": decision.finding_id},
        "properties": {"decision": msgspec.to_builtins(decision), "stops": one.stops},
    }


def _verdict(one: Checked) -> str:
    return "stops the change" if one.stops else "passes"


def _place(place: Place) -> str:
    line = f":{place.line}" if place.line else ""
    name = f" {visible(place.name)}" if place.name else ""
    return f"{visible(place.file)}{line}{name}"


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.removeprefix("./")) if not file.startswith("/") else "file://" + quote(file)


def _html(text: str) -> str:
    """Escape HTML, and what a code host turns into a link or a mention even there."""
    from html import escape

    return escape(text).replace("[", "&#91;").replace("@", "@\u200b")


_MARKUP: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]()#+!|~>"})


def _markdown(text: str) -> str:
    """Escape what Markdown, HTML, or a code host's mention would take for more than text."""
    from html import escape

    return escape(visible(text, 400)).translate(_MARKUP).replace("@", "@\u200b")
