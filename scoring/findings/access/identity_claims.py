"""Identity providers and their claims: which of them pin down who comes in.

The data stand beside this file in ``identity_claims.toml``.
"""

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput

IDENTITY_CLAIMS: Final = Path(__file__).with_name("identity_claims.toml")

ClaimPins = Literal[
    "subject",
    "one",
    "repository name",
    "repository",
    "tenant",
    "person",
    "workflow",
    "pool",
    "guests",
    "nobody",
]
_ANY: Final = "*"


class Issuer(msgspec.Struct, frozen=True):
    """What is known of an identity provider that issues OpenID Connect tokens.

    Attributes
    ----------
    called : str
        As people call it; empty where nobody does.
    is_shared : bool
        Whether anybody on the internet can get a token from it.
    claims : dict
        Claim, in small letters, to what a value of it pins.
    tenant_part : int
        Which part of a subject names the tenant, counted from 1.
    source : str
        The page that says so.
    """

    called: str
    is_shared: bool
    claims: dict[str, ClaimPins]
    tenant_part: int
    source: str


class IdentityClaims(msgspec.Struct, frozen=True, dict=True):
    """All issuers that are known by name, and what holds for the others.

    Attributes
    ----------
    checked : date
        The day on which its rows were compared with their sources.
    exact : dict
        Issuers by name.
    patterns : tuple of (pattern, Issuer)
        Names of which one part is free.
    others : Issuer
    """

    checked: date
    exact: dict[str, Issuer]
    patterns: tuple[tuple[re.Pattern[str], Issuer], ...]
    others: Issuer

    def find(self, issuer: str) -> Issuer:
        """Return what is known of an issuer, upper and lower case alike.

        Examples
        --------
        >>> identity_claims().find("token.actions.githubusercontent.com").claims["repository_id"]
        'repository'
        >>> identity_claims().find("oidc.circleci.com/org/5a2f").called
        'CircleCI'
        >>> identity_claims().find("login.example.com").called
        ''
        """
        folded = issuer.lower().rstrip("/")
        found = self.exact.get(folded)
        if found is not None:
            return found
        return next((known for pattern, known in self.patterns if pattern.fullmatch(folded)), self.others)


class _IssuerFile(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    source: str
    called: str = ""
    is_shared: bool = False
    tenant_part: int = 2
    claims: dict[str, ClaimPins] | None = None
    like: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    checked: date
    sources: dict[str, str]
    issuer: list[_IssuerFile]


@lru_cache(maxsize=1)
def identity_claims() -> IdentityClaims:
    """Return the catalogue that comes with this version."""
    return parse(toml_file.read_text(IDENTITY_CLAIMS))


@lru_cache(maxsize=1024)
def issuer_of(name: str) -> Issuer:
    """Return what is known of an issuer."""
    return identity_claims().find(name)


def parse(text: str) -> IdentityClaims:
    """Read a catalogue.

    Raises
    ------
    BadInput
        An issuer is listed twice, a field is missing or unknown, or a source is not named.
    """
    try:
        content = msgspec.convert(toml_file.parse(text), _File)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(
            error, keys=_IssuerFile.__struct_fields__, choices={"claims": ", ".join(get_args(ClaimPins))}
        ) from None
    rows = {row.name: row for row in content.issuer}
    if _ANY not in rows:
        raise BadInput("expected an issuer *, for those that are not named", field="issuer")
    issuers: dict[str, Issuer] = {}
    for index, row in enumerate(content.issuer):
        if row.name in issuers:
            raise BadInput("the issuer is listed already", field=f"issuer[{index}].name", value=row.name)
        if row.source not in content.sources:
            raise BadInput("expected a name of [sources]", field=f"issuer[{index}].source", value=row.source)
        if row.like is not None and row.like not in issuers:
            raise BadInput("expected an issuer above", field=f"issuer[{index}].like", value=row.like)
        alike = issuers.get(row.like or _ANY)
        claims = row.claims if row.claims is not None else alike.claims if alike else {}
        issuers[row.name] = Issuer(
            called=row.called,
            is_shared=row.is_shared,
            claims={name.lower(): pins for name, pins in claims.items()},
            tenant_part=row.tenant_part,
            source=content.sources[row.source],
        )
    others = issuers.pop(_ANY)
    patterns = tuple((_pattern(name), issuers.pop(name)) for name in list(issuers) if "*" in name)
    return IdentityClaims(content.checked, issuers, patterns, others)


def _pattern(name: str) -> re.Pattern[str]:
    """One part of a host is free, or of a path."""
    host, slash, path = name.partition("/")
    free_host = re.escape(host).replace(
        r"\*", "[a-z0-9-]+(?:[.][a-z0-9-]+)*" if host[0] == "*" else "[a-z0-9-]+"
    )
    return re.compile(free_host + slash + re.escape(path).replace(r"\*", "[^/]+"))
