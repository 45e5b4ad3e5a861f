"""Templates, plans, previews and policies: which resource each policy opens, and to whom."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.facts import Present, Unknown
from scoring.findings.finding import Finding
from scoring.findings.planned.planned import Deployment, PlannedCase
from scoring.findings.planned.read import planned_cases

HERE = Deployment(account="111122223333", region="eu-west-1", parameters={"Vendor": "464622532012"})
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Vendor: {Type: String, Default: "444455556666"}
Resources:
  Reports:
    Type: AWS::S3::Bucket
    Properties:
      AccessControl: PublicRead
      Tags: [{Key: Environment, Value: production}]
  ReportsPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Reports
      PolicyDocument:
        Statement:
          - {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !Sub "${Reports.Arn}/*"}
          - {Effect: Allow, Principal: {AWS: !GetAtt Deploy.Arn}, Action: s3:*, Resource: "*"}
          - Effect: Allow
            Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}
            Action: s3:*
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      RoleName: deploy
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {AWS: !Ref Vendor, Service: lambda.amazonaws.com}
            Action: sts:AssumeRole
  Hook:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: hook, Principal: !Ref Unsaid}
"""


def read(tmp_path: Path, content: object, deployment: Deployment = HERE, **named: Any) -> list[Any]:
    path = tmp_path / "change"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(planned_cases(str(path), deployment, **named))


def findings(cases: list[Any]) -> list[Finding]:
    found = [one.case.finding for one in cases if isinstance(one, PlannedCase)]
    assert len(found) == len(cases), [str(one) for one in cases if isinstance(one, BadInput)]
    return [finding for finding in found if isinstance(finding, Finding)]


def test_a_template_opens_what_its_policies_say(tmp_path: Path) -> None:
    cases = read(tmp_path, TEMPLATE)
    assert [(f.resource, f.principals, f.is_public) for f in findings(cases)] == [
        ("Reports (ARN not known yet)", (("AWS", "*"),), True),
        ("Reports (ARN not known yet)", (("AWS", "*"),), True),
        ("arn:aws:iam::111122223333:role/deploy", (("AWS", "464622532012"),), False),
        ("arn:aws:lambda:eu-west-1:111122223333:function:hook", (), None),
    ]
    assert [one.place.line for one in cases] == [6, 11, 22, 31]
    assert cases[1].case.context.tags == Present({"Environment": "production"})
    assert cases[2].case.context.tags == Unknown("tags of the stack, which a template does not name")
    assert cases[3].notes == ("principals (Ref Unsaid): counted as the worst",)


def test_a_template_in_json_says_the_same(tmp_path: Path) -> None:
    from scoring.files import yaml_text

    as_json = read(tmp_path, yaml_text.decode(TEMPLATE))
    assert findings(as_json) == findings(read(tmp_path, TEMPLATE))


def test_a_default_is_not_what_will_be_deployed(tmp_path: Path) -> None:
    cases = read(tmp_path, TEMPLATE, Deployment())
    assert cases[2].notes == ("principals (Ref Vendor): counted as the worst",)
    assert len(cases) == 4


def plan(*changes: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "resource_changes": list(changes),
        **others,
    }


def change(address: str, after: dict[str, Any], unknown: Any = None, actions: Any = None) -> dict[str, Any]:
    made = {"actions": actions or ["create"], "before": None, "after": after, "after_unknown": unknown or {}}
    return {"address": address, "mode": "managed", "type": address.split(".")[-2], "change": made}


def opened(principal: object, action: str = "s3:GetObject") -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]})


def test_a_plan_opens_what_it_creates_and_changes(tmp_path: Path) -> None:
    bucket = {"references": ["aws_s3_bucket.reports.id", "aws_s3_bucket.reports"]}
    policy = {"address": "aws_s3_bucket_policy.reports", "expressions": {"bucket": bucket}}
    configured = {"root_module": {"module_calls": {"data": {"module": {"resources": [policy]}}}}}
    cases = read(
        tmp_path,
        plan(
            change("module.data.aws_s3_bucket.reports", {"bucket": "reports", "tags_all": {"Owner": "x"}}),
            change("module.data.aws_s3_bucket_policy.reports", {"policy": opened("*")}, {"bucket": True}),
            change("aws_kms_key.later", {"tags_all": {}}, {"policy": True, "arn": True}),
            change("aws_kms_key.gone", {"policy": opened("*", "kms:*")}, actions=["delete"]),
            change("aws_kms_key.same", {"policy": opened("*", "kms:*")}, actions=["no-op"]),
            change("aws_db_snapshot.s", {"db_snapshot_identifier": "s", "shared_accounts": ["all"]}),
            change("aws_s3_bucket_acl.a", {"bucket": "site", "acl": "public-read"}),
            configuration=configured,
        ),
    )
    assert [(f.resource, f.principals) for f in findings(cases)] == [
        ("arn:aws:s3:::reports", (("AWS", "*"),)),
        ("aws_kms_key.later (ARN not known yet)", ()),
        ("aws_db_snapshot.s (ARN not known yet)", (("AWS", "*"),)),
        ("arn:aws:s3:::site", (("AWS", "*"),)),
    ]
    assert cases[0].case.context.tags == Present({"Owner": "x"})
    assert "known after apply" in cases[1].notes[0]
    assert isinstance(cases[3].case.context.tags, Unknown)


def test_a_preview_is_read_as_access_analyzer_prints_it(tmp_path: Path) -> None:
    one = {
        "id": "p1",
        "changeType": "NEW",
        "resource": "arn:aws:s3:::reports",
        "resourceType": "AWS::S3::Bucket",
        "resourceOwnerAccount": "111122223333",
        "principal": {"AWS": "444455556666"},
        "action": ["s3:GetObject"],
        "condition": {},
        "isPublic": False,
        "status": "ACTIVE",
        "createdAt": "2026-11-01T10:00:00Z",
    }
    cases = read(tmp_path, {"findings": [one, {**one, "id": "p2", "changeType": "UNCHANGED"}]})
    assert [finding.id for finding in findings(cases)] == ["p1"]


def test_a_policy_says_by_its_actions_what_it_is_of(tmp_path: Path) -> None:
    [role] = findings(read(tmp_path, opened({"AWS": "444455556666"}, "sts:AssumeRole")))
    assert role.resource_type == "AWS::IAM::Role"
    [key] = findings(
        read(tmp_path, opened("*"), resource="arn:aws:kms:eu-west-1:111122223333:key/k", resource_type=None)
    )
    assert (key.resource_type, key.account) == ("AWS::KMS::Key", "111122223333")
    with pytest.raises(BadInput, match="--resource-type"):
        read(tmp_path, opened("*", "*"))


HOSTILE = {
    "nothing": "",
    "a number": "5",
    "an object": "{}",
    "half an object": '{"Resources": {',
    "a key twice": '{"Resources": {}, "Resources": {}}',
    "deep json": "[" * 100_000,
    "deep yaml": "a: " + "[" * 100_000,
    "deep blocks": "\n".join(" " * i + "a:" for i in range(2_000)),
    "aliases": "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]",
    "itself": "a: &a [*a]",
    "an object of python": "a: !!python/object/apply:os.system [id]",
    "no date": "a: 2026-99-99",
    "a number without end": "a: " + "9" * 100_000,
    "a control character": "a: \x1b[2J",
    "binary": "\x00\x01",
    "resources": '{"Resources": []}',
    "two values": "{} {}",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_one_line(content: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, content)
    assert str(caught.value).isprintable()
    assert str(tmp_path) in str(caught.value)


def test_what_cannot_be_read_in_a_template_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    role = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}
    resources = {
        "Fn::ForEach::Buckets": ["Name", ["a"], {}],
        "Text": "x",
        "Bad": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": {"Effect": "Allow"}}}},
        "Worse": {"Type": "AWS::KMS::Key", "Properties": []},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": role}}},
    }
    cases = read(tmp_path, {"Resources": resources, "Transform": "AWS::Serverless-2016-10-31"})
    errors = [str(one) for one in cases if isinstance(one, BadInput)]
    assert [line.split(": ")[1] for line in errors] == [
        "Transform",
        "Resources.Fn::ForEach::Buckets",
        "Resources.Text",
        "Resources.Bad.Properties.KeyPolicy.Statement[0]",
        "Resources.Worse.Properties",
    ]
    assert len(cases) == 6


def test_a_plan_with_an_entry_that_is_none_goes_on(tmp_path: Path) -> None:
    cases = read(tmp_path, plan(5, change("aws_kms_key.k", {"policy": "{"}), {"type": "aws_kms_key"}))  # type: ignore[arg-type]
    assert [isinstance(one, BadInput) for one in cases] == [True, True, True]


KEYS = st.sampled_from(
    [
        "Ref",
        "Fn::Sub",
        "Fn::GetAtt",
        "Fn::If",
        "Fn::Join",
        "Fn::FindInMap",
        "Principal",
        "Statement",
        "Action",
        "Effect",
        "Queues",
        "PolicyDocument",
        "AccessControl",
        "FunctionName",
        "principal",
        "action",
        "Tags",
    ]
)
KINDS = st.sampled_from(["AWS::S3::Bucket", "AWS::Lambda::Permission", "AWS::SQS::QueuePolicy"])
odd = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["*", "Role", "AWS::IAM::Role", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    odd, st.sampled_from(["AWS::S3::Bucket", "AWS::Lambda::Permission", "AWS::SQS::QueuePolicy"]) | odd, odd
)
def test_any_value_in_any_place_gives_findings_or_lines(
    tmp_path: Path, properties: object, kind: object, unknown: object
) -> None:
    template = {"Resources": {"Role": {"Type": kind, "Properties": properties}}}
    made = {"actions": ["create"], "after": properties, "after_unknown": unknown}
    terraform = kind if isinstance(kind, list) else "aws_lambda_permission"
    changes = [{"address": "a.b", "type": terraform, "change": made}, properties]
    for content in (template, {"resource_changes": changes, "configuration": properties}):
        for one in read(tmp_path, content):
            assert isinstance(one, (BadInput, PlannedCase))
