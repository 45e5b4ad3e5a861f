"""What looks made to hide access: broad archive rules, mass archiving, tags changed before an archive.

Pure: what was seen goes in, suspicions come out. Each has an identity, so that one alert is sent of it, and
another one when it changes. A suspicion says what happened and by whom, and claims no motive.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from scoring.aws import archive_rule_filter
from scoring.aws.analyzers import Family
from scoring.aws.archive_rule_filter import Criterion, Filter
from scoring.explanation.safe_text import visible
from scoring.explanation.words import moment
from scoring.features.features import tag_of
from scoring.files.errors import BadInput
from scoring.findings.access.tags import fold, fold_key
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard

SOURCE: Final = "aws.access-analyzer"
DETAIL_TYPE: Final = "AWS API Call via CloudTrail"
CALLS: Final = (
    *("ApplyArchiveRule", "CreateArchiveRule", "DeleteAnalyzer", "UpdateArchiveRule", "UpdateFindings"),
)
"""Calls that can hide findings; an EventBridge rule for them needs a trail that records management events."""
ACTIONS: Final = (
    *("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings"),
    *("access-analyzer:GetArchiveRule", "access-analyzer:ListArchiveRules"),
)
"""What the watch reads beside the decision log."""

_TAGS: Final = ("environment", "dataclassification", "isallowedtoshare", "owner")
_NARROWING: Final = ("principal.", "condition.", "resource")

Kind = Literal["rule", "applied", "burst", "tags", "deleted"]


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should know of.

    Attributes
    ----------
    about : str
        What it is about: the rule, the principal, the finding. The same again is the same suspicion.
    version : str
        What makes it another one: the rule's filter, the day of a burst.
    short, headline : str
        What happened, in some words and in one sentence; what others wrote in them is not yet made harmless.
    who : str
        By whom and when, as far as is known.
    group : str
        What it has in common with others, so that they go out together.
    """

    kind: Kind
    about: str
    version: str
    short: str
    headline: str
    who: str = ""
    group: str = ""
    advice: str = ""

    @property
    def id(self) -> str:
        """Under which the decision log has it."""
        return f"watch#{self.kind}#{_digest(self.about)}"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call to Access Analyzer that CloudTrail has recorded.

    Attributes
    ----------
    by : str
        ARN of the caller; of a role's session the role's.
    asked : mapping
        Parameters of the request.
    """

    name: str
    by: str
    at: str
    region: str
    account: str
    asked: Mapping[str, Any]

    @property
    def who(self) -> str:
        """By whom and when."""
        when = f"on {moment(self.at)}" if self.at else "at an unknown time"
        return f"by {self.by or 'somebody unknown'} {when}"

    @property
    def analyzer_arn(self) -> str:
        """The analyzer's, also where the call named it only."""
        arn = str(self.asked.get("analyzerArn") or "")
        name = str(self.asked.get("analyzerName") or "")
        return arn or f"arn:aws:access-analyzer:{self.region}:{self.account}:analyzer/{name}"


def is_call(event: object) -> bool:
    """Say whether an event is about a call to Access Analyzer, and not about a finding."""
    return (
        isinstance(event, Mapping)
        and event.get("detail-type") == DETAIL_TYPE
        and event.get("source") == SOURCE
        and isinstance(event.get("detail"), Mapping)
    )


def read_call(event: Mapping[str, Any]) -> Call | None:
    """Read a call; None where it failed, or is none that hides anything."""
    detail = event["detail"]
    asked = detail.get("requestParameters")
    if detail.get("errorCode") or detail.get("eventName") not in CALLS or not isinstance(asked, Mapping):
        return None
    if detail["eventName"] == "UpdateFindings" and asked.get("status") != "ARCHIVED":
        return None
    identity = detail.get("userIdentity")
    identity = identity if isinstance(identity, Mapping) else {}
    session = identity.get("sessionContext")
    issuer = session.get("sessionIssuer") if isinstance(session, Mapping) else None
    named = issuer if isinstance(issuer, Mapping) else identity
    return Call(
        name=str(detail["eventName"]),
        by=str(named.get("arn") or identity.get("arn") or identity.get("principalId") or ""),
        at=str(detail.get("eventTime") or ""),
        region=str(detail.get("awsRegion") or event.get("region") or ""),
        account=str(event.get("account") or ""),
        asked=asked,
    )


def of_call(call: Call, family: Family, rule: Filter | None = None) -> Suspicion | None:
    """Return what is suspicious about a call on a rule or an analyzer.

    Parameters
    ----------
    family : str
        Which findings the analyzer makes.
    rule : mapping, optional
        The filter that an applied rule has; None where it cannot be read.
    """
    name = str(call.asked.get("ruleName") or "")
    if call.name == "DeleteAnalyzer":
        return Suspicion(
            kind="deleted",
            about=call.analyzer_arn,
            version=call.at,
            short="an analyzer was deleted",
            headline=f"the analyzer {call.analyzer_arn} was deleted: it makes no findings any more",
            who=call.who,
            group="deleted analyzers",
        )
    if call.name == "ApplyArchiveRule":
        why = "its filter cannot be read" if rule is None else _breadth(rule, family)
        if not why:
            return None
        return Suspicion(
            kind="applied",
            about=f"{call.analyzer_arn} {name}",
            version=call.at,
            short=f"archive rule {name} was applied",
            headline=f"archive rule {name} was applied to the findings that were there: {why}",
            who=call.who,
            group=f"archive rules of {call.analyzer_arn}",
            advice=f"triage rules list --analyzer-arn {visible(call.analyzer_arn)}",
        )
    try:
        filters = archive_rule_filter.from_json(call.asked.get("filter"))
    except BadInput:
        return _of_rule(call.analyzer_arn, name, {}, "its filter cannot be read", call.who)
    return of_rule(call.analyzer_arn, name, filters, family, call.who)


def of_rule(analyzer_arn: str, name: str, filters: Filter, family: Family, who: str = "") -> Suspicion | None:
    """Return what is suspicious about an archive rule, if it is broad enough to hide access."""
    why = _breadth(filters, family)
    return _of_rule(analyzer_arn, name, filters, why, who) if why else None


def _of_rule(analyzer_arn: str, name: str, filters: Filter, why: str, who: str) -> Suspicion:
    return Suspicion(
        kind="rule",
        about=f"{analyzer_arn} {name}",
        version=_digest(repr(sorted((key, str(asked)) for key, asked in filters.items()))),
        short=f"archive rule {name} may hide access",
        headline=f"archive rule {name} {why}",
        who=who or "found in the analyzer's list of rules",
        group=f"archive rules of {analyzer_arn}",
        advice=f"triage rules list --analyzer-arn {visible(analyzer_arn)}",
    )


def _breadth(filters: Filter, family: Family) -> str:
    """Say how a rule may hide access; empty where it is about certain principals or resources only."""
    if "true" in filters.get("isPublic", Criterion()).eq:
        return "archives public access"
    if family != "unused" and not any(
        asked.eq or asked.contains
        for key, asked in filters.items()
        if key.startswith(_NARROWING) and key not in ("resourceType", "resourceOwnerAccount")
    ):
        return "names no principal, condition or resource: it archives everything"
    if archive_rule_filter.may_hide_public(filters, family) and "resource" not in filters:
        return "may archive public access: it lacks the criterion isPublic eq false"
    return ""


def of_burst(principal: str, count: int, hour: str, who: str) -> Suspicion:
    """Return the suspicion about many archives by one principal.

    Parameters
    ----------
    hour : str
        ``2026-11-02T09``; a burst that goes on is alerted on once a day.
    """
    return Suspicion(
        kind="burst",
        about=principal,
        version=hour[: len("2026-11-02")],
        short=f"{count} findings were archived within an hour",
        headline=f"{count} findings were archived within an hour {who}",
        who=f"in the hour from {moment(f'{hour}:00')}; none of them by access-triage",
        group="bursts of archives",
        advice="triage review --list",
    )


def of_tags(
    finding_id: str, resource: str, before: Mapping[str, str], after: Mapping[str, str], keys: frozenset[str]
) -> Suspicion | None:
    """Return the suspicion about tags that were changed before a finding was archived.

    Parameters
    ----------
    before, after : mapping
        The resource's tags when the finding was alerted on, and when it was archived or looked at again.
    keys : frozenset of str
        Folded keys that count.
    """
    old, new = fold(before), fold(after)
    changed = sorted(key for key in keys if old.get(key) != new.get(key))
    if not changed:
        return None
    said = "; ".join(f"{key} was {_shown(old, key)}, is {_shown(new, key)}" for key in changed)
    return Suspicion(
        kind="tags",
        about=finding_id,
        version=_digest(said),
        short=f"tags of {resource} were changed",
        headline=f"tags of {resource} were changed before its finding was archived",
        who=f"{said}; finding {finding_id}",
        group="tags changed before an archive",
        advice=f"triage undo --finding {finding_id}" if finding_id.replace("-", "").isalnum() else "",
    )


def counting_tags(policy: Policy, card: Scorecard) -> frozenset[str]:
    """Return the folded keys of tags that can make a difference to a decision."""
    of_rules = (fold_key(key) for rule in (*policy.expected, *policy.never_archive) for key in rule.tags)
    return frozenset((*_TAGS, *of_rules, *_of_card(card)))


def _of_card(card: Scorecard) -> Iterator[str]:
    for feature in card.features:
        if (key := tag_of(feature)) is not None:
            yield key


def _shown(tags: Mapping[str, tuple[str, ...]], key: str) -> str:
    return " and ".join(tags.get(key, ("not there",)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
