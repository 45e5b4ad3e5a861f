"""Hypothesis strategies for what the core reads: findings, contexts, policies and scorecards.

Values come from small pools, so that findings, contexts, rules and tables meet each other; among them are the
texts that a hostile or careless person would write.
"""

import json
from functools import lru_cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from scoring.features.features import ABSENT as NOT_THERE
from scoring.features.features import BY_NAME, NOT_APPLICABLE, feature
from scoring.findings.access.action_reference import LEVELS
from scoring.findings.access.principal import TRUST
from scoring.findings.context import Account, Context, PrincipalAccount, Reactivation
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Fact, Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.policy import Allow, Guardrails, Policy
from scoring.policy.rules import Rule
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.scoring.pools import (
    ACCOUNTS,
    ACTIONS,
    BUCKETS,
    CONDITIONS,
    FREE_VALUES,
    GITHUB,
    HOSTILE,
    INSIDE,
    ORGANIZATION,
    OTHER,
    OTHER_ORGANIZATION,
    OWN,
    PRINCIPALS,
    RESTRICTIONS,
    SERVICES,
    STRANGER,
    VENDOR,
)
from tests.scoring.wire import as_json

# What comes from elsewhere and is used through this module.
__all__ = [
    "ACCOUNTS",
    "GITHUB",
    "HOSTILE",
    "INSIDE",
    "ORGANIZATION",
    "OTHER",
    "OTHER_ORGANIZATION",
    "OWN",
    "STRANGER",
    "VENDOR",
    "as_json",
]

hostile_text = st.sampled_from(HOSTILE) | st.text(max_size=12)
unknown_resource_types = st.sampled_from(("AWS::Bedrock::Agent", "unknown", "not applicable", "absent"))
unknown_finding_types = st.sampled_from(("AnomalousAccess", "unknown", "not applicable", "absent"))


def _few(pool: tuple[Any, ...], least: int = 1, most: int = 2) -> st.SearchStrategy[list[Any]]:
    one = st.lists(st.sampled_from(pool), min_size=least, max_size=1)
    return one | one | st.lists(st.sampled_from(pool), min_size=least, max_size=most, unique=True)


_finding_types = st.sampled_from((*FINDING_TYPES[:1] * 3, *FINDING_TYPES)) | unknown_finding_types
_granting_types = st.sampled_from(FINDING_TYPES[:2])
_resource_types = st.sampled_from(("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::IAM::Role", *RESOURCE_TYPES))
_any_resource_types = _resource_types | _resource_types | _resource_types | unknown_resource_types
_errors = st.sampled_from((None,) * 6 + ("ACCESS_DENIED", "INTERNAL_ERROR"))
_granted = st.fixed_dictionaries(
    {
        "principals": _few(PRINCIPALS).map(tuple),
        "actions": _few(ACTIONS, most=3).map(tuple),
        "conditions": _few(CONDITIONS, least=0).map(lambda pairs: tuple(sorted(dict(pairs).items()))),
        "sources": _few(("POLICY", "BUCKET_ACL", "S3_ACCESS_POINT"), least=0).map(tuple),
        "restrictions": st.lists(st.sampled_from(RESTRICTIONS), max_size=2, unique=True).map(tuple),
        "access_type": st.sampled_from(("INTRA_ACCOUNT", "INTRA_ORG", None)),
        "is_public": st.sampled_from((False, False, True, None)),
        "unused_services": st.none() | st.integers(0, 40),
    }
)


@st.composite
def findings(draw: st.DrawFn, *, statuses: tuple[str, ...] = ("ACTIVE",), granting: bool = False) -> Finding:
    """Findings of all types as AWS could send them, errors and what newer versions add included."""
    finding_type = draw(_granting_types if granting else _finding_types)
    resource_type = draw(_any_resource_types)
    pattern = SERVICES.get(resource_type, "arn:aws:service:eu-west-1:{account}:{name}")
    account = draw(st.sampled_from((OWN, OWN, OWN, INSIDE)))
    error = None if granting else draw(_errors)
    granted: dict[str, Any] = draw(_granted)
    if finding_type != "UnusedPermission":
        granted["unused_services"] = None
    if finding_type.startswith("Unused") or error:
        granted = {"unused_services": granted["unused_services"]}
    elif resource_type != "AWS::S3::Bucket":
        del granted["sources"]
    granted.pop("is_public" if finding_type == "InternalAccess" else "access_type", None)
    return Finding(
        id=draw(st.sampled_from(("0b5a", "c4e1"))),
        resource=pattern.format(account=account, name=draw(st.sampled_from(BUCKETS))),
        resource_type=resource_type,
        account=account,
        status=draw(st.sampled_from(statuses)),
        finding_type=finding_type,
        error=error,
        **granted,
    )


tag_keys = st.sampled_from(
    ("Environment", "env", "ENV", "Data Classification", "data-classification", "IsAllowedToShare", "Owner")
) | st.text(min_size=1, max_size=8)
tag_values = (
    st.sampled_from(
        (
            "prod",
            "Production",
            "dev",
            "development",
            "sandbox",
            "test",
            "Confidential",
            "public",
            "true",
            "no",
        )
    )
    | hostile_text
)
tags = st.dictionaries(tag_keys, tag_values, max_size=6)
aliases = st.lists(
    st.sampled_from(("alias/DevelopmentKey", "alias/prod", "developmentkey", "alias/")) | hostile_text,
    max_size=3,
).map(tuple)

refused = st.sampled_from((Unknown("AccessDenied"), Unknown("Throttling")))


def facts(present: st.SearchStrategy[Any]) -> st.SearchStrategy[Fact[Any]]:
    """A fact in its three states, present more often than not."""
    given_value = st.builds(Present, present)
    return given_value | given_value | st.just(ABSENT) | refused | st.just(NOT_LOOKED_UP)


_names = st.none() | st.sampled_from(("payments", "sandbox-team", "Prod/Dev", "Sandbox")) | hostile_text
_accounts = st.builds(
    Account,
    id=st.sampled_from((OWN, OWN, OWN, OTHER)),
    name=_names,
    ou=_names,
    tags=st.none() | tags,
    org_id=st.sampled_from((None, ORGANIZATION)),
)
_principal_accounts = st.builds(
    PrincipalAccount,
    id=st.sampled_from((OWN, OWN, OWN, STRANGER)),
    in_org=st.sampled_from((True, False, False, None)),
    vendor=st.sampled_from((None, "Datadog", "absent", "unknown")),
)
_reactivations = st.builds(Reactivation, who=st.sampled_from(("person", "undo", "expiry", "Expiry ")))
_contexts = st.builds(
    Context,
    tags=facts(tags),
    aliases=facts(aliases),
    resource_account=facts(_accounts),
    principal_account=facts(_principal_accounts),
    reactivated_by=st.just(NOT_LOOKED_UP) | st.just(ABSENT) | facts(_reactivations),
    details=st.dictionaries(st.sampled_from(("lock", "rotation")), facts(st.booleans()), max_size=1),
)


@st.composite
def contexts(draw: st.DrawFn, finding: Finding | None = None) -> Context:
    """Contexts with each fact present, absent, refused or never looked up; mostly about the finding."""
    context = draw(_contexts)
    if finding is None:
        return context
    named = [a for a in ACCOUNTS if any(a in value for _, value in finding.principals)]
    about = {"resource_account": finding.account, "principal_account": named[-1] if named else STRANGER}
    for name, account in about.items():
        fact = getattr(context, name)
        if isinstance(fact, Present) and fact.value.id == OWN:
            fact = Present(msgspec.structs.replace(fact.value, id=account))
            context = msgspec.structs.replace(context, **{name: fact})
    return context


@st.composite
def cases(draw: st.DrawFn, /, **how: Any) -> tuple[Finding, Context]:
    """Findings with contexts that are about them."""
    finding = draw(findings(**how))
    return finding, draw(contexts(finding))


_some: dict[str, Any] = {"max_size": 2, "unique": True}
rules = st.builds(
    Rule,
    name=st.sampled_from(("a rule", "another rule")),
    finding_type=st.lists(st.sampled_from(FINDING_TYPES), **_some).map(tuple),
    resource_type=st.lists(st.sampled_from(("AWS::KMS::Key", "AWS::S3::Bucket")), **_some).map(tuple),
    resource=st.lists(st.sampled_from(("arn:aws:*", "*payroll*", "arn:aws:s3:::site")), **_some).map(tuple),
    account=st.lists(st.sampled_from(ACCOUNTS), **_some).map(tuple),
    principal=st.lists(st.sampled_from(("*", f"*{STRANGER}*", STRANGER, "sns*")), **_some).map(tuple),
    trust=st.lists(st.sampled_from(TRUST), **_some).map(tuple),
    access_level_at_most=st.none() | st.sampled_from(LEVELS),
    tags=st.dictionaries(
        st.sampled_from(("Environment", "owner")), st.sampled_from(("dev", "prod")), max_size=1
    ),
    alias=st.none() | st.sampled_from(("DevelopmentKey", "alias/prod")),
).filter(lambda rule: any(getattr(rule, name) for name in rule.__struct_fields__ if name != "name"))

guardrails = st.just(Guardrails()) | st.builds(
    Guardrails, **{name: st.booleans() for name in Guardrails.__struct_fields__}
)
NO_GUARDRAILS = Guardrails(**dict.fromkeys(Guardrails.__struct_fields__, False))

policies = st.builds(
    Policy,
    organization_id=st.sampled_from((None, ORGANIZATION)),
    allow=st.builds(
        Allow,
        accounts=st.dictionaries(st.sampled_from((VENDOR, OTHER)), st.just("Partner"), max_size=1),
        vendors=st.sampled_from(((), ("datadog",))),
        public_buckets=st.sampled_from(((), ("site",))),
        subjects=st.sampled_from(({}, {GITHUB: ("repo:acme/*",)})),
    ),
    guardrails=st.just(NO_GUARDRAILS) | guardrails,
    expected=st.lists(rules, max_size=2).map(tuple),
    never_archive=st.just(()) | st.lists(rules, max_size=1).map(tuple),
    known_vendors=st.sampled_from(({}, {VENDOR: "Datadog"})),
)

_FEATURES = (*BY_NAME, "tag:costcenter")


@lru_cache
def _values_of(name: str) -> st.SearchStrategy[str]:
    known = feature(name)
    assert known is not None
    return st.sampled_from((*(known.values or FREE_VALUES[name]), NOT_THERE, NOT_APPLICABLE, "conflicting"))


_tenths = st.integers(-300, 300)


@lru_cache
def _points(key: tuple[str, ...]) -> st.SearchStrategy[list[tuple[tuple[str, ...], int]]]:
    return st.lists(st.tuples(st.tuples(*map(_values_of, key)), _tenths), max_size=5)


@st.composite
def tables(draw: st.DrawFn, key: tuple[str, ...]) -> dict[str, Any]:
    """One table of a card's JSON form, in tenths; what is worst is left to the reader or put on top of it."""
    points: dict[str, Any] = {}
    for values, tenths in draw(_points(key)):
        inner = points
        for value in values[:-1]:
            inner = inner.setdefault(value, {})
        inner[values[-1]] = tenths
    table: dict[str, Any] = {"key": list(key), "points": points, "default": draw(_tenths)}
    if points and len(key) == 1:
        table["evidence"] = {value: [draw(st.integers(0, 9)), 0, 1] for value in points}
    if draw(st.booleans()):
        table["unknown"] = 300 + draw(st.integers(0, 100))
    return table


@st.composite
def scorecards(draw: st.DrawFn, names: tuple[str, ...] = _FEATURES) -> Scorecard:
    """Weighted and trained scorecards with tables over one to three features, as the reader accepts them."""
    key = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple)
    keys = draw(st.lists(key, max_size=6, unique_by=frozenset))
    kind = draw(st.sampled_from(("weighted", "trained")))
    probabilities = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2)))
    made: list[dict[str, Any]] = [draw(tables(key)) for key in keys]
    content = {
        "schema": formats.SCHEMA,
        "unit": "tenths",
        "name": draw(st.sampled_from(("a card", "×"))),
        "version": "1",
        "kind": kind,
        "base": draw(st.integers(-500, 500)),
        "threshold": draw(st.none() | st.integers(-500, 1500)),
        "tag_limit": draw(st.integers(0, 300)),
        "risk": list(zip((-100, 400), probabilities, strict=True)) if kind == "trained" else [],
        "table": made,
    }
    if kind == "trained" and made:
        prior = {**content, "kind": "weighted", "risk": [], "threshold": draw(st.none() | _tenths)}
        seen_in = st.lists(st.sampled_from([table["key"] for table in made]), max_size=2)
        content |= {"seen_in": draw(seen_in), "prior": draw(st.sampled_from((None, prior)))}
    return formats.from_json(json.dumps(content))
