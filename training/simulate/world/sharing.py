"""Who is given access by whom: principals, and the sharing relationships that repeat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from training.simulate.world.chance import Weighted
from training.simulate.world.conditions import Condition, draw_condition
from training.simulate.world.description import TRUST, TRUSTS, Account, Principal, Resource, Team
from training.simulate.world.kinds import KIND_INDEX, KINDS, Grant, Kind
from training.simulate.world.principals import build_principals

# How often each trust occurs among relationships that repeat, and among single occurrences.
REPEATED = {
    "own": 0.27, "partner": 0.24, "contracted": 0.16, "vendor": 0.06, "stranger": 0.02, "service": 0.07,
    "pinned": 0.08, "wide": 0.02, "saml": 0.02, "canonical": 0.01, "public": 0.05,
}  # fmt: skip
SINGLE = {
    "own": 0.15, "partner": 0.08, "contracted": 0.07, "vendor": 0.09, "stranger": 0.38, "service": 0.04,
    "pinned": 0.03, "wide": 0.04, "saml": 0.01, "canonical": 0.02, "public": 0.1,
}  # fmt: skip


_TRIES = 50  # for each relationship: the team that was drawn may own nothing that could be shared


@dataclass(frozen=True, slots=True)
class Relationship:
    """A team that shares with a principal again and again."""

    team: int
    principal: int
    resources: tuple[int, ...]
    kind: int  # of its resources, as an index into the table of kinds
    grant: Grant  # the usual one
    condition: Condition
    weight: float
    since: float
    slope: float  # how its weight drifts


@dataclass(frozen=True, slots=True)
class Sharing:
    """All principals and relationships of one organization, for external and for internal findings."""

    principals: tuple[Principal, ...]
    by_trust: Mapping[int, tuple[int, ...]]
    external: tuple[Relationship, ...]
    internal: tuple[Relationship, ...]

    def rewritten(self, rewrite: Callable[[str], str]) -> "Sharing":
        """The same with every text that may hold an account id passed through `rewrite`."""

        def again(relationship: Relationship) -> Relationship:
            items = tuple((key, rewrite(value)) for key, value in relationship.condition.items)
            return replace(relationship, condition=replace(relationship.condition, items=items))

        return replace(
            self,
            principals=tuple(
                replace(principal, value=rewrite(principal.value), account=rewrite(principal.account))
                for principal in self.principals
            ),
            external=tuple(map(again, self.external)),
            internal=tuple(map(again, self.internal)),
        )


def fits(kind: Kind, trust: str) -> bool:
    """Whether a resource of this kind can be shared with a principal of this trust."""
    if not kind.grants:
        return False
    if trust in ("pinned", "wide", "saml"):
        return kind.type == "AWS::IAM::Role"
    if trust == "service":
        return bool(kind.services)
    if trust == "inside":
        return kind.internal
    if trust == "canonical":
        return kind.type == "AWS::S3::Bucket"
    return kind.public or trust != "public"


def build_sharing(
    rng: Random,
    accounts: tuple[Account, ...],
    teams: tuple[Team, ...],
    resources: tuple[Resource, ...],
    organization_id: str,
) -> Sharing:
    """Principals, and relationships whose frequencies follow Zipf's law."""
    principals = build_principals(rng, accounts)
    by_trust = {
        trust: tuple(index for index, principal in enumerate(principals) if principal.trust == trust)
        for trust in range(len(TRUSTS))
    }
    owned: list[dict[str, list[int]]] = [{} for _ in teams]
    numbers = {team.name: number for number, team in enumerate(teams)}
    for index, resource in enumerate(resources):
        owned[numbers[resource.team]].setdefault(resource.type, []).append(index)
    by_weight = Weighted((number, team.weight) for number, team in enumerate(teams))
    owners = _Owners(teams, by_weight, owned, resources)
    count = max(40, min(250, len(resources) // 6))
    trusts = Weighted((TRUST[name], weight) for name, weight in REPEATED.items())
    external: list[Relationship] = []
    internal: list[Relationship] = []
    for found, size in ((external, count), (internal, count // 3)):
        for _ in range(_TRIES * size):
            trust = trusts.draw(rng.random()) if found is external else TRUST["inside"]
            # Zipf's law again: the first of each trust are everybody's partners.
            index = by_trust[trust][int(len(by_trust[trust]) * rng.random() ** 1.7)]
            rank = len(found) / size
            relationship = owners.relationship(rng, index, principals[index], rank, organization_id)
            if relationship is not None:
                found.append(relationship)
            if len(found) == size:
                break
    return Sharing(
        principals=principals, by_trust=by_trust, external=tuple(external), internal=tuple(internal)
    )


@dataclass(frozen=True, slots=True)
class _Owners:
    """Who could share what: the teams and their resources by type."""

    teams: tuple[Team, ...]
    by_weight: Weighted[int]
    owned: list[dict[str, list[int]]]
    resources: tuple[Resource, ...]

    def relationship(
        self, rng: Random, index: int, principal: Principal, rank: float, organization_id: str
    ) -> Relationship | None:
        """A relationship with this principal, or None where the drawn team owns nothing that it could use."""
        number = self.by_weight.draw(rng.random())
        team, owned = self.teams[number], self.owned[number]
        kinds = [kind for kind in KINDS if kind.type in owned and fits(kind, TRUSTS[principal.trust])]
        if not kinds:
            return None
        kind = Weighted((kind, kind.weight) for kind in kinds).draw(rng.random())
        pool = owned[kind.type]
        if principal.trust == TRUST["own"]:  # within one account there is no external access
            pool = [number for number in pool if self.resources[number].account != principal.account]
        if principal.key == "Federated":  # a provider is of one account
            home = self.resources[pool[int(len(pool) * rng.random())]].account
            pool = [number for number in pool if self.resources[number].account == home]
        if not pool:
            return None
        size = min(len(pool), 1 + int(5 * rng.random() ** 2))
        shared = tuple(dict.fromkeys(pool[int(len(pool) * rng.random())] for _ in range(size)))
        appears = max(self.resources[index].since for index in shared)
        return Relationship(
            team=number,
            principal=index,
            resources=shared,
            kind=KIND_INDEX[kind.type],
            grant=Weighted((grant, grant[1]) for grant in kind.grants).draw(rng.random()),
            condition=draw_condition(rng, principal, kind.type, team.name, organization_id),
            weight=1.0 / (1 + rank * 30) ** 1.05,
            since=max(principal.since, appears, round(rng.random(), 3) if rng.random() < 0.05 else 0.0),
            slope=rng.gauss(0, 0.5),
        )
