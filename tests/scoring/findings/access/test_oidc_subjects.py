"""Whose workloads a federated identity lets in."""

import re
from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.access.identity_claims import ClaimPins, identity_claims, issuer_of, parse
from scoring.findings.access.oidc_subjects import (
    SUBJECT_WIDTHS,
    has_listed_subject,
    is_listable,
    is_shared,
    judge_claims,
    policy_line,
    subject,
)
from tests.scoring import strategies as some

GITHUB = some.GITHUB
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
CIRCLECI = "oidc.circleci.com/org/5a2f"
COGNITO = "cognito-identity.amazonaws.com"


@pytest.mark.parametrize(
    ("sub", "expected"),
    [
        ("repo:acme/app:ref:refs/heads/main", "pinned"),
        ("repo:acme/app:environment:prod", "pinned"),
        ("repo:acme/app:pull_request", "one repository"),
        ("repo:acme/app:*", "one repository"),
        ("repo:acme/app:ref:refs/heads/*", "one repository"),
        ("repo:acme/app:ref:refs/tags/v?", "one repository"),
        ("repo:acme/app*", "wildcard"),  # acme/app-of-mine too
        ("repo:acme/*", "wildcard"),
        ("repo:acme/*:ref:refs/heads/main", "wildcard"),
        ("repo:acme/?pp:*", "wildcard"),
        ("repo:acme*/app:*", "any subject"),  # acme-of-mine is free to take
        ("repo:*/app:*", "any subject"),
        ("repo:*", "any subject"),
        ("repo:*:ref:refs/heads/main", "any subject"),
        ("*", "any subject"),
        ("*:ref:refs/heads/main", "any subject"),
        ("?epo:acme/app:*", "any subject"),
        ("repo:/app:*", "any subject"),
        # An organization chooses which claims a subject is made of: the first has to say whose it is.
        ("repository_owner:acme:*", "wildcard"),
        ("repository_owner:acm?:*", "any subject"),
        ("repository_id:67890:*", "one repository"),
        ("repository_id:67890:ref:refs/heads/main", "pinned"),
        ("environment:production", "any subject"),
        ("environment:production:repository_id:67890", "any subject"),  # a name may hold it all
        ("ref:refs/heads/main", "any subject"),
        ("job_workflow_ref:acme/flows/.github/workflows/d.yml@refs/heads/main", "any subject"),
        ('["repo:acme/app:*", "repo:*"]', "any subject"),
        ("repo:acme/app:*,repo:*", "any subject"),
        ('["repo:acme/app:ref:refs/heads/main", "repo:acme/app:*"]', "one repository"),
        ("", "any subject"),
    ],
)
def test_subjects_of_github_actions(sub: str, expected: str) -> None:
    for key in (f"{GITHUB}:sub", f"{GITHUB}:SUB".replace("token", "Token")):
        assert subject(GITHUB, ((key, (sub,)),)) == expected
    assert (
        subject(GITHUB, ((f"{GITHUB}:sub", ("repo:acme/app:environment:prod", sub)),)) == expected or not sub
    )


@pytest.mark.parametrize(
    ("issuer", "claim", "values", "expected"),
    [
        (GITHUB, "aud", ("sts.amazonaws.com",), "any subject"),
        (GITHUB, "repository", ("acme/app",), "one repository"),
        (GITHUB, "repository", ("acme/*",), "wildcard"),
        (GITHUB, "repository", ("acme*/app",), "any subject"),
        (GITHUB, "repository_id", ("67890",), "one repository"),
        (GITHUB, "repository_id", ("6*",), "any subject"),
        (GITHUB, "repository_owner_id", ("12345",), "wildcard"),
        (GITHUB, "enterprise_id", ("42",), "wildcard"),
        (GITHUB, "actor_id", ("42",), "wildcard"),
        (GITHUB, "ref", ("refs/heads/main",), "any subject"),
        (GITHUB, "workflow", ("deploy",), "any subject"),
        (GITHUB, "environment", ("production",), "any subject"),
        (GITHUB, "job_workflow_ref", ("acme/app/.github/workflows/d.yml@refs/heads/main",), "any subject"),
        (GITHUB, "future_claim", ("x",), "any subject"),
        (GITHUB, "sub", ("repo:acme@12345/app@67890:ref:refs/heads/main",), "pinned"),
        (GITHUB, "sub", ("repo:acme@12345/app@67890:*",), "one repository"),
        (GITHUB, "sub", ("repo:acme@12345/*",), "wildcard"),
        (GITHUB, "sub", ("repo:acme/app:environment:a,b",), "pinned"),
        (GITHUB, "sub", ("repo:acme/app:environment:a,b,repo:*",), "any subject"),
        (GITHUB, "sub", ("repo:acme/app:*,repository_owner:*",), "any subject"),
        (f"{GITHUB}/acme", "repository_id", ("67890",), "one repository"),
        ("gitlab.com", "project_id", ("7",), "one repository"),
        ("gitlab.com", "namespace_id", ("7",), "wildcard"),
        ("gitlab.com", "ref_protected", ("true",), "any subject"),
        (CIRCLECI, "oidc.circleci.com/project-id", ("5a2f",), "one repository"),
        (CIRCLECI, "sub", ("org/5a2f/project/7/user/*",), "wildcard"),
        ("agent.buildkite.com", "organization_slug", ("acme",), "wildcard"),
        ("agent.buildkite.com", "pipeline_slug", ("deploy",), "any subject"),
        ("idcs-1.identity.oraclecloud.com", "rpst_id", ("ocid1",), "pinned"),
        ("accounts.google.com", "aud", ("app",), "any subject"),
        ("accounts.google.com", "google/organization_number", ("42",), "wildcard"),
        ("graph.facebook.com", "app_id", ("42",), "any subject"),
        ("gitlab.com", "sub", ("project_path:acme/app:ref_type:branch:ref:main",), "pinned"),
        ("gitlab.com", "sub", ("project_path:acme/*:ref_type:branch:ref:main",), "wildcard"),
        ("gitlab.com", "sub", ("project_path:acme*/app:*",), "any subject"),
        ("gitlab.com", "sub", ("project_path:*",), "any subject"),
        ("app.terraform.io", "sub", ("organization:acme:project:*:workspace:*:run_phase:*",), "wildcard"),
        ("app.terraform.io", "sub", ("organization:*:project:p:workspace:w:run_phase:apply",), "any subject"),
        ("app.eu.terraform.io", "sub", ("organization:*",), "any subject"),
        ("api.pulumi.com/oidc", "sub", ("pulumi:deploy:org:acme:project:*",), "wildcard"),
        ("api.pulumi.com/oidc", "sub", ("pulumi:deploy:org:*",), "any subject"),
        ("accounts.google.com", "sub", ("112233445566778899001",), "pinned"),
        ("accounts.google.com", "sub", ("11223344*",), "any subject"),
        (EKS, "sub", ("system:serviceaccount:payments:api",), "pinned"),
        (EKS, "sub", ("system:serviceaccount:*:*",), "wildcard"),
        (EKS, "sub", ("*",), "any subject"),
        (EKS, "aud", ("sts.amazonaws.com",), "any subject"),
        # A pool may have guests, unless another claim keeps them out.
        (COGNITO, "aud", ("eu-west-1:12345678-aaaa",), "any subject"),
        (COGNITO, "sub", ("eu-west-1:identity",), "pinned"),
        (COGNITO, "aud", ("eu-west-1:*",), "any subject"),
        # Anybody may have a pool with authenticated users.
        (COGNITO, "amr", ("authenticated",), "any subject"),
    ],
)
def test_subjects_of_other_issuers(issuer: str, claim: str, values: tuple[str, ...], expected: str) -> None:
    assert subject(issuer, ((f"{issuer}:{claim}", values),)) == expected
    assert subject(issuer, ()) == "any subject"


POOL = (f"{COGNITO}:aud", ("eu-west-1:12345678-aaaa",))


@pytest.mark.parametrize(
    ("guests", "width", "is_certain"),
    [
        (("authenticated",), "wildcard", True),
        (("graph.facebook.com",), "wildcard", True),
        (("unauthenticated",), "any subject", True),
        (("UnAuthenticated",), "any subject", True),  # an operator may ignore case, and a finding names none
        (("authenticated", "unauthenticated"), "any subject", True),
        (("*",), "any subject", True),
        ((), "any subject", False),  # the pool may have no guests
    ],
)
def test_guests_of_an_identity_pool_are_anyone(guests: tuple[str, ...], width: str, is_certain: bool) -> None:
    conditions = ((f"{COGNITO}:amr", guests), POOL) if guests else (POOL,)
    found = judge_claims(COGNITO, conditions)
    assert (found.width, found.is_certain, found.has_guests) == (width, is_certain, width == "any subject")
    listed = {"aud": POOL[1]}
    assert has_listed_subject(COGNITO, conditions, listed) is (width == "wildcard")
    assert bool(policy_line(COGNITO, conditions)) is (width == "wildcard")


def test_several_claims_have_all_to_hold_so_the_closest_counts() -> None:
    claims = (
        (f"{GITHUB}:enterprise_id", ("42",)),
        (f"{GITHUB}:repository_id", ("67890",)),
        (f"{GITHUB}:environment", ("production",)),
    )
    assert subject(GITHUB, claims) == "one repository"
    assert subject(GITHUB, claims[:1]) == "wildcard"
    assert judge_claims(GITHUB, ((f"{GITHUB}:future_claim", ("x",)), *claims)).not_judged == (
        f"{GITHUB}:future_claim",
    )


@pytest.mark.parametrize(
    ("value", "is_certain"),
    [
        ("acme/app/.github/workflows/deploy.yml@refs/heads/main", False),
        ("acme/*", False),
        ("*/.github/workflows/deploy.yml@*", True),
    ],
)
def test_whoever_may_call_a_workflow_comes_in(value: str, is_certain: bool) -> None:
    """The finding does not say whether the workflow is public: nobody knows."""
    claim = (f"{GITHUB}:job_workflow_ref", (value,))
    assert judge_claims(GITHUB, (claim,)).is_certain is is_certain
    assert judge_claims(GITHUB, (claim, (f"{GITHUB}:repository_id", ("67890",)))).width == "one repository"


@given(st.sampled_from((GITHUB, "gitlab.com", EKS, COGNITO)), some.hostile_text)
def test_any_subject_gets_an_answer(issuer: str, sub: str) -> None:
    assert subject(issuer, ((f"{issuer}:sub", (sub,)),)) in SUBJECT_WIDTHS


def test_an_issuer_with_a_tenant_in_its_path_is_not_shared() -> None:
    shared = [name for name, issuer in identity_claims().exact.items() if issuer.is_shared]
    assert len(shared) > 15
    assert all(is_shared(issuer) and is_shared(issuer.upper() + "/") for issuer in shared)
    assert not is_shared(f"{GITHUB}/acme-corp")
    assert not is_shared("oidc.circleci.com/org/5a2f")


@pytest.mark.parametrize(
    ("values", "listed", "expected"),
    [
        (("repo:acme/app:ref:refs/heads/main",), ("repo:acme/*",), True),
        (("repo:acme/app:*",), ("repo:acme/*",), True),
        (("repo:acme/*:*",), ("repo:acme/*",), True),
        (("repo:acme/app:pull_request",), ("repo:acme/app:ref:*",), False),
        (("repo:acme/app:ref:refs/heads/main", "repo:mallory/x:*"), ("repo:acme/*",), False),
        (("repo:acme/app:*", "repo:other/x:*"), ("repo:acme/*", "repo:other/*"), True),
        (("repo:acme*/app:*",), ("repo:acme/*",), False),
        (("repo:*",), ("repo:acme/*",), False),
        (("repo:acme-evil/app:*",), ("repo:acme/*",), False),
        (("REPO:ACME/app:*",), ("repo:acme/*",), False),
        (("repo:acme/app:ref:*",), ("repo:acme/app:ref:?",), False),
        (("repo:acme/app:ref:v?",), ("repo:acme/app:ref:v?",), True),
        (("repo:acme/app:ref:refs/heads/main",), (), False),
        (('["repo:acme/app:*", "repo:mallory/x:*"]',), ("repo:acme/*",), False),
        (("",), ("repo:acme/*",), False),
    ],
)
def test_who_is_listed(values: tuple[str, ...], listed: tuple[str, ...], expected: bool) -> None:
    subjects = {"sub": listed}
    assert has_listed_subject(GITHUB, ((f"{GITHUB}:sub", values),), subjects) is expected
    assert not has_listed_subject(GITHUB, ((f"{GITHUB}:repository", values),), subjects)
    assert not has_listed_subject(GITHUB, (("gitlab.com:sub", values),), subjects)


def test_whoever_comes_from_an_issuer_may_be_listed() -> None:
    assert has_listed_subject(EKS, (), {"sub": ("*",)})
    assert not has_listed_subject(EKS, (), {"sub": ("system:serviceaccount:*",)})


def test_no_subject_takes_long_to_match() -> None:
    sub = f"repo:acme/{'-' * 2000}"
    assert not has_listed_subject(
        GITHUB, ((f"{GITHUB}:sub", (sub,)),), {"sub": ("repo:acme/*-*-*-*-*-*-*:x",)}
    )


@pytest.mark.parametrize(
    ("claim", "value", "listed", "expected"),
    [
        ("repository_id", "67890", {"repository_id": ("67890",)}, True),
        ("repository_id", "67891", {"repository_id": ("67890",)}, False),
        ("enterprise_id", "42", {"enterprise_id": ("42",)}, True),
        ("sub", "repo:acme@1/app@2:ref:x", {"sub": ("repo:acme@1/*",)}, True),
        ("sub", "repo:acme@3/app@2:ref:x", {"sub": ("repo:acme@1/*",)}, False),
        ("job_workflow_ref", "acme/a/b.yml@main", {"job_workflow_ref": ("acme/*",)}, True),
        ("repository_id", "67890", {"sub": ("repo:acme/*",)}, False),
        ("repository_id", "67890", {}, False),
    ],
)
def test_a_claim_may_be_listed(
    claim: str, value: str, listed: dict[str, tuple[str, ...]], expected: bool
) -> None:
    assert has_listed_subject(GITHUB, ((f"{GITHUB}:{claim}", (value,)),), listed) is expected


@pytest.mark.parametrize(
    ("issuer", "claim", "value", "expected"),
    [
        (GITHUB, "sub", "repo:acme/app:*", f'"{GITHUB}" = ["repo:acme/app:*"]'),
        (GITHUB, "repository_id", "67890", f'"{GITHUB}" = {{ repository_id = ["67890"] }}'),
        (GITHUB, "job_workflow_ref", "a/b/c.yml@d", f'"{GITHUB}" = {{ job_workflow_ref = ["a/b/c.yml@d"] }}'),
        (
            CIRCLECI,
            "oidc.circleci.com/project-id",
            "7",
            f'"{CIRCLECI}" = {{ "oidc.circleci.com/project-id" = ["7"] }}',
        ),
        # Nobody is told to list strangers.
        (GITHUB, "sub", "repo:*", ""),
        (GITHUB, "sub", "*", ""),
        (EKS, "sub", "*", ""),
        (GITHUB, "environment", "production", ""),
        (GITHUB, "future_claim", "x", ""),
    ],
)
def test_the_policys_line(issuer: str, claim: str, value: str, expected: str) -> None:
    assert policy_line(issuer, ((f"{issuer}:{claim}", (value,)),)) == expected


@pytest.mark.parametrize(
    ("issuer", "claim", "pattern", "expected"),
    [
        (GITHUB, "sub", "repo:acme/*", True),
        (GITHUB, "sub", "repo:*", False),
        (GITHUB, "repository_id", "67890", True),
        (GITHUB, "repository_id", "6*", False),
        (GITHUB, "environment", "production", False),
        (GITHUB, "job_workflow_ref", "acme/*", True),
        (GITHUB, "job_workflow_ref", "*", False),
        (COGNITO, "aud", "eu-west-1:5a2f", True),
        (COGNITO, "aud", "eu-west-1:*", False),
        (COGNITO, "amr", "authenticated", False),
        (EKS, "sub", "*", True),
    ],
)
def test_what_may_be_listed(issuer: str, claim: str, pattern: str, expected: bool) -> None:
    assert is_listable(issuer, claim, pattern) is expected


# The catalogue


def test_every_issuer_has_a_source_and_every_claim_a_meaning() -> None:
    known = identity_claims()
    issuers = [*known.exact.values(), *(issuer for _, issuer in known.patterns), known.others]
    assert {pins for issuer in issuers for pins in issuer.claims.values()} == set(get_args(ClaimPins))
    assert all(issuer.source.startswith("https://") for issuer in issuers)
    assert issuer_of("oidc.eks.eu-west-1.amazonaws.com/id/0A1B").called == "EKS cluster"
    assert issuer_of("oidc.eks.eu-west-1.amazonaws.com.evil.example/id/0A1B").called == ""


HEAD = 'checked = 2026-11-30\n[sources]\nx = "https://example.com"\n'
OTHERS = '[[issuer]]\nname = "*"\nsource = "x"\nclaims = { sub = "subject" }\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[issuer]]\nname = "a"\nsource = "x"\n', "issuer: expected an issuer *"),
        (OTHERS + OTHERS, "issuer[1].name: the issuer is listed already, got '*'"),
        (OTHERS.replace('"x"', '"y"'), "issuer[0].source: expected a name of [sources]"),
        (OTHERS.replace("subject", "subjct"), "issuer[0].claims"),
        (
            OTHERS + '[[issuer]]\nname = "a"\nsource = "x"\nlike = "b"\n',
            "issuer[1].like: expected an issuer above",
        ),
    ],
)
def test_what_is_wrong_with_a_catalogue(text: str, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(HEAD + text)
    assert str(caught.value).startswith(expected)


patterns = st.text("ab/*?", min_size=1, max_size=5)


@given(patterns, st.lists(patterns, min_size=1, max_size=3))
def test_whoever_gets_in_is_listed(allowed: str, listed: list[str]) -> None:
    if has_listed_subject("gitlab.com", (("gitlab.com:sub", (allowed,)),), {"sub": tuple(listed)}):
        for who in let_in(allowed):
            assert any(matches(pattern, who) for pattern in listed), (allowed, who)


def let_in(pattern: str) -> Iterator[str]:
    """Some of the subjects that a condition with this pattern lets in."""
    choices = {"*": ("", "a", "/b", "ab/"), "?": ("a", "/")}
    for parts in product(*(choices.get(character, (character,)) for character in pattern)):
        yield "".join(parts)


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
