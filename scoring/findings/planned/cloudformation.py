"""CloudFormation templates: which resource each policy opens, with functions resolved as far as known.

A parameter's default is not what will be deployed: a parameter counts only where its value is given. What
cannot be resolved stays `Unresolved`, and counts as the worst.

References
----------
AWS CloudFormation User Guide, "Template reference": the properties named in `_POLICIES`; "Intrinsic function
reference".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from scoring.files.errors import BadInput
from scoring.findings.facts import Fact, Unknown
from scoring.findings.planned.grants import OWN_ACCOUNT, Unresolved
from scoring.findings.planned.planned import Deployment, Place, PlannedPolicy, named, tags_of

_REFERENCE: Final = re.compile(r"\$\{(!?)([^}]*)\}")
_DROPPED: Final = object()  # AWS::NoValue
_MOST_VALUES: Final = 2_000_000


class _Row(NamedTuple):
    """Where a type keeps a policy, and of what."""

    of: str
    policy: str
    target: str | None = None
    name: str | None = None
    source: str = "POLICY"


_BUCKET, _ROLE, _TABLE = "AWS::S3::Bucket", "AWS::IAM::Role", "AWS::DynamoDB::Table"
_POLICIES: Final[dict[str, tuple[_Row, ...]]] = {
    "AWS::S3::BucketPolicy": (_Row(_BUCKET, "PolicyDocument", "Bucket"),),
    "AWS::S3::AccessPoint": (_Row(_BUCKET, "Policy", "Bucket", source="S3_ACCESS_POINT"),),
    "AWS::S3Express::BucketPolicy": (_Row("AWS::S3Express::DirectoryBucket", "PolicyDocument", "Bucket"),),
    "AWS::IAM::Role": (_Row(_ROLE, "AssumeRolePolicyDocument", name="RoleName"),),
    "AWS::SQS::QueuePolicy": (_Row("AWS::SQS::Queue", "PolicyDocument", "Queues"),),
    "AWS::SQS::QueueInlinePolicy": (_Row("AWS::SQS::Queue", "PolicyDocument", "Queue"),),
    "AWS::SNS::TopicPolicy": (_Row("AWS::SNS::Topic", "PolicyDocument", "Topics"),),
    "AWS::SNS::TopicInlinePolicy": (_Row("AWS::SNS::Topic", "PolicyDocument", "TopicArn"),),
    "AWS::KMS::Key": (_Row("AWS::KMS::Key", "KeyPolicy"),),
    "AWS::KMS::ReplicaKey": (_Row("AWS::KMS::Key", "KeyPolicy"),),
    "AWS::SecretsManager::ResourcePolicy": (
        _Row("AWS::SecretsManager::Secret", "ResourcePolicy", "SecretId"),
    ),
    "AWS::ECR::Repository": (_Row("AWS::ECR::Repository", "RepositoryPolicyText", name="RepositoryName"),),
    "AWS::EFS::FileSystem": (_Row("AWS::EFS::FileSystem", "FileSystemPolicy"),),
    "AWS::DynamoDB::Table": (
        _Row(_TABLE, "ResourcePolicy.PolicyDocument", name="TableName"),
        _Row("AWS::DynamoDB::Stream", "StreamSpecification.ResourcePolicy.PolicyDocument"),
    ),
    "AWS::DynamoDB::GlobalTable": (
        _Row(_TABLE, "Replicas[].ResourcePolicy.PolicyDocument", name="TableName"),
        _Row("AWS::DynamoDB::Stream", "Replicas[].ReplicaStreamSpecification.ResourcePolicy.PolicyDocument"),
    ),
}
# Whose ARNs name the account and region of the stack; those of buckets name neither.
_SERVICES: Final = {
    "AWS::Events::Rule": "events",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::Lambda::Function": "lambda",
    "AWS::Logs::LogGroup": "logs",
    "AWS::StepFunctions::StateMachine": "states",
}
_LISTS: Final = {"AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission", "AWS::S3::Bucket"}
_NAMES: Final = {
    _BUCKET: "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::S3Express::DirectoryBucket": "BucketName",
}
ACLS: Final = {
    "publicread": ("*", ("s3:ListBucket",)),
    "publicreadwrite": ("*", ("s3:ListBucket", "s3:PutObject", "s3:DeleteObject")),
    "authenticatedread": ("*", ("s3:ListBucket",)),
}
"""Canned ACLs that open a bucket, in small letters without hyphens: to whom, with which actions.

"Authenticated" is everyone who has any AWS account.
"""


def is_template(value: Mapping[str, Any]) -> bool:
    """Say whether this is a CloudFormation template."""
    return isinstance(value.get("Resources"), Mapping) or "AWSTemplateFormatVersion" in value


def policies_of(
    template: Mapping[str, Any], file: str, text: str, deployment: Deployment
) -> Iterator[PlannedPolicy | BadInput]:
    """Read what a template's resources open.

    Parameters
    ----------
    template : mapping
        Decoded, in the long form of the intrinsic functions.
    file : str
        Its name.
    text : str
        As it stands in the file, to find lines.

    Yields
    ------
    PlannedPolicy or BadInput
        A policy, or what stands in its place and cannot be read.
    """
    resources = template.get("Resources")
    if not isinstance(resources, Mapping):
        raise BadInput("expected an object", field="Resources", value=resources)
    if template.get("Transform") is not None:
        yield BadInput(
            "is not read: macros write resources that are not here; check the template that they make "
            "(aws cloudformation get-template --template-stage Processed)",
            field="Transform",
        )
    values = _Values(template, deployment)
    lines = _Lines(text)
    for name, resource in resources.items():
        field = f"Resources.{name}"
        if name.startswith("Fn::") or not isinstance(resource, Mapping):
            expected = "is not read: a loop or macro makes resources that are not here; check what it makes"
            yield BadInput(expected if name.startswith("Fn::") else "expected an object", field=field)
            continue
        kind = str(resource.get("Type"))
        if kind not in _POLICIES and kind not in _LISTS:
            continue
        try:
            properties = values.resolve(resource.get("Properties", {}))
            if not isinstance(properties, Mapping):
                raise BadInput("expected an object", field=f"{field}.Properties", value=properties)
            place = Place(file=file, name=name, line=lines.of(name))
            raw = resource.get("Properties")
            yield from _of_resource(kind, properties, raw if isinstance(raw, Mapping) else {}, place, values)
        except BadInput as error:
            yield error if error.field else BadInput(error.expected, field=field)


def _of_resource(
    kind: str, properties: Mapping[str, Any], raw: Mapping[str, Any], place: Place, values: "_Values"
) -> Iterator[PlannedPolicy]:
    deployment = values.deployment
    base = f"Resources.{place.name}.Properties"
    if kind == "AWS::S3::Bucket":
        yield from of_acl(
            properties.get("AccessControl"), values.target({"Ref": place.name}, kind, None), place
        )
    elif kind in _LISTS:
        layer = kind.endswith("LayerVersionPermission")
        of, target = (
            ("AWS::Lambda::LayerVersion", "LayerVersionArn")
            if layer
            else ("AWS::Lambda::Function", "FunctionName")
        )
        label, tags = values.target(raw.get(target), of, properties.get(target))
        opened = permission(properties, default="lambda:GetLayerVersion" if layer else None)
        yield PlannedPolicy(
            place=place, resource=label, resource_type=of, document=opened, tags=tags, path=base
        )
    for row in _POLICIES.get(kind, ()):
        for path, document in _at(properties, row.policy.split("."), base):
            if row.target is None:
                label = named(row.of, properties.get(row.name) if row.name else None, place.name, deployment)
                targets = [(label, _tags(properties))]
            else:
                said = raw.get(row.target)
                known = properties.get(row.target)
                if isinstance(said, list) and isinstance(known, list) and len(said) == len(known):
                    targets = [values.target(a, row.of, b) for a, b in zip(said, known, strict=True)]
                else:
                    targets = [values.target(said, row.of, known)]
            for label, tags in targets:
                yield PlannedPolicy(
                    place=place,
                    resource=label,
                    resource_type=row.of,
                    document=document,
                    tags=tags,
                    source=row.source,
                    path=path,
                )


def of_acl(acl: object, target: tuple[str, Fact[dict[str, str]]], place: Place) -> Iterator[PlannedPolicy]:
    """Read a bucket's canned ACL as the policy that it stands for."""
    if acl is None:
        return
    document: object = acl
    if isinstance(acl, str):
        opened = ACLS.get(acl.replace("-", "").lower())
        if opened is None:
            return
        principal, actions = opened
        document = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": list(actions)}]}
    elif not isinstance(acl, Unresolved):
        raise BadInput("expected the name of an ACL", field=f"Resources.{place.name}", value=acl)
    label, tags = target
    yield PlannedPolicy(
        place=place,
        resource=label,
        resource_type=_BUCKET,
        document=document,
        tags=tags,
        source="BUCKET_ACL",
        path=f"Resources.{place.name}.Properties.AccessControl",
    )


def permission(properties: Mapping[str, Any], default: str | None = None) -> dict[str, Any]:
    """Write one permission of a function or layer as the policy that it stands for.

    Parameters
    ----------
    properties : mapping
        With the names of ``AWS::Lambda::Permission`` or ``AWS::Lambda::LayerVersionPermission``.
    """
    said = properties.get("Principal")
    is_service = isinstance(said, str) and said.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    kind = "Service" if is_service else "AWS"
    conditions: dict[str, Any] = {}
    for name, operator, key in (
        ("SourceArn", "ArnLike", "aws:SourceArn"),
        ("SourceAccount", "StringEquals", "aws:SourceAccount"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("OrganizationId", "StringEquals", "aws:PrincipalOrgID"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ):
        if properties.get(name) not in (None, ""):
            conditions.setdefault(operator, {})[key] = properties[name]
    action = properties.get("Action") or default
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": said if said == "*" or isinstance(said, Unresolved) else {kind: said},
        "Action": action,
    }
    if conditions:
        statement["Condition"] = conditions
    return {"Statement": [statement]}


def _at(value: object, path: list[str], field: str) -> Iterator[tuple[str, object]]:
    """Follow dotted names; ``[]`` behind one is each of a list."""
    if value is None:
        return
    if not path or isinstance(value, Unresolved):
        yield field, value
        return
    if not isinstance(value, Mapping):
        raise BadInput("expected an object", field=field, value=value)
    name = path[0].removesuffix("[]")
    inner = value.get(name)
    if path[0].endswith("[]") and isinstance(inner, list):
        for index, one in enumerate(inner):
            yield from _at(one, path[1:], f"{field}.{name}[{index}]")
    else:
        yield from _at(inner, path[1:], f"{field}.{name}")


class _Values:
    """Resolves intrinsic functions, each value once."""

    def __init__(self, template: Mapping[str, Any], deployment: Deployment) -> None:
        self.deployment = deployment
        self.resources: Mapping[str, Any] = template["Resources"]
        mappings = template.get("Mappings")
        self.mappings: Mapping[str, Any] = mappings if isinstance(mappings, Mapping) else {}
        self.left = _MOST_VALUES

    def resolve(self, value: object) -> Any:
        found = self._resolve(value)
        return None if found is _DROPPED else found

    def target(self, said: object, kind: str, known: object) -> tuple[str, Fact[dict[str, str]]]:
        """Name the resource that a policy is of, and return its tags where it stands in the template."""
        name = self._logical_id(said)
        resource = self.resources.get(name) if name else None
        if isinstance(resource, Mapping):
            properties = self.resolve(resource.get("Properties", {}))
            if isinstance(properties, Mapping):
                label = named(kind, properties.get(_NAMES.get(kind, "")), str(name), self.deployment)
                return label, _tags(properties)
        text = known if isinstance(known, str) and OWN_ACCOUNT not in known else None
        if kind == "AWS::SQS::Queue" and text and text.startswith("https://"):
            text = text.rsplit("/", 1)[-1]
        label = named(kind, text, name or text or kind, self.deployment)
        return label, tags_of(Unresolved("not in this template"))

    def _logical_id(self, said: object) -> str | None:
        """Return the resource of the template that a value refers to."""
        if not isinstance(said, Mapping) or len(said) != 1:
            return None
        [(function, argument)] = said.items()
        if function == "Fn::GetAtt":
            argument = argument.split(".", 1)[0] if isinstance(argument, str) else argument
            argument = argument[0] if isinstance(argument, list) and argument else argument
        if function in ("Ref", "Fn::GetAtt") and isinstance(argument, str):
            return argument if argument in self.resources else None
        return None

    def _resolve(self, value: object) -> Any:
        self.left -= 1
        if self.left < 0:
            raise BadInput(f"expected at most {_MOST_VALUES:,} values")
        if isinstance(value, list):
            return [one for one in map(self._resolve, value) if one is not _DROPPED]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument)
        pairs = [(key, self._resolve(inner)) for key, inner in value.items()]
        return {key: inner for key, inner in pairs if inner is not _DROPPED}

    def _function(self, name: str, argument: object) -> Any:
        unresolved = Unresolved(f"{name} {_shown(argument)}")
        if name == "Ref":
            found = self._reference(argument)
            return unresolved if found is None else found
        if name == "Fn::GetAtt":
            parts = argument.split(".", 1) if isinstance(argument, str) else argument
            return self._attribute(parts) or unresolved
        if name == "Fn::Sub":
            return self._substitute(argument) or unresolved
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            glue, parts = argument[0], self._resolve(argument[1])
            if isinstance(glue, str) and isinstance(parts, list) and all(isinstance(p, str) for p in parts):
                return glue.join(parts)
        if name == "Fn::FindInMap" and isinstance(argument, list) and len(argument) == 3:
            found = self.mappings
            for key in self._resolve(argument):
                found = found.get(key) if isinstance(found, Mapping) and isinstance(key, str) else None
            return unresolved if found is None else found
        return unresolved

    def _reference(self, name: object) -> Any:
        deployment = self.deployment
        pseudo = {
            "AWS::NoValue": _DROPPED,
            "AWS::AccountId": deployment.account or OWN_ACCOUNT,
            "AWS::Region": deployment.region,
            "AWS::Partition": deployment.partition,
            "AWS::URLSuffix": "amazonaws.com.cn" if deployment.partition == "aws-cn" else "amazonaws.com",
        }
        if not isinstance(name, str):
            return None
        return pseudo.get(name) if name in pseudo else deployment.parameters.get(name)

    def _attribute(self, parts: object) -> str | None:
        """Return an ARN of the own account for a resource of the template, whatever its name will be."""
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            return None
        if parts[1] not in ("Arn", "TopicArn"):
            return None
        resource = self.resources.get(parts[0])
        kind = resource.get("Type") if isinstance(resource, Mapping) else None
        what = {"AWS::IAM::Role": "role", "AWS::IAM::User": "user"}.get(str(kind))
        partition, account = self.deployment.partition, self.deployment.account
        if what is not None:
            return f"arn:{partition}:iam::{account or OWN_ACCOUNT}:{what}/{parts[0]}"
        service = _SERVICES.get(str(kind))
        if service is None or account is None or self.deployment.region is None:
            return None
        return f"arn:{partition}:{service}:{self.deployment.region}:{account}:{parts[0]}"

    def _substitute(self, argument: object) -> str | None:
        text, own = argument, {}
        if isinstance(argument, list) and len(argument) == 2:
            text, own = argument[0], self._resolve(argument[1])
        if not isinstance(text, str) or not isinstance(own, Mapping):
            return None
        missing = False

        def value_of(match: re.Match[str]) -> str:
            nonlocal missing
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            found = own[name] if name in own else self._reference(name)
            if found is None and "." in name:
                found = self._attribute(name.split(".", 1))
            if not isinstance(found, str):
                missing = True
                return ""
            return found

        replaced = _REFERENCE.sub(value_of, text)
        return None if missing else replaced


def _shown(argument: object) -> str:
    if isinstance(argument, str):
        return argument[:60]
    if isinstance(argument, list):
        return ".".join(str(part)[:40] for part in argument[:2] if isinstance(part, str))
    return ""


class _Lines:
    """Finds the line on which a resource of a template begins."""

    def __init__(self, text: str) -> None:
        self._of: dict[str, int] = {}
        start = max(text.find("Resources"), 0)
        line = text.count("\n", 0, start) + 1
        for number, content in enumerate(text[start:].split("\n"), line):
            key = re.match(r"\s*[\"']?([A-Za-z0-9:]+)[\"']?\s*:", content)
            if key:
                self._of.setdefault(key[1], number)

    def of(self, name: str) -> int | None:
        return self._of.get(name)


def _tags(properties: Mapping[str, Any]) -> Fact[dict[str, str]]:
    """Return a resource's tags; where it has none, those of the stack are not known."""
    listed = properties.get("Tags", properties.get("FileSystemTags"))
    return Unknown("tags of the stack, which a template does not name") if listed is None else tags_of(listed)
