"""What the tests of the live commands share: a decision log in the box, and a command run as people do."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError

import triage
from embedded import EmbeddedAws
from scoring.decision_log import table

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
    table.create(aws.client("dynamodb"), name)


def enforcing(path: Path, more: str = "") -> Path:
    """A policy that archives what is shared of keys with the development tags."""
    tags = 'tags = { IsAllowedToShare = "true", Environment = "development" }'
    path.write_text(f'mode = "enforce"\n{more}\n[[expected]]\nname = "development"\n{tags}\n')
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


@contextmanager
def failing(operation: str, code: str, *, after: int = 0) -> Iterator[None]:
    """Let AWS refuse an operation with an error code, after so many times that it works."""
    call = BaseClient._make_api_call
    times = itertools.count()

    def refuse(client: Any, name: str, parameters: Any) -> Any:
        if name == operation and next(times) >= after:
            if code == "KeyboardInterrupt":
                raise KeyboardInterrupt
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)
        return call(client, name, parameters)

    with patch.object(BaseClient, "_make_api_call", refuse):
        yield
