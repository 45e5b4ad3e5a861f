"""All facts about one finding, within a time budget."""

from collections.abc import Callable, Mapping
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from scoring.aws.enrich.lookup import Facts, Lookup
from scoring.aws.enrich.organization import Organization
from scoring.aws.enrich.resources import ENRICHERS
from scoring.aws.errors import guarded
from scoring.aws.sessions import Clients, Sessions
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, Fact, Unknown
from scoring.findings.finding import Finding

if TYPE_CHECKING:
    import boto3

TIMED_OUT = Unknown("timed out")
UNSUPPORTED = Unknown("resource type not supported")

_FIELDS = ("tags", "aliases", "resource_account", "principal_account")


class Aws(NamedTuple):
    """What enrichment needs of the world: clients, the organization, and the time."""

    sessions: Clients
    organization: Organization
    clock: Callable[[], float]


class Step(NamedTuple):
    """Some facts, and how to find them."""

    facts: tuple[str, ...]
    find: Callable[[], Facts]


def connect(
    session: "boto3.Session",
    *,
    clock: Callable[[], float],
    account: str | None = None,
    role_name: str | None = None,
    external_id: str | None = None,
    ttl: float = 3600.0,
    attempts: int = 3,
) -> Aws:
    """Put together what enrichment needs; no request is made before the first finding.

    Parameters
    ----------
    session : boto3.Session
        Of the account we run in: the organization's management account or a delegated administrator, if
        accounts are to be known.
    clock : callable
        Seconds since the epoch, such as ``time.time``.
    account, role_name, external_id, attempts
        See `Sessions`.
    ttl : float
        Seconds for which what is known of accounts holds.
    """
    sessions = Sessions(
        session,
        clock=clock,
        account=account,
        role_name=role_name,
        external_id=external_id,
        attempts=attempts,
    )
    return Aws(sessions, Organization(sessions, clock=clock, ttl=ttl), clock)


def enrich(
    finding: Finding, aws: Aws, *, vendors: Mapping[str, str] | None = None, deadline: float | None = None
) -> Context:
    """Find out what surrounds a finding. Never raises: what cannot be found out is unknown, with the reason.

    Parameters
    ----------
    vendors : dict, optional
        Account numbers of known vendors, and their names.
    deadline : float, optional
        The moment, by the clock of `aws`, at which whatever is not known yet is unknown ("timed out"), even
        while a request hangs.

    Returns
    -------
    Context
        `reactivated_by` is left as never looked up.
    """
    steps = (*resource_steps(finding, aws), *account_steps(finding, aws, vendors or {}))
    found: dict[str, Fact[Any]] = {name: TIMED_OUT for step in steps for name in step.facts}
    found.update(known_facts(finding.resource_type))

    def work() -> None:
        # What decides comes first; the details, if there is time left.
        for step in sorted(steps, key=lambda step: set(step.facts).isdisjoint(_FIELDS)):
            if deadline is None or aws.clock() < deadline:
                found.update(guarded(step.facts, step.find))

    if deadline is None:
        work()
    else:
        # A request cannot be called off, but nobody has to wait for it.
        worker = Thread(target=work, name="enrich", daemon=True)
        worker.start()
        worker.join(max(0.0, deadline - aws.clock()))
    return context(dict(found))


def context(facts: Facts) -> Context:
    """Sort facts into a context; what has no field of its own is a detail."""
    details = {name: fact for name, fact in facts.items() if name not in _FIELDS}
    return Context(**{name: facts[name] for name in _FIELDS if name in facts}, details=details)


def known_facts(resource_type: str) -> Facts:
    """Return what holds for every resource of a type, without asking."""
    enricher = ENRICHERS.get(resource_type)
    if enricher is None:
        return {"tags": UNSUPPORTED, "aliases": UNSUPPORTED}
    told = {name for lookup in enricher.lookups for name in lookup.facts}
    return {name: fact for name, fact in {"aliases": ABSENT, **enricher.known}.items() if name not in told}


def resource_steps(finding: Finding, aws: Aws) -> tuple[Step, ...]:
    """List the steps that find out about a finding's resource itself."""
    enricher = ENRICHERS.get(finding.resource_type)
    if enricher is None:
        return ()

    def find(lookup: Lookup) -> Facts:
        resource = enricher.resource(finding)
        region = None if enricher.is_global else resource.region
        client = aws.sessions.client(lookup.service, account=resource.account, region=region)
        return lookup.find(client, resource)

    return tuple(Step(lookup.facts, partial(find, lookup)) for lookup in enricher.lookups)


def account_steps(finding: Finding, aws: Aws, vendors: Mapping[str, str]) -> tuple[Step, ...]:
    """List the steps that find out about the accounts that a finding names."""
    organization = aws.organization
    return (
        Step(("resource_account",), lambda: organization.resource_account(finding.account)),
        Step(
            ("principal_account",),
            lambda: {"principal_account": organization.principal_account(finding, vendors)},
        ),
    )
