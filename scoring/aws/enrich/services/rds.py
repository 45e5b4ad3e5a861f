"""Snapshots of RDS databases and of Aurora clusters."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, first, some, tags
from scoring.aws.sessions import Client

_FACTS = ("tags", "encrypted", "database", "engine")


def _ask_snapshot(rds: Client, snapshot: Resource) -> Any:
    return first(rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot.id)["DBSnapshots"])


def _ask_cluster_snapshot(rds: Client, snapshot: Resource) -> Any:
    found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot.id)
    return first(found["DBClusterSnapshots"])


def _snapshot(snapshot: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(snapshot.get("TagList")),
        "encrypted": some(snapshot.get("Encrypted")),
        "database": some(snapshot.get("DBInstanceIdentifier")),
        "engine": some(snapshot.get("Engine")),
    }


def _cluster_snapshot(snapshot: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(snapshot.get("TagList")),
        "encrypted": some(snapshot.get("StorageEncrypted")),
        "database": some(snapshot.get("DBClusterIdentifier")),
        "engine": some(snapshot.get("Engine")),
    }


DB_SNAPSHOT = Enricher(
    resource_type="AWS::RDS::DBSnapshot",
    pattern=r"([\w:.-]+)",
    bulk_tags="rds:snapshot",
    lookups=(
        Lookup(
            service="rds",
            actions=("rds:DescribeDBSnapshots",),
            facts=_FACTS,
            ask=_ask_snapshot,
            read=_snapshot,
        ),
    ),
)

DB_CLUSTER_SNAPSHOT = Enricher(
    resource_type="AWS::RDS::DBClusterSnapshot",
    pattern=r"([\w:.-]+)",
    bulk_tags="rds:cluster-snapshot",
    lookups=(
        Lookup(
            service="rds",
            actions=("rds:DescribeDBClusterSnapshots",),
            facts=_FACTS,
            ask=_ask_cluster_snapshot,
            read=_cluster_snapshot,
        ),
    ),
)
