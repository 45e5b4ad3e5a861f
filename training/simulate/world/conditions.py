"""Conditions under which access is given, those that narrow it and those that only look so."""

from dataclasses import dataclass
from random import Random

from training.simulate.world import catalogue
from training.simulate.world.chance import Weighted
from training.simulate.world.description import TRUSTS, Principal

CONDITIONS = (
    "none", "organization", "source-arn", "source-account", "ip-narrow", "ip-wide", "external-id", "vpce",
    "principal-arn", "subject",
)  # fmt: skip
CONDITION = {name: number for number, name in enumerate(CONDITIONS)}


@dataclass(frozen=True, slots=True)
class Condition:
    """What stands in the finding, and which sort of condition it is."""

    sort: int
    items: tuple[tuple[str, str], ...]


NO_CONDITION = Condition(0, ())
OWN_ACCOUNT = "{own}"
"""Stands for the account that owns the resource, where a service acts for that."""

_PUBLIC = {
    "none": 0.56, "organization": 0.18, "ip-narrow": 0.09, "ip-wide": 0.08, "vpce": 0.06,
    "source-account": 0.03,
}  # fmt: skip
_SERVICE = {"none": 0.3, "source-arn": 0.42, "source-account": 0.28}
_ROLE = {"none": 0.5, "external-id": 0.4, "ip-narrow": 0.04, "ip-wide": 0.02, "principal-arn": 0.04}
_RESOURCE = {
    "none": 0.68, "source-arn": 0.08, "ip-narrow": 0.07, "ip-wide": 0.04, "vpce": 0.06, "principal-arn": 0.07,
}  # fmt: skip
_USUAL = {
    name: Weighted(table.items())
    for name, table in (("public", _PUBLIC), ("service", _SERVICE), ("role", _ROLE), ("resource", _RESOURCE))
}
_SUBJECT = CONDITION["subject"]

_TEXTS = {
    "source-arn": ("aws:SourceArn", "arn:aws:sns:eu-west-1:{account}:{team}"),
    "source-account": ("aws:SourceAccount", "{account}"),
    "ip-narrow": ("aws:SourceIp", "203.0.113.{block}/28"),
    "ip-wide": ("aws:SourceIp", "0.0.0.0/0"),
    "external-id": ("sts:ExternalId", "{team}-{number:05d}"),
    "vpce": ("aws:SourceVpce", "vpce-0{number:016x}"),
    "principal-arn": ("aws:PrincipalArn", "arn:aws:iam::{account}:role/{team}-exchange"),
    "organization": ("aws:PrincipalOrgID", "{organization}"),
}


def draw_condition(
    rng: Random, principal: Principal, resource_type: str, team: str, organization: str
) -> Condition:
    """A condition that is plausible between this principal and this type of resource."""
    trust = TRUSTS[principal.trust]
    if principal.key == "Federated":
        return _subject(rng, principal, team)
    if trust == "canonical":
        return NO_CONDITION
    place = "role" if resource_type == "AWS::IAM::Role" else "resource"
    sort = _USUAL[trust if trust in _USUAL else place].draw(rng.random())
    if sort == "none":
        return NO_CONDITION
    number = int(rng.random() * 99991)
    key, text = _TEXTS[sort]
    value = text.format(
        account=OWN_ACCOUNT if trust == "service" else principal.account or f"{4 * 10**11 + number * 1009}",
        team=team,
        number=number,
        block=number % 16 * 16,
        organization=organization,
    )
    return Condition(CONDITION[sort], ((key, value),))


def _subject(rng: Random, principal: Principal, team: str) -> Condition:
    """The subject of a federated principal: one repository and branch, or a wildcard."""
    provider = principal.value.rpartition("-provider/")[2]
    if TRUSTS[principal.trust] == "saml":
        return Condition(_SUBJECT, (("SAML:aud", "https://signin.aws.amazon.com/saml"),))
    if provider != catalogue.GITHUB_OIDC:
        return Condition(_SUBJECT, ((f"{provider}:aud", "sts.amazonaws.com"),))
    repository = f"repo:{catalogue.GITHUB_ORGANIZATION}/{team}-{int(rng.random() * 12)}"
    if TRUSTS[principal.trust] == "pinned":
        subject = f"{repository}:ref:refs/heads/main"
    elif rng.random() < 0.5:
        subject = f"{repository}:*"
    else:
        subject = f"repo:{catalogue.GITHUB_ORGANIZATION}/*:*"
    return Condition(_SUBJECT, ((f"{provider}:sub", subject), (f"{provider}:aud", "sts.amazonaws.com")))
