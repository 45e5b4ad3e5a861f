"""The policy: what an organization lays down by hand, read from `policy.toml`."""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput, did_you_mean
from scoring.files.toml_file import read_text
from scoring.findings.access.oidc_subjects import is_shared, subject_width
from scoring.findings.arn import account_id
from scoring.points import to_tenths
from scoring.policy.limits import Alerts, Archives
from scoring.policy.routes import Route
from scoring.policy.rules import Rule
from scoring.policy.vendors import read_vendors

DEFAULT = Path(__file__).with_name("policy.toml")


class ThresholdOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A threshold set by hand for one model; with any other model nothing is archived."""

    value: Decimal
    model_sha256: str


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person has approved.

    Attributes
    ----------
    accounts : dict
        Contracted accounts, twelve digits to name.
    vendors : tuple of str
        Contracted vendors, by their name in the list of known vendors.
    public_buckets : tuple of str
        Names of buckets that are meant to be readable by everyone.
    subjects : dict
        By OpenID Connect issuer: who may come from there, as patterns with ``*`` and ``?``.
    """

    accounts: dict[str, str] = {}
    vendors: tuple[str, ...] = ()
    public_buckets: tuple[str, ...] = ()
    subjects: dict[str, tuple[str, ...]] = {}


class Guardrails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which guardrails are switched on; by default all of them."""

    public: bool = True
    finding_error: bool = True
    unknown_context: bool = True
    unknown_details: bool = True
    unknown_type: bool = True
    permissions_outside: bool = True
    unlisted_subject: bool = True
    confidential_outside: bool = True
    reactivated: bool = True
    never_seen: bool = True


class SecurityHub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether decisions are written to Security Hub's findings; see `scoring.pipeline.security_hub`."""

    update: bool = False


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What an organization lays down by hand.

    Attributes
    ----------
    mode : str
        ``shadow`` (nothing is written to findings) or ``enforce``.
    organization_id : str or None
        ``o-...``; recognises conditions on the own organization.
    archives, alerts
        What keeps automation within bounds; see `scoring.policy.limits`.
    expected, never_archive : tuple of Rule
        Findings that a person has declared expected, or wants to see always.
    known_vendors : dict
        Account number to vendor, from the file that `vendors_file` names.
    """

    mode: Literal["shadow", "enforce"] = "shadow"
    organization_id: str | None = None
    threshold: ThresholdOverride | None = None
    allow: Allow = Allow()
    guardrails: Guardrails = Guardrails()
    archives: Archives = Archives()
    alerts: Alerts = Alerts()
    security_hub: SecurityHub = SecurityHub()
    expected: tuple[Rule, ...] = ()
    never_archive: tuple[Rule, ...] = ()
    vendors_file: str | None = None
    known_vendors: dict[str, str] = {}

    @cached_property
    def contracted_vendors(self) -> frozenset[str]:
        """Names of contracted vendors, folded."""
        return frozenset(name.casefold() for name in self.allow.vendors)

    @cached_property
    def contracted(self) -> frozenset[str]:
        """All account numbers that are contracted, by number or by vendor."""
        by_vendor = (
            a for a, name in self.known_vendors.items() if name.casefold() in self.contracted_vendors
        )
        return frozenset((*self.allow.accounts, *by_vendor))

    @cached_property
    def public_buckets(self) -> frozenset[str]:
        """Names of buckets meant to be public."""
        return frozenset(self.allow.public_buckets)

    @cached_property
    def listed_subjects(self) -> dict[str, tuple[str, ...]]:
        """`Allow.subjects` by issuer in small letters."""
        return {issuer.lower(): patterns for issuer, patterns in self.allow.subjects.items()}

    @cached_property
    def sha256(self) -> str:
        """Digest of everything the policy says."""
        content = msgspec.json.encode(msgspec.to_builtins(self), order="deterministic")
        return hashlib.sha256(content).hexdigest()

    def threshold_for(self, model_sha256: str, of_model: int | None) -> int | None:
        """Return the threshold in tenths: the override if it was made for this model, else the model's own.

        An override for another model gives None: nothing is archived until somebody has looked.
        """
        if self.threshold is None:
            return of_model
        if self.threshold.model_sha256 != model_sha256:
            return None
        return to_tenths(self.threshold.value, "threshold.value")


_KEYS = tuple(
    name
    for kind in (Policy, Allow, Guardrails, ThresholdOverride, Archives, Alerts, Route, SecurityHub, Rule)
    for name in kind.__struct_fields__
)


def load(path: str | Path = DEFAULT) -> Policy:
    """Read a policy, and the list of known vendors that it names.

    Raises
    ------
    BadInput
        Naming file, field and expectation.
    """
    path = Path(path)
    text = read_text(path)
    try:
        policy = parse(text)
        if policy.vendors_file:
            policy = with_vendors(policy, read_vendors(path.parent / policy.vendors_file))
    except BadInput as error:
        raise error if error.where else error.at(str(path)) from None
    return policy


def parse(text: str) -> Policy:
    r"""Read a policy from the text of a TOML file.

    Raises
    ------
    BadInput
        The text is no TOML, a key is misspelt, a value has the wrong type or makes no sense.

    Examples
    --------
    >>> parse('[allow]\nvendor = ["Datadog"]')
    Traceback (most recent call last):
    ...
    scoring.files.errors.BadInput: allow: unknown key 'vendor'; did you mean 'vendors'?
    """
    content = toml_file.parse(text)
    if "known_vendors" in content:
        raise BadInput("expected a vendors_file that names the list", field="known_vendors")
    try:
        policy = msgspec.convert(content, Policy)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, keys=_KEYS, choices={"mode": "shadow or enforce"}) from None
    _check(policy)
    return policy


def check_threshold(override: ThresholdOverride) -> None:
    """Raise BadInput for what no threshold and no digest can be."""
    to_tenths(override.value, "threshold.value")
    if not re.fullmatch(r"[0-9a-f]{64}", override.model_sha256):
        raise BadInput("expected 64 hexadecimal digits", field="threshold.model_sha256")


def _check(policy: Policy) -> None:
    for account in policy.allow.accounts:
        account_id(account, field="allow.accounts")
    for bucket in policy.allow.public_buckets:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", bucket):
            raise BadInput("expected the name of a bucket", field="allow.public_buckets", value=bucket)
    if not all(vendor.strip() for vendor in policy.allow.vendors):
        raise BadInput("expected names that are not empty", field="allow.vendors")
    _check_subjects(policy.allow.subjects)
    if policy.organization_id is not None and not re.fullmatch(r"o-[a-z0-9]{10,32}", policy.organization_id):
        raise BadInput(
            "expected o- and 10 to 32 letters or digits",
            field="organization_id",
            value=policy.organization_id,
        )
    if policy.threshold is not None:
        check_threshold(policy.threshold)
    policy.archives.check()
    policy.alerts.check()
    for kind in ("expected", "never_archive"):
        for index, rule in enumerate(getattr(policy, kind)):
            rule.check(f"{kind}[{index}]")


def _check_subjects(subjects: Mapping[str, tuple[str, ...]]) -> None:
    for issuer, patterns in subjects.items():
        field = f"allow.subjects.{issuer}"
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[!-~]*[^/\s])?", issuer):
            raise BadInput("expected an issuer as its provider is called, without https://", field=field)
        for pattern in patterns:
            if not re.fullmatch(r"[!-+\--~]+", pattern):
                raise BadInput("expected a subject without blanks and commas", field=field, value=pattern)
            if is_shared(issuer) and subject_width(issuer.lower(), pattern) == "any subject":
                expected = "expected a pattern that names your organization in full: strangers must not match"
                raise BadInput(expected, field=field, value=pattern)


def with_vendors(policy: Policy, known_vendors: Mapping[str, str]) -> Policy:
    """Add the list of known vendors to a policy.

    Raises
    ------
    BadInput
        A contracted vendor is not on the list: it would never be recognised.
    """
    known = {name.casefold(): name for name in known_vendors.values()}
    for vendor in policy.allow.vendors:
        if vendor.casefold() not in known:
            hint = did_you_mean(vendor, known.values())
            raise BadInput(f"the list of known vendors has no {vendor!r}{hint}", field="allow.vendors")
    return msgspec.structs.replace(policy, known_vendors=dict(known_vendors))
