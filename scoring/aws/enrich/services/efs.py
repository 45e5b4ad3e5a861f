"""EFS file systems."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, first, some, tags


def _file_system(system: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(system.get("Tags")),
        "encrypted": some(system.get("Encrypted")),
        "name": some(system.get("Name")),
    }


FILE_SYSTEM = Enricher(
    resource_type="AWS::EFS::FileSystem",
    pattern=r"(fs-[0-9a-f]+)",
    bulk_tags="elasticfilesystem:file-system",
    lookups=(
        Lookup(
            service="efs",
            actions=("elasticfilesystem:DescribeFileSystems",),
            facts=("tags", "encrypted", "name"),
            ask=lambda efs, system: first(efs.describe_file_systems(FileSystemId=system.id)["FileSystems"]),
            read=_file_system,
        ),
    ),
)
