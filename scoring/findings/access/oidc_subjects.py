"""Whose workloads a federated identity lets in, where they come from an OpenID Connect issuer."""

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from scoring.findings.access.conditions import values_of
from scoring.findings.finding import Condition

# How closely conditions pin the subject of a federated identity, from near to far.
SUBJECT_WIDTHS = ("pinned", "one repository", "wildcard", "any subject")

# Anybody on the internet can get a token from these issuers: without a subject they let everyone in. One
# with a tenant in its path (a GitHub enterprise, a CircleCI organization) is the tenant's own.
SHARED_ISSUERS = frozenset(
    {
        "token.actions.githubusercontent.com",
        "vstoken.actions.githubusercontent.com",
        "oidc-configuration.audit-log.githubusercontent.com",
        "gitlab.com",
        "app.terraform.io",
        "app.eu.terraform.io",
        "agent.buildkite.com",
        "api.pulumi.com/oidc",
        "oidc.codefresh.io",
        "oidc.vercel.com",
        "proidc.upbound.io",
        "sandboxes.cloud",
        "scalr.io",
        "studio.datachain.ai/api",
        "tokens.cloud.shisho.dev",
        "accounts.google.com",
        "graph.facebook.com",
        "www.amazon.com",
        "cognito-identity.amazonaws.com",
        "cognito-identity-us-gov.amazonaws.com",
        "cognito-identity.us-gov-east-1.amazonaws.com",
        "cognito-identity.cn-north-1.amazonaws.com.cn",
    }
)
# Which part of a subject names the tenant, where it is not the second, as in project_path:group/...
_TENANT_PART = {"api.pulumi.com/oidc": 4}
_GITHUB = "token.actions.githubusercontent.com"


@lru_cache(maxsize=4096)
def subject(issuer: str, conditions: tuple[Condition, ...]) -> str:
    """How closely the conditions pin the subject of a federated identity.

    Returns
    -------
    str
        ``pinned`` (one subject), ``one repository`` (GitHub Actions: any branch of it), ``wildcard``
        (a pattern over several), or ``any subject``.

    Examples
    --------
    >>> key = "token.actions.githubusercontent.com:sub"
    >>> subject("token.actions.githubusercontent.com", ((key, ("repo:acme/*:*",)),))
    'wildcard'
    >>> subject("token.actions.githubusercontent.com", ((key, ("repo:acme/app:ref:refs/heads/main",)),))
    'pinned'
    """
    rank = SUBJECT_WIDTHS.index
    widths = [
        max((subject_width(issuer.lower(), value) for value in values), key=rank)
        for values in _subjects(issuer, conditions)
    ]
    return min(widths, key=rank, default="any subject")


@lru_cache(maxsize=4096)
def has_listed_subject(issuer: str, conditions: tuple[Condition, ...], listed: tuple[str, ...]) -> bool:
    """Say whether conditions let in nobody but subjects that are listed.

    Parameters
    ----------
    listed : tuple of str
        Patterns with ``*`` and ``?``, as in the conditions themselves; ``*`` alone lists whoever comes.

    Examples
    --------
    >>> issuer = "token.actions.githubusercontent.com"
    >>> for allowed in ("repo:acme/app:*", "repo:acme/*", "repo:*"):
    ...     has_listed_subject(issuer, ((f"{issuer}:sub", (allowed,)),), ("repo:acme/*",))
    True
    True
    False
    """
    if "*" in listed:
        return True
    # What stands for any text, or any character, in a condition is matched by nothing less than that.
    globs = [pattern.replace("[", "[[]").replace("?", "[!*]") for pattern in listed]
    return any(
        all(any(fnmatchcase(value, glob) for glob in globs) for value in values)
        for values in _subjects(issuer, conditions)
    )


def _subjects(issuer: str, conditions: tuple[Condition, ...]) -> list[tuple[str, ...]]:
    """Return the values that each condition on who comes from an issuer lists."""
    # A Cognito identity pool is named by the audience; its subjects come and go. That somebody is
    # authenticated (amr) says nothing: anybody may have a pool.
    prefix = issuer.lower()
    keys = {f"{prefix}:sub", f"{prefix}:aud"} if prefix.startswith("cognito-identity") else {f"{prefix}:sub"}
    found = [values_of(raw) for key, raw in conditions if key.lower() in keys]
    return [values for values in found if values]


def subject_width(issuer: str, value: str) -> str:
    """Return which of `SUBJECT_WIDTHS` one pattern is; `issuer` in small letters."""
    if not set(value) & set("*?"):
        # Any branch of a contributor opens a pull request.
        is_open = issuer == _GITHUB and value.endswith(":pull_request")
        return "one repository" if is_open else "pinned"
    if issuer == _GITHUB:
        scope, _, rest = value.partition(":")
        repository = rest.partition(":")[0]
        owner, slash, name = repository.partition("/")
        if scope != "repo" or not owner or set(owner) & set("*?"):
            return "any subject"
        return "one repository" if slash and name and not set(name) & set("*?") else "wildcard"
    fixed = re.split(r"[*?]", value, maxsplit=1)[0]
    if is_shared(issuer):
        # The tenant has to stand there in full.
        parts, tenant = re.split(r"[:/]", fixed), _TENANT_PART.get(issuer.rstrip("/"), 2)
        return "wildcard" if len(parts) > tenant and parts[tenant - 1] else "any subject"
    return "wildcard" if len(fixed) > 2 else "any subject"


def is_shared(issuer: str) -> bool:
    """Say whether anybody on the internet can get a token from an issuer."""
    return issuer.lower().rstrip("/") in SHARED_ISSUERS
