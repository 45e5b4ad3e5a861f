"""The seed's two tests and our promises, through the real handlers on the embedded AWS, in both wirings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws
from embedded.services.delivery import Handler
from embedded.services.lambda_context import LambdaContext
from handlers.runtime import settings
from scoring.decision_log import table
from tests.lambda_.workflow import both_wirings

pytestmark = both_wirings

EVENTS = Path(__file__).parents[2] / "events"

DEVELOPMENT = {"IsAllowedToShare": "true", "Environment": "development"}


def _context() -> LambdaContext:
    """Make the context of one invocation; its time runs from now."""
    return LambdaContext("triage", "arn:aws:lambda:eu-west-1:111122223333:function:triage", "1")


class Box:
    """The embedded AWS with a wiring of the handlers behind its event bus."""

    def __init__(self, aws: EmbeddedAws, wiring: Handler) -> None:
        self.aws, self.wiring = aws, wiring
        self.kms = aws.client("kms")
        self.inbox = aws.create_topic("alerts")
        table.create(aws.client("dynamodb"), "log")

    def key(self, tags: dict[str, str] | None = None, alias: str | None = None) -> str:
        tag_list = [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()]
        arn: str = self.kms.create_key(Tags=tag_list)["KeyMetadata"]["Arn"]
        if alias:
            self.kms.create_alias(AliasName=alias, TargetKeyId=arn)
        return arn

    def share(self, arn: str, principal: str = "444455556666", **more: Any) -> str:
        """Let Access Analyzer find that a key is shared; return the finding's id."""
        found = self.aws.findings.put(
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
        return found.id

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self.wiring(event, _context())
        return result

    def status(self, finding_id: str) -> str:
        return self.aws.findings.get(finding_id).status

    def logged(self, finding_id: str) -> list[dict[str, Any]]:
        found = self.aws.client("dynamodb").query(
            TableName="log",
            KeyConditionExpression="finding_id = :id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":id": {"S": finding_id}, ":prefix": {"S": "decision#"}},
        )
        return [
            json.loads(item["record"]["S"])["decision"] | {"state": item["state"]["S"]}
            for item in found["Items"]
        ]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, wiring: Handler) -> Iterator[Box]:
    with EmbeddedAws() as aws:
        settings.clients.cache_clear()
        built = Box(aws, wiring)
        monkeypatch.setenv("TRIAGE_TOPIC_ARN", built.inbox.topic_arn)
        monkeypatch.setenv("TRIAGE_TABLE", "log")
        monkeypatch.setenv("TRIAGE_MODE", "enforce")
        aws.deliver_to(wiring)
        yield built
        settings.clients.cache_clear()


def test_a_shared_key_raises_an_alert(box: Box) -> None:
    finding_id = box.share(box.key())
    assert box.status(finding_id) == "ACTIVE"
    (mail,) = box.inbox.messages()
    assert "Alert" in (mail.subject or "")
    assert finding_id in mail.text
    assert "444455556666" in mail.text
    (decision,) = box.logged(finding_id)
    assert (decision["outcome"], decision["state"]) == ("alert", "done")


@pytest.mark.parametrize("tags", [DEVELOPMENT, {"isallowedtoshare": "TRUE", "env": "Dev"}])
@pytest.mark.parametrize("alias", ["alias/DevelopmentKey", "alias/developmentkey"])
def test_a_tagged_development_key_is_archived(box: Box, tags: dict[str, str], alias: str) -> None:
    finding_id = box.share(box.key(tags, alias))
    assert box.status(finding_id) == "ARCHIVED"
    assert box.inbox.messages() == []
    (decision,) = box.logged(finding_id)
    assert decision["reason"] == (
        "expected by the policy's rule: tagged development key (the sharer can set tags and the alias)"
    )


def test_a_public_key_with_the_development_tags_alerts(box: Box) -> None:
    finding_id = box.share(box.key(DEVELOPMENT, "alias/DevelopmentKey"), principal="*")
    assert box.status(finding_id) == "ACTIVE"
    assert len(box.inbox.messages()) == 1


def test_in_shadow_nothing_is_written_to_a_finding(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_MODE", "shadow")
    archived = box.share(box.key(DEVELOPMENT, "alias/DevelopmentKey"))
    alerted = box.share(box.key())
    assert box.status(archived) == box.status(alerted) == "ACTIVE"
    assert box.inbox.messages() == []
    assert [d["outcome"] for d in box.logged(archived) + box.logged(alerted)] == ["archive", "alert"]


def test_from_shadow_to_enforce_the_next_event_acts(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_MODE", "shadow")
    finding_id = box.share(box.key())
    monkeypatch.setenv("TRIAGE_MODE", "enforce")
    box.handle(box.aws.events[-1])
    assert len(box.inbox.messages()) == 1
    assert [d["outcome"] for d in box.logged(finding_id)] == ["alert", "alert"]


def test_a_repeated_event_does_nothing_twice(box: Box) -> None:
    finding_id = box.share(box.key())
    for _ in range(3):
        result = box.handle(box.aws.events[0])
        assert result["done"][0]["note"] == "decided on already"
    assert len(box.inbox.messages()) == 1
    assert len(box.logged(finding_id)) == 1


def test_what_an_analyst_brings_back_is_not_archived_again(box: Box) -> None:
    finding_id = box.share(box.key(DEVELOPMENT, "alias/DevelopmentKey"))
    analyzer = box.aws.events[0]["resources"][0]
    box.aws.client("accessanalyzer").update_findings(analyzerArn=analyzer, ids=[finding_id], status="ACTIVE")
    assert box.status(finding_id) == "ACTIVE"
    (mail,) = box.inbox.messages()
    assert "re-opened by a person on 20" in mail.text
    box.aws.findings.update(finding_id, {"condition": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    assert box.status(finding_id) == "ACTIVE"


def test_a_finding_that_changed_since_the_event_is_scored_anew(box: Box) -> None:
    arn = box.key(DEVELOPMENT, "alias/DevelopmentKey")
    box.aws.delivery.at_once = False
    finding_id = box.share(arn)
    box.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    box.handle(box.aws.events[0])
    assert box.status(finding_id) == "ACTIVE"
    assert "anyone" in box.inbox.messages()[0].text


def test_a_key_whose_tags_cannot_be_read_alerts(box: Box) -> None:
    arn = box.key(DEVELOPMENT, "alias/DevelopmentKey")
    finding_id = box.share(arn[:-4] + "0000")
    assert box.status(finding_id) == "ACTIVE"
    (mail,) = box.inbox.messages()
    assert "tags, aliases or accounts are not known" in box.logged(finding_id)[0]["reason"]
    assert "NotFound" in mail.text


def test_every_sample_event_ends_as_one_of_the_outcomes(box: Box) -> None:
    for path in sorted(EVENTS.glob("[aeiu]*.json")):
        event = json.loads(path.read_text())
        event["detail"].setdefault("updatedAt", event["time"])
        result = box.handle(event)
        assert result["done"][0]["effect"] in ("alert", "collected", "none"), path.name


def test_a_policy_that_changed_holds_from_the_next_event_on(
    box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("")
    monkeypatch.setenv("TRIAGE_POLICY", str(path))
    first = box.share(box.key(DEVELOPMENT, "alias/DevelopmentKey"))
    path.write_text('[[expected]]\nname = "keys"\nresource_type = ["AWS::KMS::Key"]\n')
    second = box.share(box.key())
    assert box.status(first) == "ACTIVE"
    assert box.status(second) == "ARCHIVED"


def test_a_repeated_event_about_unused_permissions_does_nothing_twice(
    box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[[expected]]\nname = "roles"\nresource_type = ["AWS::IAM::Role"]\n')
    monkeypatch.setenv("TRIAGE_POLICY", str(path))
    box.aws.client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")
    role = {"resource": "arn:aws:iam::111122223333:role/batch", "resourceType": "AWS::IAM::Role"}
    unused = {"findingType": "UnusedPermission", "numberOfUnusedServices": 2, "numberOfUnusedActions": 15}
    found = box.aws.findings.put(role | unused)
    assert box.status(found.id) == "ARCHIVED"
    for _ in range(2):
        assert box.handle(box.aws.events[0])["done"][0]["effect"] == "none"
        assert box.status(found.id) == "ARCHIVED"
    assert len(box.logged(found.id)) == 1
