"""Write past decisions as records: from the decision log, from Access Analyzer and from CloudTrail.

Which verdicts count:

- a verdict in the decision log counts, as a person gave it;
- a finding that a person archived, by CloudTrail, is expected; one whose last change by a person made it
  active again has no verdict;
- a finding that was resolved within some days of its alert is unintended, unless its resource is gone; this
  is only concluded, so a person's verdict counts before it;
- what an archive rule, a Lambda function or we ourselves archived has no verdict, nor has an archived finding
  where CloudTrail names no one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.enrich import Aws, enrich_many
from scoring.aws.errors import as_bad_input
from scoring.aws.sessions import Clients
from scoring.decision.decide import BY_RULE
from scoring.decision_log import draws
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.draws import ClosedWindow
from scoring.decision_log.entries import EntryStatus
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from scoring.findings.context import NO_CONTEXT, Context, to_json
from scoring.findings.finding import Finding
from training.dataset.rows import RESOLVED
from training.history.cloudtrail import Change, status_changes

Record = dict[str, Any]
Read = tuple[Finding, Mapping[str, Any]]
"""A finding, and what AWS gave, from which it was read."""

LOGGED = "decisions of the log"
REVIEWED = "decisions of the log with a person's verdict"
UNREADABLE = "decisions of the log on what could not be read: left out"
EXPECTED = "archived by a person: expected"
FIXED = "resolved soon after an alert: unintended"
OURS = "archived by us: no verdict"
NOT_A_PERSON = "archived, and CloudTrail knows of no person who did it: no verdict"
BACK = "archived, though a person had made it active again: no verdict"
UNALERTED = "resolved, but not soon after an alert: no verdict"
GONE = "resolved because the resource is gone: no verdict"
OPEN = "active: no verdict"

# An effect of ours is written to the log before it happens, and an invocation lasts no longer than that.
_OUR_EFFECT_LASTS: Final = timedelta(minutes=15)
_SENT: Final = (EntryStatus.DONE, EntryStatus.QUEUED)
_AT_ONCE: Final = 1000


@dataclass
class Logged:
    """What the decision log knows of findings: when each was alerted on and when we archived it."""

    alerted: dict[str, list[datetime]] = field(default_factory=dict)
    archived: dict[str, list[datetime]] = field(default_factory=dict)

    def did(self, change: Change, finding_id: str) -> bool:
        """Return whether a change was our own, with whatever credentials it was made."""
        times = self.archived.get(finding_id, ())
        return any(timedelta(0) <= change.at - at <= _OUR_EFFECT_LASTS for at in times)


def from_log(log: DecisionLog, known: Logged, counts: Counter[str]) -> Iterator[Record]:
    """Read the decisions of the log, in no order, and note what was done about each.

    Raises
    ------
    AwsError
        AWS refuses the request.
    """
    with as_bad_input(f"read the decision log {log.name}"):
        lots = _Lots(draws.closed_windows(log))
        for decision in log.all_decisions():
            record = _logged(decision, known, lots)
            counts[UNREADABLE if record is None else REVIEWED if "label" in record else LOGGED] += 1
            if record is not None:
                yield record


class _Lots:
    """What the weekly draws say of decisions: with which probability each could have been drawn."""

    def __init__(self, windows: Sequence[ClosedWindow]) -> None:
        self._windows = {one.name: one for one in windows}

    def audit(self, decision: LoggedDecision, at: datetime) -> Record | None:
        """Return the draw of a decision's week, as records have it; None where there was none.

        What was held back when it came has its draw in the record.
        """
        window = self._windows.get(draws.window_at(at).name)
        strata = (
            [] if window is None else [one for one in window.strata if one.model == decision.model_sha256]
        )
        if decision.outcome == "archive":
            by_rule = str(decision.record["decision"].get("reason", "")).startswith(BY_RULE)
            strata = [one for one in strata if one.kind == ("rule" if by_rule else "score")]
        strata = [one for one in strata if one.effect == "none" and one.drawn]
        if window is None or not strata or (decision.outcome == "archive" and decision.indexed != "none"):
            return None
        share = min(len(one.drawn) / one.archived for one in strata)
        key = (decision.finding_id, decision.content)
        is_drawn = any((one.finding_id, one.content) == key for stratum in strata for one in stratum.drawn)
        return {
            "share": share,
            "chosen": is_drawn and decision.outcome == "archive",
            "window": window.name,
        }


def _logged(decision: LoggedDecision, known: Logged, lots: _Lots) -> Record | None:
    record = dict(decision.record)
    if "finding" not in record:
        return None
    at = datetime.fromisoformat(decision.decided_at)
    finding_id, effect = decision.finding_id, _effect(decision)
    is_alert = decision.effect == "alert" and decision.status in _SENT
    if is_alert or (effect in ("none", "alert") and decision.outcome == "alert"):
        known.alerted.setdefault(finding_id, []).append(at)
    if effect == "archive":
        known.archived.setdefault(finding_id, []).append(at)
    if effect is not None:
        record["effect"] = effect
    if "audit" not in record and "decision" in record and (audit := lots.audit(decision, at)):
        record["audit"] = audit
    if decision.label is not None:
        record["label"] = decision.label
        audit = record.get("audit") or {}
        if audit.get("chosen"):
            selection = {"kind": "drawn", "probability": audit["share"], "model": decision.model_sha256}
            selection |= {"window": audit["window"]} if "window" in audit else {}
            record["label"] = {**decision.label, "selection": selection}
    return record


def _effect(decision: LoggedDecision) -> str | None:
    """Return what was done about a decision; None where that is not certain."""
    if decision.mode == "shadow":
        return "none"
    if decision.effect == "alert" and decision.status in _SENT:
        return "alert"
    if decision.effect == "none" and decision.outcome == "alert":
        return "alert"  # of a scan: on the queue of `triage review`
    return "archive" if decision.effect == "archive" else None


def read_analyzer(
    arn: str,
    analyzers: AccessAnalyzer,
    clients: Clients,
    own_roles: Sequence[str] | None,
    report: Callable[[BadInput], None],
) -> tuple[Iterator[tuple[Finding, Mapping[str, Any]]], list[Change]]:
    """Return the findings of an analyzer, of any status, and who has changed them.

    Parameters
    ----------
    own_roles : sequence of str or None
        Names or ARNs of roles whose archives are nobody's verdict; None leaves CloudTrail out.
    report : callable
        Takes each finding that cannot be read.
    """
    analyzer = analyzers.look_up(arn)
    changes: list[Change] = []
    if own_roles is not None:
        cloudtrail = clients.client("cloudtrail", region=analyzer.region)
        changes = status_changes(cloudtrail, arn, own_roles)
    rows = analyzers.rows(analyzer, status=None)
    return analyzers.read_rows(rows, analyzer, report), changes


def without_context(findings: Iterable[Read]) -> Iterator[tuple[Read, Context]]:
    """Leave the context of findings as never looked up."""
    return ((read, NO_CONTEXT) for read in findings)


def enriched(
    findings: Iterable[Read], aws: Aws, vendors: Mapping[str, str]
) -> Iterator[tuple[Read, Context]]:
    """Look the context of findings up, as it is now; see `scoring.aws.enrich.enrich_many`."""
    waiting = iter(findings)
    while some := list(islice(waiting, _AT_ONCE)):
        contexts = enrich_many([finding for finding, _ in some], aws, vendors=vendors)
        yield from zip(some, contexts, strict=True)


def from_analyzer(
    findings: Iterable[tuple[Read, Context]],
    changes: Sequence[Change],
    known: Logged,
    resolved_within: timedelta,
    counts: Counter[str],
) -> Iterator[Record]:
    """Turn the findings of an analyzer, of any status, into records.

    Parameters
    ----------
    findings : iterable of (Read, Context)
    changes : sequence of Change
        Oldest first.
    """
    by_id: dict[str, list[Change]] = {}
    by_resource: dict[str, list[Change]] = {}
    for change in changes:
        for finding_id in change.ids:
            by_id.setdefault(finding_id, []).append(change)
        if not change.ids:
            by_resource.setdefault(change.resource, []).append(change)
    for (finding, raw), context in findings:
        concerning = [*by_id.get(finding.id, ()), *by_resource.get(finding.resource, ())]
        reason, label = _verdict(finding, concerning, known, resolved_within)
        counts[reason] += 1
        record = {"finding": dict(raw), **({"label": label} if label else {})}
        yield record if context == NO_CONTEXT else {**record, "context": to_json(context)}


def _verdict(
    finding: Finding, changes: Sequence[Change], known: Logged, resolved_within: timedelta
) -> tuple[str, Record | None]:
    if finding.status == "ARCHIVED":
        return _of_archived(finding, changes, known)
    if finding.status == "RESOLVED":
        return _of_resolved(finding, known, resolved_within)
    return OPEN, None


def _of_archived(finding: Finding, changes: Sequence[Change], known: Logged) -> tuple[str, Record | None]:
    ordered = sorted(changes, key=lambda change: change.at)
    by_people = [change for change in ordered if change.is_person and not known.did(change, finding.id)]
    if not by_people:
        return (OURS if finding.id in known.archived else NOT_A_PERSON), None
    last = by_people[-1]
    if last.status != "ARCHIVED":
        return BACK, None
    return EXPECTED, _label("expected", last.by, last.at, "console")


def _of_resolved(finding: Finding, known: Logged, resolved_within: timedelta) -> tuple[str, Record | None]:
    if finding.is_deleted:
        return GONE, None
    at = finding.updated_at
    if at is None:
        return UNALERTED, None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not any(timedelta(0) <= at - alert <= resolved_within for alert in known.alerted.get(finding.id, ())):
        return UNALERTED, None
    return FIXED, _label("unintended", RESOLVED, at, RESOLVED)


def _label(verdict: str, by: str, at: datetime, source: str) -> Record:
    stamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {"verdict": verdict, "by": by, "at": stamp, "source": source}
