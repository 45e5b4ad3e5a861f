"""The stream of records that a synthetic organization leaves behind."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from training.simulate import clock, shapes
from training.simulate.draws import Drawn, Draws
from training.simulate.hostile import spoil
from training.simulate.shapes import Json
from training.simulate.world import catalogue
from training.simulate.world.chance import Weighted, seeded
from training.simulate.world.description import TRUST, Account
from training.simulate.world.organization import Organization

START = "2026-01-05T00:00:00Z"

_SHAPED = {
    "event": (shapes.event,),
    "v1": (shapes.api_v1,),
    "v2": (shapes.api_v2,),
    "mixed": (shapes.event, shapes.api_v1, shapes.api_v2),
}

_SOURCES = {
    "expected": Weighted([("review-link", 0.55), ("cli", 0.15), ("console", 0.3)]),
    "unintended": Weighted([("review-link", 0.5), ("cli", 0.15), ("resolved", 0.35)]),
}
_REFUSED = Weighted(
    [
        ("tags", 0.45),
        ("aliases", 0.1),
        ("principal_account", 0.2),
        ("resource_account", 0.15),
        ("everything", 0.1),
    ]
)
_REACTIVATED = Weighted([("", 0.994), ("person", 0.003), ("undo", 0.002), ("expiry", 0.001)])


class SimulatedRecord(NamedTuple):
    """A record, and what only a simulation can know of it.

    Attributes
    ----------
    record : dict
        `finding`, `context` and, where an analyst decided, `label`, as the project's record has them.
    probability : float
        The true probability that the access is unintended.
    verdict : str
        ``expected`` or ``unintended``: drawn from the probability, before label noise.
    """

    record: dict[str, Any]
    probability: float
    verdict: str


def simulate(
    n: int,
    *,
    seed: int = 0,
    organization: Organization | None = None,
    labelled: float = 0.6,
    backlog: int = 0,
    noise: float = 0.02,
    start: str = START,
    days: float = 365.0,
    drift: float = 0.5,
    rate: float = 0.1,
    unknown: float = 0.02,
    shape: str = "event",
    hostile: bool = False,
) -> Iterator[SimulatedRecord]:
    """Records of a synthetic organization, in the order of time.

    Parameters
    ----------
    n
        How many.
    seed
        Of the stream, and of the organization where none is given. The same arguments give the same bytes.
    organization
        Whose findings these are; streams with different seeds may share one.
    labelled
        Share of the records after the backlog that carry an analyst's verdict, whatever they are about.
    backlog
        So many of the first records carry no verdict: what Access Analyzer already held on the first day.
    noise
        Share of the verdicts that are the wrong way round.
    start, days
        Time of the first record and how long the whole stream takes.
    drift
        0: every record is drawn from the same distribution; 1: accounts, teams, vendors and relationships
        appear over time, frequencies move and the base rate rises.
    rate
        Share of the findings that are unintended when the time begins.
    unknown
        Share of the records with a fact that was refused or never looked up.
    shape
        ``event`` (EventBridge), ``v1`` or ``v2`` (API), or ``mixed``.
    hostile
        Put strings that try to break what shows them into a few names, tags, aliases and conditions.

    Examples
    --------
    >>> first = next(simulate(1, seed=3))
    >>> first.record["finding"]["source"], first.verdict
    ('aws.access-analyzer', 'expected')
    """
    if shape not in _SHAPED:
        raise ValueError(f"shape must be one of {', '.join(_SHAPED)}, got {shape!r}")
    for name, share in (("labelled", labelled), ("noise", noise), ("unknown", unknown), ("rate", rate)):
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"{name} must be between 0 and 1, got {share}")
    if drift < 0:
        raise ValueError(f"drift must not be negative, got {drift}")
    whose = Organization.build(seed) if organization is None else organization
    draws, rng, spoiling = (
        Draws(whose, drift, rate),
        seeded(seed, "stream"),
        seeded(seed, "hostile") if hostile else None,
    )
    first, span = clock.parse(start), days * 86400
    return _records(draws, rng, n, labelled, backlog, noise, first, span, unknown, shape, spoiling)


def _records(
    draws: Draws,
    rng: Random,
    n: int,
    labelled: float,
    backlog: int,
    noise: float,
    start: float,
    span: float,
    unknown: float,
    shape: str,
    hostile: Random | None,
) -> Iterator[SimulatedRecord]:
    rnd, exp = rng.random, math.exp
    accounts = {account.id: account for account in draws.organization.accounts}
    shaped = _SHAPED[shape]
    for number in range(n):
        drawn = draws.draw(rng, number / n, start + (number + rnd()) * span / n)
        probability = 1.0 / (1.0 + exp(-drawn.log_odds))
        unintended = rnd() < probability
        context = _context(drawn, accounts, draws.organization.id, rng)
        if rnd() < unknown:
            _refuse(context, rng)
        drawn.draft.number = number
        record: Json = {"finding": shaped[number % len(shaped)](drawn.draft)}
        if context:
            record["context"] = context
        told = rnd() < labelled
        wrong = rnd() < noise
        if told and number >= backlog:
            record["label"] = _label(rng, unintended is not wrong, drawn.draft.sent)
        if hostile is not None:
            spoil(record, hostile)
        yield SimulatedRecord(record, probability, "unintended" if unintended else "expected")


def _context(drawn: Drawn, accounts: dict[str, Account], organization_id: str, rng: Random) -> Json:
    """All that enrichment would find if nothing were refused."""
    resource = drawn.draft.resource
    account = accounts[resource.account]
    who = _REACTIVATED.draw(rng.random())
    return {
        "tags": dict(resource.tags),
        "aliases": list(resource.aliases),
        "resource_account": {
            "id": account.id,
            "name": account.name,
            "ou": account.ou,
            "tags": dict(account.tags),
            "org_id": organization_id,
        },
        "principal_account": _principal_account(drawn),
        "reactivated_by": {"who": who, "at": clock.seconds(drawn.draft.created)} if who else None,
    }


def _principal_account(drawn: Drawn) -> Json | None:
    principal = drawn.principal
    if principal is None or not principal.account:
        return None
    if principal.trust in _OURS:
        return {"id": principal.account, "in_org": True, "name": principal.name}
    if principal.name:
        return {"id": principal.account, "in_org": False, "vendor": principal.name}
    return {"id": principal.account, "in_org": False}


_OURS = (TRUST["own"], TRUST["inside"])


def _refuse(context: Json, rng: Random) -> None:
    """Make one fact unknown: mostly refused, sometimes never looked up."""
    name = _REFUSED.draw(rng.random())
    if name == "everything":
        context.clear()
        return
    del context[name]
    if rng.random() < 0.85:
        context["unknown"] = {name: "AccessDenied" if rng.random() < 0.8 else "Throttling"}


def _label(rng: Random, unintended: bool, sent: float) -> Json:
    """An analyst's verdict, some hours after the finding."""
    rnd = rng.random
    verdict = "unintended" if unintended else "expected"
    analysts = catalogue.ANALYSTS
    return {
        "verdict": verdict,
        "by": analysts[int(len(analysts) * rnd())],
        "at": clock.seconds(sent + 600 - 64800 * math.log(1.0 - rnd())),
        "source": _SOURCES[verdict].draw(rnd()),
    }
