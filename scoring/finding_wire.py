"""Findings and events as AWS writes them; each field that it documents, with the type that it sends."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from scoring.errors import BadInput

# AWS always names the offset; without one a time would mean something else on each machine.
Time = Annotated[datetime, msgspec.Meta(tz=True)]

Count = Annotated[int, msgspec.Meta(ge=0)]

KINDS = frozenset(
    {
        "externalAccessDetails",
        "internalAccessDetails",
        "unusedPermissionDetails",
        "unusedIamRoleDetails",
        "unusedIamUserAccessKeyDetails",
        "unusedIamUserPasswordDetails",
    }
)
"""The unions of ``findingDetails`` that this version can read."""


class AccessPoint(msgspec.Struct, rename="camel"):
    """The access point that a source names."""

    access_point_arn: str | None = None
    access_point_account: str | None = None


class Source(msgspec.Struct):
    """How the access is granted."""

    type: str
    detail: AccessPoint | None = None


class UnusedAction(msgspec.Struct, rename="camel"):
    """An action that has not been used."""

    action: str
    last_accessed: Time | None = None


class Details(msgspec.Struct, rename="camel"):
    """The members that findings and the unions of ``findingDetails`` share; all of them optional."""

    principal: dict[str, str | list[str]] | None = None
    action: list[str] | None = None
    condition: dict[str, str | list[str]] | None = None
    is_public: bool | None = None
    sources: list[Source] | None = None
    resource_control_policy_restriction: str | None = None
    resource_control_policy_restriction_type: str | None = None
    service_control_policy_restriction: str | None = None
    service_control_policy_restriction_type: str | None = None
    access_type: str | None = None
    principal_type: str | None = None
    principal_owner_account: str | None = None
    last_accessed: Time | None = None
    service_namespace: str | None = None
    access_key_id: str | None = None
    actions: list[UnusedAction] | None = None

    @property
    def is_granting(self) -> bool:
        """Whether this says who is given which access."""
        return bool(self.principal or self.action or self.condition or self.is_public is not None)

    def restrictions(self) -> list[str]:
        """Return what AWS says of control policies; the names differ between events and the API."""
        said = (
            self.resource_control_policy_restriction,
            self.resource_control_policy_restriction_type,
            self.service_control_policy_restriction,
            self.service_control_policy_restriction_type,
        )
        return [restriction for restriction in said if restriction]


class Wire(Details, rename="camel"):
    """A finding of the API, v1 or v2, or the detail of an event."""

    id: str | None = None
    finding_id: str | None = None
    resource: str | None = None
    resource_type: str | None = None
    status: str | None = None
    previous_status: str | None = None
    resource_owner_account: str | None = None
    account_id: str | None = None
    finding_type: str | None = None
    is_deleted: bool | None = None
    error: str | None = None
    analyzer_arn: str | None = None  # where a record keeps an answer of the API
    region: str | None = None
    version: str | None = None
    number_of_unused_services: Count | None = None
    number_of_unused_actions: Count | None = None
    finding_details: list[dict[str, Details]] | None = None
    next_token: str | None = None
    created_at: Time | None = None
    analyzed_at: Time | None = None
    updated_at: Time | None = None


class Event(msgspec.Struct):
    """What EventBridge puts around it."""

    source: str
    detail: dict[str, Any]
    family: str = msgspec.field(name="detail-type")
    resources: list[str] | None = None
    region: str | None = None
    account: str | None = None
    id: str | None = None
    time: str | None = None
    version: str | None = None


class Preview(msgspec.Struct, rename="camel"):
    """The detail of an event about an access preview."""

    access_preview_id: str
    configured_resources: list[str] = []
    status: str = ""
    previous_status: str | None = None
    region: str | None = None
    created_at: Time | None = None
    version: str | None = None


def check_time(time: datetime | None, path: str, name: str) -> None:
    """Raise `BadInput` for a time that no clock of AWS shows, and that other time zones cannot name."""
    if time is not None and not 1970 <= time.year < 9999:
        raise BadInput("expected a time since 1970", field=path + name, value=time)
