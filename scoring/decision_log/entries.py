"""What is written into the decision log: decisions, and the latest state of each finding.

Also what makes two versions of a finding equal, so that no second alert is sent of the same access.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from scoring.decision.decide import Decision
from scoring.findings.context import Context, Reactivation, to_json
from scoring.findings.facts import Absent, Unknown
from scoring.findings.finding import Finding
from scoring.findings.record import Audit, Effect, FindingCase

# What the events and the API both say, and in the same words; unused services and actions they count apart.
_SAID = (
    *("resource", "resource_type", "finding_type", "conditions", "error", "is_deleted"),
    *("access_type", "principal_type", "principal_owner_account"),
)
_FACTS = ("tags", "aliases", "resource_account", "principal_account", "reactivated_by")


class EntryStatus(StrEnum):
    """How far a decision of the log is; the values are those of the stored items."""

    INTENT = "intent"
    """Its effect is about to happen, or was when the process ended."""
    QUEUED = "collected"
    """Its alert waits to be sent with others."""
    DONE = "done"
    """Its effect has happened."""
    ENDED = "over"
    """Its archive was brought back, or something else followed it; or its intent was dropped."""


class FindingState(msgspec.Struct, frozen=True, kw_only=True):
    """The latest state of a finding in the log; there is one item of it for each finding.

    Attributes
    ----------
    version : int
        Counts the writes; each write expects the one before it.
    content : str
        Digest of what the finding itself says; see `content_of`.
    facts : dict
        Digests of what was known about the resource and the principal; see `facts_of`.
    entry_status : EntryStatus
        Of its latest decision: INTENT or DONE.
    effect : str
        What the latest decision does: ``archive``, ``alert`` or ``none``.
    lease_until : str
        Until then the invocation that wrote the intent may be running (ISO 8601, UTC).
    updated_at : str
        The finding's own time of the version that was decided on, or an empty string.
    status : str
        The finding's status in that version.
    reactivated : str
        Who brought the finding back after it was archived: ``person``, ``undo``, ``expiry``, or empty.
    reactivated_at : str
        When, as far as is known.
    was_changed : bool
        Whether an archive of this finding ended because what it says had changed.
    alerted : str
        Item of the alert on this very version that came before an archive of it; empty where there was none.
    analyzer_arn : str
        Empty where the finding named none.
    """

    finding_id: str
    entry_status: EntryStatus = msgspec.field(name="state")
    effect: Effect
    outcome: str
    decided_at: str
    lease_until: str
    version: int = 0
    content: str = ""
    facts: dict[str, str] = {}
    updated_at: str = ""
    status: str = ""
    reactivated: str = ""
    reactivated_at: str = ""
    was_changed: bool = False
    decision_item: str = ""
    alerted: str = ""
    analyzer_arn: str = ""

    @property
    def is_unfinished(self) -> bool:
        """Whether an effect was about to happen, and nobody has written that it did."""
        return self.entry_status is EntryStatus.INTENT


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, ready to be logged.

    Attributes
    ----------
    record : mapping
        As the contract says; what cannot be read has its ``event`` and ``error`` instead.
    model : mapping
        ``version`` and ``sha256``.
    is_reported : bool
        Whether the decision goes into the report.
    """

    finding_id: str
    status: str
    outcome: str
    content: str
    record: Mapping[str, Any]
    mode: str
    policy_sha256: str
    facts: Mapping[str, str] = {}
    model: Mapping[str, str] = {}
    updated_at: str = ""
    analyzer_arn: str = ""
    reactivated: str = ""
    reactivated_at: str = ""
    is_reported: bool = False


class QueuedAlert(msgspec.Struct, frozen=True):
    """When and how a queued alert is sent.

    Attributes
    ----------
    route : str
        ``burst``, ``excess`` or ``digest``; see `scoring.pipeline.alerts.bursts`.
    due_at : str
        When it is to be sent at the latest.
    group : str
        What a burst has in common.
    """

    route: str
    due_at: str
    group: str = ""


def entry_of(
    case: FindingCase,
    decision: Decision,
    *,
    mode: str,
    policy_sha256: str,
    reactivated: str = "",
    reactivated_at: str = "",
    is_reported: bool = False,
    audit: Audit | None = None,
) -> Entry:
    """Make the entry of a decision on a finding."""
    finding = case.finding
    return Entry(
        finding_id=finding.id,
        status=finding.status,
        outcome=decision.outcome,
        content=content_of(finding),
        facts=facts_of(case.context),
        record={
            "finding": case.raw,
            "context": to_json(case.context),
            "decision": msgspec.to_builtins(decision),
            **({} if audit is None else {"audit": msgspec.to_builtins(audit)}),
        },
        mode=mode,
        policy_sha256=policy_sha256,
        model={"version": decision.model.version, "sha256": decision.model.sha256},
        updated_at=updated_at(finding),
        analyzer_arn=finding.analyzer_arn or "",
        reactivated=reactivated,
        reactivated_at=reactivated_at,
        is_reported=is_reported,
    )


def content_of(finding: Finding) -> str:
    """Digest what a finding says, but for its status and its times.

    Left out is what only some of the shapes say in which AWS gives a finding: an event and the API's answer
    about the same version give the same digest.
    """
    said = {name: getattr(finding, name) for name in _SAID}
    said["principals"] = sorted(finding.principals)
    said["actions"] = sorted(finding.actions)
    said["is_public"] = bool(finding.is_public)
    said["restrictions"] = sorted(set(finding.restrictions) - {"NOT_APPLICABLE"})
    return _sha256(said)


def facts_of(context: Context) -> dict[str, str]:
    """Digest each fact that decides on a finding and is known; details are never scored."""
    return {
        name: "absent" if isinstance(fact, Absent) else _sha256(_deciding(fact.value))[:16]
        for name in _FACTS
        if not isinstance(fact := getattr(context, name), Unknown)
    }


def is_unchanged(entry: Entry, latest: FindingState) -> bool:
    """Say whether a decision rests on the same as the one before it.

    A fact that was not known then, or is not now, is no change: no second alert is sent of the same access
    because AWS did not answer once.
    """
    both = entry.facts.keys() & latest.facts.keys()
    return (entry.content, entry.status) == (latest.content, latest.status) and all(
        entry.facts[name] == latest.facts[name] for name in both
    )


def _deciding(value: object) -> object:
    return value.who if isinstance(value, Reactivation) else value


def updated_at(finding: Finding) -> str:
    """Return the finding's own time of its last change; empty where it names none."""
    return stamp(finding.updated_at.astimezone(UTC)) if finding.updated_at else ""


def stamp(moment: datetime) -> str:
    """Write a moment so that text order is time order."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sha256(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
