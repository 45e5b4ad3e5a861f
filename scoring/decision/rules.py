"""Whether a rule of the policy matches a finding: yes, no, or not known."""

import fnmatch

from scoring.features.exposure import Exposure
from scoring.findings.access.access_level import rank
from scoring.findings.access.reach import NOT_KNOWN
from scoring.findings.access.tags import fold_alias, fold_key, fold_value
from scoring.findings.facts import Present, Unknown
from scoring.policy.rules import Rule

_NOT_KNOWN = ("unknown", NOT_KNOWN)


def matches(rule: Rule, exposure: Exposure) -> bool | None:
    """Say whether a rule matches: yes, no, or None where a fact that decides is unknown."""
    finding = exposure.finding
    is_named = not rule.resource_type or finding.resource_type in rule.resource_type
    if not is_named and exposure.is_known_resource_type:
        return False
    answers = _answers(rule, exposure)
    if False in answers:
        return False
    return True if is_named and None not in answers else None


def _answers(rule: Rule, exposure: Exposure) -> list[bool | None]:
    finding = exposure.finding
    answers: list[bool | None] = []
    if rule.finding_type:
        is_named = finding.finding_type in rule.finding_type
        answers.append(is_named if is_named or exposure.is_known_finding_type else None)
    if rule.resource:
        answers.append(any_match((finding.resource,), rule.resource))
    if rule.account:
        answers.append(None if finding.account is None else finding.account in rule.account)
    if rule.principal:
        answers.append(exposure.is_granting and _principals_match(rule, exposure))
    if rule.trust:
        answers.append(None if exposure.trust in _NOT_KNOWN else _is_trusted(rule, exposure.trust))
    if rule.principal_kind:
        answers.append(exposure.is_granting and _kind_matches(rule, exposure.kind))
    if rule.access_level_at_most:
        answers.append(exposure.is_granting and _level_matches(exposure, rule.access_level_at_most))
    for key, value in rule.tags.items():
        answers.append(_tag_matches(exposure, fold_key(key), value))
    if rule.alias:
        answers.append(_alias_matches(exposure, rule.alias))
    return answers


def _principals_match(rule: Rule, exposure: Exposure) -> bool | None:
    answers: set[bool | None] = {
        any_match((given, principal.value), rule.principal) or (False if principal.is_readable else None)
        for principal, (_, given) in zip(exposure.principals, exposure.finding.principals, strict=True)
    }
    return answers.pop() if len(answers) == 1 else None


def _is_trusted(rule: Rule, trust: str) -> bool:
    # "identity provider" is said of all that come from one, however wide it opens.
    return trust in rule.trust or trust.split(",")[0] in rule.trust


def _kind_matches(rule: Rule, kind: str) -> bool | None:
    return None if kind in _NOT_KNOWN else kind in rule.principal_kind


def _level_matches(exposure: Exposure, most: str) -> bool | None:
    return None if exposure.access.level is None else rank(exposure.access.level) <= rank(most)


def _tag_matches(exposure: Exposure, key: str, value: str) -> bool | None:
    if isinstance(exposure.context.tags, Unknown):
        return None
    found, wanted = exposure.tags.get(key, ()), fold_value(key, value)
    return wanted in found and (True if len(found) == 1 else None)


def _alias_matches(exposure: Exposure, alias: str) -> bool | None:
    aliases = exposure.context.aliases
    if exposure.finding.resource_type != "AWS::KMS::Key":
        return False if exposure.is_known_resource_type else None
    if isinstance(aliases, Unknown):
        return None
    return isinstance(aliases, Present) and fold_alias(alias) in {fold_alias(a) for a in aliases.value}


def any_match(texts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    """Say whether any text matches any pattern with ``*`` and ``?``, by exact case."""
    # A bracket is a character like any other here.
    return any(fnmatch.fnmatchcase(text, p.replace("[", "[[]")) for text in texts for p in patterns)
