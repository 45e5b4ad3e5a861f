"""The true log-odds that a finding is unintended access: what a perfect analyst would know.

A sum of parts that an analyst would name (trust, access level, environment, data class, conditions), of their
interactions, and of habits of one team or one principal (normal, drawn once for an organization). What the
history of a pair adds stands in `precedent`.
"""

from collections.abc import Mapping

from training.simulate.world import catalogue
from training.simulate.world.chance import seeded
from training.simulate.world.conditions import CONDITION, CONDITIONS
from training.simulate.world.description import TRUST, TRUSTS
from training.simulate.world.kinds import KINDS
from training.simulate.world.organization import Organization

SHIFT = 0.5  # how far the base rate drifts over the simulated time

_TRUST = {
    "own": -1.2, "inside": -1.2, "partner": -0.5, "contracted": -0.5, "vendor": 0.6, "stranger": 1.5,
    "service": -0.5, "pinned": -0.6, "wide": 1.2, "saml": -0.7, "canonical": 0.6, "public": 1.8,
}  # fmt: skip
_LEVEL = (-1.1, -0.2, 0.1, 0.5, 1.8)
_ENVIRONMENT = {"prod": 0.5, "staging": 0.0, "dev": -0.6, "sandbox": -0.6, "shared": 0.3}
_DATA_CLASS = {"none": 0.2, "public": -0.9, "internal": -0.1, "confidential": 0.8, "restricted": 1.0}
_CONDITION = {
    "none": 0.25, "organization": -1.7, "source-arn": -0.9, "source-account": -0.7, "ip-narrow": -0.9,
    "ip-wide": 0.35, "external-id": -0.9, "vpce": -0.9, "principal-arn": -0.7, "subject": 0.0,
}  # fmt: skip
_TYPE = {
    "AWS::SecretsManager::Secret": 0.5, "AWS::EC2::Snapshot": 0.5, "AWS::RDS::DBSnapshot": 0.5,
    "AWS::RDS::DBClusterSnapshot": 0.5, "AWS::KMS::Key": 0.1, "AWS::SNS::Topic": -0.35,
    "AWS::SQS::Queue": -0.25, "AWS::ECR::Repository": -0.3, "AWS::Lambda::LayerVersion": -0.3,
}  # fmt: skip
# A service that no condition pins acts for anybody's resource (the confused deputy). What a control policy
# blocks is not among a finding's actions, so that a policy was applied says nothing more.
_UNPINNED = 0.8
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
    "UnusedIAMRole": -1.4, "UnusedIAMUserAccessKey": 1.2, "UnusedIAMUserPassword": 0.7,
    "UnusedPermission": -2.2,
}  # fmt: skip

_UNUSED_ENVIRONMENT = {"prod": 1.1, "staging": 0.0, "dev": -0.8, "sandbox": -1.3, "shared": 0.8}


class Truth:
    """The tables of one organization."""

    def __init__(self, organization: Organization) -> None:
        rng = seeded(organization.seed, "truth")
        gauss = rng.gauss
        self.type_level = [
            [_TYPE.get(kind.type, 0.0) + level + gauss(0, 0.1) for level in _LEVEL] for kind in KINDS
        ]
        self.trust_level = [
            [_TRUST[trust] + _TRUST_AND_LEVEL.get((trust, level), 0.0) + gauss(0, 0.1) for level in range(5)]
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
        self.unused_environment = [_UNUSED_ENVIRONMENT[name] for name in catalogue.ENVIRONMENTS]
        teams = {team.name: gauss(0, 0.3) for team in organization.teams}
        accounts = {account.id: gauss(0, 0.1) for account in organization.accounts}
        self.owner = [
            teams[resource.team]
            + accounts[resource.account]
            + (-0.35 if "ManagedBy" in resource.tags else 0.35)
            + (-1.2 if "IsAllowedToShare" in resource.tags else 0.0)
            + (-1.0 if "Purpose" in resource.tags else 0.0)
            for resource in organization.resources
        ]
        self.principal = [
            0.25 * principal.effect if principal.trust not in _NO_HABIT else 0.0
            for principal in organization.sharing.principals
        ]
        self.environments = [
            catalogue.ENVIRONMENTS.index(resource.environment) for resource in organization.resources
        ]
        self.data_classes = [_seen_class(resource.tags) for resource in organization.resources]

    def shared(
        self,
        resource: int,
        kind: int,
        trust: int,
        level: int,
        condition: int,
        principal: int,
    ) -> float:
        """Log-odds of external or internal access, without precedent; `principal` -1 is one never seen."""
        return (
            self.type_level[kind][level]
            + self.trust_level[trust][level]
            + self.environment_trust[self.environments[resource]][trust]
            + self.data_trust[self.data_classes[resource]][trust]
            + self.owner[resource]
            + self.condition[condition]
            + (_UNPINNED if trust == _SERVICE and condition == _NO_CONDITION else 0.0)
            + (self.principal[principal] if principal >= 0 else 0.0)
        )

    def unused(self, resource: int, finding_type: str, services: int) -> float:
        """Log-odds that access which nobody uses should be taken away."""
        volume = 0.0 if not services else -1.0 if services < 5 else 0.2 if services < 20 else 1.5
        return (
            _UNUSED[finding_type]
            + self.unused_environment[self.environments[resource]]
            + self.owner[resource]
            + volume
        )

    def failed(self, resource: int, kind: int) -> float:
        """Log-odds of a finding that Access Analyzer could not analyze: only the resource itself counts."""
        return (
            self.type_level[kind][1]
            + self.environment_trust[self.environments[resource]][_OWN]
            + self.owner[resource]
        )


_OWN, _SERVICE, _NO_CONDITION = TRUST["own"], TRUST["service"], CONDITION["none"]
_NO_HABIT = (TRUST["public"], TRUST["pinned"], TRUST["wide"])


def _seen_class(tags: Mapping[str, str]) -> int:
    """Index of the data class that the tags tell; analysts know no other."""
    for key in catalogue.DATA_CLASS_KEYS:
        if key in tags:
            return catalogue.DATA_CLASSES.index(tags[key].lower())
    return 0
