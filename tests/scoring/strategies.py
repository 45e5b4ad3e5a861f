"""Hypothesis strategies for what the core reads: findings, contexts, policies and scorecards.

Values come from small pools, so that findings, contexts, rules and tables meet each other; among them are the
texts that a hostile or careless person would write.
"""

import json
from typing import Any

from hypothesis import strategies as st

from scoring import scorecard_files
from scoring.access_level import LEVELS
from scoring.context import Account, Context, PrincipalAccount, Reactivation
from scoring.facts import ABSENT, NOT_LOOKED_UP, Fact, Present, Unknown
from scoring.features import ABSENT as NOT_THERE
from scoring.features import BY_NAME, NOT_APPLICABLE, feature
from scoring.finding import FINDING_TYPES, RESOURCE_TYPES, Finding
from scoring.policy import Allow, Guardrails, Policy
from scoring.policy_rules import Rule
from scoring.principal import TRUST
from scoring.scorecard import Scorecard

OWN, INSIDE, VENDOR, STRANGER, OTHER = (
    "111122223333",
    "777788889999",
    "464622532012",
    "444455556666",
    "012345678901",
)
ACCOUNTS = (OWN, INSIDE, VENDOR, STRANGER, OTHER)
ORGANIZATION, OTHER_ORGANIZATION = "o-a1b2c3d4e5", "o-zzzzzzzzzz"
GITHUB = "token.actions.githubusercontent.com"
HOSTILE = (
    "unknown",
    "absent",
    "not applicable",
    "conflicting",
    "none",
    "",
    " ",
    "*",
    "{}",
    "{0}",
    "%s",
    "<script>alert(1)</script>",
    "a\r\nBcc: x@example.com",
    "\x1b[2J",
    "\u202etxt.exe",
    "×",
    "[" * 2000,
    "🦄",
)

hostile_text = st.sampled_from(HOSTILE) | st.text(max_size=12)
unknown_resource_types = st.sampled_from(("AWS::Bedrock::Agent", "unknown", "not applicable", "absent", ""))
unknown_finding_types = st.sampled_from(("AnomalousAccess", "unknown", "not applicable", "absent"))

_BUCKETS = ("site", "payroll", "logs")
_SERVICES = {
    "AWS::KMS::Key": "arn:aws:kms:eu-west-1:{account}:key/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::User": "arn:aws:iam::{account}:user/{name}",
}
_ACTIONS = (
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObjectTagging",
    "s3:PutObject",
    "s3:PutBucketPolicy",
    "kms:Decrypt",
    "kms:CreateGrant",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sqs:SendMessage",
    "s3:*",
    "*",
    "future:DoIt",
    "not an action",
)
_PRINCIPALS: tuple[tuple[str, str], ...] = (
    ("AWS", "*"),
    *(("AWS", account) for account in ACCOUNTS),
    *(("AWS", f"arn:aws:iam::{account}:root") for account in ACCOUNTS),
    ("AWS", f"arn:aws:iam::{STRANGER}:role/reader"),
    ("AWS", f"arn:aws:iam::{OWN}:role/reader"),
    ("AWS", f"arn:aws:iam::{INSIDE}:user/ci"),
    ("AWS", f"arn:aws:sts::{VENDOR}:assumed-role/agent/session"),
    ("AWS", f"arn:aws-us-gov:iam::{STRANGER}:role/reader"),
    ("AWS", f"arn:aws:iam::{STRANGER}:*"),
    ("AWS", "arn:aws:iam::*:role/reader"),
    ("AWS", "AROAEXAMPLEEXAMPLEEXA"),
    ("AWS", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"),
    ("AWS", "not a principal"),
    ("Service", "sns.amazonaws.com"),
    ("CanonicalUser", "a" * 64),
    ("CanonicalUser", "short"),
    ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"),
    ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
    ("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta"),
    ("Federated", "cognito-identity.amazonaws.com"),
    ("Federated", "nobody"),
    ("Group", "all"),
)
_CONDITIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("aws:PrincipalOrgID", (ORGANIZATION,)),
    ("aws:PrincipalOrgID", (OTHER_ORGANIZATION,)),
    ("aws:PrincipalOrgPaths", (f"{ORGANIZATION}/r-ab12/*",)),
    ("aws:PrincipalOrgID", (ORGANIZATION, OTHER_ORGANIZATION)),
    ("aws:PrincipalOrgID", ("*",)),
    ("aws:SourceOrgID", (ORGANIZATION,)),
    ("aws:SourceIp", ("0.0.0.0/0",)),
    ("aws:SourceIp", ("203.0.113.0/24",)),
    ("aws:SourceIp", ('["203.0.113.0/24","::/0"]',)),
    ("aws:SourceVpce", ("vpce-0123456789abcdef0",)),
    ("aws:SourceArn", (f"arn:aws:s3:eu-west-1:{OWN}:x",)),
    ("aws:SourceArn", ("arn:aws:s3:::*",)),
    ("aws:SourceAccount", (OWN,)),
    ("aws:SourceAccount", (STRANGER,)),
    ("aws:PrincipalArn", (f"arn:aws:iam::{STRANGER}:role/*",)),
    ("kms:CallerAccount", (OWN,)),
    ("sts:ExternalId", ("f3a9",)),
    ("sts:ExternalId", ("*",)),
    ("aws:SecureTransport", ("true",)),
    (f"{GITHUB}:sub", ("repo:acme/app:ref:refs/heads/main",)),
    (f"{GITHUB}:sub", ("repo:acme/*",)),
    (f"{GITHUB}:sub", ("*",)),
    (f"{GITHUB}:aud", ("sts.amazonaws.com",)),
    ("cognito-identity.amazonaws.com:amr", ("authenticated",)),
    ("cognito-identity.amazonaws.com:aud", ("eu-west-1:5a2f",)),
)
_RESTRICTIONS = (
    "APPLICABLE",
    "NOT_APPLICABLE",
    "APPLIED",
    "FAILED_TO_EVALUATE_RCP",
    "FAILED_TO_EVALUATE_SCP",
)


@st.composite
def findings(draw: st.DrawFn, *, statuses: tuple[str, ...] = ("ACTIVE",), granting: bool = False) -> Finding:
    """Findings of all types as AWS could send them, errors and what newer versions add included."""
    pool = FINDING_TYPES[:2] if granting else (*FINDING_TYPES[:1] * 3, *FINDING_TYPES)
    finding_type = draw(st.sampled_from(pool) if granting else st.sampled_from(pool) | unknown_finding_types)
    resource_type = draw(
        st.sampled_from(("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::IAM::Role", *RESOURCE_TYPES))
        | unknown_resource_types.filter(bool)
    )
    pattern = _SERVICES.get(resource_type, "arn:aws:service:eu-west-1:{account}:{name}")
    account = draw(st.sampled_from((OWN, OWN, OWN, INSIDE)))
    resource = pattern.format(account=account, name=draw(st.sampled_from(_BUCKETS)))
    error = None if granting else draw(st.sampled_from((None,) * 6 + ("ACCESS_DENIED", "INTERNAL_ERROR")))
    common: dict[str, Any] = {
        "id": draw(st.sampled_from(("0b5a", "c4e1"))),
        "resource": resource,
        "resource_type": resource_type,
        "account": account,
        "status": draw(st.sampled_from(statuses)),
        "finding_type": finding_type,
        "error": error,
        "restrictions": tuple(draw(st.lists(st.sampled_from(_RESTRICTIONS), max_size=2, unique=True))),
    }
    if finding_type.startswith("Unused"):
        common.pop("restrictions")
        services = draw(st.none() | st.integers(0, 40)) if finding_type == "UnusedPermission" else None
        return Finding(**common, unused_services=services)
    if error:
        return Finding(**common)
    common |= {
        "principals": tuple(draw(_few(_PRINCIPALS))),
        "actions": tuple(draw(_few(_ACTIONS, most=3))),
        "conditions": tuple(sorted(dict(draw(_few(_CONDITIONS, least=0))).items())),
    }
    if resource_type == "AWS::S3::Bucket":
        kinds = ("POLICY", "BUCKET_ACL", "S3_ACCESS_POINT")
        common["sources"] = tuple(draw(_few(kinds, least=0)))
    if finding_type == "InternalAccess":
        return Finding(**common, access_type=draw(st.sampled_from(("INTRA_ACCOUNT", "INTRA_ORG", None))))
    return Finding(**common, is_public=draw(st.sampled_from((False, False, True, None))))


def _few(pool: tuple[Any, ...], least: int = 1, most: int = 2) -> st.SearchStrategy[list[Any]]:
    one = st.lists(st.sampled_from(pool), min_size=least, max_size=1)
    return one | one | st.lists(st.sampled_from(pool), min_size=least, max_size=most, unique=True)


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


@st.composite
def contexts(draw: st.DrawFn, finding: Finding | None = None) -> Context:
    """Contexts with each fact present, absent, refused or never looked up; mostly about the finding."""
    own = finding.account if finding and finding.account else OWN
    foreign = [
        a for a in ACCOUNTS if finding and any(a in value for _, value in finding.principals)
    ] or ACCOUNTS
    names = st.none() | st.sampled_from(("payments", "sandbox-team", "Prod/Dev")) | hostile_text
    account = st.builds(
        Account,
        id=st.sampled_from((own, own, own, OTHER)),
        name=names,
        ou=names | st.sampled_from(("Workloads/Prod", "Sandbox")),
        tags=st.none() | tags,
        org_id=st.sampled_from((None, ORGANIZATION)),
    )
    principal = st.builds(
        PrincipalAccount,
        id=st.sampled_from((*foreign, STRANGER)),
        in_org=st.sampled_from((True, False, False, None)),
        vendor=st.sampled_from((None, "Datadog", "absent", "unknown")),
    )
    reactivation = st.builds(Reactivation, who=st.sampled_from(("person", "undo", "expiry", "Expiry ")))
    return Context(
        tags=draw(facts(tags)),
        aliases=draw(facts(aliases)),
        resource_account=draw(facts(account)),
        principal_account=draw(facts(principal)),
        reactivated_by=draw(st.just(NOT_LOOKED_UP) | st.just(ABSENT) | facts(reactivation)),
        details=draw(
            st.dictionaries(st.sampled_from(("lock", "rotation")), facts(st.booleans()), max_size=1)
        ),
    )


@st.composite
def cases(draw: st.DrawFn, **how: Any) -> tuple[Finding, Context]:
    """Findings with contexts that are about them."""
    finding = draw(findings(**how))
    return finding, draw(contexts(finding))


_some = {"max_size": 2, "unique": True}
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
    ),
    guardrails=st.just(NO_GUARDRAILS) | guardrails,
    expected=st.lists(rules, max_size=2).map(tuple),
    never_archive=st.just(()) | st.lists(rules, max_size=1).map(tuple),
    known_vendors=st.sampled_from(({}, {VENDOR: "Datadog"})),
)

_FREE_VALUES = {
    "environment": ("production", "development", "sandbox", "staging", "dev"),
    "data_class": ("confidential", "public", "internal"),
    "sharing_tag": ("yes", "no"),
    "owner": ("blue",),
    "account": ACCOUNTS,
    "principal_account": ACCOUNTS,
    "principal": (*ACCOUNTS, "sns.amazonaws.com", "not a principal"),
    "vendor": ("Datadog", "Partner"),
    "actions": ("s3:getobject", "kms:decrypt"),
    "tag:costcenter": ("1",),
}
_FEATURES = (*BY_NAME, "tag:costcenter")


def _values_of(name: str) -> tuple[str, ...]:
    known = feature(name)
    assert known is not None
    return (*(known.values or _FREE_VALUES[name]), NOT_THERE, NOT_APPLICABLE, "conflicting")


@st.composite
def tables(draw: st.DrawFn, key: tuple[str, ...]) -> dict[str, Any]:
    """One table of a card's JSON form, in tenths; what is worst is left to the reader or put on top of it."""
    tenths = st.integers(-300, 300)
    points: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 5))):
        inner = points
        values = [draw(st.sampled_from(_values_of(name))) for name in key]
        for value in values[:-1]:
            inner = inner.setdefault(value, {})
        inner[values[-1]] = draw(tenths)
    table: dict[str, Any] = {"key": list(key), "points": points, "default": draw(tenths)}
    if draw(st.booleans()):
        table["unknown"] = 300 + draw(st.integers(0, 100))
    return table


@st.composite
def scorecards(draw: st.DrawFn, names: tuple[str, ...] = _FEATURES) -> Scorecard:
    """Weighted and trained scorecards with tables over one to three features, as the reader accepts them."""
    key = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple)
    keys = draw(st.lists(key, max_size=6, unique=True))
    kind = draw(st.sampled_from(("weighted", "trained")))
    probabilities = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2)))
    content = {
        "schema": 1,
        "unit": "tenths",
        "name": draw(st.sampled_from(("a card", "×"))),
        "version": "1",
        "kind": kind,
        "base": draw(st.integers(-500, 500)),
        "threshold": draw(st.none() | st.integers(-500, 1500)),
        "tag_limit": draw(st.integers(0, 300)),
        "risk": list(zip((-100, 400), probabilities, strict=True)) if kind == "trained" else [],
        "table": [draw(tables(key)) for key in keys],
    }
    return scorecard_files.from_json(json.dumps(content))


def as_json(finding: Finding, shape: str) -> dict[str, Any]:
    """Write a finding as AWS does: an ``event`` of its family, or as ``v1`` or ``v2`` of the API has it."""
    details: dict[str, Any] = {}
    if finding.error is None and not finding.is_unused_access:
        details = {
            "principal": _as_map(finding.principals),
            "action": list(finding.actions),
            "condition": {
                key: values[0] if len(values) == 1 else list(values) for key, values in finding.conditions
            },
        }
        if finding.sources:
            details["sources"] = [{"type": source} for source in finding.sources]
        if finding.is_public is not None:
            details["isPublic"] = finding.is_public
        if finding.access_type is not None:
            details["accessType"] = finding.access_type
    for name, restriction in zip(("resource", "service"), finding.restrictions, strict=False):
        details[f"{name}ControlPolicyRestriction" + ("Type" if shape == "event" else "")] = restriction
    common = {
        "id": finding.id,
        "resource": finding.resource,
        "resourceType": finding.resource_type,
        "status": finding.status,
        "findingType": finding.finding_type,
    }
    if finding.error is not None:
        common["error"] = finding.error
    if shape == "v2":
        union = (
            "internalAccessDetails" if finding.finding_type == "InternalAccess" else "externalAccessDetails"
        )
        return {**common, "resourceOwnerAccount": finding.account, "findingDetails": [{union: details}]}
    if shape == "v1":
        return {**common, "resourceOwnerAccount": finding.account, **details}
    if finding.unused_services is not None:
        common["numberOfUnusedServices"] = finding.unused_services
    family = {"ExternalAccess": "Access Analyzer Finding", "InternalAccess": "Internal Access Finding"}
    return {
        "detail-type": family.get(finding.finding_type, "Unused Access Finding for IAM entities"),
        "source": "aws.access-analyzer",
        "region": "eu-west-1",
        "resources": ["arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"],
        "detail": {**common, "accountId": finding.account, "isDeleted": finding.is_deleted, **details},
    }


def _as_map(principals: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    by_kind: dict[str, list[str]] = {}
    for kind, value in principals:
        by_kind.setdefault(kind, []).append(value)
    return {kind: values[0] if len(values) == 1 else values for kind, values in by_kind.items()}
