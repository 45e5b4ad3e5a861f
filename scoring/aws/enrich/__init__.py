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

__all__ = [
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

_OF_RESOURCES = {action for enricher in ENRICHERS.values() for action in enricher.actions}

MEMBER_ACTIONS: tuple[str, ...] = tuple(sorted(_OF_RESOURCES.union(bulk.ACTIONS)))
"""What the role in a member account must allow."""

OWN_ACTIONS: tuple[str, ...] = tuple(
    sorted({*MEMBER_ACTIONS, *organization.ACTIONS, *organization.BULK_ACTIONS, "sts:AssumeRole"})
)
"""What the account we run in must allow; sts:AssumeRole on the role in the member accounts."""
