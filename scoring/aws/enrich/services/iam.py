"""IAM roles and users. GetRole and GetUser give the tags too, all of them: there are no further pages."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, some, tags
from scoring.aws.sessions import Client


def _role(role: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(role.get("Tags")),
        "path": some(role["Path"]),
        "description": some(role.get("Description")),
        "last_used": some(role.get("RoleLastUsed", {}).get("LastUsedDate")),
    }


def _user(user: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(user.get("Tags")),
        "path": some(user["Path"]),
        "password_last_used": some(user.get("PasswordLastUsed")),
    }


def _ask_access_keys(iam: Client, user: Resource) -> Any:
    return iam.get_paginator("list_access_keys").paginate(UserName=user.id).build_full_result()


def _access_keys(response: Mapping[str, Any]) -> Facts:
    keys = response["AccessKeyMetadata"]
    shown = [f"{key['AccessKeyId']} {key['Status']}, created {key['CreateDate']:%Y-%m-%d}" for key in keys]
    return {"access_keys": some(shown)}


ROLE = Enricher(
    resource_type="AWS::IAM::Role",
    pattern=r"(?:.*/)?([\w+=,.@-]+)",
    is_global=True,
    lookups=(
        Lookup(
            service="iam",
            actions=("iam:GetRole",),
            facts=("tags", "path", "description", "last_used"),
            ask=lambda iam, role: iam.get_role(RoleName=role.id)["Role"],
            read=_role,
        ),
    ),
)

USER = Enricher(
    resource_type="AWS::IAM::User",
    pattern=r"(?:.*/)?([\w+=,.@-]+)",
    is_global=True,
    lookups=(
        Lookup(
            service="iam",
            actions=("iam:GetUser",),
            facts=("tags", "path", "password_last_used"),
            ask=lambda iam, user: iam.get_user(UserName=user.id)["User"],
            read=_user,
        ),
        Lookup(
            service="iam",
            actions=("iam:ListAccessKeys",),
            facts=("access_keys",),
            ask=_ask_access_keys,
            read=_access_keys,
        ),
    ),
)
