"""What the tests of the live commands share: the box, a decision log in it, and a command run as people do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import triage
from embedded import EmbeddedAws
from scoring.decision_log import BY_EFFECT

TABLE = "decisions"
STRANGER = "444455556666"
DEVELOPMENT = {"IsAllowedToShare": "true", "Environment": "development"}


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


def runner(capfd: Any) -> Run:
    def run(*arguments: object) -> Result:
        capfd.readouterr()
        code = triage.main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def make_table(aws: EmbeddedAws, name: str = TABLE) -> None:
    names = ("finding_id", "item", "effect", "decided_at")
    aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=_keys("finding_id", "item"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": BY_EFFECT,
                "KeySchema": _keys("effect", "decided_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def enforcing(path: Path, more: str = "") -> Path:
    """A policy that archives, with the built-in rule on development keys."""
    from scoring import policy

    built_in = policy.DEFAULT.read_text(encoding="utf-8")
    rule = built_in[built_in.index("[[expected]]") :].partition("\n\n")[0]
    path.write_text(f'mode = "enforce"\n{more}\n{rule}\n')
    return path


def make_key(aws: EmbeddedAws, tags: dict[str, str], alias: str | None = None) -> str:
    kms = aws.client("kms")
    tag_list = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    arn: str = kms.create_key(Tags=tag_list)["KeyMetadata"]["Arn"]
    if alias:
        kms.create_alias(AliasName=alias, TargetKeyId=arn)
    return arn


def share_key(aws: EmbeddedAws, arn: str, principal: str = STRANGER, **more: Any) -> Any:
    return aws.findings.put(
        {
            "resource": arn,
            "resourceType": "AWS::KMS::Key",
            "principal": {"AWS": principal},
            "action": ["kms:Decrypt", "kms:DescribeKey"],
            "isPublic": principal == "*",
            "condition": {},
        }
        | more
    )


def status(aws: EmbeddedAws, finding_id: str) -> str:
    return aws.findings.get(finding_id).status
