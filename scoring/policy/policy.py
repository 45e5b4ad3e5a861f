"""The policy: what an organization lays down by hand, read from `policy.toml`."""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput, did_you_mean
from scoring.files.toml_file import read_text
from scoring.findings.access.conditions import Listed, is_wide
from scoring.findings.access.identity_claims import issuer_of
from scoring.findings.access.oidc_subjects import ListedClaims, is_listable
from scoring.findings.arn import Arn, account_id, is_account_id
from scoring.points import to_tenths
from scoring.policy.limits import Alerts, Archives
from scoring.policy.routes import Route
from scoring.policy.rules import Rule
from scoring.policy.starter_pack import starter_pack
from scoring.policy.vendors import read_vendors

SCHEMA: Final = 1
"""Of policies and overrides: raised where a key is renamed, or means something else."""
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
        By OpenID Connect issuer: who may come from there, as patterns with ``*`` and ``?`` of its subjects,
        or of several claims by name.
    conditions : dict
        By condition key: values that a person has judged to keep strangers out.
    """

    accounts: dict[str, str] = {}
    vendors: tuple[str, ...] = ()
    public_buckets: tuple[str, ...] = ()
    subjects: dict[str, tuple[str, ...] | dict[str, tuple[str, ...]]] = {}
    conditions: dict[str, tuple[str, ...]] = {}


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is the organization's own though its name says no account.

    Attributes
    ----------
    buckets : tuple of str
        Names of buckets, as policies name them for the source of a service's call.
    distributions : tuple of str
        Ids of CloudFront origin access identities, or of the distributions that use them.
    providers : tuple of str
        ARNs of SAML and OpenID Connect providers that the organization's own people set up.
    """

    buckets: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


BANDS: Final = ("critical", "high", "medium", "low")
"""Severities that have a band of points of their own, the worst first."""


class Severity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """From how many points on, by what is known, a finding is called so; below all of them ``info``.

    Attributes
    ----------
    critical, high, medium, low : Decimal
        Points with at most one decimal, falling.
    maximum : Decimal
        What the worst findings come to: shown beside a finding's points, so that they say something. It
        limits nothing.
    """

    critical: Decimal = Decimal(80)
    high: Decimal = Decimal(55)
    medium: Decimal = Decimal(30)
    low: Decimal = Decimal(10)
    maximum: Decimal = Decimal(100)

    @cached_property
    def bands(self) -> tuple[tuple[str, int], ...]:
        """Each name with the tenths of points from which on it holds, the worst first."""
        return tuple((name, int(getattr(self, name) * 10)) for name in BANDS)

    def of(self, known: int) -> str:
        """Return the severity of a score in tenths.

        Examples
        --------
        >>> Severity().of(550), Severity().of(99)
        ('high', 'info')
        """
        for name, least in self.bands:
            if known >= least:
                return name
        return "info"


class Guardrails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which guardrails are switched on; by default all of them."""

    public: bool = True
    finding_error: bool = True
    unknown_context: bool = True
    unknown_details: bool = True
    unknown_type: bool = True
    permissions_outside: bool = True
    unlisted_subject: bool = True
    unknown_owner: bool = True
    condition_not_judged: bool = True
    sharer_alone: bool = True
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
    own : Own
        What is the organization's own though its name says no account.
    starter_pack : tuple of str
        Names of the rules for everybody's plumbing that are switched on; see `scoring.policy.starter_pack`.
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
    own: Own = Own()
    starter_pack: tuple[str, ...] = ()
    severity: Severity = Severity()
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
    def vendor_accounts(self) -> frozenset[str]:
        """Account numbers of known vendors."""
        return frozenset(self.known_vendors)

    @cached_property
    def public_buckets(self) -> frozenset[str]:
        """Names of buckets meant to be public."""
        return frozenset(self.allow.public_buckets)

    @cached_property
    def listed_subjects(self) -> dict[str, ListedClaims]:
        """`Allow.subjects` by issuer, and by claim, in small letters."""
        return {
            issuer.lower(): {name.lower(): patterns for name, patterns in _claims(issuer, listed).items()}
            for issuer, listed in self.allow.subjects.items()
        }

    @cached_property
    def listed_conditions(self) -> Listed:
        """`Allow.conditions` by key in small letters."""
        return tuple(sorted((key.lower(), values) for key, values in self.allow.conditions.items()))

    @cached_property
    def own_buckets(self) -> frozenset[str]:
        """Names of the organization's own buckets."""
        return frozenset(self.own.buckets)

    @cached_property
    def own_distributions(self) -> frozenset[str]:
        """Ids of the organization's own distributions and origin access identities."""
        return frozenset(self.own.distributions)

    @cached_property
    def own_providers(self) -> frozenset[str]:
        """ARNs of the organization's own identity providers."""
        return frozenset(self.own.providers)

    @cached_property
    def expected_rules(self) -> tuple[Rule, ...]:
        """What is expected: the policy's own rules, then those of the starter pack that it switches on."""
        return (*self.expected, *(starter_pack()[name] for name in self.starter_pack))

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
    for kind in (
        *(Policy, Allow, Own, Severity, Guardrails, ThresholdOverride, Archives, Alerts, Route, SecurityHub),
        Rule,
    )
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
        if policy.allow.vendors and not policy.vendors_file:
            expected = "expected a vendors_file beside it: without one no vendor is ever recognised"
            raise BadInput(expected, field="allow.vendors")
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
    content = without_schema(toml_file.parse(text))
    if "known_vendors" in content:
        raise BadInput("expected a vendors_file that names the list", field="known_vendors")
    try:
        policy = msgspec.convert(content, Policy)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, keys=_KEYS, choices={"mode": "shadow or enforce"}) from None
    _check(policy)
    return policy


def without_schema(content: dict[str, Any]) -> dict[str, Any]:
    """Check the number of the schema of what a person wrote down, if there is one, and leave it out.

    Raises
    ------
    BadInput
        It is for a newer version.
    """
    given = content.get("schema", SCHEMA)
    if type(given) is not int or not 1 <= given <= SCHEMA:
        raise BadInput(f"expected {SCHEMA}: it is for another version", field="schema", value=given)
    return {name: value for name, value in content.items() if name != "schema"}


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
    _check_conditions(policy.allow.conditions)
    _check_own(policy.own)
    _check_severity(policy.severity)
    for index, name in enumerate(policy.starter_pack):
        if name not in starter_pack():
            near = did_you_mean(name, starter_pack())
            raise BadInput(f"the starter pack has no {name!r}{near}", field=f"starter_pack[{index}]")
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
    _check_rules(policy)


def _check_rules(policy: Policy) -> None:
    for kind in ("expected", "never_archive"):
        names: set[str] = set()
        for index, rule in enumerate(getattr(policy, kind)):
            field = f"{kind}[{index}]"
            rule.check(field)
            if rule.name in names:
                raise BadInput("expected a name of its own", field=f"{field}.name", value=rule.name)
            names.add(rule.name)
            if kind == "expected" and rule.matches_everything:
                expected = "expected a condition that leaves something out: every finding would match"
                raise BadInput(expected, field=field)


def _claims(
    issuer: str, listed: tuple[str, ...] | Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    """Return patterns by claim; those without one are subjects, or names of identity pools."""
    if isinstance(listed, Mapping):
        return listed
    pool = [name for name, pins in issuer_of(issuer).claims.items() if pins == "pool"]
    return dict.fromkeys(pool or ["sub"], listed)


def _check_subjects(subjects: Mapping[str, tuple[str, ...] | dict[str, tuple[str, ...]]]) -> None:
    folded: set[str] = set()
    for issuer, listed in subjects.items():
        field = f"allow.subjects.{issuer}"
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[!-~]*[^/\s])?", issuer):
            raise BadInput("expected an issuer as its provider is called, without https://", field=field)
        if issuer.lower() in folded:
            raise BadInput("expected each issuer once, upper and lower case alike", field=field)
        folded.add(issuer.lower())
        known = issuer_of(issuer).claims
        for claim, patterns in _claims(issuer, listed).items():
            name = field if claim == "sub" else f"{field}.{claim}"
            if claim.lower() not in known:
                near = did_you_mean(claim, known)
                raise BadInput(f"a claim that this version does not know{near}", field=name)
            for pattern in patterns:
                if not re.fullmatch(r"[!-+\--~]+", pattern):
                    raise BadInput("expected a subject without blanks and commas", field=name, value=pattern)
                if not is_listable(issuer.lower(), claim.lower(), pattern):
                    expected = (
                        "expected a pattern that names your organization in full: strangers must not match"
                    )
                    raise BadInput(expected, field=name, value=pattern)


def _check_conditions(conditions: Mapping[str, tuple[str, ...]]) -> None:
    folded: set[str] = set()
    for key, values in conditions.items():
        field = f"allow.conditions.{key}"
        if not re.fullmatch(r"[!-~]+:[!-~]+", key):
            raise BadInput("expected a condition key such as aws:SourceVpce", field=field)
        if key.lower() in folded:
            raise BadInput("the condition key is listed already, upper and lower case alike", field=field)
        folded.add(key.lower())
        if not values:
            raise BadInput("expected the values that you have judged", field=field)
        for value in values:
            if not value.strip() or not value.isprintable():
                raise BadInput("expected a value that can be read", field=field, value=value)
            if is_wide(key, value):
                raise BadInput("expected a value that keeps strangers out", field=field, value=value)


def _check_own(own: Own) -> None:
    for bucket in own.buckets:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", bucket):
            raise BadInput("expected the name of a bucket", field="own.buckets", value=bucket)
    for identity in own.distributions:
        if not re.fullmatch(r"E[A-Z0-9]+", identity):
            expected = (
                "expected the id of a distribution or of an origin access identity, such as E2QWRUHAPOMQZL"
            )
            raise BadInput(expected, field="own.distributions", value=identity)
    for provider in own.providers:
        arn = Arn.try_parse(provider)
        is_iam = arn is not None and arn.service == "iam" and is_account_id(arn.account)
        if arn is None or not is_iam or not re.fullmatch(r"(saml|oidc)-provider/[!-~]+", arn.resource):
            raise BadInput("expected the ARN of an identity provider", field="own.providers", value=provider)


def _check_severity(severity: Severity) -> None:
    bands = [to_tenths(getattr(severity, name), f"severity.{name}") for name in BANDS]
    if to_tenths(severity.maximum, "severity.maximum") < bands[0]:
        raise BadInput(
            "expected no less than severity.critical", field="severity.maximum", value=str(severity.maximum)
        )
    if bands != sorted(set(bands), reverse=True):
        raise BadInput(
            "expected falling points: critical above high above medium above low", field="severity"
        )


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
