"""Enrichment: asks AWS for the context of a finding, such as tags, key aliases and accounts.

`enrich` serves one finding, `enrich_many` a backlog; both ask through what `connect` puts together.
`ENRICHERS` is the table of resource types.
"""

from scoring.aws.enrich import bulk, organization
from scoring.aws.enrich.bulk import enrich_many
from scoring.aws.enrich.organization import Organization
from scoring.aws.enrich.resources import ENRICHERS
from scoring.aws.enrich.single import Aws, connect, enrich
from scoring.aws.sessions import Sessions
from scoring.findings.resource_types import TABLE

__all__ = [
    "ALLOWED_ON",
    "ENRICHERS",
    "MEMBER_ACTIONS",
    "OWN_ACTIONS",
    "Aws",
    "Organization",
    "Sessions",
    "connect",
    "enrich",
    "enrich_many",
]


def _allowed_on() -> dict[str, tuple[str, ...]]:
    on: dict[str, dict[str, None]] = {}
    for enricher in ENRICHERS.values():
        pattern = TABLE[enricher.resource_type].arn.replace("{region}", "*") + "*"
        for lookup in enricher.lookups:
            for action in lookup.actions:
                on.setdefault(action, {})["*" if lookup.on_any_resource else pattern] = None
    return {action: tuple(patterns) for action, patterns in on.items()} | dict.fromkeys(bulk.ACTIONS, ("*",))


ALLOWED_ON: dict[str, tuple[str, ...]] = _allowed_on()
"""Each action that asks about resources, and on which it is needed: what follows the partition in their ARNs,
with ``{account}``, or ``*`` where IAM ties the action to no resource."""

_OF_RESOURCES = {action for enricher in ENRICHERS.values() for action in enricher.actions}

MEMBER_ACTIONS: tuple[str, ...] = tuple(sorted(_OF_RESOURCES.union(bulk.ACTIONS)))
"""What the role in a member account must allow."""

OWN_ACTIONS: tuple[str, ...] = tuple(
    sorted({*MEMBER_ACTIONS, *organization.ACTIONS, *organization.BULK_ACTIONS, "sts:AssumeRole"})
)
"""What the account we run in must allow; sts:AssumeRole on the role in the member accounts."""
