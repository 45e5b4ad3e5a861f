"""How many calls `triage scan` takes: a backlog of one account on the embedded AWS, each call counted.

Run by `make bench`; needs about a minute. The small version is a test.
"""

import contextlib
import io
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

import triage
from embedded import EmbeddedAws, Resource, small_organization
from embedded.organization.resources import MAKERS

FINDINGS = 10_000
LIMIT = 0.05
FINDINGS_EACH = 2.5  # of one resource, on average
MEMBER = "222233334444"
PRINCIPALS = 40  # accounts outside that are given access

# Of 100 resources of the backlog; roles and layers have no tags that come in bulk.
KINDS = {
    "AWS::S3::Bucket": 25,
    "AWS::KMS::Key": 5,
    "AWS::SQS::Queue": 35,
    "AWS::SNS::Topic": 10,
    "AWS::SecretsManager::Secret": 10,
    "AWS::DynamoDB::Table": 5,
    "AWS::IAM::Role": 10,
}
ACTIONS = {
    "AWS::S3::Bucket": "s3:GetObject",
    "AWS::KMS::Key": "kms:Decrypt",
    "AWS::SQS::Queue": "sqs:SendMessage",
    "AWS::SNS::Topic": "sns:Publish",
    "AWS::SecretsManager::Secret": "secretsmanager:GetSecretValue",
    "AWS::DynamoDB::Table": "dynamodb:GetItem",
    "AWS::IAM::Role": "sts:AssumeRole",
}

Calls = Counter[tuple[str, str]]


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count every request, repeated ones too, that a session made inside the block sends."""
    import botocore.handlers

    calls: Calls = Counter()

    def count(event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:]
        calls[service, operation] += 1

    # First, since the box itself answers at this point and ends the matter.
    handlers: list[tuple[object, ...]] = [("before-send", count), *botocore.handlers.BUILTIN_HANDLERS]
    with patch.object(botocore.handlers, "BUILTIN_HANDLERS", handlers):
        yield calls


def fill(aws: EmbeddedAws, findings: int) -> str:
    """Give a member account a backlog of external access findings; return the analyzer's ARN."""
    analyzer = aws.organization.analyzer_arn
    kinds = itertools.cycle([kind for kind, share in KINDS.items() for _ in range(share)])
    chosen = itertools.islice(kinds, int(findings / FINDINGS_EACH))
    resources = [_make(aws, kind, number) for number, kind in enumerate(chosen)]
    for number in range(findings):
        arn, kind = resources[number % len(resources)]
        aws.findings.put(
            {
                "resource": arn,
                "resourceType": kind,
                "resourceOwnerAccount": MEMBER,
                "principal": {"AWS": f"{444400000000 + (number + number // len(resources)) % PRINCIPALS}"},
                "action": [ACTIONS[kind]],
                "isPublic": False,
                "condition": {},
            },
            analyzer_arn=analyzer,
            announce=False,
        )
    return analyzer


def _make(aws: EmbeddedAws, kind: str, number: int) -> tuple[str, str]:
    tags = {"team": f"team-{number % 7}", "environment": "prod"} if number % 5 else {}
    aliases = (f"key-{number}",) if kind == "AWS::KMS::Key" and number % 2 else ()
    resource = Resource(kind, f"backlog-{number:05}", tags, aliases)
    return MAKERS[kind](aws.session(MEMBER), resource), kind


def scan(findings: int) -> tuple[Calls, int]:
    """Fill a box, scan it read only, and return the calls and the number of decisions."""
    with EmbeddedAws(small_organization()) as aws:
        analyzer = fill(aws, findings)
        written = io.BytesIO()
        text = io.TextIOWrapper(written)
        with counted_calls() as calls, contextlib.redirect_stdout(text):
            options = ["--role-name", "OrganizationAccountAccessRole", "--format", "jsonl"]
            code = triage.main(["scan", "--analyzer-arn", analyzer, *options])
        text.flush()
        assert code == 0, code
        return calls, written.getvalue().count(b"\n")


def main() -> None:
    """Print the table."""
    findings = int(sys.argv[1]) if len(sys.argv) > 1 else FINDINGS
    started = time.perf_counter()
    calls, decisions = scan(findings)
    table = Table(
        "service",
        "operation",
        "calls",
        title=f"triage scan, {decisions:,} external findings of one account, read only",
        title_justify="left",
    )
    for (service, operation), count in sorted(calls.items(), key=lambda item: -item[1]):
        table.add_row(service, operation, str(count))
    table.add_row("all", "", f"{calls.total()} = {calls.total() / decisions:.4f} a finding (limit {LIMIT})")
    Console().print(table)
    print(f"{time.perf_counter() - started:.0f} s, filling the box included")
    assert decisions == findings
    assert calls.total() <= LIMIT * findings


if __name__ == "__main__":
    main()
