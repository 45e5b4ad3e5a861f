"""Guardrails: named predicates that can only move a finding towards a person.

A fact that is unknown counts as the worst it could be, so that not knowing never helps an archive along.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from scoring.decision import rules
from scoring.features.exposure import Exposure
from scoring.findings.access.oidc_subjects import has_listed_subject
from scoring.findings.context import FACT_NAMES
from scoring.findings.facts import NOT_LOOKED_UP, Present, Unknown
from scoring.policy.policy import Guardrails


class Guardrail(msgspec.Struct, frozen=True):
    """A guardrail that stands in the way of archiving a finding, and why."""

    name: str
    text: str


def _public(exposure: Exposure) -> str | None:
    if exposure.is_public is None and not _says_error(exposure):
        return "whether anyone on the internet can get in is not known"
    if exposure.is_public and not exposure.is_meant_to_be_public:
        return "anyone on the internet can get in, and the policy does not list it as meant to be public"
    return None


def _finding_error(exposure: Exposure) -> str | None:
    error = exposure.finding.error
    if error == "PRINCIPAL_LIMIT_EXCEEDED":
        return "more principals have access than Access Analyzer lists (PRINCIPAL_LIMIT_EXCEEDED)"
    return f"Access Analyzer could not analyze the resource: {error}" if error else None


def _unknown_context(exposure: Exposure) -> str | None:
    of_reason: dict[str, list[str]] = {}
    for name, reason in exposure.lacking:
        of_reason.setdefault(reason, []).append(name)
    return "; ".join(_not_known(names, reason) for reason, names in of_reason.items()) or None


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
    if not exposure.is_granting or _says_error(exposure):
        return None
    if exposure.finding.incomplete:
        return "not all of the finding's details are here"
    missing = [
        name
        for name, is_missing in (
            ("principal", not exposure.principals),
            ("actions", not exposure.finding.actions),
            ("resource account", exposure.finding.account is None),
        )
        if is_missing
    ]
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
    if not exposure.is_outside or exposure.trust == "contracted":
        return None
    return "permissions management is, or may be, given to an outsider who is not contracted"


def _unlisted_subject(exposure: Exposure) -> str | None:
    # That anyone at all gets in is said by another guardrail.
    if exposure.is_public and exposure.policy.guardrails.public:
        return None
    for principal in exposure.principals:
        if principal.kind != "OIDC":
            continue
        issuer = (principal.issuer or "").lower()
        listed = exposure.policy.listed_subjects.get(issuer, ())
        if not has_listed_subject(issuer, exposure.finding.conditions, listed):
            return "an identity provider lets in somebody whom the policy does not list (allow.subjects)"
    return None


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
GUARDRAILS: tuple[tuple[str, Callable[[Exposure], str | None]], ...] = (
    ("public", _public),
    ("finding_error", _finding_error),
    ("unknown_type", _unknown_type),
    ("unknown_details", _unknown_details),
    ("unknown_context", _unknown_context),
    ("permissions_outside", _permissions_outside),
    ("unlisted_subject", _unlisted_subject),
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


def check(exposure: Exposure) -> tuple[Guardrail, ...]:
    """Return the guardrails that stand in the way, those of the policy's never-archive rules last."""
    found = [
        Guardrail(name, text)
        for name, predicate in _standing(exposure.policy.guardrails)
        if (text := predicate(exposure)) is not None
    ]
    for rule in exposure.policy.never_archive:
        answer = rules.matches(rule, exposure)
        if answer is not False:
            doubt = "" if answer else " (as far as is known)"
            found.append(Guardrail("never_archive", f"rule of the policy: {rule.name}{doubt}"))
    return tuple(found)


@lru_cache(maxsize=64)
def _standing(settings: Guardrails) -> tuple[tuple[str, Callable[[Exposure], str | None]], ...]:
    return tuple((name, predicate) for name, predicate in GUARDRAILS if getattr(settings, name))
