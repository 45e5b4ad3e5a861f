"""Draws by lot among the findings that would be archived: a person looks at them instead.

Nobody looks at what is archived. Without a draw with a known probability nothing would tell how much of it
should not have been, and the next model would learn from its own opinion.

What a finding draws follows from the finding, its content, the model and a secret key of the deployment: the
same finding draws the same again when its event comes again, while whoever shares a resource cannot tell it
beforehand. Who reviews does not see that a finding was drawn: it reads like any other alert.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from scoring.decision.decide import Decision, is_by_rule
from scoring.findings.record import Audit

# These come after the draw, at times that nobody can give a probability for: no sample, and no calibration.
NOT_BY_SCORE = frozenset({"circuit_breaker", "not_archived", "configuration"})
REVIEWED: Final = "a person is to say whether it is expected"
"""The reason that whoever reviews is given, whether or not the finding was drawn."""

StratumKind = Literal["score", "rule"]


def draw(
    decision: Decision, content: str, share: float, secret: Callable[[], bytes], window: str = ""
) -> Audit | None:
    """Draw whether a finding that would be archived goes to a person.

    Parameters
    ----------
    content : str
        Digest of what the finding says.
    share : float
        Probability of being chosen.
    secret : callable
        Gives the deployment's key; asked only where something would be archived.
    window : str
        The week, where findings are drawn by the week: then also what a rule of the policy archives.

    Returns
    -------
    Audit or None
        What the record carries; None where it was not score, policy and this draw that decided.
    """
    if not share or decision.outcome == "skip" or _is_decided_elsewhere(decision, window):
        return None
    is_chosen = decision.outcome == "archive" and uniform(decision, content, secret()) < share
    return Audit(share, chosen=is_chosen, window=window or msgspec.UNSET)


def uniform(decision: Decision, content: str, secret: bytes) -> float:
    """Return the number from 0 to 1 that a finding draws; without the secret nobody can tell it."""
    return lot(decision.finding_id, content, decision.model.sha256, secret)


def lot(finding_id: str, content: str, model_sha256: str, secret: bytes) -> float:
    """Return what `uniform` does, of a decision that was taken before."""
    said = msgspec.json.encode([finding_id, content, model_sha256])
    return int.from_bytes(hmac.digest(secret, said, hashlib.sha256)[:8]) / 2**64


def kind_of(decision: Decision) -> StratumKind:
    """Say whether a rule of the policy archives a finding, or its score."""
    return "rule" if is_by_rule(decision) else "score"


def is_sample(record: Mapping[str, Any]) -> bool:
    """Return whether a record is of a finding that was chosen."""
    return bool((record.get("audit") or {}).get("chosen"))


def as_reviewed(decision: Decision) -> Decision:
    """Return a decision as whoever reviews sees it: without what tells a finding that was drawn from others.

    A drawn one reads like an alert, and no alert says how far its score is from the threshold. Reasons of
    guardrails stay: no finding with a guardrail is ever drawn.
    """
    if decision.outcome == "skip":
        return decision
    reason = decision.reason if decision.guardrails else REVIEWED
    return msgspec.structs.replace(decision, outcome="alert", threshold=None, reason=reason)


def record_as_reviewed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of the log as `as_reviewed` shows its decision."""
    shown = {name: value for name, value in record.items() if name != "audit"}
    decision = dict(shown.get("decision") or {})
    if decision and decision.get("outcome") != "skip":
        decision |= {"outcome": "alert", "threshold": None}
        if not decision.get("guardrails"):
            decision["reason"] = REVIEWED
        shown["decision"] = decision
    return shown


def _is_decided_elsewhere(decision: Decision, window: str) -> bool:
    by_rule = not window and is_by_rule(decision)
    return by_rule or any(rail.name in NOT_BY_SCORE for rail in decision.guardrails)
