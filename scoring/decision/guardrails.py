"""Guardrails: named predicates that can only move a finding towards a person.

A fact that is unknown counts as the worst it could be, so that not knowing never helps an archive along.
"""

import json
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import islice

import msgspec

from scoring.decision import rules
from scoring.features.exposure import Exposure
from scoring.findings.access.conditions import is_wide
from scoring.findings.access.oidc_subjects import WORKFLOW_CAVEAT, has_listed_subject, policy_line
from scoring.findings.access.principal import VOUCHED
from scoring.findings.context import FACT_NAMES
from scoring.findings.facts import NOT_LOOKED_UP, Present, Unknown
from scoring.points import said_points
from scoring.policy.policy import Guardrails
from scoring.scorecard.scorecard import Scored


class Guardrail(msgspec.Struct, frozen=True, omit_defaults=True):
    """A guardrail that stands in the way of archiving a finding, and why.

    Attributes
    ----------
    policy : str
        The lines of the policy that would say it is meant; empty where no line does.
    """

    name: str
    text: str
    policy: str = ""


_Found = str | tuple[str, str] | None
"""Why a guardrail stands, and the lines of the policy that would clear it; None where it does not stand."""


def _public(exposure: Exposure) -> str | None:
    if exposure.is_meant_to_be_public:
        return None
    if exposure.is_public is None and not _says_error(exposure):
        return "whether it is open to the public is not known"
    if exposure.is_public:
        return "anyone on the internet can get in, and the policy does not list it as meant to be public"
    return None


def _finding_error(exposure: Exposure) -> str | None:
    error = exposure.finding.error
    if error == "PRINCIPAL_LIMIT_EXCEEDED":
        return "more principals have access than Access Analyzer lists (PRINCIPAL_LIMIT_EXCEEDED)"
    return f"Access Analyzer could not analyze the resource: {error}" if error else None


def _unknown_context(exposure: Exposure) -> str | None:
    if not exposure.lacking:
        return None
    of_reason: dict[str, list[str]] = {}
    for name, reason in exposure.lacking:
        of_reason.setdefault(reason, []).append(name)
    return "; ".join(_not_known(names, reason) for reason, names in of_reason.items())


def _not_known(names: list[str], reason: str) -> str:
    """Say of facts why they are not known, and what looks them up where nobody has."""
    *others, last = (FACT_NAMES.get(name, name) for name in names)
    which = f"{', '.join(others)} and {last}" if others else last
    is_one = len(names) == 1 and names[0].endswith("account")
    if reason == NOT_LOOKED_UP.reason:
        by = max(map(looked_up_by, names), key=len)
        return f"{which} {'was' if is_one else 'were'} not looked up ({by} does)"
    return f"{which} {'is' if is_one else 'are'} not known: {reason}"


def looked_up_by(name: str) -> str:
    """Return the command that looks a fact up; tags of some types, and details, do not come in bulk."""
    return "triage scan --deep" if name == "tags" or name.startswith("details.") else "triage scan"


def _unknown_details(exposure: Exposure) -> str | None:
    if _says_error(exposure):
        return None
    if exposure.finding.lacks:
        lacking = ", ".join(exposure.finding.lacks)
        return f"this form of the finding does not carry: {lacking} (triage scan reads the whole finding)"
    if not exposure.is_granting:
        return None
    if exposure.finding.incomplete:
        return "not all of the finding's details are here"
    missing = [] if exposure.principals else ["principal"]
    if not exposure.finding.actions:
        missing.append("actions")
    if exposure.finding.account is None:
        missing.append("resource account")
    return "the finding does not name: " + ", ".join(missing) if missing else None


def _unknown_type(exposure: Exposure) -> str | None:
    if not exposure.is_known_resource_type:
        return f"a type of resource that this version does not know: {exposure.finding.resource_type}"
    if not exposure.is_known_finding_type:
        return f"a type of finding that this version does not know: {exposure.finding.finding_type}"
    return None


def _permissions_outside(exposure: Exposure) -> str | None:
    if exposure.access.level not in ("Permissions management", None) or _says_error(exposure):
        return None
    is_contracted = exposure.trust in VOUCHED[:3] and exposure.is_public is False
    if not exposure.is_outside or is_contracted:
        return None
    return "permissions management is, or may be, given to an outsider who is not contracted"


def _unlisted_subject(exposure: Exposure) -> _Found:
    # Of internal access AWS says itself that it stays inside, whoever comes.
    if _anyone_is_said(exposure) or exposure.finding.finding_type == "InternalAccess":
        return None
    if not exposure.issuers:
        # Anyone is more than any subject; said here where no other guardrail says it.
        others = exposure.policy.guardrails
        is_said = others.unknown_owner or others.public or exposure.is_public is False
        return None if is_said else "anyone may be let in, and no identity of a provider is listed"
    finding, listed_by_issuer = exposure.finding, exposure.policy.listed_subjects
    unlisted = [
        issuer
        for issuer in exposure.issuers
        if not has_listed_subject(issuer, finding.conditions, listed_by_issuer.get(issuer.lower(), {}))
    ]
    if not unlisted:
        return None
    lines = sorted({line for issuer in unlisted if (line := policy_line(issuer, finding.conditions))})
    caveat = f" ({WORKFLOW_CAVEAT})" if any("job_workflow_ref" in line for line in lines) else ""
    return (
        f"an identity provider lets in somebody whom the policy does not list (allow.subjects){caveat}",
        _lines("allow.subjects", lines),
    )


def _unknown_owner(exposure: Exposure) -> _Found:
    if _anyone_is_said(exposure):
        return None
    found = [reach for reach in exposure.reaches if reach.unowned]
    if not found:
        # Anyone's account is nobody's; said here where nobody minds what is public.
        if exposure.is_public:
            return "whose account gets access is not known: anyone's may"
        is_unreadable = exposure.is_granting and not exposure.is_readable
        if is_unreadable and exposure.finding.finding_type != "InternalAccess":
            # That anyone may get in, for all we know, is another guardrail's word where it stands.
            is_said = exposure.policy.guardrails.public or _says_error(exposure)
            return None if is_said else "whose account gets access is not known: who gets it cannot be read"
        return None
    what = _named(sorted({reach.unowned for reach in found}))
    if exposure.finding.finding_type == "InternalAccess":
        return None
    own: dict[str, set[str]] = {}
    for setting, value in (pair for reach in found for pair in reach.own):
        own.setdefault(setting, set()).add(value)
    lines = [line for name, values in sorted(own.items()) if (line := _setting(name, sorted(values)))]
    return f"nobody knows for whom it acts, or whose it is: {what}", _lines("own", lines)


def _anyone_is_said(exposure: Exposure) -> bool:
    """Whether it does not matter who gets in, or another guardrail says that anyone does."""
    if exposure.is_meant_to_be_public:
        return True
    return bool(exposure.is_public and exposure.policy.guardrails.public)


_SHOWN, _LONG, _LONG_LINE = 5, 160, 400


def _named(texts: Collection[str]) -> str:
    """Name the first few of what others have written, however much it is."""
    shown = [text if len(text) <= _LONG else f"{text[: _LONG - 3]}..." for text in islice(texts, _SHOWN)]
    more = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _lines(table: str, lines: Iterable[str]) -> str:
    """Return lines of the policy under their table; what nobody would type is left out."""
    short = list(islice((line for line in lines if len(line) <= _LONG_LINE), _SHOWN))
    return "\n".join((f"[{table}]", *short)) if short else ""


def _setting(name: str, values: Collection[str]) -> str:
    """Return one setting of the policy as TOML; empty where it would be too long for anybody to type."""
    is_short = len(values) <= _SHOWN * 4 and sum(map(len, (name, *values))) <= _LONG_LINE
    return f"{name} = {json.dumps(list(values))}" if is_short else ""


def _confidential_outside(exposure: Exposure) -> str | None:
    # Where the guardrail on an unknown context stands, it has said already that the tags are not known.
    is_unknown = isinstance(exposure.context.tags, Unknown) and not exposure.policy.guardrails.unknown_context
    if not is_unknown and "confidential" not in exposure.tags.get("dataclassification", ()):
        return None
    if not exposure.is_outside:
        return None
    if is_unknown:
        return "shared outside the organization, and whether the data is confidential is not known"
    return "tagged as confidential and shared outside the organization"


RE_OPENED_BY = {"person": "a person", "undo": "triage undo"}


def _reactivated(exposure: Exposure) -> str | None:
    fact = exposure.context.reactivated_by
    if isinstance(fact, Unknown) and fact.asked:
        return f"whether somebody re-opened it is not known: {fact.reason}"
    if isinstance(fact, Present) and fact.value.who != "expiry":
        who, day = fact.value.who, fact.value.at[:10] if fact.value.at else ""
        when = f" on {day}" if day else ""
        return f"re-opened by {RE_OPENED_BY.get(who, who)}{when}: it is not archived again"
    return None


def _says_error(exposure: Exposure) -> bool:
    """Whether the guardrail on errors stands, and so says why nothing more is known."""
    return bool(exposure.finding.error) and exposure.policy.guardrails.finding_error


# One row a guardrail; the names are the keys of [guardrails] in the policy.
GUARDRAILS: tuple[tuple[str, Callable[[Exposure], _Found]], ...] = (
    ("public", _public),
    ("finding_error", _finding_error),
    ("unknown_type", _unknown_type),
    ("unknown_details", _unknown_details),
    ("unknown_context", _unknown_context),
    ("permissions_outside", _permissions_outside),
    ("unlisted_subject", _unlisted_subject),
    ("unknown_owner", _unknown_owner),
    ("confidential_outside", _confidential_outside),
    ("reactivated", _reactivated),
)


# What each is about, in a few words: for a reason that names several.
IN_SHORT = {
    "public": "public",
    "finding_error": "Access Analyzer reports an error",
    "unknown_type": "a type that this version does not know",
    "unknown_details": "details of the finding are missing",
    "unknown_context": "tags, aliases or accounts are not known",
    "permissions_outside": "permissions management for an outsider",
    "unlisted_subject": "an identity provider lets in somebody who is not listed",
    "unknown_owner": "whose it is, or for whom it acts, is not known",
    "condition_not_judged": "a condition that this version cannot judge",
    "sharer_alone": "only the sharer's word would archive it",
    "confidential_outside": "confidential data shared outside the organization",
    "reactivated": "re-opened after an archive",
    "never_archive": "a never-archive rule of the policy",
    "never_seen": "a principal that nobody has seen",
    "circuit_breaker": "too many archives within an hour",
    "not_archived": "it could not be archived",
    "configuration": "the configuration is not valid",
}


def in_short(name: str) -> str:
    """Return what a guardrail is about, in a few words."""
    return IN_SHORT.get(name) or name.replace("_", " ")


def reason(names: Iterable[str]) -> str:
    """Say which guardrails stand in the way.

    Examples
    --------
    >>> reason(["public", "confidential_outside", "public"])
    'Needs a person: public; confidential data shared outside the organization'
    """
    return "Needs a person: " + "; ".join(in_short(name) for name in dict.fromkeys(names))


NOT_JUDGED, SHARER_ALONE = "condition_not_judged", "sharer_alone"
"""Names of the guardrails that ask for a score; the policy takes them down by these."""


def check(exposure: Exposure) -> tuple[Guardrail, ...]:
    """Return the guardrails that stand in the way, those of the policy's never-archive rules last."""
    found = [
        Guardrail(name, *((said,) if isinstance(said, str) else said))
        for name, predicate in _standing(exposure.policy.guardrails)
        if (said := predicate(exposure)) is not None
    ]
    for rule in exposure.policy.never_archive:
        answer = rules.matches(rule, exposure)
        if answer is not False:
            doubt = "" if answer else " (as far as is known)"
            found.append(Guardrail("never_archive", f"rule of the policy: {rule.name}{doubt}"))
    return tuple(found)


def not_judged(exposure: Exposure) -> Guardrail:
    """Say which conditions nobody has judged, where without them the grant would go to a person."""
    keys = exposure.not_judged
    claims = tuple(f"{issuer.lower()}:" for issuer in exposure.issuers)
    listable = (
        (key, values)
        for key, values in exposure.finding.conditions
        if key in keys and not key.lower().startswith(claims) and values
        if not any(is_wide(key, value) for value in values)
    )
    lines = (line for key, values in listable if (line := _setting(json.dumps(key), values)))
    return Guardrail(
        NOT_JUDGED,
        f"not judged, so it counts as absent: {_named(keys)}",
        _lines("allow.conditions", lines),
    )


def sharer_alone(scored: Scored, threshold: int | None) -> tuple[Guardrail, ...]:
    """Return the guardrail where an outsider's access would be archived by nothing but the sharer's word."""
    if threshold is None or not scored.is_outside or scored.uncredited < threshold:
        return ()
    without = said_points(scored.uncredited)
    text = (
        f"without what the sharer can set (tags, conditions, names) the score would be {without}, "
        f"not below the threshold of {said_points(threshold)}"
    )
    return (Guardrail(SHARER_ALONE, text),)


def conditions_alone(keys: Collection[str]) -> Guardrail:
    """Say that an outsider's access would alert but for conditions, which whoever shares writes himself."""
    return Guardrail(
        SHARER_ALONE, f"without the conditions that the sharer can set it alerts: {_named(keys)}"
    )


@lru_cache(maxsize=64)
def _standing(settings: Guardrails) -> tuple[tuple[str, Callable[[Exposure], _Found]], ...]:
    return tuple((name, predicate) for name, predicate in GUARDRAILS if getattr(settings, name))
