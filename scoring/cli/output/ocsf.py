"""Decisions as events of the Open Cybersecurity Schema: IAM Analysis Finding (class 2008) of OCSF 1.6.

Score, contributions and guardrails are enrichments. The whole record stands under ``unmapped``: read again,
it is decided on as before.

References
----------
schema.ocsf.io/1.6.0/classes/iam_analysis_finding.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from scoring.decision.decide import Decision
from scoring.explanation import words
from scoring.explanation.safe_text import visible
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.ocsf_format import PRODUCT, RECORD
from scoring.findings.record import Case
from scoring.policy.policy import Policy

_CLASS, _CREATE, _CLOSE = 2008, 1, 3
_SEVERITIES: Final = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_STATUSES: Final = {"ACTIVE": (1, "New"), "ARCHIVED": (5, "Archived"), "RESOLVED": (4, "Resolved")}


def event_of(case: Case, decision: Decision, policy: Policy, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision as an event, as objects to encode.

    Parameters
    ----------
    record : mapping
        The same as a record: what is read again.
    """
    finding = case.finding
    is_finding = isinstance(finding, Finding)
    severity_id, severity = _SEVERITIES[decision.severity]
    status_id, status = _STATUSES.get(decision.status, (0, "Unknown"))
    activity = _CLOSE if decision.status == "RESOLVED" else _CREATE
    times = _times(finding) if isinstance(finding, Finding) else {}
    title = visible(decision.finding_type)
    if isinstance(finding, Finding):
        title = str(words.headline(Exposure(finding, case.context, policy)))
    event: dict[str, Any] = {
        "activity_id": activity,
        "category_uid": 2,
        "class_uid": _CLASS,
        "type_uid": _CLASS * 100 + activity,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": times.get("modified_time", times.get("created_time", 0)),
        "message": visible(decision.reason, 1000),
        "metadata": {
            "version": "1.6.0",
            "profiles": ["cloud"],
            "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": _version()},
        },
        "cloud": {"provider": "AWS", **({"region": decision.region} if decision.region else {})},
        "finding_info": {
            "uid": decision.finding_id,
            "title": title,
            "types": [decision.finding_type],
            **times,
        },
        "resources": [_resource(decision)],
        "access_analysis_result": _access(finding) if isinstance(finding, Finding) else {},
        "enrichments": _enrichments(decision),
        "unmapped": {RECORD: record},
    }
    if not is_finding or finding.is_unused_access:  # type: ignore[union-attr]
        event["access_analysis_result"] = {"accessors": []}
    return event


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("access-triage")


def _times(finding: Finding) -> dict[str, int]:
    named = {"created_time": finding.created_at, "modified_time": finding.updated_at}
    return {name: int(time.timestamp() * 1000) for name, time in named.items() if time is not None}


def _resource(decision: Decision) -> dict[str, Any]:
    resource: dict[str, Any] = {"uid": decision.resource, "type": decision.resource_type}
    if decision.region:
        resource["region"] = decision.region
    if decision.account:
        resource["owner"] = {"account": {"uid": decision.account}}
    return resource


def _access(finding: Finding) -> dict[str, Any]:
    accessors = [{"uid": value, "type_id": 99, "type": kind} for kind, value in finding.principals]
    result: dict[str, Any] = {"accessors": accessors, "granted_privileges": list(finding.actions)}
    if finding.conditions:
        result["condition_keys"] = [
            {"name": key, "values": list(values)} for key, values in finding.conditions
        ]
    return result


def _enrichments(decision: Decision) -> list[dict[str, Any]]:
    """Say score, parts and guardrails as facts that were added to the finding."""
    points = [
        {"feature": part.feature, "value": part.value, "points": part.points, "text": part.text}
        for part in decision.contributions
    ]
    said: list[tuple[str, str, object]] = [
        ("score", f"{decision.score:.1f}", {"score": decision.score, "base": decision.base}),
        ("outcome", decision.outcome, {"outcome": decision.outcome, "threshold": decision.threshold}),
        ("contributions", str(len(points)), {"contributions": points}),
        (
            "guardrails",
            ", ".join(rail.name for rail in decision.guardrails) or "none",
            {"guardrails": msgspec.to_builtins(decision.guardrails)},
        ),
        ("model", decision.model.sha256, msgspec.to_builtins(decision.model)),
    ]
    return [{"name": name, "value": value, "data": data, "provider": PRODUCT} for name, value, data in said]
