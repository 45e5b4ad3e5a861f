"""Decisions of the real handler, told to Security Hub where the policy wants it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from embedded import EmbeddedAws
from handlers import single
from handlers.runtime import settings
from tests.live_aws import DEVELOPMENT, TABLE, enforcing, make_key, make_table, share_key, status


class Hub:
    """Answers for Security Hub: it has every finding that is asked for, and takes updates or refuses them."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.refuses = False

    def answer(self, name: str, parameters: Any) -> Any:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        if name == "BatchUpdateFindings":
            self.updates.append(parameters)
            return {"UnprocessedFindings": []}
        resource = parameters["Filters"]["ResourceId"][0]["Value"]
        page = "https://console.aws.amazon.com/access-analyzer/home#/findings/details/"
        return {
            "Findings": [
                {
                    "Id": f"hub-{number}",
                    "ProductArn": parameters["Filters"]["ProductArn"][0]["Value"],
                    "RecordState": "ACTIVE",
                    "SourceUrl": page + found.id,
                    "Resources": [{"Type": "AwsKmsKey", "Id": resource}],
                }
                for number, found in enumerate(self.box.findings.all())
            ]
        }

    box: EmbeddedAws


@pytest.fixture
def hub(monkeypatch) -> Hub:
    hub = Hub()
    call = BaseClient._make_api_call

    def answer(client: Any, name: str, parameters: Any) -> Any:
        if client.meta.service_model.service_name == "securityhub":
            return hub.answer(name, parameters)
        return call(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    return hub


@pytest.fixture
def aws(monkeypatch, tmp_path, hub) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        settings.clients.cache_clear()
        make_table(box)
        hub.box = box
        policy = enforcing(tmp_path / "policy.toml", "[security_hub]\nupdate = true")
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        monkeypatch.setenv("TRIAGE_TOPIC_ARN", box.create_topic("alerts").topic_arn)
        monkeypatch.setenv("TRIAGE_POLICY", str(policy))
        box.deliver_to(single.handler)
        yield box
        settings.clients.cache_clear()


def test_an_archive_and_an_alert_are_told(aws, hub):
    archived = share_key(aws, make_key(aws, DEVELOPMENT)).id
    alerted = share_key(aws, make_key(aws, {})).id
    assert (status(aws, archived), status(aws, alerted)) == ("ARCHIVED", "ACTIVE")
    told = [
        (update["FindingIdentifiers"][0]["Id"], update["Workflow"]["Status"], update["UserDefinedFields"])
        for update in hub.updates
    ]
    assert [(where, workflow) for where, workflow, _ in told] == [
        ("hub-0", "RESOLVED"),
        ("hub-1", "NOTIFIED"),
    ]
    assert [fields["triage/outcome"] for _, _, fields in told] == ["archive", "alert"]
    assert aws.delivery.dead_letters == []


def test_what_it_refuses_changes_nothing_else(aws, hub, caplog):
    hub.refuses = True
    archived = share_key(aws, make_key(aws, DEVELOPMENT)).id
    assert status(aws, archived) == "ARCHIVED"
    assert aws.delivery.dead_letters == []
    assert "Security Hub was not updated: Security Hub: AccessDeniedException" in caplog.text


def test_in_shadow_it_is_not_told(aws, hub, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODE", "shadow")
    share_key(aws, make_key(aws, DEVELOPMENT))
    assert hub.updates == []


def test_not_unless_the_policy_wants_it(aws, hub, monkeypatch, tmp_path):
    monkeypatch.setenv("TRIAGE_POLICY", str(enforcing(tmp_path / "silent.toml")))
    share_key(aws, make_key(aws, DEVELOPMENT))
    assert hub.updates == []
