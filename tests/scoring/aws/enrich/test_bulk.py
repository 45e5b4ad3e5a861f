"""Many findings with few calls, and "not on the list" is "no tags" only where that is sound."""

import math
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from scoring.aws.enrich import Aws, connect, enrich, enrich_many
from scoring.aws.enrich.bulk import ACTIONS
from scoring.findings.context import PrincipalAccount
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding

OWN = "123456789012"
REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:{OWN}:"
Build = Callable[..., Finding]


@pytest.fixture
def queues(owner: boto3.Session) -> list[str]:
    """Three tagged queues and one without tags."""
    sqs = owner.client("sqs")
    for number in range(3):
        sqs.create_queue(QueueName=f"q{number}", tags={"number": str(number)})
    sqs.create_queue(QueueName="bare")
    return [f"{QUEUE}{name}" for name in ("q0", "q1", "q2", "bare")]


def test_tags_of_many_resources_come_in_one_call(
    queues: list[str], aws: Aws, wire: Any, a_finding: Build
) -> None:
    findings = [a_finding("AWS::SQS::Queue", arn) for arn in queues]
    contexts = list(enrich_many(findings, aws))
    assert [context.tags for context in contexts] == [
        Present({"number": "0"}),
        Present({"number": "1"}),
        Present({"number": "2"}),
        ABSENT,
    ]
    assert all(context.aliases == ABSENT and context.details == {} for context in contexts)
    assert wire.calls.count("resourcegroupstaggingapi:GetResources") == 1
    assert wire.parameters["resourcegroupstaggingapi:GetResources"] == {
        "ResourceTypeFilters": ["sqs"],
        "ResourcesPerPage": 100,
    }


def test_nothing_to_ask_asks_nothing(aws: Aws, wire: Any) -> None:
    assert list(enrich_many([], aws)) == []
    assert wire.calls == []


def test_keys_have_their_aliases(owner: boto3.Session, aws: Aws, wire: Any, a_finding: Build) -> None:
    kms = owner.client("kms")
    arns = [kms.create_key(Tags=[])["KeyMetadata"]["Arn"] for _ in range(3)]
    for name in ("alias/a", "alias/DevelopmentKey"):
        kms.create_alias(AliasName=name, TargetKeyId=arns[0])
    kms.create_alias(AliasName="alias/c", TargetKeyId=arns[1])
    findings = [a_finding("AWS::KMS::Key", arn) for arn in arns]
    aliases = [
        set(c.aliases.value) if isinstance(c.aliases, Present) else c.aliases
        for c in enrich_many(findings, aws)
    ]
    assert aliases == [{"alias/a", "alias/DevelopmentKey"}, {"alias/c"}, ABSENT]
    assert wire.calls.count("kms:ListAliases") == 1


def test_a_qualified_function_and_a_stream_have_the_tags_of_what_they_belong_to(
    aws: Aws, wire: Any, a_finding: Build
) -> None:
    table, function = f"arn:aws:dynamodb:{REGION}:{OWN}:table/t", f"arn:aws:lambda:{REGION}:{OWN}:function:f"
    listed = [
        {"ResourceARN": table, "Tags": [{"Key": "of", "Value": "table"}]},
        {"ResourceARN": function, "Tags": [{"Key": "of", "Value": "function"}]},
    ]
    wire.answers["resourcegroupstaggingapi:GetResources"] = {"ResourceTagMappingList": listed}
    findings = [
        a_finding("AWS::DynamoDB::Stream", f"{table}/stream/2026-01-01T00:00:00.000"),
        a_finding("AWS::Lambda::Function", f"{function}:live"),
    ]
    tags = [context.tags for context in enrich_many(findings, aws)]
    assert tags == [Present({"of": "table"}), Present({"of": "function"})]


@pytest.mark.parametrize("account", ["", OWN])
def test_a_snapshot_is_found_with_and_without_an_account_in_its_arn(
    account: str, aws: Aws, wire: Any, a_finding: Build
) -> None:
    listed = [
        {"ResourceARN": f"arn:aws:ec2:{REGION}:{OWN}:snapshot/snap-0a", "Tags": [{"Key": "k", "Value": "v"}]}
    ]
    wire.answers["resourcegroupstaggingapi:GetResources"] = {"ResourceTagMappingList": listed}
    finding = a_finding("AWS::EC2::Snapshot", f"arn:aws:ec2:{REGION}:{account}:snapshot/snap-0a")
    assert next(enrich_many([finding], aws)).tags == Present({"k": "v"})


@pytest.mark.parametrize(
    ("resource_type", "arn"),
    [
        ("AWS::IAM::Role", f"arn:aws:iam::{OWN}:role/r"),
        ("AWS::IAM::User", f"arn:aws:iam::{OWN}:user/u"),
        ("AWS::ECR::Repository", f"arn:aws:ecr:{REGION}:{OWN}:repository/r"),
        ("AWS::S3Express::DirectoryBucket", f"arn:aws:s3express:{REGION}:{OWN}:bucket/b--euw1-az1--x-s3"),
    ],
)
def test_types_that_the_api_does_not_serve_are_not_looked_up(
    resource_type: str, arn: str, aws: Aws, wire: Any, a_finding: Build
) -> None:
    context = next(enrich_many([a_finding(resource_type, arn)], aws))
    assert context.tags == NOT_LOOKED_UP
    assert context.details == {}
    assert all(call.startswith("organizations:") for call in wire.calls)


def test_what_cannot_carry_tags_has_none(aws: Aws, a_finding: Build) -> None:
    layer = a_finding("AWS::Lambda::LayerVersion", f"arn:aws:lambda:{REGION}:{OWN}:layer:l:1")
    other = a_finding("AWS::New::Type", "arn:aws:new:::x")
    contexts = list(enrich_many([layer, other], aws))
    assert [c.tags for c in contexts] == [ABSENT, Unknown("resource type not supported")]


@pytest.mark.parametrize(
    ("fields", "arn", "why"),
    [
        ({"region": None}, "arn:aws:s3:::bucket", "region of the resource not given"),
        ({"account": None}, "arn:aws:s3:::bucket", "account of the resource not given"),
        ({}, f"arn:aws:s3:{REGION}:{OWN}:accesspoint/p", "unexpected resource ARN"),
        ({"account": "999988887777"}, "arn:aws:s3:::bucket", "account 999988887777 is not ours"),
    ],
)
def test_what_was_not_asked_for_is_unknown(
    fields: dict[str, Any], arn: str, why: str, aws: Aws, a_finding: Build
) -> None:
    tags = next(enrich_many([a_finding("AWS::S3::Bucket", arn, **fields)], aws)).tags
    assert isinstance(tags, Unknown)
    assert tags.reason.startswith(why)


def test_an_unsound_key_has_unknown_aliases(aws: Aws, a_finding: Build) -> None:
    context = next(enrich_many([a_finding("AWS::KMS::Key", "arn:aws:kms:eu-west-1:1:alias/x")], aws))
    assert context.tags == context.aliases == Unknown("unexpected resource ARN")


def test_each_region_is_asked_by_itself(owner: boto3.Session, aws: Aws, wire: Any, a_finding: Build) -> None:
    owner.client("sqs", region_name="us-east-1").create_queue(QueueName="far", tags={"where": "far"})
    here = a_finding("AWS::SQS::Queue", f"{QUEUE}far")
    there = a_finding("AWS::SQS::Queue", f"arn:aws:sqs:us-east-1:{OWN}:far", region="us-east-1")
    assert [c.tags for c in enrich_many([here, there], aws)] == [ABSENT, Present({"where": "far"})]
    assert wire.calls.count("resourcegroupstaggingapi:GetResources") == 2


@pytest.mark.parametrize("fault", ["AccessDeniedException", "ThrottledException"])
def test_a_refused_list_is_no_empty_list(
    fault: str, queues: list[str], aws: Aws, wire: Any, a_finding: Build
) -> None:
    wire.faults = {"resourcegroupstaggingapi:GetResources": fault, "kms:ListAliases": fault}
    key = a_finding("AWS::KMS::Key", f"arn:aws:kms:{REGION}:{OWN}:key/k")
    contexts = list(enrich_many([a_finding("AWS::SQS::Queue", queues[0]), key], aws))
    assert [c.tags for c in contexts] == [Unknown(fault)] * 2
    assert contexts[1].aliases == Unknown(fault)


def endless(wire: Any) -> None:
    """Make both lists go on for ever, with one of ours on each first page."""

    def tagged(parameters: dict[str, Any]) -> dict[str, Any]:
        number = int(parameters.get("PaginationToken") or 0)
        listed = [{"ResourceARN": f"{QUEUE}q{number}", "Tags": [{"Key": "k", "Value": "v"}]}]
        return {"ResourceTagMappingList": listed, "PaginationToken": str(number + 1)}

    def aliases(parameters: dict[str, Any]) -> dict[str, Any]:
        number = int(parameters.get("Marker", 0))
        listed = [{"AliasName": f"alias/{number}", "TargetKeyId": "k"}]
        return {"Aliases": listed, "Truncated": True, "NextMarker": str(number + 1)}

    wire.answers["resourcegroupstaggingapi:GetResources"] = tagged
    wire.answers["kms:ListAliases"] = aliases


def test_a_list_that_is_cut_short_says_nothing_of_the_rest(aws: Aws, wire: Any, a_finding: Build) -> None:
    endless(wire)
    key = a_finding("AWS::KMS::Key", f"arn:aws:kms:{REGION}:{OWN}:key/k")
    findings = [*(a_finding("AWS::SQS::Queue", f"{QUEUE}{name}") for name in ("q0", "bare")), key]
    contexts = list(enrich_many(findings, aws))
    assert [c.tags for c in contexts] == [Present({"k": "v"}), *[Unknown("list too long")] * 2]
    assert contexts[2].aliases == Unknown("list too long"), "further aliases may follow"
    assert wire.calls.count("resourcegroupstaggingapi:GetResources") == 20
    assert wire.calls.count("kms:ListAliases") == 20


def test_a_list_is_read_no_further_than_needed(aws: Aws, wire: Any, a_finding: Build) -> None:
    endless(wire)
    contexts = enrich_many([a_finding("AWS::SQS::Queue", f"{QUEUE}q2")], aws)
    assert next(contexts).tags == Present({"k": "v"})
    assert wire.calls.count("resourcegroupstaggingapi:GetResources") == 3


def test_a_failure_halfway_keeps_what_was_found(aws: Aws, wire: Any, a_finding: Build) -> None:
    endless(wire)
    first_page = wire.answers["resourcegroupstaggingapi:GetResources"]

    def then_refuse(parameters: dict[str, Any]) -> Any:
        wire.faults = {"resourcegroupstaggingapi:GetResources": "ThrottledException"}
        return first_page(parameters)

    wire.answers["resourcegroupstaggingapi:GetResources"] = then_refuse
    findings = [a_finding("AWS::SQS::Queue", f"{QUEUE}{name}") for name in ("q0", "q1")]
    assert [c.tags for c in enrich_many(findings, aws)] == [
        Present({"k": "v"}),
        Unknown("ThrottledException"),
    ]


def test_deep_asks_about_each_resource_once(
    owner: boto3.Session, queues: list[str], aws: Aws, wire: Any, a_finding: Build
) -> None:
    iam = owner.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}", Tags=[{"Key": "k", "Value": "v"}])
    findings = [a_finding("AWS::IAM::Role", role["Role"]["Arn"])] * 5
    findings += [a_finding("AWS::SQS::Queue", arn) for arn in queues] * 2
    contexts = list(enrich_many(findings, aws, deep=True))
    assert wire.calls.count("iam:GetRole") == 1
    assert wire.calls.count("sqs:ListQueueTags") == len(queues)
    assert contexts == [enrich(finding, aws) for finding in findings]


def test_a_member_account_costs_one_role(
    session: boto3.Session, wire: Any, clock: Any, a_finding: Build
) -> None:
    aws = connect(session, clock=clock, account=OWN, role_name="triage")
    member = "222233334444"
    queues = [f"arn:aws:sqs:{region}:{member}:q{n}" for region in (REGION, "us-east-1") for n in range(5)]
    findings = [a_finding("AWS::SQS::Queue", arn, account=member) for arn in queues]
    assert all(context.tags == ABSENT for context in enrich_many(findings, aws))
    assert wire.calls.count("sts:AssumeRole") == 1
    assert wire.calls.count("resourcegroupstaggingapi:GetResources") == 2


def test_accounts_of_the_findings(owner: boto3.Session, aws: Aws, a_finding: Build) -> None:
    owner.client("organizations").create_organization(FeatureSet="ALL")
    principals = [(("AWS", f"{number:012d}"),) for number in range(30)]
    findings = [a_finding("AWS::SQS::Queue", f"{QUEUE}q", principals=named) for named in principals]
    contexts = list(enrich_many(findings, aws, vendors={"000000000007": "Datadog"}))
    described = [c.principal_account.value for c in contexts if isinstance(c.principal_account, Present)]
    assert described[7] == PrincipalAccount(id="000000000007", in_org=False, vendor="Datadog")
    assert len(described) == 30
    owners = [c.resource_account.value for c in contexts if isinstance(c.resource_account, Present)]
    assert [owner.name for owner in owners] == ["master"] * 30


def test_ten_thousand_findings_cost_few_calls(aws: Aws, wire: Any, a_finding: Build) -> None:
    """Ten thousand resources, each tagged, of which 2,000 are keys with an alias each."""
    total, keys = 10_000, 2_000
    arns = [f"arn:aws:kms:{REGION}:{OWN}:key/{n}" for n in range(keys)]
    arns += [f"{QUEUE}q{n}" for n in range(total - keys)]

    def tagged(parameters: dict[str, Any]) -> dict[str, Any]:
        start = int(parameters.get("PaginationToken") or 0)
        page = arns[start : start + parameters["ResourcesPerPage"]]
        listed = [{"ResourceARN": arn, "Tags": [{"Key": "arn", "Value": arn}]} for arn in page]
        return {
            "ResourceTagMappingList": listed,
            "PaginationToken": str(start + 100) if start + 100 < total else "",
        }

    def aliases(parameters: dict[str, Any]) -> dict[str, Any]:
        start = int(parameters.get("Marker", 0))
        listed = [{"AliasName": f"alias/{n}", "TargetKeyId": str(n)} for n in range(start, start + 100)]
        more = (
            {"Truncated": True, "NextMarker": str(start + 100)}
            if start + 100 < keys
            else {"Truncated": False}
        )
        return {"Aliases": listed, **more}

    wire.answers["resourcegroupstaggingapi:GetResources"] = tagged
    wire.answers["kms:ListAliases"] = aliases
    findings = [
        a_finding(
            "AWS::KMS::Key" if n < keys else "AWS::SQS::Queue", arn, principals=(("AWS", f"{n % 300:012d}"),)
        )
        for n, arn in enumerate(arns)
    ]
    contexts = list(enrich_many(findings, aws))
    assert [c.tags for c in contexts] == [Present({"arn": arn}) for arn in arns]
    assert contexts[17].aliases == Present(("alias/17",))
    assert len(wire.calls) <= 0.05 * total, len(wire.calls)
    assert len(wire.calls) < math.ceil(total / 100) + math.ceil(keys / 100) + 320


def test_bulk_permissions_are_those_used(
    owner: boto3.Session, queues: list[str], aws: Aws, wire: Any, a_finding: Build
) -> None:
    key = owner.client("kms").create_key()["KeyMetadata"]["Arn"]
    list(enrich_many([a_finding("AWS::SQS::Queue", queues[0]), a_finding("AWS::KMS::Key", key)], aws))
    used = {call for call in wire.calls if not call.startswith("organizations:")}
    assert {call.replace("resourcegroupstaggingapi:", "tag:") for call in used} == set(ACTIONS)
