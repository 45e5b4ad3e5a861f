"""Findings of Access Analyzer as Security Hub passes them on."""

import json
from pathlib import Path
from typing import Any

import pytest

from scoring.decision.decide import decide
from scoring.files.errors import BadInput
from scoring.findings.context import NO_CONTEXT
from scoring.findings.finding import Finding
from scoring.findings.record import read_value
from scoring.findings.security_hub_format import findings_of, from_asff, is_event, is_finding
from scoring.policy.policy import Policy
from scoring.scorecard.formats import load

EVENTS = Path(__file__).parents[2] / "events"


def sample(name: str) -> Any:
    return json.loads((EVENTS / f"security-hub-{name}.json").read_text())


def external(other: dict[str, str] | None = None, **changes: object) -> Any:
    value = sample("cross-account-bucket") | changes
    value["Resources"][0]["Details"]["Other"] |= other or {}
    return value


def test_external_access():
    finding = from_asff(external())
    assert finding.id == "0b5a5c1e-6666-4c4c-9a9a-000000000001"
    assert (finding.resource, finding.resource_type) == ("arn:aws:s3:::partner-exchange", "AWS::S3::Bucket")
    assert (finding.finding_type, finding.status) == ("ExternalAccess", "ACTIVE")
    assert finding.principals == (("AWS", "444455556666"),)
    assert finding.actions == ("s3:GetObject", "s3:GetObjectVersion")
    assert (finding.conditions, finding.incomplete) == ((), False)
    assert finding.restrictions == ("NOT_APPLICABLE",)
    assert finding.is_public is False
    assert (finding.region, finding.partition) == ("eu-west-1", "aws")
    assert finding.analyzer_arn == "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"


def test_unused_access():
    permission, role = (from_asff(value) for value in sample("unused-permission")["Findings"])
    assert permission.id == "0b5a5c1e-6666-4c4c-9a9a-000000000002"
    assert permission.finding_type == "UnusedPermission"
    assert (permission.unused_services, permission.unused_actions) == (15, 256)
    assert (permission.principals, permission.is_public) == ((), None)
    assert (role.finding_type, role.status) == ("UnusedIAMRole", "ARCHIVED")


def test_the_event_of_security_hub_carries_findings():
    event = sample("event")
    assert is_event(event)
    [entry] = read_value(event)
    assert entry.where == "detail.findings[0]"
    assert entry.case is not None
    assert entry.case.finding == from_asff(event["detail"]["findings"][0])


def test_every_finding_of_a_custom_action():
    event = sample("event") | {"detail-type": "Security Hub Findings - Custom Action"}
    event["detail"] |= {"actionName": "triage", "findings": [external(), external()]}
    assert findings_of(event) == [external(), external()]


@pytest.mark.parametrize("detail", [{}, {"findings": {}}, {"actionName": "x", "insightArn": "y"}])
def test_an_event_without_findings_is_bad_input(detail):
    [entry] = read_value(sample("event") | {"detail": detail})
    assert entry.case is None
    assert "detail.findings: expected a list of findings" in str(entry.error)


class TestAccount:
    def test_it_is_the_resources_and_not_that_of_the_analyzer(self):
        assert from_asff(external()).account == "777788889999"

    def test_it_is_unknown_where_neither_a_field_nor_the_arn_gives_it(self):
        assert from_asff(external(ProductFields={})).account is None

    def test_it_is_taken_from_the_arn(self):
        value = external(ProductFields={})
        value["Resources"][0] |= {"Type": "AwsSqsQueue", "Id": "arn:aws:sqs:eu-west-1:999988887777:q"}
        assert from_asff(value).account == "999988887777"


class TestId:
    def test_without_a_page_of_details_it_is_security_hubs_own(self):
        value = external(SourceUrl="https://console.aws.amazon.com/access-analyzer/home")
        assert from_asff(value).id == value["Id"]

    def test_a_query_behind_it_is_no_part_of_it(self):
        assert from_asff(external(SourceUrl="https://x/#/findings/details/abc?tab=1")).id == "abc"


class TestStatus:
    @pytest.mark.parametrize(
        ("record", "workflow", "status"),
        [
            ("ACTIVE", "NEW", "ACTIVE"),
            ("ACTIVE", "NOTIFIED", "ACTIVE"),
            ("ACTIVE", "SUPPRESSED", "ARCHIVED"),
            ("ACTIVE", "RESOLVED", "RESOLVED"),
            ("ARCHIVED", "NEW", "ARCHIVED"),
            ("ARCHIVED", "RESOLVED", "RESOLVED"),
            ("ACTIVE", None, "ACTIVE"),
        ],
    )
    def test_record_and_workflow(self, record, workflow, status):
        value = external(RecordState=record, Workflow=None if workflow is None else {"Status": workflow})
        assert from_asff(value).status == status

    @pytest.mark.parametrize("record", [None, "", "active", "RESOLVED", 1])
    def test_a_record_state_is_needed(self, record):
        with pytest.raises(BadInput, match="RecordState"):
            from_asff(external(RecordState=record))


class TestPublic:
    def test_the_type_says_so(self):
        finding = from_asff(sample("event")["detail"]["findings"][0])
        assert finding.is_public is True
        assert finding.principals == (("AWS", "*"),)

    @pytest.mark.parametrize(
        "changes",
        [
            {"Title": "AwsS3Bucket/arn:aws:s3:::partner-exchange/ allows public access"},
            {"Types": ["Effects/Data Exposure/External Access Granted"]},
        ],
    )
    def test_either_word_of_it_is_enough(self, changes):
        assert from_asff(external(**changes)).is_public is True

    @pytest.mark.parametrize(
        "changes", [{"Title": None}, {"Title": "renamed"}, {"Types": []}, {"Types": None}]
    )
    def test_it_is_unknown_where_not_both_deny_it(self, changes):
        assert from_asff(external(**changes)).is_public is None


class TestUnknown:
    """What the format does not carry, or not in a form that is documented, is never taken for safe."""

    @pytest.mark.parametrize("condition", ['{"aws:PrincipalOrgID": "o-a1b2c3d4e5"}', "aws:SourceVpce=vpce-1"])
    def test_a_condition_is_not_read(self, condition):
        finding = from_asff(external({"Condition": condition}))
        assert finding.conditions == ()
        assert finding.incomplete

    @pytest.mark.parametrize(
        "actions", ["s3:GetObject," + "s3:PutObject," * 90, "s3:GetObject,s3:Put Obj...", "s3:"]
    )
    def test_actions_that_may_have_been_cut(self, actions):
        assert from_asff(external({"Action Granted": actions})).incomplete

    @pytest.mark.parametrize("other", [{"External Principal": ""}, {"External Principal Type": "Everyone"}])
    def test_a_principal_of_no_known_kind(self, other):
        assert from_asff(external(other)).principals == ()

    def test_no_details_at_all(self):
        value = external()
        del value["Resources"][0]["Details"]
        finding = from_asff(value)
        assert (finding.principals, finding.actions, finding.conditions) == ((), (), ())

    def test_a_type_that_security_hub_has_no_name_for(self):
        value = external(
            Description="AWS::EFS::FileSystem/arn:aws:elasticfilesystem:x/ allows cross-account access"
        )
        value["Resources"][0]["Type"] = "Other"
        assert from_asff(value).resource_type == "AWS::EFS::FileSystem"
        value["Description"] = "something else"
        assert from_asff(value).resource_type == "Other"

    @pytest.mark.parametrize(("types", "name"), [(["A/B/Ninth Kind"], "Ninth Kind"), ([], "type not given")])
    def test_a_type_of_finding_that_is_not_known(self, types, name):
        assert from_asff(external(Types=types)).finding_type == name

    @pytest.mark.parametrize("name", ["cross-account-bucket", "unused-permission", "event"])
    def test_nothing_is_archived_on_this_alone(self, name):
        card = load()
        for entry in read_value(sample(name)):
            assert entry.case is not None
            assert isinstance(entry.case.finding, Finding)
            decision = decide(entry.case.finding, NO_CONTEXT, card, Policy())
            assert decision.outcome != "archive"


class TestBadInput:
    def test_a_time_that_aws_never_writes(self):
        with pytest.raises(BadInput, match="CreatedAt: expected a time since 1970"):
            from_asff(external(CreatedAt="0001-01-01T00:00:00+14:00"))

    @pytest.mark.parametrize(
        "product",
        [
            "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
            "x:product/aws/access-analyzer",
            "",
            None,
            5,
        ],
    )
    def test_another_product_is_named(self, product):
        value = external(ProductArn=product)
        assert is_finding(value)
        with pytest.raises(BadInput, match="ProductArn: expected a finding of IAM Access Analyzer"):
            from_asff(value)

    def test_the_generator_alone_proves_nothing(self):
        value = external()
        del value["ProductArn"]
        with pytest.raises(BadInput, match="ProductArn"):
            from_asff(value)

    @pytest.mark.parametrize("resources", [[], [{"Type": "AwsS3Bucket", "Id": "a"}] * 2, None, "x"])
    def test_one_resource(self, resources):
        with pytest.raises(BadInput, match="Resources"):
            from_asff(external() | {"Resources": resources})

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"ResourceOwnerAccount": "1"}, "ProductFields.ResourceOwnerAccount: expected twelve digits"),
            ({"numberOfUnusedActions": "-1"}, "ProductFields.numberOfUnusedActions: expected a whole number"),
            (
                {"numberOfUnusedActions": "9" * 5000},
                "ProductFields.numberOfUnusedActions: expected a whole number",
            ),
            ({"findingId": 5}, "ProductFields"),
        ],
    )
    def test_product_fields(self, fields, message):
        with pytest.raises(BadInput, match=message):
            from_asff(external(ProductFields=fields))
