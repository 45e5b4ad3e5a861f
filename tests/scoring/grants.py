"""Pairs of grants of which one contains the other: what the law of order is tested with.

`pairs` draws a finding and widens it: a condition dropped, a value added, a pattern widened, a principal or
an action added. Everything else, the context included, stays as it is.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import assume
from hypothesis import strategies as st

from scoring.decision.decide import decide
from scoring.findings.access.condition_keys import condition_keys
from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard
from tests.scoring import pools
from tests.scoring import strategies as some
from tests.scoring.pools import (
    ACCOUNTS,
    ACTIONS,
    GITHUB,
    INSIDE,
    ORGANIZATION,
    OTHER_ORGANIZATION,
    OWN,
    STRANGER,
)

EKS = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
COGNITO = "cognito-identity.amazonaws.com"
CIRCLECI = "oidc.circleci.com/org/5a2f"
ISSUERS = (GITHUB, EKS, COGNITO, CIRCLECI, "gitlab.com", "accounts.google.com", "login.example.com")

_ORGANIZATIONS = (ORGANIZATION, OTHER_ORGANIZATION, "o-*", "${aws:ResourceOrgID}", "O-X", "*")
_PATHS = (
    f"{ORGANIZATION}/*",
    f"{ORGANIZATION}/r-ab12/ou-ab12-11111111/*",
    f"{OTHER_ORGANIZATION}/*",
    "o-*/r-ab12/*",
)
_ACCOUNTS = (OWN, INSIDE, STRANGER, "1111*", "${aws:ResourceAccount}", "*")
_ARNS = (
    *(f"arn:aws:iam::{account}:role/reader" for account in (OWN, INSIDE, STRANGER)),
    f"arn:aws:iam::{STRANGER}:role/team,ops",
    f"arn:aws:iam::{STRANGER}:user/ci",
    f"arn:aws:iam::{STRANGER}:role/*",
    f"arn:aws:sts::{STRANGER}:assumed-role/agent/session",
    "arn:aws:iam::*:role/reader",
    "*",
)
_SOURCES = (
    *(f"arn:aws:sns:eu-west-1:{account}:topic" for account in (OWN, INSIDE, STRANGER)),
    f"arn:aws:cloudfront::{OWN}:distribution/E1",
    "arn:aws:s3:::uploads",
    "arn:aws:s3:::site",
    "arn:aws:s3:::up*",
    "arn:aws:sns:*:*:topic",
    "not an arn",
)
_VALUES: dict[str, tuple[str, ...]] = {
    "principal organization": (*_ORGANIZATIONS, *_PATHS),
    "principal account": _ACCOUNTS,
    "principal ARN": _ARNS,
    "principal unique id": (
        "AROAEXAMPLEEXAMPLEEXA:*",
        "AIDAEXAMPLEEXAMPLEEXA",
        OWN,
        "AROA*",
        "*:session",
        "x",
    ),
    "AWS service": ("true", "false"),
    "service principal": ("sns.amazonaws.com", "*.amazonaws.com"),
    "external id": ("f3a9", "0815", "f3a9-*", "*"),
    "source ARN": _SOURCES,
    "source account": _ACCOUNTS,
    "source organization": (*_ORGANIZATIONS, *_PATHS),
    "event source": ("amzn1.ask.skill.1", "*"),
    "address": (
        "203.0.113.0/24",
        "198.51.100.7/32",
        "8.8.0.0/16",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "nowhere",
    ),
    "network id": ("vpce-0123456789abcdef0", "vpc-0a1b2c3d", "vpce-*", "somewhere"),
    "network ARN": (f"arn:aws:ec2:eu-west-1:{OWN}:vpc/vpc-1", f"arn:aws:ec2:eu-west-1:{STRANGER}:vpc/*", "*"),
    "network account": _ACCOUNTS,
    "network organization": _ORGANIZATIONS,
    "mount target": ("true", "false"),
    "SAML subject": ("someone", "*"),
    "nobody": ("x", "true", "*"),
}
_CLAIMS = {
    "sub": (
        *(
            "repo:acme/app:ref:refs/heads/main",
            "repo:acme/app:*",
            "repo:acme/*",
            "repo:*/*",
            "repo:mallory/x:*",
        ),
        *("system:serviceaccount:a:b", "system:serviceaccount:*", "112233445566", "*"),
    ),
    "repository_id": ("67890", "6*"),
    "repository": ("acme/app", "acme/*", "*/app"),
    "enterprise_id": ("42", "*"),
    "job_workflow_ref": ("acme/app/.github/workflows/deploy.yml@refs/heads/main", "acme/*", "*"),
    "environment": ("production",),
    "aud": ("sts.amazonaws.com", "eu-west-1:5a2f", "eu-west-1:*"),
    "amr": ("authenticated", "unauthenticated", "auth*"),
    "future_claim": ("x",),
}
_PROVIDERS = (
    *(("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{issuer}") for issuer in ISSUERS if issuer != COGNITO),
    ("Federated", f"arn:aws:iam::{STRANGER}:oidc-provider/{GITHUB}"),
    ("Federated", COGNITO),
    ("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/okta"),
)
PRINCIPALS = (*pools.PRINCIPALS, *_PROVIDERS, ("Service", "cloudfront.amazonaws.com"))

_Condition = tuple[str, tuple[str, ...]]


@st.composite
def conditions(draw: st.DrawFn) -> _Condition:
    """One condition: of the catalogue, a claim of an identity provider, or one that nobody has judged."""
    kind = draw(st.sampled_from(("key", "key", "key", "claim", "unjudged")))
    if kind == "unjudged":
        return draw(st.sampled_from(("future:Key", "aws:NotYet"))), draw(_some_of(("x", "y", "*")))
    if kind == "claim":
        claim = draw(st.sampled_from(tuple(_CLAIMS)))
        return f"{draw(st.sampled_from(ISSUERS))}:{claim}", draw(_some_of(_CLAIMS[claim]))
    pins = draw(st.sampled_from(tuple(_VALUES)))
    names = [row.name for row in condition_keys().exact.values() if row.pins == pins]
    return draw(st.sampled_from(names)), draw(_some_of(_VALUES[pins]))


def _some_of(pool: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    one = st.sampled_from(pool).map(lambda value: (value,))
    return one | one | st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def grants(draw: st.DrawFn) -> tuple[Finding, Context]:
    """A finding that grants access, with a context that is about it."""
    finding = draw(
        some.findings(granting=True).filter(lambda finding: finding.principals and finding.actions)
    )
    finding = msgspec.structs.replace(
        finding,
        principals=tuple(draw(st.lists(st.sampled_from(PRINCIPALS), min_size=1, max_size=2, unique=True))),
        conditions=_sorted(draw(st.lists(conditions(), max_size=4))),
    )
    return finding, draw(some.contexts(finding))


def _sorted(drawn: list[_Condition]) -> tuple[_Condition, ...]:
    return tuple(sorted(dict(drawn).items()))


def _drop_condition(draw: st.DrawFn, finding: Finding) -> Finding | None:
    if not finding.conditions:
        return None
    dropped = draw(st.sampled_from(finding.conditions))
    return msgspec.structs.replace(finding, conditions=tuple(c for c in finding.conditions if c != dropped))


def _add_value(draw: st.DrawFn, finding: Finding) -> Finding | None:
    if not finding.conditions:
        return None
    key, values = draw(st.sampled_from(finding.conditions))
    row = condition_keys().find(key)
    pool = _VALUES.get(row.pins if row else "", _CLAIMS.get(key.rpartition(":")[2], ("x", "y", "*")))
    return _with_values(finding, key, (*values, draw(st.sampled_from(pool))))


def _widen_value(draw: st.DrawFn, finding: Finding) -> Finding | None:
    if not finding.conditions:
        return None
    key, values = draw(st.sampled_from(finding.conditions))
    place = draw(st.integers(0, len(values) - 1))
    wider = draw(st.sampled_from(_wider(values[place])))
    return _with_values(finding, key, (*values[:place], wider, *values[place + 1 :]))


def _wider(value: str) -> tuple[str, ...]:
    """Patterns that match what a value matches, and more."""
    try:
        network = ipaddress.ip_network(value, strict=False)
        return tuple(str(network.supernet(new_prefix=n)) for n in range(0, network.prefixlen, 4)) or (value,)
    except ValueError:
        pass
    if value.startswith("${") or value in ("true", "false"):
        return (value,)
    found = ["*"]
    for mark in (":", "/"):
        head, found_mark, _ = value.rpartition(mark)
        if found_mark:
            found.append(f"{head}{mark}*")
    parts = value.split(":")
    if len(parts) >= 6:
        found.append(":".join((*parts[:4], "*", *parts[5:])))
    if value and not set(value) & set("*?"):
        found += [f"{value[:-1]}*", f"{value[:-1]}?"]
    return tuple(found)


def _with_values(finding: Finding, key: str, values: tuple[str, ...]) -> Finding:
    changed = {**dict(finding.conditions), key: tuple(dict.fromkeys(values))}
    return msgspec.structs.replace(finding, conditions=tuple(sorted(changed.items())))


def _add_principal(draw: st.DrawFn, finding: Finding) -> Finding | None:
    added = draw(st.sampled_from(PRINCIPALS))
    return msgspec.structs.replace(finding, principals=tuple(dict.fromkeys((*finding.principals, added))))


def _widen_principal(draw: st.DrawFn, finding: Finding) -> Finding | None:
    """A role or user becomes its account, anybody becomes everyone where there are no conditions."""
    kind, value = draw(st.sampled_from(finding.principals))
    wider: tuple[str, str] | None = None
    account = next((account for account in ACCOUNTS if f"::{account}:" in value), None)
    if kind == "AWS" and account and ":oidc" not in value:
        wider = ("AWS", account)
    if not finding.conditions and (wider is None or draw(st.booleans())):
        wider = ("AWS", "*")
    if wider is None:
        return None
    principals = tuple(wider if p == (kind, value) else p for p in finding.principals)
    return msgspec.structs.replace(finding, principals=tuple(dict.fromkeys(principals)))


def _add_action(draw: st.DrawFn, finding: Finding) -> Finding | None:
    added = draw(st.sampled_from(ACTIONS))
    return msgspec.structs.replace(finding, actions=tuple(dict.fromkeys((*finding.actions, added))))


def _widen_action(draw: st.DrawFn, finding: Finding) -> Finding | None:
    action = draw(st.sampled_from(finding.actions))
    service, colon, name = action.partition(":")
    if not colon or " " in action or service not in ("s3", "kms", "sts", "sqs"):
        return None
    wider = draw(st.sampled_from((f"{service}:*", "*", "*" if "*" in name else f"{service}:{name[:3]}*")))
    return msgspec.structs.replace(
        finding, actions=tuple(wider if a == action else a for a in finding.actions)
    )


def _open(_draw: st.DrawFn, finding: Finding) -> Finding | None:
    if finding.finding_type == "InternalAccess" or finding.is_public is None:
        return None
    return msgspec.structs.replace(finding, is_public=True)


def _add_source(_draw: st.DrawFn, finding: Finding) -> Finding | None:
    return (
        msgspec.structs.replace(finding, sources=(*finding.sources, "BUCKET_ACL"))
        if finding.sources
        else None
    )


WIDENINGS: dict[str, Callable[[st.DrawFn, Finding], Finding | None]] = {
    "a condition dropped": _drop_condition,
    "a value added": _add_value,
    "a pattern widened": _widen_value,
    "a principal added": _add_principal,
    "a principal widened": _widen_principal,
    "an action added": _add_action,
    "an action widened": _widen_action,
    "made public": _open,
    "an access list added": _add_source,
}
_DRAWN = (*WIDENINGS, "a condition dropped", "a condition dropped", "a value added", "a pattern widened")


class Pair(msgspec.Struct, frozen=True):
    """Two findings of which the first grants all that the second does, and what is known of both."""

    wide: Finding
    narrow: Finding
    context: Context
    how: str


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Grants that contain each other, up to three steps apart."""
    narrow, context = draw(grants())
    wide, steps = narrow, []
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(_DRAWN))
        changed = WIDENINGS[how](draw, wide)
        if changed is not None and changed != wide:
            wide = changed
            steps.append(how)
    assume(steps)
    return Pair(wide, narrow, context, ", ".join(steps))


def same(**changes: Any) -> dict[str, Any]:
    """What a policy of these tests leaves out: rules of a person, and what a card has never seen."""
    return {"expected": (), "never_archive": (), **changes}


THRESHOLDS = (200, 300, 450)
"""In tenths: below, at and above that of the built-in card."""

policies = some.policies.map(lambda policy: msgspec.structs.replace(policy, **same()))
"""Policies without rules; guardrails stand, or do not."""


def violation(pair: Pair, card: Scorecard, policy: Policy, threshold: int) -> str | None:
    """Say how a pair breaks the law: the wider grant scores lower, or is archived where the other alerts."""
    wide = decide(pair.wide, pair.context, card, policy, threshold)
    narrow = decide(pair.narrow, pair.context, card, policy, threshold)
    if wide.score < narrow.score:
        return f"{pair.how}: {narrow.score} becomes {wide.score}"
    if (wide.outcome, narrow.outcome) == ("archive", "alert"):
        return f"{pair.how}: an alert becomes an archive"
    return None


def example(principal: tuple[str, str], **changes: Any) -> Finding:
    """One grant, to be changed."""
    content: dict[str, Any] = {
        "id": "f",
        "resource": f"arn:aws:kms:eu-west-1:{OWN}:key/k",
        "resource_type": "AWS::KMS::Key",
        "status": "ACTIVE",
        "finding_type": "ExternalAccess",
        "account": OWN,
        "principals": (principal,),
        "actions": ("kms:Decrypt",),
        "is_public": False,
    }
    return Finding(**content | changes)


def known(finding: Finding, account: str, *, is_inside: bool) -> Context:
    """Everything that can be known of a finding, and nothing remarkable."""
    return Context(
        tags=ABSENT,
        aliases=ABSENT,
        resource_account=Present(Account(id=finding.account or OWN, name="blue", ou="Workloads")),
        principal_account=Present(PrincipalAccount(id=account, in_org=is_inside)),
        reactivated_by=ABSENT,
    )
