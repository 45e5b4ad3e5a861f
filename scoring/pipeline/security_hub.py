"""Outcome, score and explanation, written to the copy of a finding that Security Hub has.

Security Hub follows Access Analyzer by itself: an archived finding's record is archived there too. What is
added is why. The workflow status of an archive becomes RESOLVED, not SUPPRESSED: Security Hub sets a resolved
finding back to NEW when its record becomes active again, so that whatever is brought back shows up; what is
suppressed would stay out of sight. An alert becomes NOTIFIED. What a person has noted or decided there stays.

References
----------
Security Hub API Reference, "BatchUpdateFindings", "WorkflowUpdate"; User Guide, "UserDefinedFields".
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.aws.errors import reason
from scoring.aws.sessions import RegionalClients
from scoring.decision.decide import Decision
from scoring.explanation import words
from scoring.explanation.safe_text import cut, visible
from scoring.features.exposure import Exposure
from scoring.files.errors import BadInput
from scoring.findings import security_hub_format
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.points import from_tenths
from scoring.policy.policy import Policy

ACTIONS: Final = ("securityhub:BatchUpdateFindings", "securityhub:GetFindings")
AUTHOR: Final = "access-triage"

_NOTE: Final = 512
_VALUE: Final = 1024
_FIELDS: Final = 50
_PREFIX: Final = "triage/"
_WORKFLOW: Final = {"archive": "RESOLVED", "alert": "NOTIFIED"}
# What may be overwritten; a status that is not here was set by a person.
_OURS: Final = {"archive": ("NEW", "NOTIFIED"), "alert": ("NEW",)}

logger = logging.getLogger(__name__)


def log_problem(finding_id: str, problem: str) -> None:
    """Log why Security Hub was not updated, if there is a reason; that is none to decide or act again."""
    if problem:
        logger.warning("Security Hub was not updated: %s", problem, extra={"finding_id": finding_id})


def update(case: Case, decision: Decision, policy: Policy, clients: RegionalClients | None) -> str:
    """Do and return what `write_back` does, if the policy wants Security Hub to be told."""
    if clients is None or not policy.security_hub.update:
        return ""
    return write_back(case, decision, policy, clients)


def write_back(case: Case, decision: Decision, policy: Policy, clients: RegionalClients) -> str:
    """Write a decision that has been carried out to Security Hub; two requests at most.

    Parameters
    ----------
    clients : callable
        Region to a Security Hub client.

    Returns
    -------
    str
        Empty if it is written; otherwise what stood in the way, in one line. Nothing that AWS answers is
        raised: the decision holds, whether Security Hub knows of it or not.
    """
    finding = case.finding
    if not isinstance(finding, Finding) or decision.outcome == "skip":
        return ""
    if finding.region is None:
        return "the finding names no region"
    try:
        client = clients(finding.region)
        known = case.raw if security_hub_format.is_finding(case.raw) else _find(finding, client)
        if known is None:
            return "Security Hub has no such finding (yet)"
        exposure = Exposure(finding, case.context, policy)
        answer = client.batch_update_findings(**request(known, exposure, decision))
    except Exception as error:
        why = reason(error)
        if why is None:
            raise
        return f"Security Hub: {why}"
    failed = [one["ErrorCode"] for one in answer.get("UnprocessedFindings", ())]
    return f"Security Hub did not take it: {', '.join(failed)}" if failed else ""


def request(known: Mapping[str, Any], exposure: Exposure, decision: Decision) -> dict[str, Any]:
    """Return the arguments of BatchUpdateFindings.

    Parameters
    ----------
    known : mapping
        The finding as Security Hub has it.
    """
    asked: dict[str, Any] = {
        "FindingIdentifiers": [{"Id": known["Id"], "ProductArn": known["ProductArn"]}],
        "UserDefinedFields": _fields(known.get("UserDefinedFields") or {}, decision),
    }
    noted_by = (known.get("Note") or {}).get("UpdatedBy", AUTHOR)
    if noted_by == AUTHOR:
        asked["Note"] = {"Text": note(exposure, decision), "UpdatedBy": AUTHOR}
    status = (known.get("Workflow") or {}).get("Status", "NEW")
    was_archived = (known.get("UserDefinedFields") or {}).get(f"{_PREFIX}outcome") == "archive"
    if status in _OURS[decision.outcome] or (status == "RESOLVED" and was_archived):
        asked["Workflow"] = {"Status": _WORKFLOW[decision.outcome]}
    return asked


def note(exposure: Exposure, decision: Decision) -> str:
    """Explain a decision in at most 512 characters; the points that it names add up to the score.

    The largest contributions are named as far as there is room, the others as one sum.
    """
    head = f"{decision.outcome.capitalize()}: {words.headline(exposure)}. {visible(decision.reason)}."
    tail = f" Model {visible(decision.model.version, 40)}."
    if decision.unknown:
        tail = f" Not known: {visible(', '.join(decision.unknown), 80)}.{tail}"
    sized = sorted(
        ((round(c.points * 10), visible(c.text, 60)) for c in decision.contributions),
        key=lambda pair: -abs(pair[0]),
    )
    for shown in range(len(sized), -1, -1):
        text = f"{head} {_sum(decision, sized, shown)}{tail}"
        if len(text) <= _NOTE:
            return text
    return cut(head, _NOTE)


def _sum(decision: Decision, sized: list[tuple[int, str]], shown: int) -> str:
    parts = [f"{decision.base:.1f}"]
    parts += [f"{from_tenths(tenths):+.1f} {text}" for tenths, text in sized[:shown]]
    rest = sized[shown:]
    if rest:
        parts.append(f"{from_tenths(sum(tenths for tenths, _ in rest)):+.1f} {len(rest)} others")
    return f"{'; '.join(parts)} = {decision.score:.1f}."


def _fields(known: Mapping[str, str], decision: Decision) -> dict[str, str]:
    """Put our fields beside those that are there: the request replaces all of them."""
    threshold = "none" if decision.threshold is None else f"{decision.threshold:.1f}"
    ours = {
        "outcome": decision.outcome,
        "score": f"{decision.score:.1f}",
        "known": f"{decision.known:.1f}",
        "severity": decision.severity,
        "threshold": threshold,
        "reason": decision.reason,
        "guardrails": ", ".join(rail.name for rail in decision.guardrails) or "none",
        "unknown": ", ".join(decision.unknown) or "none",
        "model": f"{decision.model.name} {decision.model.version}",
    }
    fields = {f"{_PREFIX}{name}": cut(visible(text, _VALUE // 2), _VALUE) for name, text in ours.items()}
    others = {name: text for name, text in known.items() if name not in fields}
    return fields | dict(list(others.items())[: _FIELDS - len(fields)])


def _find(finding: Finding, client: Any) -> Mapping[str, Any] | None:
    """Look for the finding in Security Hub, by its resource and then by Access Analyzer's own id."""
    for listed in _listed(finding, client):
        try:
            theirs = security_hub_format.from_asff(listed)
        except BadInput:
            continue
        if theirs.id == finding.id:
            return listed
    return None


def _listed(finding: Finding, client: Any) -> Iterator[Mapping[str, Any]]:
    product = f"arn:{finding.partition}:securityhub:{finding.region}:{security_hub_format.PRODUCT}"
    filters = {
        "ProductArn": [{"Value": product, "Comparison": "EQUALS"}],
        "ResourceId": [{"Value": finding.resource, "Comparison": "EQUALS"}],
    }
    for page in client.get_paginator("get_findings").paginate(Filters=filters, MaxResults=100):
        yield from page["Findings"]
