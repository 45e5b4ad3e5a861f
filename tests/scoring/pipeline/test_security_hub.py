"""What is written to Security Hub, as botocore's Stubber sees it: moto cannot update findings there."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision.decide import decide
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.record import Case, read_case
from scoring.pipeline.security_hub import AUTHOR, note, request, write_back
from scoring.policy import policy
from scoring.scorecard import formats
from tests.scoring.strategies import cases

EVENTS = Path(__file__).parents[2] / "events"
ID = "0b5a5c1e-6666-4c4c-9a9a-000000000001"
PRODUCT = "arn:aws:securityhub:eu-west-1::product/aws/access-analyzer"
POLICY, CARD = policy.load(), formats.load()


def sample(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


ASFF = sample("security-hub-cross-account-bucket")


def decided(raw: Any, **changes: Any) -> Any:
    case = read_case(raw)
    assert isinstance(case.finding, Finding)
    decision = decide(case.finding, case.context, CARD, POLICY)
    return case, msgspec.structs.replace(decision, **changes)


FROM_API = {
    "id": ID,
    "resource": "arn:aws:s3:::partner-exchange",
    "resourceType": "AWS::S3::Bucket",
    "resourceOwnerAccount": "777788889999",
    "status": "ACTIVE",
    "region": "eu-west-1",
    "principal": {"AWS": "444455556666"},
    "action": ["s3:GetObject"],
    "isPublic": False,
    "condition": {},
}
LOOKUP = {
    "Filters": {
        "ProductArn": [{"Value": PRODUCT, "Comparison": "EQUALS"}],
        "ResourceId": [{"Value": "arn:aws:s3:::partner-exchange", "Comparison": "EQUALS"}],
    },
    "MaxResults": 100,
}


@pytest.fixture
def hub():
    client = boto3.client("securityhub", region_name="eu-west-1")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def told(hub: Stubber, case: Case, decision: Any) -> str:
    regions = []

    def client(region: str) -> Any:
        regions.append(region)
        return hub.client

    said = write_back(case, decision, POLICY, client)
    assert regions in ([], ["eu-west-1"])
    return said


def accepted(identifier: dict[str, str]) -> dict[str, Any]:
    return {"ProcessedFindings": [identifier], "UnprocessedFindings": []}


class TestWriteBack:
    def test_the_finding_is_looked_for_by_resource_and_id(self, hub):
        other = ASFF | {"Id": "other", "SourceUrl": ASFF["SourceUrl"][:-1] + "9"}
        hub.add_response("get_findings", {"Findings": [other], "NextToken": "t"}, LOOKUP)
        hub.add_response("get_findings", {"Findings": [ASFF]}, LOOKUP | {"NextToken": "t"})
        identifier = {"Id": ASFF["Id"], "ProductArn": PRODUCT}
        asked = {
            "FindingIdentifiers": [identifier],
            "Note": {"Text": ANY, "UpdatedBy": AUTHOR},
            "UserDefinedFields": ANY,
            "Workflow": {"Status": "NOTIFIED"},
        }
        hub.add_response("batch_update_findings", accepted(identifier), asked)
        assert told(hub, *decided(FROM_API)) == ""

    def test_what_came_from_security_hub_is_not_looked_for(self, hub):
        hub.add_response("batch_update_findings", accepted({"Id": ASFF["Id"], "ProductArn": PRODUCT}))
        assert told(hub, *decided(ASFF)) == ""

    def test_none_is_there(self, hub):
        hub.add_response("get_findings", {"Findings": []}, LOOKUP)
        assert told(hub, *decided(FROM_API)) == "Security Hub has no such finding (yet)"

    def test_what_it_does_not_take_is_said(self, hub):
        failed = {
            "FindingIdentifier": {"Id": ASFF["Id"], "ProductArn": PRODUCT},
            "ErrorCode": "FindingNotFound",
            "ErrorMessage": "no",
        }
        hub.add_response("batch_update_findings", {"ProcessedFindings": [], "UnprocessedFindings": [failed]})
        assert told(hub, *decided(ASFF)) == "Security Hub did not take it: FindingNotFound"

    @pytest.mark.parametrize(
        "code", ["AccessDeniedException", "LimitExceededException", "InvalidAccessException"]
    )
    def test_what_it_refuses_is_said_and_not_raised(self, hub, code):
        hub.add_client_error("batch_update_findings", code)
        assert told(hub, *decided(ASFF)) == f"Security Hub: {code}"

    def test_skipped_findings_are_left_alone(self, hub):
        assert told(hub, *decided(ASFF | {"RecordState": "ARCHIVED"})) == ""

    def test_nothing_without_a_region(self, hub):
        assert told(hub, *decided({k: v for k, v in FROM_API.items() if k != "region"})) == (
            "the finding names no region"
        )


def exposure(case: Any) -> Exposure:
    return Exposure(case.finding, case.context, POLICY)


class TestRequest:
    @pytest.mark.parametrize(
        ("outcome", "before", "after"),
        [
            ("alert", "NEW", "NOTIFIED"),
            ("alert", "NOTIFIED", None),
            ("alert", "SUPPRESSED", None),
            ("archive", "NEW", "RESOLVED"),
            ("archive", "NOTIFIED", "RESOLVED"),
            ("archive", "SUPPRESSED", None),
        ],
    )
    def test_workflow_follows_unless_a_person_has_set_it(self, outcome, before, after):
        case, decision = decided(ASFF, outcome=outcome)
        asked = request(ASFF | {"Workflow": {"Status": before}}, exposure(case), decision)
        assert asked.get("Workflow", {}).get("Status") == after

    def test_what_we_archived_and_comes_back_is_notified(self):
        case, decision = decided(ASFF)
        known = ASFF | {
            "Workflow": {"Status": "RESOLVED"},
            "UserDefinedFields": {"triage/outcome": "archive"},
        }
        assert request(known, exposure(case), decision)["Workflow"] == {"Status": "NOTIFIED"}

    @pytest.mark.parametrize(("author", "is_kept"), [("ada", True), (AUTHOR, False)])
    def test_a_persons_note_stays(self, author, is_kept):
        case, decision = decided(ASFF)
        known = ASFF | {"Note": {"Text": "mine", "UpdatedBy": author, "UpdatedAt": "2026-05-04T00:00:00Z"}}
        assert ("Note" not in request(known, exposure(case), decision)) == is_kept

    def test_fields_of_others_stay_within_the_limit(self):
        case, decision = decided(ASFF)
        others = {f"field{n}": "x" for n in range(60)}
        fields = request(ASFF | {"UserDefinedFields": others}, exposure(case), decision)["UserDefinedFields"]
        assert len(fields) == 50
        assert fields["triage/outcome"] == "alert"
        assert fields["triage/score"] == f"{decision.score:.1f}"
        assert fields["field0"] == "x"
        assert all(re.fullmatch(r"[\w +=._:/@-]{1,128}", name) for name in fields)


def test_the_note_explains():
    case, decision = decided(ASFF)
    text = note(exposure(case), decision)
    assert text.startswith("Alert: S3 bucket partner-exchange is shared with")
    assert decision.reason in text
    assert f"= {decision.score:.1f}." in text


@given(cases(), st.sampled_from(["archive", "alert"]))
def test_a_note_is_short_harmless_and_adds_up(drawn, outcome):
    finding, context = drawn
    case = Case(finding=finding, context=context, raw={})
    decision = msgspec.structs.replace(decide(finding, context, CARD, POLICY), outcome=outcome)
    text = note(exposure(case), decision)
    assert 0 < len(text) <= 512
    assert text.isprintable()
    fields = request(ASFF, exposure(case), decision)["UserDefinedFields"]
    assert all(0 < len(value) <= 1024 and value.isprintable() for value in fields.values())
    added = re.search(r"\. (-?\d+\.\d)((?:; [+-]\d+\.\d [^;]*)*) = (-?\d+\.\d)\.", text)
    if added:
        points = [Decimal(point) for point in re.findall(r"; ([+-]\d+\.\d) ", added[2])]
        assert Decimal(added[1]) + sum(points) == Decimal(added[3])
