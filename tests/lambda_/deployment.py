"""What the tests of the handlers share: the box with both handlers in it, and a clock that a test moves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from embedded import EmbeddedAws
from embedded.organization.organization import Organization
from embedded.services.delivery import Handler
from embedded.services.inbox import Message
from embedded.services.lambda_context import LambdaContext
from handlers import reconcile, single
from handlers.runtime import settings
from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision_log import table
from scoring.decision_log.decisions import PREFIX, from_item
from scoring.decision_log.dynamodb import DynamoDb
from scoring.decision_log.log import DecisionLog

TABLE = "log"
STRANGER = "444455556666"
START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


class Clock:
    """The time of the box and of the handlers."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=7)
        return self.moment

    def pass_by(self, **time: float) -> None:
        self.moment += timedelta(**time)


class Deployment:
    """One wiring and the schedule on the embedded AWS, in enforce mode, with a policy of a test's own."""

    def __init__(
        self,
        aws: EmbeddedAws,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        path: Path,
        wiring: Handler = single.handler,
    ) -> None:
        self.aws, self.clock, self.wiring = aws, clock, wiring
        self._environment, self._path = monkeypatch, path
        self.inbox = aws.create_topic("alerts")
        self.dynamodb = aws.client("dynamodb")
        table.create(self.dynamodb, TABLE)
        self.analyzer_arn = aws.findings.analyzer_for("external")
        self.set(
            TOPIC_ARN=self.inbox.topic_arn,
            TABLE=TABLE,
            MODE="enforce",
            ANALYZER_ARNS=self.analyzer_arn,
        )
        self.policy()
        aws.deliver_to(wiring)

    def set(self, **names: str) -> None:
        for name, value in names.items():
            self._environment.setenv(f"TRIAGE_{name}", value)

    def policy(self, more: str = "") -> None:
        """Let a policy hold that expects keys with the development tags."""
        rule = '[[expected]]\nname = "development"\ntags = { Environment = "development" }\n'
        self._path.write_text(f"{more}\n{rule}", encoding="utf-8")
        self.set(POLICY=str(self._path))

    @property
    def log(self) -> DecisionLog:
        return DecisionLog.in_table(self.dynamodb, TABLE)

    @property
    def analyzers(self) -> AccessAnalyzer:
        return AccessAnalyzer(lambda region: self.aws.client("accessanalyzer", region=region))

    # --- what happens

    def key(self, tags: dict[str, str] | None = None) -> str:
        tag_list = [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()]
        arn: str = self.aws.client("kms").create_key(Tags=tag_list)["KeyMetadata"]["Arn"]
        return arn

    def development_key(self) -> str:
        """A key that the policy lets be shared."""
        return self.key({"Environment": "development"})

    def share(self, arn: str, principal: str = STRANGER, *, announce: bool = True, **more: Any) -> str:
        """Let Access Analyzer find that a key is shared; return the finding's id."""
        finding = {
            "resource": arn,
            "resourceType": "AWS::KMS::Key",
            "principal": {"AWS": principal},
            "action": ["kms:Decrypt", "kms:DescribeKey"],
            "isPublic": principal == "*",
            "condition": {},
        }
        return self.aws.findings.put(finding | more, announce=announce).id

    def deliver(self, event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self.wiring(event, LambdaContext("triage", _ARN, "1"))
        return result

    def reconcile(self, seconds: float = 300) -> dict[str, Any]:
        return reconcile.handler({}, LambdaContext("reconcile", _ARN, "1", timeout_seconds=seconds))

    # --- what became of it

    def status(self, finding_id: str) -> str:
        return self.aws.findings.get(finding_id).status

    def mails(self) -> list[Message]:
        return self.inbox.messages()

    def subjects(self) -> list[str]:
        return [mail.subject or "" for mail in self.mails()]

    def items(self, finding_id: str) -> list[dict[str, Any]]:
        """The decisions on a finding as they are logged, the record decoded."""
        found = DynamoDb(self.dynamodb, TABLE).of_finding(finding_id, PREFIX)
        return [item | {"record": from_item(item).record} for item in found]

    def effects(self, finding_id: str) -> list[str]:
        return [item["effect"] for item in self.items(finding_id)]


_ARN = "arn:aws:lambda:eu-west-1:111122223333:function:triage"


@contextmanager
def deployed(
    monkeypatch: pytest.MonkeyPatch,
    directory: Path,
    wiring: Handler = single.handler,
    organization: Organization | None = None,
) -> Iterator[Deployment]:
    clock = Clock()
    told = SimpleNamespace(now=lambda zone: clock().astimezone(zone))
    with (
        EmbeddedAws(organization, clock=clock) as aws,
        patch.object(settings, "datetime", told),
    ):
        settings.clients.cache_clear()
        yield Deployment(aws, clock, monkeypatch, directory / "policy.toml", wiring)
        settings.clients.cache_clear()


def event_of(aws: EmbeddedAws, finding_id: str, number: int = 0) -> dict[str, Any]:
    """An event of a finding, the first unless told otherwise, as it is delivered."""
    events = [event for event in aws.events if event["detail"].get("id") == finding_id]
    return dict(json.loads(json.dumps(events[number])))
