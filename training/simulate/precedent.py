"""How often a team shares with a principal, and what that says about the next time."""

import math
from collections.abc import Sequence

from training.simulate.world.description import TRUST, Principal
from training.simulate.world.kinds import KINDS
from training.simulate.world.sharing import SINGLE, Relationship, Sharing, fits

Pair = tuple[int, int, str]  # team, principal, and the subject where that tells who it really is

REPEATED_SHARE = 0.8  # share of external and internal findings that come from a relationship
NEVER_SEEN_SHARE = 0.85  # share of the strangers outside relationships that occur only once

_NEW = 1.5  # log-odds of access between two who never share
_USUAL = -1.9  # of access between two who share all the time
_RARE, _OFTEN = 0.7, 6.0  # how often a pair occurs in 5,000 findings where _NEW and _USUAL are reached


class Precedent:
    """The log-odds that the history of a pair adds: linear in the logarithm of how often it occurs.

    Parameters
    ----------
    sharing
        Whose pairs.
    external_teams, internal_teams
        Of each resource that can be shared in this way: its team's index, and that of its kind.
    external_share, internal_share
        How large a part of all findings each family is.
    """

    def __init__(
        self,
        sharing: Sharing,
        external_teams: Sequence[tuple[int, int]],
        internal_teams: Sequence[tuple[int, int]],
        external_share: float,
        internal_share: float,
    ) -> None:
        expected: dict[Pair, float] = {}
        for pair, share in _repeated(sharing.external, sharing.principals):
            expected[pair] = expected.get(pair, 0.0) + share * external_share
        for pair, share in _repeated(sharing.internal, sharing.principals):
            expected[pair] = expected.get(pair, 0.0) + share * internal_share
        for pair, share in _single_external(sharing, external_teams):
            expected[pair] = expected.get(pair, 0.0) + share * external_share
        insiders = sharing.by_trust[TRUST["inside"]]
        share = (1 - REPEATED_SHARE) / len(internal_teams) / len(insiders) * internal_share
        for team, _ in internal_teams:
            for index in insiders:
                expected[team, index, ""] = expected.get((team, index, ""), 0.0) + share
        self._effects = {pair: _effect(5000 * share) for pair, share in expected.items()}

    def effect(self, team: int, principal: int, subject: str) -> float:
        """Log-odds that this pair's history adds."""
        return self._effects.get((team, principal, subject), _NEW)


def subject_of(principal: Principal, condition: Sequence[tuple[str, str]]) -> str:
    """Who a federated principal really is; empty for all others."""
    return condition[0][1] if principal.key == "Federated" and condition else ""


def _repeated(
    relationships: Sequence[Relationship], principals: Sequence[Principal]
) -> list[tuple[Pair, float]]:
    total = math.fsum(one.weight for one in relationships)
    return [
        (
            (one.team, one.principal, subject_of(principals[one.principal], one.condition.items)),
            REPEATED_SHARE * one.weight / total,
        )
        for one in relationships
    ]


def _single_external(sharing: Sharing, resources: Sequence[tuple[int, int]]) -> list[tuple[Pair, float]]:
    """Pairs outside relationships; a federated principal has a new subject each time."""
    of_trust: dict[tuple[int, int], float] = {}
    for team, kind in resources:
        fitting = {name: weight for name, weight in SINGLE.items() if fits(KINDS[kind], name)}
        total = math.fsum(fitting.values())
        for name, weight in fitting.items():
            key = team, TRUST[name]
            of_trust[key] = of_trust.get(key, 0.0) + weight / total / len(resources)
    found: list[tuple[Pair, float]] = []
    for (team, trust), share in of_trust.items():
        candidates = sharing.by_trust[trust]
        kept = share * (1 - REPEATED_SHARE) * (1 - NEVER_SEEN_SHARE if trust == TRUST["stranger"] else 1.0)
        found += [
            ((team, index, ""), kept / len(candidates))
            for index in candidates
            if sharing.principals[index].key != "Federated"
        ]
    return found


def _effect(times: float) -> float:
    if times <= _RARE:
        return _NEW
    if times >= _OFTEN:
        return _USUAL
    return _NEW + (_USUAL - _NEW) * math.log(times / _RARE) / math.log(_OFTEN / _RARE)
