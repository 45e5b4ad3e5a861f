"""How the organization changes over the simulated time, in steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.simulate.world.chance import Weighted
from training.simulate.world.description import TRUSTS
from training.simulate.world.kinds import KIND_INDEX, KINDS, Kind
from training.simulate.world.organization import Organization
from training.simulate.world.sharing import Relationship

STEPS = 12


@dataclass(frozen=True, slots=True)
class Epoch:
    """Who and what exists during one step: relationships, and the indexes of everything else."""

    external: Weighted[Relationship]
    internal: Weighted[Relationship]
    principals: Sequence[Sequence[int]]  # by trust
    shareable: Sequence[int]  # resources that an outsider can be given access to
    watched: Sequence[int]  # resources with internal access findings
    entities: Sequence[int]  # IAM roles and users


def build_epochs(organization: Organization, drift: float) -> list[Epoch]:
    """One epoch for each step; with no drift all of them are what the organization becomes in the end."""
    return [
        _epoch(organization, drift, step / STEPS * min(drift, 1.0) if drift else 1.0) for step in range(STEPS)
    ]


def _epoch(organization: Organization, drift: float, now: float) -> Epoch:
    sharing = organization.sharing

    def frequencies(relationships: Sequence[Relationship]) -> Weighted[Relationship]:
        begun = [one for one in relationships if one.since <= now] or relationships
        return Weighted((one, one.weight * max(0.2, 1.0 + drift * one.slope * now)) for one in begun)

    def there(wanted: Callable[[Kind], bool]) -> list[int]:
        return [
            index
            for index, resource in enumerate(organization.resources)
            if resource.since <= now and wanted(KINDS[KIND_INDEX[resource.type]])
        ]

    return Epoch(
        external=frequencies(sharing.external),
        internal=frequencies(sharing.internal),
        principals=[
            [index for index in sharing.by_trust[trust] if sharing.principals[index].since <= now]
            for trust in range(len(TRUSTS))
        ],
        shareable=there(lambda kind: bool(kind.grants)),
        watched=there(lambda kind: kind.internal),
        entities=there(lambda kind: kind.type.startswith("AWS::IAM")),
    )
