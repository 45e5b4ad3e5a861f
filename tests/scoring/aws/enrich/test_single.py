"""One finding: what decides comes first, and time is short."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import boto3
import pytest

from scoring.aws.enrich import MEMBER_ACTIONS, OWN_ACTIONS, Aws, connect, enrich, single
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding
from tests.processes import PATIENCE

OWN = "123456789012"
TIMED_OUT = Unknown("timed out")


@pytest.fixture
def key(owner: boto3.Session, a_finding: Callable[..., Finding]) -> Finding:
    kms = owner.client("kms")
    arn = kms.create_key(Tags=[{"TagKey": "env", "TagValue": "dev"}])["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/DevelopmentKey", TargetKeyId=arn)
    return a_finding("AWS::KMS::Key", arn)


def test_a_whole_context(key: Finding, aws: Aws) -> None:
    context = enrich(key, aws)
    assert context.tags == Present({"env": "dev"})
    assert context.aliases == Present(("alias/DevelopmentKey",))
    assert context.principal_account == ABSENT
    assert context.reactivated_by == NOT_LOOKED_UP
    assert set(context.details) == {"enabled", "manager", "description"}


def test_with_time_to_spare_nothing_differs(key: Finding, aws: Aws, clock: Any) -> None:
    assert enrich(key, aws, deadline=clock() + 30) == enrich(key, aws)


def test_without_time_no_request_is_made(key: Finding, aws: Aws, clock: Any, wire: Any) -> None:
    context = enrich(key, aws, deadline=clock())
    assert wire.calls == []
    facts = (context.tags, context.aliases, context.resource_account, context.principal_account)
    assert facts == (TIMED_OUT,) * 4
    assert set(context.details.values()) == {TIMED_OUT}


def test_what_is_known_in_time_is_kept(key: Finding, aws: Aws, clock: Any, wire: Any) -> None:
    """Every request takes a second, and there are two: for the tags and the aliases, not for the details."""

    def slowly(parameters: dict[str, Any]) -> dict[str, Any]:
        clock.now += 1
        return {"Tags": [], "Truncated": False, "Aliases": []}

    wire.answers["kms:ListResourceTags"] = lambda parameters: {"Tags": slowly(parameters)["Tags"]}
    wire.answers["kms:ListAliases"] = lambda parameters: {"Aliases": slowly(parameters)["Aliases"]}
    context = enrich(key, aws, deadline=clock() + 2)
    assert (context.tags, context.aliases) == (ABSENT, ABSENT)
    assert context.resource_account == TIMED_OUT
    assert set(context.details.values()) == {TIMED_OUT}
    assert wire.calls == ["kms:ListResourceTags", "kms:ListAliases"]


def test_a_request_that_hangs_is_not_waited_for(
    key: Finding, aws: Aws, clock: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrich(key, aws)
    hangs, let_go, waited = Event(), Event(), []

    def hang(parameters: dict[str, Any]) -> dict[str, Any]:
        hangs.set()
        let_go.wait(PATIENCE)
        return {"Aliases": []}

    class Worker(Thread):
        """Its time is over as soon as the request hangs, however long that takes here."""

        def join(self, timeout: float | None = None) -> None:
            waited.append(timeout)
            hangs.wait(PATIENCE)

    wire.answers["kms:ListAliases"] = hang
    monkeypatch.setattr(single, "Thread", Worker)
    context = enrich(key, aws, deadline=clock() + 2)
    assert waited == [2]
    assert context.tags == Present({"env": "dev"})
    assert context.aliases == TIMED_OUT
    let_go.set()


def test_accounts_come_before_details(key: Finding, aws: Aws, wire: Any) -> None:
    enrich(key, aws)
    assert wire.calls.index("organizations:DescribeAccount") < wire.calls.index("kms:DescribeKey")


def test_a_type_that_is_not_on_the_table(aws: Aws, wire: Any, a_finding: Callable[..., Finding]) -> None:
    context = enrich(a_finding("AWS::New::Thing", "arn:aws:new:eu-west-1:123456789012:thing/1"), aws)
    assert context.tags == context.aliases == Unknown("resource type not supported")
    assert isinstance(context.resource_account, Present)
    assert context.details == {}
    assert not any(call.startswith("new:") for call in wire.calls)


def test_the_own_account_is_found_out_once(
    session: boto3.Session, wire: Any, clock: Any, key: Finding
) -> None:
    aws = connect(session, clock=clock)
    assert wire.calls == []
    first = enrich(key, aws)
    assert wire.calls.count("sts:GetCallerIdentity") == 1
    wire.forget()
    assert enrich(key, aws) == first
    assert len(wire.calls) == 3


def test_declared_permissions() -> None:
    assert {"tag:GetResources", "kms:ListAliases", "s3:GetBucketTagging"} <= set(MEMBER_ACTIONS)
    assert not any(action.startswith(("organizations:", "sts:")) for action in MEMBER_ACTIONS)
    assert {"organizations:DescribeAccount", "sts:AssumeRole", *MEMBER_ACTIONS} <= set(OWN_ACTIONS)
    read_only = ("Get", "List", "Describe", "AssumeRole")
    assert all(action.split(":")[1].startswith(read_only) for action in OWN_ACTIONS)
    assert Context() == Context(tags=NOT_LOOKED_UP)
