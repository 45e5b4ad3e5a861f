"""How bad a finding is, in words: what is known of it, on a scale, and what not knowing adds."""

from typing import Final

from scoring.decision.decide import Decision
from scoring.points import said_points, to_tenths
from scoring.policy.policy import Severity

NOT_ANALYZED: Final = "not analyzed"
"""In place of a severity: how bad it is, nobody knows."""


def severity_of(decision: Decision) -> str:
    """Return an alert's severity, or that it could not be analyzed; empty for what is no alert."""
    if decision.outcome != "alert":
        return ""
    return NOT_ANALYZED if decision.analysis_error is not None else decision.severity


def severity_words(decision: Decision, severity: Severity) -> str:
    """Name an alert's severity, with a warning where not knowing may hide a worse one; empty for no alert."""
    named = severity_of(decision)
    if named in ("", NOT_ANALYZED):
        return named.capitalize()
    return _or_worse(decision, severity)


def on_scale(decision: Decision, severity: Severity) -> str:
    """Say a severity with its points and what they are out of.

    Examples
    --------
    >>> from scoring.decision.decide import read_decision
    >>> model = dict(name="m", version="1", kind="weighted", sha256="")
    >>> stored = dict(
    ...     finding_id="1", resource="arn:aws:s3:::b", resource_type="AWS::S3::Bucket", account=None,
    ...     finding_type="ExternalAccess", status="ACTIVE", outcome="alert", base=4.0, threshold=30.0,
    ...     contributions=[], risk=None, guardrails=[], unknown=[], reason="", model=model,
    ...     score=110.0, known=70.0, severity="high",
    ... )
    >>> on_scale(read_decision(stored), Severity())
    'High or worse, 70 of about 100'
    >>> on_scale(read_decision(stored | {"known": 139.0, "severity": "critical"}), Severity())
    'Critical, 139: more than the usual 100'
    """
    if decision.analysis_error is not None:
        return "Not known: Access Analyzer could not look"
    points, most = _tenths(decision.known), to_tenths(severity.maximum, "severity.maximum")
    name = _or_worse(decision, severity)
    if points > most:
        return f"{name}, {said_points(points)}: more than the usual {said_points(most)}"
    return f"{name}, {said_points(points)} of about {said_points(most)}"


def known_and_not(decision: Decision) -> str:
    """Write a score as the points that are known and those that not knowing adds: ``70 + 40``.

    Points that not knowing takes off are none: the sum is the score, whatever its parts.
    """
    known, score = _tenths(decision.known), _tenths(decision.score)
    if known == score:
        return said_points(score)
    sign = "+" if score > known else "-"
    return f"{said_points(known)} {sign} {said_points(abs(score - known))}"


def range_of(decision: Decision) -> str:
    """Say what the score is made of: ``70 known + 40 not known = 110 at worst``."""
    known, score = _tenths(decision.known), _tenths(decision.score)
    if known == score:
        return f"{said_points(score)}, all of it known"
    sign = "+" if score > known else "-"
    return (
        f"{said_points(known)} known {sign} {said_points(abs(score - known))} not known"
        f" = {said_points(score)} at worst"
    )


def _or_worse(decision: Decision, severity: Severity) -> str:
    """Name the severity of what is known; it is the least where what is not known may make it worse."""
    is_certain = severity.of(_tenths(decision.score)) == decision.severity
    return decision.severity.capitalize() + ("" if is_certain else " or worse")


def _tenths(points: float) -> int:
    return round(points * 10)
