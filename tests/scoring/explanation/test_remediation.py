"""What to do about unintended access: something for every type, and nothing to type that others wrote."""

import shlex

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.explanation.remediation import REMEDIES, UNUSED, remedy
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from tests.scoring import strategies as some

FINDING = Finding(
    id="138c3460-fd93-4adc-99a2-ecb1c202387b",
    resource="arn:aws:s3:::site",
    resource_type="AWS::S3::Bucket",
    status="ACTIVE",
    finding_type="ExternalAccess",
)


def test_every_type_has_its_own() -> None:
    assert set(REMEDIES) <= set(RESOURCE_TYPES)
    assert set(UNUSED) == {kind for kind in FINDING_TYPES if kind.startswith("Unused")}
    for found in (*REMEDIES.values(), *UNUSED.values()):
        assert found.steps
        assert found.commands
        assert all(command.startswith("aws ") for command in found.commands)


def test_a_type_without_its_own_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REMEDIES, "AWS::EFS::FileSystem")
    made = remedy(msgspec.structs.replace(FINDING, resource_type="AWS::EFS::FileSystem"))
    assert made.steps[0] == "Take the statement that names the principal out of the EFS file system's policy."
    assert "CloudTrail" in made.steps[-1]
    unknown = remedy(msgspec.structs.replace(FINDING, resource_type="AWS::New::Thing"))
    assert unknown.steps[0].startswith("Find the policy that grants the access")


@pytest.mark.parametrize(
    ("resource_type", "resource", "typed"),
    [
        ("AWS::S3::Bucket", "arn:aws:s3:::site", "--bucket site"),
        ("AWS::IAM::Role", "arn:aws:iam::111122223333:role/ops/reader", "--role-name reader"),
        ("AWS::SQS::Queue", "arn:aws:sqs:eu-west-1:111122223333:q", "--queue-name q "),
        ("AWS::EC2::Snapshot", "arn:aws:ec2:eu-west-1:111122223333:snapshot/snap-1", "--snapshot-id snap-1 "),
        ("AWS::RDS::DBSnapshot", "arn:aws:rds:eu-west-1:111122223333:snapshot:rds:a", "identifier rds:a"),
        (
            "AWS::ECR::Repository",
            "arn:aws:ecr:eu-west-1:111122223333:repository/a/b",
            "--repository-name a/b",
        ),
        (
            "AWS::S3Express::DirectoryBucket",
            "arn:aws:s3express:eu-west-1:111122223333:bucket/a--euw1-az1--x-s3",
            "--bucket a--euw1-az1--x-s3",
        ),
        (
            "AWS::KMS::Key",
            "arn:aws:kms:eu-west-1:111122223333:key/k",
            "arn:aws:kms:eu-west-1:111122223333:key/k",
        ),
        ("AWS::Some::Thing", "x", ""),
    ],
)
def test_commands_name_the_resource(resource_type: str, resource: str, typed: str) -> None:
    finding = msgspec.structs.replace(FINDING, resource_type=resource_type, resource=resource)
    assert typed in " ".join(remedy(finding).commands) + " "


def test_unused_access_goes_before_the_type_of_resource() -> None:
    finding = msgspec.structs.replace(
        FINDING, resource_type="AWS::IAM::User", finding_type="UnusedIAMUserPassword"
    )
    assert remedy(finding) == remedy(msgspec.structs.replace(finding, resource_type="AWS::IAM::Role"))
    assert "CloudTrail" not in " ".join(remedy(finding).steps)


@given(st.sampled_from(RESOURCE_TYPES), some.hostile_text, some.hostile_text)
def test_a_command_is_one_command_whatever_the_name(resource_type: str, name: str, finding_id: str) -> None:
    finding = msgspec.structs.replace(
        FINDING, resource_type=resource_type, resource=name, id=finding_id, analyzer_arn=name
    )
    for kind in ("ExternalAccess", "UnusedPermission"):
        expected = remedy(msgspec.structs.replace(finding, resource="x", id="x", finding_type=kind))
        made = remedy(msgspec.structs.replace(finding, finding_type=kind))
        for command, plain in zip(made.commands, expected.commands, strict=True):
            assert not set(command) & set("\n\r;|&$`<>()!*?[]{}~#'\"\\")
            assert len(shlex.split(command)) == len(shlex.split(plain))


def test_a_name_is_no_option_and_no_file() -> None:
    for name in ("--endpoint-url=http://evil.example", "file:///etc/passwd", "=ls", "https://evil.example"):
        made = remedy(msgspec.structs.replace(FINDING, resource=name)).commands
        assert "evil" not in " ".join(made)
        assert "NAME" in made[0]
