"""Terraform plans as ``terraform show -json`` writes them: which resource each changed policy opens.

References
----------
Terraform documentation, "JSON Output Format" (``resource_changes``, ``after_unknown``, ``configuration``);
the AWS provider's pages of the resource types named here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from scoring.files.errors import BadInput
from scoring.findings.facts import Fact
from scoring.findings.planned.cloudformation import of_acl, permission
from scoring.findings.planned.grants import Unresolved
from scoring.findings.planned.planned import Deployment, Place, PlannedPolicy, named, tags_of

_MADE: Final = frozenset({"create", "update"})
_LATER: Final = Unresolved("known after apply")
_INDEX: Final = re.compile(r"\[(?:\"[^\"]*\"|[^\]]*)\]")
_DEPTH: Final = 50


class _Row(NamedTuple):
    """Where a type keeps a policy, and of what.

    Attributes
    ----------
    target : str or None
        The attribute that names the resource; None where the resource carries the policy itself.
    """

    of: str
    policy: str
    target: str | None = None
    source: str = "POLICY"


_BUCKET: Final = "AWS::S3::Bucket"
_POLICIES: Final = {
    "aws_s3_bucket": _Row(_BUCKET, "policy"),
    "aws_s3_bucket_policy": _Row(_BUCKET, "policy", "bucket"),
    "aws_s3_access_point": _Row(_BUCKET, "policy", "bucket", "S3_ACCESS_POINT"),
    "aws_s3control_access_point_policy": _Row(_BUCKET, "policy", "access_point_arn", "S3_ACCESS_POINT"),
    "aws_iam_role": _Row("AWS::IAM::Role", "assume_role_policy"),
    "aws_sqs_queue": _Row("AWS::SQS::Queue", "policy"),
    "aws_sqs_queue_policy": _Row("AWS::SQS::Queue", "policy", "queue_url"),
    "aws_sns_topic": _Row("AWS::SNS::Topic", "policy"),
    "aws_sns_topic_policy": _Row("AWS::SNS::Topic", "policy", "arn"),
    "aws_kms_key": _Row("AWS::KMS::Key", "policy"),
    "aws_kms_external_key": _Row("AWS::KMS::Key", "policy"),
    "aws_kms_replica_key": _Row("AWS::KMS::Key", "policy"),
    "aws_kms_key_policy": _Row("AWS::KMS::Key", "policy", "key_id"),
    "aws_secretsmanager_secret": _Row("AWS::SecretsManager::Secret", "policy"),
    "aws_secretsmanager_secret_policy": _Row("AWS::SecretsManager::Secret", "policy", "secret_arn"),
    "aws_ecr_repository_policy": _Row("AWS::ECR::Repository", "policy", "repository"),
    "aws_efs_file_system_policy": _Row("AWS::EFS::FileSystem", "policy", "file_system_id"),
    "aws_dynamodb_resource_policy": _Row("AWS::DynamoDB::Table", "policy", "resource_arn"),
}
_LISTS: Final = {
    "aws_lambda_permission": ("AWS::Lambda::Function", "function_name"),
    "aws_lambda_layer_version_permission": ("AWS::Lambda::LayerVersion", "layer_name"),
    "aws_s3_bucket_acl": (_BUCKET, "bucket"),
    "aws_kms_grant": ("AWS::KMS::Key", "key_id"),
    "aws_snapshot_create_volume_permission": ("AWS::EC2::Snapshot", "snapshot_id"),
    "aws_db_snapshot": ("AWS::RDS::DBSnapshot", "db_snapshot_identifier"),
    "aws_db_cluster_snapshot": ("AWS::RDS::DBClusterSnapshot", "db_cluster_snapshot_identifier"),
}
# Attributes of a plan under the names that CloudFormation has for them.
_PERMISSION: Final = {
    "principal": "Principal",
    "action": "Action",
    "source_arn": "SourceArn",
    "source_account": "SourceAccount",
    "principal_org_id": "PrincipalOrgID",
    "organization_id": "OrganizationId",
    "function_url_auth_type": "FunctionUrlAuthType",
    "event_source_token": "EventSourceToken",
}
_NAMES: Final = ("arn", "bucket", "name", "function_name")


def is_plan(value: Mapping[str, Any]) -> bool:
    """Say whether this is a plan in JSON."""
    return "resource_changes" in value or ("terraform_version" in value and "planned_values" in value)


def policies_of(
    plan: Mapping[str, Any], file: str, deployment: Deployment
) -> Iterator[PlannedPolicy | BadInput]:
    """Read what the resources that a plan creates or changes open.

    Yields
    ------
    PlannedPolicy or BadInput
        A policy, or what stands in its place and cannot be read.
    """
    changes = plan.get("resource_changes", [])
    if not isinstance(changes, list):
        raise BadInput("expected a list", field="resource_changes", value=changes)
    if plan.get("errored") is True:
        raise BadInput("expected a plan that was made to its end", field="errored", value=True)
    resources = _Resources(plan, changes, deployment)
    for index, change in enumerate(changes):
        field = f"resource_changes[{index}]"
        try:
            yield from _of_change(change, field, file, resources)
        except BadInput as error:
            yield error if error.field else BadInput(error.expected, field=field)


def _of_change(change: object, field: str, file: str, resources: "_Resources") -> Iterator[PlannedPolicy]:
    if not isinstance(change, Mapping):
        raise BadInput("expected an object", field=field, value=change)
    kind, address = str(change.get("type")), change.get("address")
    if change.get("mode", "managed") != "managed" or (kind not in _POLICIES and kind not in _LISTS):
        return
    if not isinstance(address, str) or not address:
        raise BadInput("expected a string that is not empty", field=f"{field}.address", value=address)
    after = _after(change, field)
    if after is None:
        return
    place = Place(file=file, name=address)
    if kind in _LISTS:
        yield from _of_list(kind, after, place, resources)
        return
    row = _POLICIES[kind]
    document = after.get(row.policy)
    if document not in (None, "", "{}"):
        label, tags = resources.target(place.name, row.target, row.of, after)
        yield PlannedPolicy(
            place=place,
            resource=label,
            resource_type=row.of,
            document=document,
            tags=tags,
            source=row.source,
            path=f"{address}.{row.policy}",
        )
    if kind == "aws_s3_bucket" and after.get("acl"):
        yield from of_acl(after["acl"], resources.target(address, None, _BUCKET, after), place)


def _of_list(
    kind: str, after: Mapping[str, Any], place: Place, resources: "_Resources"
) -> Iterator[PlannedPolicy]:
    of, target = _LISTS[kind]
    is_own = kind in ("aws_db_snapshot", "aws_db_cluster_snapshot")
    label, tags = resources.target(place.name, None if is_own else target, of, after)
    if kind == "aws_s3_bucket_acl":
        yield from of_acl(after.get("acl"), (label, tags), place)
        grants = after.get("access_control_policy")
        if grants:
            yield PlannedPolicy(
                place=place,
                resource=label,
                resource_type=of,
                document=Unresolved("an access control list by grants is not read"),
                tags=tags,
                source="BUCKET_ACL",
            )
        return
    if kind.startswith("aws_lambda_"):
        default = "lambda:GetLayerVersion" if "layer" in kind else None
        renamed = {name: after.get(key) for key, name in _PERMISSION.items()}
        document = permission(renamed, default)
    elif kind == "aws_kms_grant":
        is_later = isinstance(after.get("operations"), Unresolved)
        actions: object = _LATER if is_later else [f"kms:{one}" for one in _texts(after, "operations")]
        document = _statement(after.get("grantee_principal"), actions)
    else:
        shared = after.get("account_id") if "volume" in kind else after.get("shared_accounts")
        if not shared:
            return
        listed = [shared] if isinstance(shared, (str, Unresolved)) else shared
        principals = ["*" if one == "all" else one for one in listed]
        action = {"AWS::EC2::Snapshot": "ec2:CreateVolume"}.get(of, "rds:RestoreDBInstanceFromDBSnapshot")
        document = _statement(principals, action)
    yield PlannedPolicy(
        place=place, resource=label, resource_type=of, document=document, tags=tags, path=place.name
    )


def _statement(principal: object, action: object) -> dict[str, Any]:
    named_as = {"AWS": principal} if principal is not None else _LATER
    return {"Statement": [{"Effect": "Allow", "Principal": named_as, "Action": action}]}


def _texts(after: Mapping[str, Any], name: str) -> list[str]:
    listed = after.get(name)
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _after(change: Mapping[str, Any], field: str) -> dict[str, Any] | None:
    """Return a resource's attributes after the change, unknown ones `Unresolved`; None for no change."""
    made = change.get("change")
    if not isinstance(made, Mapping) or not isinstance(made.get("actions"), list):
        raise BadInput("expected an object with actions", field=f"{field}.change", value=made)
    if not _MADE.intersection(one for one in made["actions"] if isinstance(one, str)):
        return None
    after = made.get("after")
    if after is not None and not isinstance(after, Mapping):
        raise BadInput("expected an object", field=f"{field}.change.after", value=after)
    merged = _merged(after or {}, made.get("after_unknown") or {}, 0)
    if not isinstance(merged, dict):
        raise BadInput("expected an object", field=f"{field}.change.after_unknown")
    return merged


def _merged(after: object, unknown: object, depth: int) -> Any:
    """Put `Unresolved` where the plan says that a value, or a part of it, is not known."""
    if unknown is True:
        return _LATER
    if depth > _DEPTH or not unknown:
        return after
    if isinstance(unknown, Mapping):
        known = after if isinstance(after, Mapping) else {}
        return {key: _merged(known.get(key), unknown.get(key), depth + 1) for key in {**known, **unknown}}
    if isinstance(unknown, list):
        listed = after if isinstance(after, list) else []
        most = max(len(listed), len(unknown))
        pairs = ((listed[i] if i < len(listed) else None, unknown[i : i + 1]) for i in range(most))
        return [_merged(one, part[0] if part else None, depth + 1) for one, part in pairs]
    return after


class _Resources:
    """The resources of a plan by address, and what the configuration says that a policy is of."""

    def __init__(self, plan: Mapping[str, Any], changes: list[Any], deployment: Deployment) -> None:
        self.deployment = deployment
        self._changes = {
            change["address"]: change
            for change in changes
            if isinstance(change, Mapping) and isinstance(change.get("address"), str)
        }
        self._configured: dict[str, Mapping[str, Any]] = {}
        configuration = plan.get("configuration")
        if isinstance(configuration, Mapping):
            self._read(configuration.get("root_module"), "", 0)

    def _read(self, module: object, prefix: str, depth: int) -> None:
        if not isinstance(module, Mapping) or depth > _DEPTH:
            return
        for resource in _objects(module.get("resources")):
            expressions = resource.get("expressions")
            if isinstance(resource.get("address"), str) and isinstance(expressions, Mapping):
                self._configured[prefix + resource["address"]] = expressions
        calls = module.get("module_calls")
        if isinstance(calls, Mapping):
            for name, call in calls.items():
                inner = call.get("module") if isinstance(call, Mapping) else None
                self._read(inner, f"{prefix}module.{name}.", depth + 1)

    def target(
        self, address: str, attribute: str | None, kind: str, after: Mapping[str, Any]
    ) -> tuple[str, Fact[dict[str, str]]]:
        """Name the resource that a policy is of, and return its tags where the plan has them."""
        if attribute is None:
            return self._described(kind, address, after)
        referred = self._referred(address, attribute)
        change = self._changes.get(referred) if referred else None
        if change is not None:
            made = change.get("change")
            values = made.get("after") if isinstance(made, Mapping) else None
            unknown = made.get("after_unknown") if isinstance(made, Mapping) else None
            merged = _merged(values or {}, unknown or {}, 0)
            if isinstance(merged, Mapping):
                return self._described(kind, str(referred), merged)
        said = after.get(attribute)
        text = said if isinstance(said, str) and said else None
        if text and text.startswith("https://"):
            text = text.rstrip("/").rsplit("/", 1)[-1]
        return named(kind, text, referred or text or address, self.deployment), tags_of(
            Unresolved("not in this plan")
        )

    def _described(
        self, kind: str, address: str, values: Mapping[str, Any]
    ) -> tuple[str, Fact[dict[str, str]]]:
        name = next((values[key] for key in _NAMES if isinstance(values.get(key), str) and values[key]), None)
        if kind in ("AWS::KMS::Key", "AWS::EFS::FileSystem") and name and not name.startswith("arn:"):
            name = None
        # tags_all has the provider's default tags too.
        return named(kind, name, address, self.deployment), tags_of(
            values.get("tags_all", values.get("tags"))
        )

    def _referred(self, address: str, attribute: str) -> str | None:
        """Return the address of the one resource that the configuration names there."""
        prefix = address.removesuffix(_own_address(address))
        expressions = self._configured.get(_INDEX.sub("", address), {})
        said = expressions.get(attribute)
        references = said.get("references") if isinstance(said, Mapping) else None
        if not isinstance(references, list):
            return None
        found = [r for r in references if isinstance(r, str) and f"{prefix}{r}" in self._changes]
        return f"{prefix}{found[0]}" if len(set(found)) == 1 else None


def _own_address(address: str) -> str:
    """Return an address without its modules: ``module.a["x.y"].aws_s3_bucket.b`` -> ``aws_s3_bucket.b``."""
    found = re.match(r"(?:module\.[^.\[]+(?:\[(?:\"[^\"]*\"|[^\]]*)\])?\.)*", address)
    return address[found.end() :] if found else address


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
