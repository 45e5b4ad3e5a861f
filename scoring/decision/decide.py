"""The pure pipeline: one finding, its context, a scorecard and a policy give one decision."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from scoring.decision import guardrails, never_seen, rules
from scoring.decision.guardrails import Guardrail
from scoring.features.exposure import Exposure
from scoring.features.features import features_of
from scoring.files.errors import BadInput
from scoring.findings.access.conditions import without
from scoring.findings.context import Context
from scoring.findings.finding import Finding, Notice
from scoring.points import from_tenths, said_points
from scoring.policy.policy import Policy, Severity
from scoring.policy.rules import Rule
from scoring.scorecard.scorecard import Contribution, Model, Scorecard, Scored

Outcome = Literal["archive", "alert", "skip"]
BY_RULE = "expected by the policy's rule"


class Decision(msgspec.Struct, frozen=True):
    """What model and policy say of one finding; its JSON form is part of the contract.

    Attributes
    ----------
    score, threshold, base : float
        Points with one decimal; base plus the contributions' points is the score, exactly.
    known : float
        The points that rest on known facts; what not knowing adds is ``score - known``.
    severity : str
        ``critical``, ``high``, ``medium``, ``low`` or ``info``: `known`, by the policy's bands.
    risk : float or None
        Calibrated probability that the access is unintended (trained scorecards).
    unknown : tuple of str
        Names of facts that are not known.
    principals, actions : tuple of str
        As AWS gave them.
    analyzer : str or None
        The analyzer's ARN.
    analysis_error : str or None
        Why Access Analyzer could not analyze the resource; None where it could.
    """

    finding_id: str
    resource: str
    resource_type: str
    account: str | None
    finding_type: str
    status: str
    outcome: Outcome
    score: float
    threshold: float | None
    base: float
    contributions: list[Contribution]
    risk: float | None
    guardrails: tuple[Guardrail, ...]
    unknown: tuple[str, ...]
    model: Model
    reason: str
    known: float = 0.0
    severity: str = "info"
    region: str | None = None
    analyzer: str | None = None
    principals: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    is_public: bool | None = None
    analysis_error: str | None = None


def decide(
    finding: Finding, context: Context, card: Scorecard, policy: Policy, threshold: int | None = None
) -> Decision:
    """Decide on one finding.

    Parameters
    ----------
    threshold : int, optional
        In tenths, for this very card; otherwise the policy's override for it, or else the card's own.
    """
    exposure = Exposure(finding, context, policy)
    features = features_of(exposure, card.features)
    scored = card.scored(features)
    score, contributions = scored.total, list(scored.contributions)
    if threshold is None:
        threshold = policy.threshold_for(card.sha256, card.threshold)
    stopped_by = guardrails.check(exposure)
    rule = _expected_by(exposure)
    is_below = threshold is not None and score < threshold
    if is_below and rule is None and policy.guardrails.never_seen:
        unseen = never_seen.check(card, features)
        stopped_by += () if unseen is None else (unseen,)
    if is_below and rule is None and policy.guardrails.sharer_alone:
        stopped_by += guardrails.sharer_alone(scored, threshold) or _by_conditions_alone(
            exposure, scored, card, threshold
        )
    is_unjudged = policy.guardrails.condition_not_judged and bool(exposure.not_judged)
    if is_unjudged and _alerts_without(exposure.not_judged, exposure, card, threshold):
        stopped_by += (guardrails.not_judged(exposure),)
    outcome, reason = _outcome(exposure, score, threshold, stopped_by, rule)
    return Decision(
        finding_id=finding.id,
        resource=finding.resource,
        resource_type=finding.resource_type,
        account=finding.account,
        finding_type=finding.finding_type,
        status=finding.status,
        outcome=outcome,
        score=from_tenths(score),
        threshold=None if threshold is None else from_tenths(threshold),
        base=from_tenths(card.base),
        contributions=contributions,
        risk=card.risk_of(score),
        guardrails=stopped_by,
        unknown=exposure.unknown(),
        model=card.model,
        reason=reason,
        known=from_tenths(scored.known),
        severity=policy.severity.of(scored.known),
        region=finding.region,
        analyzer=finding.analyzer_arn,
        principals=tuple(sorted({value for _, value in finding.principals})),
        actions=finding.actions,
        is_public=exposure.is_public if exposure.is_granting else None,
        analysis_error=finding.error,
    )


def read_decision(stored: Mapping[str, Any]) -> Decision:
    """Read a decision as the log and records hold it.

    One of a version that did not tell what is known from what is not counts as known throughout.

    Raises
    ------
    BadInput
        Naming the field and what was expected.
    """
    try:
        decision = msgspec.convert(stored, Decision)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, "decision.") from None
    if "known" in stored:
        return decision
    severity = Severity().of(round(decision.score * 10))
    return msgspec.structs.replace(decision, known=decision.score, severity=severity)


def is_by_rule(decision: Decision) -> bool:
    """Say whether a finding is archived because a rule of the policy expects it, whatever its score."""
    return decision.outcome == "archive" and decision.reason.startswith(BY_RULE)


def _by_conditions_alone(
    exposure: Exposure, scored: Scored, card: Scorecard, threshold: int | None
) -> tuple[Guardrail, ...]:
    """Return the guardrail where an outsider's access would alert but for the sharer's conditions."""
    keys = [key for key, _ in exposure.finding.conditions]
    if not keys or not scored.is_outside or not _alerts_without(keys, exposure, card, threshold):
        return ()
    return (guardrails.conditions_alone(keys),)


def _alerts_without(keys: Iterable[str], exposure: Exposure, card: Scorecard, threshold: int | None) -> bool:
    """Say whether the finding would alert without conditions of some keys."""
    finding = exposure.finding
    conditions = without(finding.conditions, keys)
    bare = msgspec.structs.replace(finding, conditions=conditions)
    return decide(bare, exposure.context, card, exposure.policy, threshold).outcome == "alert"


def skip_notice(notice: Notice, card: Scorecard) -> Decision:
    """Skip an event of Access Analyzer that is no finding."""
    return Decision(
        finding_id=notice.id,
        resource=notice.resource,
        resource_type="",
        account=notice.account,
        finding_type=notice.kind,
        status=notice.status,
        outcome="skip",
        score=from_tenths(card.base),
        threshold=None,
        base=from_tenths(card.base),
        contributions=[],
        risk=None,
        guardrails=(),
        unknown=(),
        model=card.model,
        reason=f"no finding but an event of another kind: {notice.kind}",
        known=from_tenths(card.base),
    )


def _outcome(
    exposure: Exposure,
    score: int,
    threshold: int | None,
    stopped_by: tuple[Guardrail, ...],
    rule: Rule | None,
) -> tuple[Outcome, str]:
    finding = exposure.finding
    if finding.is_deleted:
        return "skip", "deleted: the resource or its access is gone"
    if finding.status != "ACTIVE":
        return "skip", f"already {finding.status}"
    if stopped_by:
        return "alert", guardrails.reason(rail.name for rail in stopped_by)
    if threshold is None:
        return "alert", "no threshold belongs to this model: nothing is archived"
    if rule is not None:
        return "archive", f"{BY_RULE}: {rule.name}{_word_of_sharer(rule)}"
    return "archive" if score < threshold else "alert", _compared(score, threshold)


def _compared(score: int, threshold: int) -> str:
    """Say how far a score is from the threshold, both in tenths of points.

    Examples
    --------
    >>> _compared(370, 300)
    '37 is 7 points above the threshold of 30'
    >>> _compared(125, 300)
    '12.5 is 17.5 points below the threshold of 30'
    >>> _compared(300, 300)
    '30 reaches the threshold of 30'
    """
    said, limit, apart = said_points(score), said_points(threshold), abs(score - threshold)
    if score == threshold:
        return f"{said} reaches the threshold of {limit}"
    between = f"{said_points(apart)} point{'' if apart == 10 else 's'}"
    return f"{said} is {between} {'below' if score < threshold else 'above'} the threshold of {limit}"


def _word_of_sharer(rule: Rule) -> str:
    """Say what of a rule the sharer can set."""
    named = " and ".join(rule.set_by_sharer)
    return f" (the sharer can set {named})" if named else ""


def _expected_by(exposure: Exposure) -> Rule | None:
    """Return the first expected rule that matches for certain.

    Tags can be set by whoever shares the resource: a rule that trusts them does not reach what is public or
    hands over control.
    """
    exposed = exposure.is_public is not False or exposure.access.level in ("Permissions management", None)
    for rule in exposure.policy.expected_rules:
        if rules.matches(rule, exposure) and not (rule.trusts_tags and exposed and exposure.is_granting):
            return rule
    return None


def refuse(decision: Decision, guardrail: Guardrail) -> Decision:
    """Turn an archive into an alert for a reason that shows only when it is to be carried out."""
    return msgspec.structs.replace(
        decision,
        outcome="alert",
        guardrails=(*decision.guardrails, guardrail),
        reason=guardrails.reason([guardrail.name]),
    )
