"""Whose workloads a federated identity lets in."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.oidc_subjects import (
    SHARED_ISSUERS,
    SUBJECT_WIDTHS,
    has_listed_subject,
    is_shared,
    subject,
)
from tests.scoring import strategies as some

GITHUB = some.GITHUB
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
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
        ("repository_owner:acme:*", "any subject"),
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
        (GITHUB, "repository", ("acme/app",), "any subject"),
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
        (COGNITO, "aud", ("eu-west-1:12345678-aaaa",), "pinned"),
        (COGNITO, "aud", ("eu-west-1:*",), "any subject"),
        # Anybody may have a pool with authenticated users.
        (COGNITO, "amr", ("authenticated",), "any subject"),
    ],
)
def test_subjects_of_other_issuers(issuer: str, claim: str, values: tuple[str, ...], expected: str) -> None:
    assert subject(issuer, ((f"{issuer}:{claim}", values),)) == expected
    assert subject(issuer, ()) == "any subject"


def test_several_conditions_on_the_subject_have_all_to_hold() -> None:
    conditions = ((f"{COGNITO}:amr", ("authenticated",)), (f"{COGNITO}:aud", ("eu-west-1:12345678-aaaa",)))
    assert subject(COGNITO, conditions) == "pinned"


@given(st.sampled_from((GITHUB, "gitlab.com", EKS, COGNITO)), some.hostile_text)
def test_any_subject_gets_an_answer(issuer: str, sub: str) -> None:
    assert subject(issuer, ((f"{issuer}:sub", (sub,)),)) in SUBJECT_WIDTHS


def test_an_issuer_with_a_tenant_in_its_path_is_not_shared() -> None:
    assert all(is_shared(issuer) and is_shared(issuer.upper() + "/") for issuer in SHARED_ISSUERS)
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
    assert has_listed_subject(GITHUB, ((f"{GITHUB}:sub", values),), listed) is expected
    assert not has_listed_subject(GITHUB, ((f"{GITHUB}:repository", values),), listed)
    assert not has_listed_subject(GITHUB, (("gitlab.com:sub", values),), listed)


def test_whoever_comes_from_an_issuer_may_be_listed() -> None:
    assert has_listed_subject(EKS, (), ("*",))
    assert not has_listed_subject(EKS, (), ("system:serviceaccount:*",))


def test_no_subject_takes_long_to_match() -> None:
    sub = f"repo:acme/{'-' * 2000}"
    assert not has_listed_subject(GITHUB, ((f"{GITHUB}:sub", (sub,)),), ("repo:acme/*-*-*-*-*-*-*:x",))


def test_a_pool_of_cognito_is_listed_by_its_audience() -> None:
    pool = "eu-west-1:12345678-aaaa"
    assert has_listed_subject(COGNITO, ((f"{COGNITO}:aud", (pool,)),), (pool,))
    assert not has_listed_subject(COGNITO, ((f"{COGNITO}:amr", ("authenticated",)),), (pool,))


patterns = st.text("ab/*?", min_size=1, max_size=5)


@given(patterns, st.lists(patterns, min_size=1, max_size=3))
def test_whoever_gets_in_is_listed(allowed: str, listed: list[str]) -> None:
    if has_listed_subject("gitlab.com", (("gitlab.com:sub", (allowed,)),), tuple(listed)):
        for who in let_in(allowed):
            assert any(matches(pattern, who) for pattern in listed), (allowed, who)


def let_in(pattern: str) -> Iterator[str]:
    """Some of the subjects that a condition with this pattern lets in."""
    choices = {"*": ("", "a", "/b", "ab/"), "?": ("a", "/")}
    for parts in product(*(choices.get(character, (character,)) for character in pattern)):
        yield "".join(parts)


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
