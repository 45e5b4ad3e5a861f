"""How each feature's value is worked out; `scoring.features.features` holds the table that names them."""

import re
from collections.abc import Callable
from functools import lru_cache

from scoring.features.exposure import Exposure
from scoring.findings.access.reach import NOT_KNOWN
from scoring.findings.access.tags import ENVIRONMENTS, fold_alias, fold_key
from scoring.findings.facts import Absent, Unknown
from scoring.findings.resource_types import own_name

UNKNOWN = "unknown"
NOT_APPLICABLE = "not applicable"
ABSENT = "absent"

# Feature to the folded key of the tag that it reads.
TAGS = {
    "environment": "environment",
    "data_class": "dataclassification",
    "sharing_tag": "isallowedtoshare",
    "owner": "owner",
}
HINTS = ("sandbox", "development", "test", "staging", "production", "no hint", "conflicting")
BY_NAME = " by name"
ACCOUNT_HINTS = (*HINTS, *(f"{hint}{BY_NAME}" for hint in HINTS[:5]))

# A resource as it would be if nobody had seen this one; no resource is called so.
ANOTHER = "another resource"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_WORDS = 3


def public(exposure: Exposure) -> str:
    """Whether anyone can get in."""
    if not exposure.is_granting:
        return NOT_APPLICABLE
    meant = exposure.is_meant_to_be_public
    if meant:
        return "meant to be public"
    public = exposure.is_public
    if public is None or (public and meant is None):
        return NOT_KNOWN if exposure.is_known_finding_type else UNKNOWN
    return "public" if public else "not public"


def access_level(exposure: Exposure) -> str:
    """The highest access level of the actions."""
    return (exposure.access.level or UNKNOWN) if exposure.is_granting else NOT_APPLICABLE


def principal_kind(exposure: Exposure) -> str:
    """How many hands are reached, at most."""
    return exposure.kind if exposure.is_granting else NOT_APPLICABLE


def condition(exposure: Exposure) -> str:
    """How conditions narrow the grant beside saying who is let in."""
    if not exposure.is_granting:
        return NOT_APPLICABLE
    if not exposure.principals or exposure.finding.incomplete or exposure.finding.lacks:
        return UNKNOWN
    return exposure.narrowing


def source(exposure: Exposure) -> str:
    """Which part of a bucket grants the access."""
    sources = exposure.finding.sources
    if not exposure.is_granting:
        return NOT_APPLICABLE
    if exposure.finding.resource_type != "AWS::S3::Bucket":
        return NOT_APPLICABLE if exposure.is_known_resource_type else UNKNOWN
    if not sources:
        return UNKNOWN
    if "BUCKET_ACL" in sources:
        return "bucket ACL"
    if any(source.startswith("S3_ACCESS_POINT") for source in sources):
        return "access point"
    return "bucket policy" if set(sources) == {"POLICY"} else NOT_KNOWN


def tag(key: str) -> Callable[[Exposure], str]:
    """Make the feature of one tag, by its folded key."""

    def compute(exposure: Exposure) -> str:
        values = exposure.tags.get(key)
        if values is None:
            return UNKNOWN if isinstance(exposure.context.tags, Unknown) else ABSENT
        return values[0] if len(values) == 1 else "conflicting"

    return compute


def alias(exposure: Exposure) -> str:
    """The environment that the aliases of a key name."""
    aliases = exposure.context.aliases
    if exposure.finding.resource_type != "AWS::KMS::Key":
        return NOT_APPLICABLE if exposure.is_known_resource_type else UNKNOWN
    if isinstance(aliases, Unknown):
        return UNKNOWN
    if isinstance(aliases, Absent):
        return ABSENT
    return _environment_in(tuple([fold_alias(alias) for alias in aliases.value]))


def account_environment(exposure: Exposure) -> str:
    """The environment that the account's unit and tags name, or else its name, which it can change itself."""
    account = exposure.resource_account
    if isinstance(account, Unknown):
        return UNKNOWN
    if isinstance(account, Absent):
        return ABSENT
    found = account.value
    tagged = [value for key, value in (found.tags or {}).items() if fold_key(key) == "environment"]
    return _environment_of(found.name or "", (found.ou or "", *tagged))


@lru_cache(maxsize=16384)
def _environment_of(name: str, given: tuple[str, ...]) -> str:
    placed, named = _environment_in(given), _environment_in((name,))
    if named in ("no hint", placed) or placed == "conflicting":
        return placed
    return f"{named}{BY_NAME}" if placed == "no hint" and named != "conflicting" else "conflicting"


@lru_cache(maxsize=16384)
def _environment_in(texts: tuple[str, ...]) -> str:
    """Recognise an environment as a word of paths, names or aliases; `DevelopmentKey` counts too."""
    words = "".join(c if c.isalnum() else " " for c in " ".join(texts).casefold()).split()
    found = {ENVIRONMENTS[word] for word in words if word in ENVIRONMENTS}
    found |= {name for name in ("development", "production", "sandbox") for w in words if w.startswith(name)}
    return found.pop() if len(found) == 1 else "conflicting" if found else "no hint"


def unused(exposure: Exposure) -> str:
    """How wide the unused permissions are."""
    finding = exposure.finding
    if finding.finding_type != "UnusedPermission":
        return NOT_APPLICABLE if exposure.is_known_finding_type else UNKNOWN
    services = finding.unused_services
    if services is None:
        return UNKNOWN
    return "few services" if services < 5 else "some services" if services < 20 else "many services"


def principal(exposure: Exposure) -> str:
    """Who is let in, one text for all principals."""
    if not exposure.is_granting:
        return NOT_APPLICABLE
    if not exposure.is_readable:
        return UNKNOWN
    names = sorted(principal.value for principal in exposure.principals)
    principal = exposure.principals[0]
    if len(names) == 1 and principal.issuer is not None:
        key = f"{principal.issuer}:sub".lower()
        names += [v for k, values in exposure.finding.conditions if k.lower() == key for v in values]
    return " ".join(names)


def principal_account(exposure: Exposure) -> str:
    """The accounts of the principals."""
    accounts = sorted({principal.account for principal in exposure.principals if principal.account})
    if exposure.is_granting and not exposure.is_readable:
        return UNKNOWN
    return " ".join(accounts) or NOT_APPLICABLE


def vendor(exposure: Exposure) -> str:
    """The vendor or contracted party behind the principal's account."""
    named = exposure.vendor
    if named is not None or not exposure.is_granting:
        return named or ABSENT
    is_described = not exposure.foreign_accounts or not isinstance(exposure.principal_account, Unknown)
    return ABSENT if exposure.is_readable and exposure.finding.account and is_described else UNKNOWN


def name_stem(exposure: Exposure) -> str:
    """The first words of the resource's own name, numbers and random parts left out."""
    return stem(own_name(exposure.finding.resource_type, exposure.finding.resource))


def stem(name: str) -> str:
    """Return the first words of a name; "absent" where it has none.

    Examples
    --------
    >>> stem("Prod-Exports-111122223333-eu-west-1"), stem("service-role/app-7f3a"), stem("4711")
    ('prod-exports-eu', 'service-role-app', 'absent')
    >>> stem("abcdefab-abcd-abcd-abcd-abcdefabcdef")
    'absent'
    """
    folded = name.casefold()
    words = [] if _UUID.fullmatch(folded) else [w for w in re.split(r"[\W_]+", folded) if w.isalpha()]
    return "-".join(words[:_MOST_WORDS]) or ABSENT
