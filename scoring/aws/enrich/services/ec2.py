"""EBS snapshots."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, first, some, tags
from scoring.aws.sessions import Client


def _ask(ec2: Client, snapshot: Resource) -> Any:
    # Somebody else's snapshot can be described where it is shared, but shows no tags.
    return first(ec2.describe_snapshots(SnapshotIds=[snapshot.id], OwnerIds=["self"])["Snapshots"])


def _snapshot(snapshot: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(snapshot.get("Tags")),
        "encrypted": some(snapshot.get("Encrypted")),
        "description": some(snapshot.get("Description")),
        "created": some(snapshot.get("StartTime")),
    }


SNAPSHOT = Enricher(
    resource_type="AWS::EC2::Snapshot",
    pattern=r"(snap-[0-9a-f]+)",
    bulk_tags="ec2:snapshot",
    lookups=(
        Lookup(
            service="ec2",
            actions=("ec2:DescribeSnapshots",),
            on_any_resource=True,
            facts=("tags", "encrypted", "description", "created"),
            ask=_ask,
            read=_snapshot,
        ),
    ),
)
