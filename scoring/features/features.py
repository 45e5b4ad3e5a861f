"""The ordered table of features: one way to work them out, for the runtime and for training.

Each feature is one text value of a finding. Three values mean the same everywhere: ``unknown`` (nobody
knows), ``not applicable`` (the question does not arise), ``absent`` (looked up and not there).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scoring.features import values
from scoring.features.exposure import Exposure
from scoring.features.values import ABSENT, NOT_APPLICABLE, UNKNOWN
from scoring.findings.access.action_reference import LEVELS
from scoring.findings.access.conditions import NARROWINGS
from scoring.findings.access.principal import KINDS, TRUST
from scoring.findings.access.reach import NOT_KNOWN
from scoring.findings.access.tags import fold_key
from scoring.findings.finding import FINDING_TYPES
from scoring.findings.provenance import SetBy
from scoring.findings.resource_types import RESOURCE_TYPES

__all__ = [
    "ABSENT",
    "BY_NAME",
    "FEATURES",
    "NAMES",
    "NOT_APPLICABLE",
    "NOT_KNOWN",
    "UNKNOWN",
    "VERSION",
    "Feature",
]

# Raised whenever a feature's values change their meaning; a scorecard names the version it was made with.
VERSION = 2

_TAG = "tag:"


class Feature(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    values : tuple of str or None
        The closed vocabulary beside the three common values; None where any text may come.
    says : dict
        Value to a sentence for a person; ``*`` is the sentence for all others, with ``{}`` for the value.
    ordered : bool
        Whether `values` stand in the order of risk: a grant that contains another never has an earlier one.
    set_by : str or dict
        Who can set the value; a dictionary names those values that somebody weaker than AWS sets.
    neutral : str
        The value that stands where nobody has set anything: what a sharer's word is compared with.
    names : bool
        Whether it says who exactly is let in, or which resource: a wider grant has another value, in no
        order.
    """

    name: str
    compute: Callable[[Exposure], str]
    values: tuple[str, ...] | None
    says: Mapping[str, str]
    ordered: bool = False
    set_by: SetBy | Mapping[str, SetBy] = "aws"
    neutral: str = ""
    names: bool = False

    @property
    def from_tags(self) -> bool:
        """Whether whoever may set tags, aliases and names decides the value."""
        return self.set_by == "sharer" and self.neutral == ABSENT

    def setter(self, value: str) -> SetBy:
        """Return who can set a value."""
        return self.set_by if isinstance(self.set_by, str) else self.set_by.get(value, "aws")

    def is_lever(self, value: str) -> bool:
        """Whether whoever shares the resource, or its account, sets this value."""
        return bool(self.neutral) and self.setter(value) in ("sharer", "account")


_ACCOUNT_HINTS_SET_BY: Mapping[str, SetBy] = {
    hint: "account" if hint.endswith(values.BY_NAME) else "organization"
    for hint in (*values.ACCOUNT_HINTS, ABSENT, UNKNOWN)
}

FEATURES: tuple[Feature, ...] = (
    Feature(
        "finding_type",
        lambda exposure: exposure.finding.finding_type if exposure.is_known_finding_type else UNKNOWN,
        FINDING_TYPES,
        {
            "ExternalAccess": "somebody outside the zone of trust is given access",
            "InternalAccess": "a principal inside the organization is given access",
            "UnusedIAMRole": "the role has not been used",
            "UnusedIAMUserAccessKey": "the access key has not been used",
            "UnusedIAMUserPassword": "the password has not been used",
            "UnusedPermission": "permissions that were granted have not been used",
            UNKNOWN: "a type of finding that this version does not know",
        },
    ),
    Feature(
        "public",
        values.public,
        ("meant to be public", "not public", "public"),
        {
            "public": "anyone on the internet can get in",
            "meant to be public": "the policy lists the bucket as meant to be read by everyone",
            "not public": "not open to everyone",
            UNKNOWN: "whether it is public is not known",
        },
        ordered=True,
        set_by={"meant to be public": "organization"},
    ),
    Feature(
        "access_level",
        values.access_level,
        LEVELS,
        {"*": "access level {}", UNKNOWN: "which actions are allowed is not known"},
        ordered=True,
    ),
    Feature(
        "trust",
        lambda exposure: exposure.trust,
        TRUST,
        {
            "own account": "inside the same account",
            "own organization": "inside the own organization",
            "contracted": "the principal belongs to a contracted party",
            "identity provider, listed": "the identity provider lets in whom the policy lists",
            "identity provider": "an identity provider lets in one of its identities",
            "identity provider, wildcard": "an identity provider lets in many of its identities",
            "AWS service": "an AWS service acts for nobody knows whom",
            "known vendor": "the principal is a known vendor's, not contracted",
            "stranger": "the principal is a stranger",
            "anyone": "the principal can be anyone",
            UNKNOWN: "how far the principal can be trusted is not known",
        },
        ordered=True,
        set_by={
            "own organization": "organization",
            "contracted": "organization",
            "identity provider, listed": "organization",
        },
    ),
    Feature(
        "principal_kind",
        values.principal_kind,
        KINDS,
        {
            "deleted principal": "a principal that is deleted",
            "account": "a whole account is let in",
            "organization": "a whole organization is let in",
            "anyone": "as many as there are",
            "role": "one role is let in",
            "user": "one user is let in",
            "session": "one session is let in",
            "SAML": "a SAML identity provider decides who gets in",
            "OIDC, pinned": "one pinned OIDC subject is let in",
            "OIDC, one repository": "any branch of one repository is let in",
            "OIDC, wildcard": "the OIDC subject is a wildcard",
            "OIDC, any subject": "any subject of the OIDC provider is let in",
            UNKNOWN: "the kind of principal is not known",
            "*": "principal: {}",
        },
        ordered=True,
    ),
    Feature(
        "condition",
        values.condition,
        NARROWINGS,
        {
            "external id": "only with an external id",
            "source resource": "only for one source resource, by condition",
            "source account": "only for named source accounts, by condition",
            "network": "only from a narrow network, by condition",
            "listed": "only under a condition that the policy lists",
            "none": "no condition narrows it further",
            UNKNOWN: "the conditions are not known",
        },
        ordered=True,
        set_by="sharer",
        neutral="none",
    ),
    Feature(
        "resource_type",
        lambda exposure: exposure.finding.resource_type if exposure.is_known_resource_type else UNKNOWN,
        RESOURCE_TYPES,
        {"*": "resource type {}", UNKNOWN: "a type of resource that this version does not know"},
    ),
    Feature(
        "source",
        values.source,
        ("bucket policy", "access point", "bucket ACL"),
        {"*": "granted by {}", UNKNOWN: "which part of the bucket's settings grants it is not known"},
        ordered=True,
    ),
    Feature(
        "environment",
        values.tag("environment"),
        None,
        {
            ABSENT: "no tag names the environment",
            UNKNOWN: "the environment is not known",
            "conflicting": "tags name several environments",
            "*": "tagged as {}",
        },
        set_by="sharer",
        neutral=ABSENT,
    ),
    Feature(
        "data_class",
        values.tag("dataclassification"),
        None,
        {
            ABSENT: "no tag classifies the data",
            UNKNOWN: "the data classification is not known",
            "conflicting": "tags classify the data in several ways",
            "*": "data tagged as {}",
        },
        set_by="sharer",
        neutral=ABSENT,
    ),
    Feature(
        "sharing_tag",
        values.tag("isallowedtoshare"),
        None,
        {
            "yes": "tagged as allowed to be shared",
            "no": "tagged as not to be shared",
            ABSENT: "no tag allows sharing",
            UNKNOWN: "whether a tag allows sharing is not known",
            "*": "sharing tag: {}",
        },
        set_by="sharer",
        neutral=ABSENT,
    ),
    Feature(
        "owner",
        values.tag("owner"),
        None,
        {ABSENT: "no tag names an owner", UNKNOWN: "the owner is not known", "*": "owned by {}"},
        set_by="sharer",
        neutral=ABSENT,
    ),
    Feature(
        "alias",
        values.alias,
        values.HINTS,
        {
            "no hint": "no alias names an environment",
            "conflicting": "aliases name several environments",
            ABSENT: "the key has no alias",
            UNKNOWN: "the key's aliases are not known",
            "*": "an alias names {}",
        },
        set_by="sharer",
        neutral=ABSENT,
    ),
    Feature(
        "account_environment",
        values.account_environment,
        values.ACCOUNT_HINTS,
        {
            "no hint": "the account's name and unit name no environment",
            "conflicting": "the account's name, unit and tags name several environments",
            ABSENT: "nothing is known of the account",
            UNKNOWN: "the account's environment is not known",
            "*": "in an account for {}",
        },
        set_by=_ACCOUNT_HINTS_SET_BY,
        neutral="no hint",
    ),
    Feature(
        "unused",
        values.unused,
        ("few services", "some services", "many services"),
        {"*": "unused permissions in {}", UNKNOWN: "how many permissions are unused is not known"},
        ordered=True,
    ),
    Feature(
        "error",
        lambda exposure: UNKNOWN if exposure.finding.error else "none",
        ("none",),
        {"none": "analyzed without error", UNKNOWN: "Access Analyzer could not analyze it"},
    ),
    Feature(
        "account",
        lambda exposure: exposure.finding.account or UNKNOWN,
        None,
        {"*": "in account {}"},
        names=True,
    ),
    Feature(
        "principal_account",
        values.principal_account,
        None,
        {"*": "principal's account {}"},
        names=True,
    ),
    Feature("principal", values.principal, None, {"*": "principal {}"}, names=True),
    Feature(
        "vendor",
        values.vendor,
        None,
        {"*": "vendor {}", ABSENT: "no known vendor", UNKNOWN: "whether it is a vendor is not known"},
        set_by="organization",
        names=True,
    ),
    Feature(
        "resource",
        lambda exposure: exposure.finding.resource,
        None,
        {"*": "this very resource", UNKNOWN: "which resource it is is not known"},
        set_by="sharer",
        neutral=values.ANOTHER,
        names=True,
    ),
    Feature(
        "name_stem",
        values.name_stem,
        None,
        {"*": "named {}", ABSENT: "a name without words", UNKNOWN: "the resource's name is not known"},
        set_by="sharer",
        neutral=ABSENT,
    ),
)

BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}
NAMES: tuple[str, ...] = tuple(BY_NAME)


def features_of(exposure: Exposure, of: tuple[Feature, ...] = FEATURES) -> dict[str, str]:
    """Compute the features of a finding: all of the table, or those asked for."""
    return {row[0]: row[1](exposure) for row in of}


def tag_feature(key: str) -> Feature:
    """Return the feature of one tag key, named ``tag:`` and the folded key, for scorecards that use it."""
    folded = fold_key(key.removeprefix(_TAG))
    says = {ABSENT: f"no tag {folded}", UNKNOWN: f"tag {folded} is not known", "*": f"tag {folded}: {{}}"}
    return Feature(_TAG + folded, values.tag(folded), None, says, set_by="sharer", neutral=ABSENT)


def tag_of(of: Feature) -> str | None:
    """Return the folded key of the tag whose value a feature is; None where it is no tag's."""
    return of.name.removeprefix(_TAG) if of.name.startswith(_TAG) else values.TAGS.get(of.name)


def feature(name: str) -> Feature | None:
    """Return the feature of a name, tag features included; None where there is no such feature."""
    if name.startswith(_TAG) and len(name) > len(_TAG):
        return tag_feature(name)
    return BY_NAME.get(name)


def describe(of: Feature, value: str) -> str:
    """Say a feature's value in words for a person.

    Examples
    --------
    >>> describe(BY_NAME["environment"], "production")
    'tagged as production'
    """
    sentence = of.says.get(UNKNOWN if value == NOT_KNOWN else value)
    if sentence is None:
        sentence = of.says.get("*", of.name.replace("_", " ") + " {}").replace("{}", value)
    return sentence
