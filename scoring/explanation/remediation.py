"""What to do about access that nobody intended, by type of resource: where to look, and what to type.

The steps are ours. Names go into a command only where they are nothing but letters, digits and the marks that
ARNs are made of; whatever else somebody has called a resource, a placeholder stands in its place.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE, own_name

_PLAIN: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,300}", re.ASCII)
_NAMED: Final = re.compile(r"[A-Za-z0-9_+=,.@:/*-]{1,120}", re.ASCII)
_SHOWN: Final = 3


class Remedy(NamedTuple):
    """What to do, and commands that show or change it.

    Attributes
    ----------
    commands : tuple of str
        With ``{arn}``, ``{name}`` and ``{account}`` of the resource, ``{id}`` and ``{analyzer}``.
    """

    steps: tuple[str, ...]
    commands: tuple[str, ...] = ()


_KEEP_RECORD: Final = "Look in CloudTrail who granted it and whether it has been used, before it is gone."

REMEDIES: Final[dict[str, Remedy]] = {
    "AWS::S3::Bucket": Remedy(
        (
            "Take the statement out of the bucket policy, the grant out of the ACL, or the access point "
            "away: “Granted by” says which.",
            "Nothing in it has to be public: block public access, for the bucket or for the whole account.",
        ),
        (
            "aws s3api get-bucket-policy --bucket {name}",
            "aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
            "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
        ),
    ),
    "AWS::S3Express::DirectoryBucket": Remedy(
        ("Take the statement that names the principal out of the directory bucket's policy.",),
        ("aws s3api get-bucket-policy --bucket {name}", "aws s3api delete-bucket-policy --bucket {name}"),
    ),
    "AWS::IAM::Role": Remedy(
        (
            "Take the principal out of the role's trust policy, or narrow it with a condition "
            "(sts:ExternalId, aws:PrincipalOrgID, the subject of an identity provider).",
            "End the sessions that are open: the role's page in the console revokes those older than now.",
        ),
        (
            "aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument",
            "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json",
        ),
    ),
    "AWS::IAM::User": Remedy(
        (
            "Deactivate what gives access first, delete it later: the access key, the password, the policy.",
            "Ask the owner before anything is deleted; a deactivated key can be activated again.",
        ),
        (
            "aws iam list-access-keys --user-name {name}",
            "aws iam list-attached-user-policies --user-name {name}",
        ),
    ),
    "AWS::SQS::Queue": Remedy(
        ("Take the statement that names the principal out of the queue's policy.",),
        (
            "aws sqs get-queue-url --queue-name {name} --queue-owner-aws-account-id {account}",
            "aws sqs remove-permission --queue-url QUEUE_URL --label STATEMENT_ID",
        ),
    ),
    "AWS::SNS::Topic": Remedy(
        (
            "Take the statement that names the principal out of the topic's policy.",
            "Look at the topic's subscriptions: what was subscribed stays subscribed.",
        ),
        (
            "aws sns get-topic-attributes --topic-arn {arn} --query Attributes.Policy",
            "aws sns list-subscriptions-by-topic --topic-arn {arn}",
        ),
    ),
    "AWS::Lambda::Function": Remedy(
        (
            "Take the statement that names the principal out of the function's policy; "
            "aliases have their own.",
        ),
        (
            "aws lambda get-policy --function-name {arn}",
            "aws lambda remove-permission --function-name {arn} --statement-id STATEMENT_ID",
        ),
    ),
    "AWS::Lambda::LayerVersion": Remedy(
        ("Take the statement out of this version's policy; every version has its own.",),
        (
            "aws lambda get-layer-version-by-arn --arn {arn}",
            "aws lambda remove-layer-version-permission --layer-name LAYER --version-number VERSION "
            "--statement-id STATEMENT_ID",
        ),
    ),
    "AWS::KMS::Key": Remedy(
        (
            "Take the principal out of the key policy.",
            "Retire or revoke grants: they outlive the policy.",
            "What was encrypted with the key may have been read: assume it was read.",
        ),
        (
            "aws kms get-key-policy --key-id {arn} --policy-name default",
            "aws kms list-grants --key-id {arn}",
            "aws kms revoke-grant --key-id {arn} --grant-id GRANT_ID",
        ),
    ),
    "AWS::SecretsManager::Secret": Remedy(
        (
            "Take the statement that names the principal out of the secret's policy.",
            "Rotate the secret: whoever could read it may have done so.",
        ),
        (
            "aws secretsmanager get-resource-policy --secret-id {arn}",
            "aws secretsmanager delete-resource-policy --secret-id {arn}",
            "aws secretsmanager rotate-secret --secret-id {arn}",
        ),
    ),
    "AWS::EFS::FileSystem": Remedy(
        ("Take the statement that names the principal out of the file system's policy.",),
        ("aws efs describe-file-system-policy --file-system-id {name}",),
    ),
    "AWS::EC2::Snapshot": Remedy(
        (
            "Take the account, or everyone, out of the snapshot's permissions.",
            "A copy that somebody made stays theirs: assume that the snapshot was read.",
            "Block public sharing of snapshots for the region.",
        ),
        (
            "aws ec2 describe-snapshot-attribute --snapshot-id {name} --attribute createVolumePermission",
            "aws ec2 reset-snapshot-attribute --snapshot-id {name} --attribute createVolumePermission",
            "aws ec2 enable-snapshot-block-public-access --state block-all-sharing",
        ),
    ),
    "AWS::ECR::Repository": Remedy(
        ("Take the statement that names the principal out of the repository's policy.",),
        (
            "aws ecr get-repository-policy --repository-name {name}",
            "aws ecr delete-repository-policy --repository-name {name}",
        ),
    ),
    "AWS::RDS::DBSnapshot": Remedy(
        (
            "Take the account, or “all”, out of the snapshot's restore attribute.",
            "A copy that somebody made stays theirs: assume that the snapshot was read.",
        ),
        (
            "aws rds describe-db-snapshot-attributes --db-snapshot-identifier {name}",
            "aws rds modify-db-snapshot-attribute --db-snapshot-identifier {name} "
            "--attribute-name restore --values-to-remove all",
        ),
    ),
    "AWS::RDS::DBClusterSnapshot": Remedy(
        (
            "Take the account, or “all”, out of the snapshot's restore attribute.",
            "A copy that somebody made stays theirs: assume that the snapshot was read.",
        ),
        (
            "aws rds describe-db-cluster-snapshot-attributes --db-cluster-snapshot-identifier {name}",
            "aws rds modify-db-cluster-snapshot-attribute --db-cluster-snapshot-identifier {name} "
            "--attribute-name restore --values-to-remove all",
        ),
    ),
    "AWS::DynamoDB::Table": Remedy(
        ("Take the statement that names the principal out of the table's policy.",),
        (
            "aws dynamodb get-resource-policy --resource-arn {arn}",
            "aws dynamodb delete-resource-policy --resource-arn {arn}",
        ),
    ),
    "AWS::DynamoDB::Stream": Remedy(
        ("Take the statement that names the principal out of the stream's policy; the table has its own.",),
        (
            "aws dynamodb get-resource-policy --resource-arn {arn}",
            "aws dynamodb delete-resource-policy --resource-arn {arn}",
        ),
    ),
}

UNUSED: Final[dict[str, Remedy]] = {
    "UnusedIAMRole": Remedy(
        (
            "Ask the owner whether it is still needed; a role for emergencies is unused on purpose.",
            "Take its policies off first, and delete it when nothing has missed it.",
        ),
        ("aws iam list-attached-role-policies --role-name {name}",),
    ),
    "UnusedIAMUserAccessKey": Remedy(
        ("Deactivate the key, and delete it when nothing has missed it.",),
        (
            "aws iam list-access-keys --user-name {name}",
            "aws iam update-access-key --user-name {name} --access-key-id KEY_ID --status Inactive",
        ),
    ),
    "UnusedIAMUserPassword": Remedy(
        ("Take the user's console password away; access keys are not touched by that.",),
        ("aws iam delete-login-profile --user-name {name}",),
    ),
    "UnusedPermission": Remedy(
        (
            "Take the unused actions out of the policies; Access Analyzer recommends policies without them.",
            "Leave what is used once a year: look at when each action was last used.",
        ),
        (
            "aws accessanalyzer generate-finding-recommendation --analyzer-arn {analyzer} --id {id}",
            "aws accessanalyzer get-finding-recommendation --analyzer-arn {analyzer} --id {id}",
        ),
    ),
}

_UNKNOWN_TYPE: Final = Remedy(("Find the policy that grants the access, and take the statement out of it.",))


def remedy(finding: Finding) -> Remedy:
    """Return what to do about a finding, with its names in the commands.

    Examples
    --------
    >>> finding = Finding(id="1", resource="arn:aws:s3:::site", resource_type="AWS::S3::Bucket",
    ...                   status="ACTIVE", finding_type="ExternalAccess")
    >>> remedy(finding).commands[0]
    'aws s3api get-bucket-policy --bucket site'
    """
    found = UNUSED.get(finding.finding_type) or _of_type(finding.resource_type)
    steps = found.steps if finding.is_unused_access else (*found.steps, _KEEP_RECORD)
    names = {
        "arn": _typed(finding.resource, "ARN"),
        "name": _typed(_name(finding), "NAME"),
        "account": _typed(finding.account or "", "ACCOUNT"),
        "analyzer": _typed(finding.analyzer_arn or "", "ANALYZER_ARN"),
        "id": _typed(finding.id, "FINDING_ID"),
    }
    return Remedy(steps, tuple(command.format_map(names) for command in found.commands))


def statement_of(finding: Finding) -> tuple[str, ...]:
    """Say which statement it is that gives the access, in one line.

    There is none for unused access, and none where what others have written is no plain name.

    Examples
    --------
    >>> finding = Finding(id="1", resource="arn:aws:s3:::site", resource_type="AWS::S3::Bucket",
    ...                   status="ACTIVE", finding_type="ExternalAccess", actions=("s3:GetObject",),
    ...                   principals=(("AWS", "444455556666"),))
    >>> print(*statement_of(finding))
    The statement to look for gives s3:GetObject to 444455556666.
    """
    named = [value for _, value in finding.principals]
    if finding.is_unused_access or not named or not finding.actions:
        return ()
    if not all(map(_NAMED.fullmatch, [*named[:_SHOWN], *finding.actions[:_SHOWN]])):
        return ()
    return (f"The statement to look for gives {_some(finding.actions)} to {_some(named)}.",)


def _some(names: Sequence[str]) -> str:
    shown, more = names[:_SHOWN], len(names) - _SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _of_type(resource_type: str) -> Remedy:
    if resource_type in REMEDIES:
        return REMEDIES[resource_type]
    if resource_type not in TABLE:
        return _UNKNOWN_TYPE
    noun = TABLE[resource_type].noun
    return Remedy((f"Take the statement that names the principal out of the {noun}'s policy.",))


def _name(finding: Finding) -> str:
    """Return the resource's own name as the service's commands want it: without a path."""
    own, row = own_name(finding.resource_type, finding.resource), TABLE.get(finding.resource_type)
    return own.rsplit("/", 1)[-1] if row and row.has_path else own


def _typed(text: str, otherwise: str) -> str:
    is_name = _PLAIN.fullmatch(text) and not text.startswith(("-", "=", "/", "file:", "http"))
    return text if is_name else otherwise
