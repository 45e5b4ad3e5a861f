"""Every form of a finding means the same, or says what it lacks and goes to a person."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scoring.decision.decide import Decision, decide
from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding
from scoring.findings.record import read_value
from scoring.findings.resource_types import TABLE
from scoring.policy.policy import Policy
from scoring.scorecard import formats
from tests.scoring import forms

OWN, INSIDE, STRANGER = "111122223333", "222233334444", "999988887777"
CARD = formats.load()
POLICY = Policy(organization_id="o-a1b2c3d4e5")
FULL: dict[str, Callable[[Finding], dict[str, Any]]] = {
    "event": forms.event,
    "v1": forms.v1,
    "v2": forms.v2,
    "preview": forms.preview,
}
PARTIAL: dict[str, Callable[[Finding], dict[str, Any]]] = {"ASFF": forms.asff, "OCSF": forms.ocsf}


def context(principal_account: str) -> Context:
    is_inside = principal_account == INSIDE
    return Context(
        tags=Present({"Environment": "dev", "Owner": "blue"}),
        aliases=Present(("alias/blue-dev",)),
        resource_account=Present(Account(id=OWN, name="blue", ou="Workloads/Dev", org_id="o-a1b2c3d4e5")),
        principal_account=Present(PrincipalAccount(id=principal_account, in_org=is_inside)),
        reactivated_by=ABSENT,
    )


def shared(resource_type: str, principal: str, **more: Any) -> Finding:
    row = TABLE[resource_type]
    arn = "arn:aws:" + row.arn.format(region="eu-west-1", account=OWN) + "thing"
    action = {"AWS::IAM::Role": "sts:AssumeRole"}.get(resource_type, f"{row.service}:Get*")
    content: dict[str, Any] = {
        "id": "f-1",
        "resource": arn,
        "resource_type": resource_type,
        "status": "ACTIVE",
        "finding_type": "ExternalAccess",
        "account": OWN,
        "principals": (("AWS", principal),),
        "actions": (action,),
        "is_public": principal == "*",
    }
    return Finding(**content | more)


GRANTS: dict[str, dict[str, Any]] = {
    "inside": {"principal": INSIDE},
    "a stranger": {"principal": STRANGER},
    "a stranger's role, from his network": {
        "principal": f"arn:aws:iam::{STRANGER}:role/ci",
        "conditions": (("aws:SourceIp", ("203.0.113.0/24",)), ("sts:ExternalId", ("f3a9",))),
    },
    "anyone": {"principal": "*"},
    "everyone of the organization": {
        "principal": "*",
        "is_public": False,
        "conditions": (("aws:PrincipalOrgID", ("o-a1b2c3d4e5",)),),
    },
}
UNUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "UnusedIAMRole": ("AWS::IAM::Role", {}),
    "UnusedIAMUserAccessKey": ("AWS::IAM::User", {}),
    "UnusedIAMUserPassword": ("AWS::IAM::User", {}),
    "UnusedPermission": ("AWS::IAM::Role", {"unused_services": 7, "unused_actions": 24}),
}


def read(value: dict[str, Any], who: str) -> tuple[Finding, Decision]:
    [located] = read_value(json.loads(json.dumps(value)))
    assert located.error is None, located.error
    assert located.case is not None
    finding = located.case.finding
    assert isinstance(finding, Finding)
    return finding, decide(finding, context(who), CARD, POLICY)


def facts(finding: Finding) -> dict[str, Any]:
    own = ("analyzer_arn", "region", "created_at", "analyzed_at", "updated_at", "unused")
    return {name: value for name, value in msgspec.structs.asdict(finding).items() if name not in own}


@pytest.mark.parametrize("resource_type", TABLE)
@pytest.mark.parametrize("grant", GRANTS)
def test_external_access_means_the_same_in_every_form(resource_type: str, grant: str) -> None:
    given = GRANTS[grant]
    who = INSIDE if given["principal"] == INSIDE else STRANGER
    finding = shared(resource_type, **given)
    said = {name: read(form(finding), who) for name, form in FULL.items()}
    first_facts, first = facts(said["event"][0]), said["event"][1]
    for name, (found, decision) in said.items():
        assert facts(found) == first_facts, name
        assert (decision.score, decision.outcome, decision.reason) == (
            first.score,
            first.outcome,
            first.reason,
        ), name
        assert decision.contributions == first.contributions, name


@pytest.mark.parametrize("resource_type", TABLE)
@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize("form", PARTIAL)
def test_what_security_hub_does_not_carry_is_named_and_a_person_looks(
    resource_type: str, grant: str, form: str
) -> None:
    given = GRANTS[grant]
    finding = shared(resource_type, **given)
    found, decision = read(PARTIAL[form](finding), STRANGER)
    assert (found.id, found.resource, found.account) == (finding.id, finding.resource, finding.account)
    assert (found.resource_type, found.is_public) == (finding.resource_type, finding.is_public)
    assert found.lacks
    assert decision.outcome == "alert"
    [said] = [rail.text for rail in decision.guardrails if rail.name == "unknown_details"]
    assert all(name in said for name in found.lacks)
    assert {"conditions", "all conditions"} & set(found.lacks)


@pytest.mark.parametrize("finding_type", UNUSED)
def test_unused_access_means_the_same_in_every_form(finding_type: str) -> None:
    resource_type, counts = UNUSED[finding_type]
    finding = shared(
        resource_type, "", finding_type=finding_type, principals=(), actions=(), is_public=None, **counts
    )
    every = {"event": forms.event, "v2": forms.v2, **PARTIAL}
    said = {name: read(form(finding), STRANGER)[1] for name, form in every.items()}
    assert len({(decision.score, decision.outcome) for decision in said.values()}) == 1, said


def test_unused_permissions_without_their_number_go_to_a_person() -> None:
    finding = shared(
        "AWS::IAM::Role", "", finding_type="UnusedPermission", principals=(), actions=(), is_public=None
    )
    found, decision = read(forms.ocsf(finding), STRANGER)
    assert found.lacks == ("unused services and actions",)
    assert decision.outcome == "alert"


@pytest.mark.parametrize("envelope", forms.ENVELOPES)
@pytest.mark.parametrize("form", [*FULL, *PARTIAL, "Security Hub's event", "Security Hub's event V2"])
def test_an_envelope_changes_nothing(envelope: str, form: str) -> None:
    finding = shared("AWS::KMS::Key", f"arn:aws:iam::{STRANGER}:root")
    by_security_hub = {
        "Security Hub's event": forms.of_security_hub(forms.asff(finding)),
        "Security Hub's event V2": forms.of_security_hub(forms.ocsf(finding)),
    }
    sent = by_security_hub.get(form) or (FULL | PARTIAL)[form](finding)
    bare = read(sent, STRANGER)
    assert read(forms.ENVELOPES[envelope](sent), STRANGER) == bare


def test_internal_access_means_the_same_in_an_event_and_in_the_api() -> None:
    finding = shared(
        "AWS::S3::Bucket",
        f"arn:aws:iam::{INSIDE}:role/analytics",
        finding_type="InternalAccess",
        access_type="INTRA_ORG",
        is_public=None,
        restrictions=("NOT_APPLICABLE", "APPLICABLE"),
    )
    (by_event, first), (by_api, second) = (read(form(finding), INSIDE) for form in (forms.event, forms.v2))
    assert (first.score, first.outcome) == (second.score, second.outcome)
    assert facts(by_event) == facts(by_api)


class TestOcsf:
    def sent(self, **changes: Any) -> dict[str, Any]:
        return forms.ocsf(shared("AWS::S3::Bucket", "*")) | changes

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"resources": []}, "resources: expected one resource, got none"),
            ({"resources": None}, "resources: expected one resource, got none"),
            ({"resources": [{"type": "AWS::S3::Bucket"}]}, "resources[0].uid: expected a string"),
            ({"resources": [{"uid": "arn:aws:s3:::x"}]}, "resources[0].type: expected a string"),
            ({"finding_info": {}}, "finding_info.uid: expected a string that is not empty"),
            (
                {"metadata": {"product": {"name": "GuardDuty"}}},
                "metadata.product.name: expected a finding of",
            ),
            ({"metadata": None}, "metadata.product.uid: expected a finding of IAM Access Analyzer"),
            ({"status_id": "1"}, "status_id"),
            (
                {"finding_info": {"uid": "f", "created_time": 10**18}},
                "finding_info.created_time: expected milliseconds since 1970",
            ),
        ],
    )
    def test_what_security_hub_never_sends_is_one_line(self, changes: dict[str, Any], expected: str) -> None:
        [located] = read_value(self.sent(**changes))
        assert located.case is None
        assert str(located.error).startswith(expected)
        assert "\n" not in str(located.error)

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ({"status_id": 1}, "alert"),
            ({"status_id": 2}, "alert"),
            ({"status_id": 3}, "skip"),
            ({"status_id": 4}, "skip"),
            ({"status_id": 5}, "skip"),
            ({"status_id": 6}, "skip"),
            ({"status_id": 99, "status": "Something"}, "alert"),
            ({"status_id": None, "status": "Archived"}, "skip"),
            ({"status_id": 0, "status": None}, "alert"),
        ],
    )
    def test_status(self, status: dict[str, Any], outcome: str) -> None:
        assert read(self.sent(**status), STRANGER)[1].outcome == outcome

    def test_an_answer_of_get_findings_v2_gives_each_finding(self) -> None:
        answer = {"Findings": [self.sent(), self.sent(resources=[]), self.sent()], "NextToken": "t"}
        assert [located.case is None for located in read_value(answer)] == [False, True, False]

    def test_what_the_schema_has_a_place_for_is_read(self) -> None:
        result = {
            "accessors": [{"uid": STRANGER}, {"name": "sns.amazonaws.com"}],
            "granted_privileges": ["s3:GetObject", "not an action"],
            "condition_keys": [{"name": "aws:SourceVpce", "values": ["vpce-1", "vpce-2"]}],
        }
        finding, decision = read(self.sent(class_uid=2008, access_analysis_result=result), STRANGER)
        assert finding.principals == (("AWS", STRANGER), ("Service", "sns.amazonaws.com"))
        assert finding.actions == ("s3:GetObject",)
        assert finding.conditions == (("aws:SourceVpce", ("vpce-1", "vpce-2")),)
        assert finding.lacks == ("all principals", "all actions", "all conditions")
        assert decision.outcome == "alert"
