"""The audit sample: a share of the findings that would be archived goes to a person instead.

Nobody looks at what is archived. Without a sample with a known probability nothing would tell how much of it
should not have been, and the next model would learn from its own opinion.

What a rule of the policy declares expected is not sampled: a person has said so beforehand.

Who is chosen follows from the finding, its content, the model and a secret key of the deployment: the same
finding is chosen again when its event comes again, while whoever shares a resource cannot tell beforehand.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from scoring.decision.decide import Decision, is_by_rule
from scoring.findings.record import Audit

# These come after the draw, at times that nobody can give a probability for: no sample, and no calibration.
NOT_BY_SCORE = frozenset({"circuit_breaker", "not_archived", "configuration"})


def draw(decision: Decision, content: str, share: float, secret: Callable[[], bytes]) -> Audit | None:
    """Draw whether a finding that would be archived goes to a person.

    Parameters
    ----------
    content : str
        Digest of what the finding says.
    share : float
        Probability of being chosen.
    secret : callable
        Gives the deployment's key; asked only where something would be archived.

    Returns
    -------
    Audit or None
        What the record carries; None where it was not score, policy and this draw that decided.
    """
    if not share or decision.outcome == "skip" or _is_decided_elsewhere(decision):
        return None
    is_chosen = decision.outcome == "archive" and uniform(decision, content, secret()) < share
    return Audit(share, chosen=is_chosen)


def uniform(decision: Decision, content: str, secret: bytes) -> float:
    """Return the number from 0 to 1 that a finding draws; without the secret nobody can tell it."""
    said = msgspec.json.encode([decision.finding_id, content, decision.model.sha256])
    return int.from_bytes(hmac.digest(secret, said, hashlib.sha256)[:8]) / 2**64


def is_sample(record: Mapping[str, Any]) -> bool:
    """Return whether a record is of a finding that was chosen."""
    return bool((record.get("audit") or {}).get("chosen"))


def explained(decision: Decision) -> Decision:
    """Let a decision's reason say that it is a sample; whatever shows the decision shows that too."""
    return msgspec.structs.replace(
        decision, reason=f"{decision.reason}: it would have been archived, and is shown as a random sample"
    )


def _is_decided_elsewhere(decision: Decision) -> bool:
    return is_by_rule(decision) or any(rail.name in NOT_BY_SCORE for rail in decision.guardrails)
