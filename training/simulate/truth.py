"""The true log-odds that a finding is unintended access: what a perfect analyst would know.

A sum of parts that an analyst would name (trust, access level, environment, data class, conditions), of their
interactions, of habits of one team or one principal (normal, drawn once for an organization), and of
precedent: whether this team shares with this principal again and again.
"""

from collections.abc import Mapping

from training.simulate import catalogue
from training.simulate.chance import seeded
from training.simulate.conditions import CONDITIONS
from training.simulate.description import TRUST, TRUSTS
from training.simulate.organization import Organization
from training.simulate.sharing import Relationship

BASE = -3.35
SHIFT = 0.3  # how far the base rate drifts over the simulated time

_TRUST = {
    "own": -1.1, "inside": -1.1, "partner": -0.3, "contracted": -0.5, "vendor": 0.5, "stranger": 1.3,
    "service": -0.5, "pinned": -0.6, "wide": 1.0, "saml": -0.7, "canonical": 0.4, "public": 1.5,
}  # fmt: skip
_LEVEL = (-0.8, -0.1, 0.1, 0.35, 1.4)
_ENVIRONMENT = {"prod": 0.35, "staging": 0.0, "dev": -0.45, "sandbox": -0.3, "shared": 0.3}
_DATA_CLASS = {"none": 0.15, "public": -0.6, "internal": 0.0, "confidential": 0.6, "restricted": 0.8}
_CONDITION = {
    "none": 0.25, "organization": -1.7, "source-arn": -0.9, "source-account": -0.7, "ip-narrow": -0.8,
    "ip-wide": 0.35, "external-id": -0.9, "vpce": -1.1, "principal-arn": -0.7, "subject": 0.0,
}  # fmt: skip
_TYPE = {
    "AWS::SecretsManager::Secret": 0.5, "AWS::EC2::Snapshot": 0.5, "AWS::RDS::DBSnapshot": 0.5,
    "AWS::RDS::DBClusterSnapshot": 0.5, "AWS::KMS::Key": 0.1, "AWS::SNS::Topic": -0.35,
    "AWS::SQS::Queue": -0.25, "AWS::ECR::Repository": -0.3, "AWS::Lambda::LayerVersion": -0.3,
}  # fmt: skip
_RESTRICTION = {"NOT_APPLICABLE": 0.0, "": 0.0, "APPLICABLE": -0.2, "APPLIED": -1.0}
_TRUST_AND_LEVEL = {
    ("stranger", 3): 0.7, ("stranger", 4): 0.8, ("vendor", 4): 0.7, ("public", 3): 0.9, ("public", 0): -0.2,
    ("service", 3): -0.4, ("own", 4): -0.3,
}  # fmt: skip
_ENVIRONMENT_AND_TRUST = {
    ("dev", "public"): 0.6, ("dev", "stranger"): -0.4, ("sandbox", "stranger"): 0.6,
    ("prod", "stranger"): 0.4,
    ("prod", "own"): -0.3, ("dev", "own"): -0.4, ("shared", "vendor"): -0.5, ("prod", "wide"): 0.7,
    ("dev", "inside"): -0.4, ("prod", "inside"): 0.3,
}  # fmt: skip
_DATA_CLASS_AND_TRUST = {
    ("public", "public"): -2.2, ("confidential", "public"): 1.2, ("restricted", "public"): 1.4,
    ("restricted", "stranger"): 0.6, ("confidential", "vendor"): 0.5, ("internal", "public"): 0.5,
    ("public", "stranger"): -0.5,
}  # fmt: skip
_UNUSED = {
    "UnusedIAMRole": 0.0, "UnusedIAMUserAccessKey": 0.9, "UnusedIAMUserPassword": 0.4,
    "UnusedPermission": -0.7,
}  # fmt: skip

_SINGLE = 1.15  # access that no relationship stands behind
_REPEATED = -1.75  # a relationship; the heaviest ones are the best known
_RANK = 0.9


class Truth:
    """The tables of one organization."""

    def __init__(self, organization: Organization) -> None:
        rng = seeded(organization.seed, "truth")
        gauss = rng.gauss
        self.type_level = [
            [_TYPE.get(kind.type, 0.0) + level + gauss(0, 0.3) for level in _LEVEL]
            for kind in catalogue.KINDS
        ]
        self.trust_level = [
            [_TRUST[trust] + _TRUST_AND_LEVEL.get((trust, level), 0.0) + gauss(0, 0.25) for level in range(5)]
            for trust in TRUSTS
        ]
        self.environment_trust = [
            [_ENVIRONMENT[name] + _ENVIRONMENT_AND_TRUST.get((name, trust), 0.0) for trust in TRUSTS]
            for name in catalogue.ENVIRONMENTS
        ]
        self.data_trust = [
            [_DATA_CLASS[name] + _DATA_CLASS_AND_TRUST.get((name, trust), 0.0) for trust in TRUSTS]
            for name in catalogue.DATA_CLASSES
        ]
        self.condition = [_CONDITION[name] for name in CONDITIONS]
        self.restriction = _RESTRICTION
        teams = {team.name: gauss(0, 0.5) for team in organization.teams}
        accounts = {account.id: gauss(0, 0.2) for account in organization.accounts}
        self.owner = [
            teams[resource.team]
            + accounts[resource.account]
            + (-0.35 if "ManagedBy" in resource.tags else 0.35)
            + (-1.2 if "IsAllowedToShare" in resource.tags else 0.0)
            for resource in organization.resources
        ]
        self.team_trust = {team.name: [gauss(0, 0.35) for _ in TRUSTS] for team in organization.teams}
        self.principal = [
            0.6 * principal.effect if principal.trust not in _NO_HABIT else 0.0
            for principal in organization.sharing.principals
        ]
        self.environments = [
            catalogue.ENVIRONMENTS.index(resource.environment) for resource in organization.resources
        ]
        self.data_classes = [_seen_class(resource.tags) for resource in organization.resources]
        self.resources = organization.resources
        self.break_glass = ["Purpose" in resource.tags for resource in organization.resources]

    def shared(
        self,
        resource: int,
        kind: int,
        trust: int,
        level: int,
        condition: int,
        restriction: str,
        principal: int,
    ) -> float:
        """Log-odds of external or internal access, before precedent; `principal` -1 is one never seen."""
        return (
            self.type_level[kind][level]
            + self.trust_level[trust][level]
            + self.environment_trust[self.environments[resource]][trust]
            + self.data_trust[self.data_classes[resource]][trust]
            + self.team_trust[self.resources[resource].team][trust]
            + self.owner[resource]
            + self.condition[condition]
            + self.restriction[restriction]
            + (self.principal[principal] if principal >= 0 else 0.0)
        )

    def precedent(self, relationship: Relationship | None) -> float:
        """What a relationship, or its absence, adds."""
        return _SINGLE if relationship is None else _REPEATED + _RANK * relationship.rank

    def unused(self, resource: int, finding_type: str, services: int) -> float:
        """Log-odds that access which nobody uses should be taken away."""
        volume = 0.0 if not services else -0.6 if services < 5 else 0.1 if services < 20 else 1.1
        own = self.environment_trust[self.environments[resource]][_OWN]
        return (
            _UNUSED[finding_type]
            + 1.2 * own
            + 1.6 * self.owner[resource]
            + volume
            + (-2.0 if self.break_glass[resource] else 0.0)
        )

    def failed(self, resource: int, kind: int) -> float:
        """Log-odds where Access Analyzer could not look: what is known is the resource alone."""
        return (
            self.type_level[kind][1]
            + self.environment_trust[self.environments[resource]][_OWN]
            + self.owner[resource]
        )


_OWN = TRUST["own"]
_NO_HABIT = (TRUST["public"], TRUST["pinned"], TRUST["wide"])


def _seen_class(tags: Mapping[str, str]) -> int:
    """Index of the data class that the tags tell; analysts know no other."""
    for key in catalogue.DATA_CLASS_KEYS:
        if key in tags:
            return catalogue.DATA_CLASSES.index(tags[key].lower())
    return 0
