"""Clients are made once, in the account and region of the resource."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from scoring.aws.enrich import Aws, Sessions, connect, enrich
from scoring.aws.errors import Unavailable
from scoring.aws.sessions import USER_AGENT
from scoring.findings.facts import Present, Unknown
from scoring.findings.finding import Finding

OWN = "123456789012"
MEMBER = "222233334444"
QUEUE = f"arn:aws:sqs:us-east-2:{MEMBER}:jobs"


@pytest.fixture
def sessions(session: boto3.Session, wire: Any, clock: Any) -> Sessions:
    return Sessions(session, clock=clock, account=OWN, role_name="triage/read")


def credentials(until: datetime) -> dict[str, Any]:
    keys = {"AccessKeyId": "ASIAEXAMPLEEXAMPLE00", "SecretAccessKey": "s", "SessionToken": "t"}
    return {"Credentials": {**keys, "Expiration": until}}


def test_a_client_is_made_once(sessions: Sessions) -> None:
    assert sessions.client("sqs") is sessions.client("sqs", account=OWN, region="eu-west-1")
    assert sessions.client("sqs", region="us-east-1") is not sessions.client("sqs")
    assert sessions.client("sqs", region="us-east-1").meta.region_name == "us-east-1"


def test_our_own_account_needs_no_role(sessions: Sessions, wire: Any) -> None:
    sessions.client("sqs", account=OWN)
    assert wire.calls == []


def test_our_own_account_is_asked_for_once_if_it_is_not_given(
    session: boto3.Session, wire: Any, clock: Any
) -> None:
    sessions = Sessions(session, clock=clock)
    assert sessions.account == OWN
    assert sessions.client("sqs", account=OWN) is sessions.client("sqs")
    assert wire.calls == ["sts:GetCallerIdentity"]


def test_clients_give_up_soon_and_adapt(sessions: Sessions) -> None:
    config = sessions.client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries["mode"] == "adaptive"
    assert config.retries["total_max_attempts"] == 3


def test_clients_say_whose_they_are(sessions: Sessions) -> None:
    assert USER_AGENT in sessions.client("sqs").meta.config.user_agent_extra


def test_a_member_account_is_reached_by_its_role(
    session: boto3.Session, wire: Any, clock: Any, a_finding: Callable[..., Finding]
) -> None:
    aws = connect(session, clock=clock, account=OWN, role_name="triage/read", external_id="x-1")
    sts = boto3.client("sts", region_name="eu-west-1")
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{MEMBER}:role/owner", RoleSessionName="owner")[
        "Credentials"
    ]
    boto3.client(
        "sqs",
        region_name="us-east-2",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).create_queue(QueueName="jobs", tags={"team": "blue"})
    finding = a_finding("AWS::SQS::Queue", QUEUE, account=MEMBER, region="eu-west-1")
    for _ in range(3):
        assert enrich(finding, aws).tags == Present({"team": "blue"})
    assert wire.calls.count("sts:AssumeRole") == 1
    assert wire.parameters["sts:AssumeRole"] == {
        "RoleArn": f"arn:aws:iam::{MEMBER}:role/triage/read",
        "RoleSessionName": "access-triage",
        "ExternalId": "x-1",
    }


def test_credentials_are_renewed_before_they_end(sessions: Sessions, wire: Any, clock: Any) -> None:
    until = datetime.fromtimestamp(clock.now + 3600, UTC)
    wire.answers["sts:AssumeRole"] = credentials(until)
    first = sessions.client("sqs", account=MEMBER)
    clock.now += 3299
    assert sessions.client("sqs", account=MEMBER) is first
    clock.now += 2
    keys = credentials(datetime.fromtimestamp(clock.now + 3600, UTC))
    keys["Credentials"]["AccessKeyId"] = "ASIAEXAMPLEEXAMPLE01"
    wire.answers["sts:AssumeRole"] = keys
    assert sessions.client("sqs", account=MEMBER) is not first
    assert wire.calls.count("sts:AssumeRole") == 2


def test_a_missing_role_is_unknown_and_says_the_fix(
    session: boto3.Session, wire: Any, clock: Any, a_finding: Callable[..., Finding]
) -> None:
    aws = connect(session, clock=clock, account=OWN, role_name="triage-read", external_id="x-1")
    wire.faults = {"sts:AssumeRole": "AccessDenied"}
    context = enrich(a_finding("AWS::SQS::Queue", QUEUE, account=MEMBER), aws)
    assert context.tags == Unknown(
        "AssumeRole AccessDenied: account 222233334444 lacks the role triage-read,"
        " the role does not trust account 123456789012 with the external id,"
        " or we lack the right to assume it"
    )
    assert wire.calls.count("sts:AssumeRole") == 1, "a role that was refused is not tried again at once"
    clock.now += 31
    wire.faults = {}
    assert aws.sessions.client("sqs", account=MEMBER)


def test_a_role_that_could_not_be_assumed_otherwise_has_the_code(sessions: Sessions, wire: Any) -> None:
    wire.faults = {"sts:AssumeRole": "RegionDisabledException"}
    with pytest.raises(Unavailable, match=r"^AssumeRole RegionDisabledException$"):
        sessions.client("sqs", account=MEMBER)


def test_without_a_role_other_accounts_are_out_of_reach(aws: Aws, a_finding: Callable[..., Finding]) -> None:
    context = enrich(a_finding("AWS::SQS::Queue", QUEUE, account=MEMBER), aws)
    assert context.tags == Unknown(
        "account 222233334444 is not ours: name a role to assume in member accounts"
    )


def test_the_role_is_named_in_our_partition(wire: Any, clock: Any) -> None:
    session = boto3.Session(region_name="us-gov-west-1")
    wire_of = type(wire)(session)
    Sessions(session, clock=clock, account=OWN, role_name="r").client("sqs", account=MEMBER)
    assert wire_of.parameters["sts:AssumeRole"]["RoleArn"] == f"arn:aws-us-gov:iam::{MEMBER}:role/r"


def test_many_clients_do_not_pile_up(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make(service: str, region_name: str, **_: Any) -> object:
        made.append(region_name)
        return object()

    monkeypatch.setattr(sessions._session, "client", make)
    for number in range(200):
        sessions.client("sqs", region=f"region-{number}")
    sessions.client("sqs", region="region-199")
    sessions.client("sqs", region="region-0")
    assert made == [f"region-{number}" for number in (*range(200), 0)]


@pytest.mark.parametrize("region", ["no such/region", "x" * 300, "eu-west-1/../evil.example"])
def test_a_region_that_is_none_is_unknown(region: str, aws: Aws, a_finding: Callable[..., Finding]) -> None:
    arn = f"arn:aws:sqs:{region}:{OWN}:jobs"
    assert enrich(a_finding("AWS::SQS::Queue", arn), aws).tags == Unknown("InvalidRegionError")


@pytest.mark.parametrize(
    ("account", "arn", "why"),
    [
        (MEMBER, f"arn:aws:sqs:eu-west-1:{OWN}:jobs", "resource and finding name different accounts"),
        (None, "arn:aws:s3:::bucket", "account of the resource not given"),
    ],
)
def test_an_account_that_is_not_sure_is_not_asked(
    account: str | None, arn: str, why: str, aws: Aws, a_finding: Callable[..., Finding]
) -> None:
    kind = "AWS::SQS::Queue" if "sqs" in arn else "AWS::S3::Bucket"
    assert enrich(a_finding(kind, arn, account=account), aws).tags == Unknown(why)
