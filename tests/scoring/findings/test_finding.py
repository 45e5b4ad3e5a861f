"""Findings in every shape that AWS gives, and what AWS could never have sent."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.finding import Finding, Notice, from_api, from_event

EVENTS = Path(__file__).parents[2] / "events"
ANALYZER = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def external(**detail: object) -> Any:
    changed = event("external-cross-account-kms")
    changed["detail"] |= detail
    return changed


def summary(**fields: object) -> dict[str, Any]:
    return {
        "id": "f-1",
        "resource": "arn:aws:s3:::data",
        "resourceType": "AWS::S3::Bucket",
        "resourceOwnerAccount": "111122223333",
        "status": "ACTIVE",
        "findingType": "ExternalAccess",
    } | fields


def read(value: Any) -> Finding:
    found = from_event(value)
    assert isinstance(found, Finding)
    return found


def finding_of(name: str) -> Finding:
    return read(event(name))


class TestEvents:
    def test_external_access(self):
        finding = finding_of("external-cross-account-kms")
        assert finding.id == "0b5a5c1e-1111-4c4c-9a9a-000000000001"
        assert (finding.finding_type, finding.status) == ("ExternalAccess", "ACTIVE")
        assert finding.principals == (("AWS", "444455556666"),)
        assert finding.actions == ("kms:Decrypt", "kms:DescribeKey")
        assert finding.conditions == ()
        assert finding.is_public is False
        assert (finding.account, finding.region, finding.partition) == ("111122223333", "eu-west-1", "aws")
        assert finding.analyzer_arn == ANALYZER

    def test_the_owner_is_the_details_account_and_not_the_analyzers(self):
        changed = external(accountId="999988887777")
        assert read(changed).account == "999988887777"

    def test_internal_access_says_nothing_of_public(self):
        finding = finding_of("internal")
        assert finding.finding_type == "InternalAccess"
        assert finding.is_public is None
        assert (finding.access_type, finding.principal_type) == ("INTRA_ORG", "IAM_ROLE")
        assert finding.principal_owner_account == "777788889999"
        assert finding.restrictions == ("NOT_APPLICABLE", "APPLIED")

    def test_nanoseconds_are_cut(self):
        assert finding_of("internal").updated_at == datetime(2026, 5, 4, 3, 22, 12, 654688, UTC)

    def test_unused_access_has_its_id_elsewhere(self):
        finding = finding_of("unused-permission")
        assert finding.id == "0b5a5c1e-3333-4c4c-9a9a-000000000001"
        assert (finding.unused_services, finding.unused_actions) == (3, 41)
        assert finding.principals == ()
        assert finding.is_unused_access

    def test_an_error_finding_lacks_what_could_not_be_analyzed(self):
        finding = finding_of("external-error")
        assert finding.error == "ACCESS_DENIED"
        assert (finding.principals, finding.actions, finding.is_public) == ((), (), None)

    def test_deleted_keeps_its_status(self):
        finding = finding_of("external-deleted")
        assert (finding.status, finding.is_deleted) == ("ACTIVE", True)

    def test_an_access_preview_is_no_finding(self):
        notice = from_event(event("access-preview"))
        assert isinstance(notice, Notice)
        assert notice.id == "aaaabbbb-cccc-4ddd-8eee-ffffaaaabbbb"
        assert notice.resource == "arn:aws:s3:::marketing-site-assets"

    def test_a_call_that_cloudtrail_saw_is_no_finding(self):
        call = external() | {
            "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventID": "e-1", "eventName": "UpdateFindings"},
        }
        notice = from_event(call)
        assert isinstance(notice, Notice)
        assert notice.id == "e-1"

    def test_an_unused_access_event_without_a_type_is_of_no_known_type(self):
        changed = event("unused-permission")
        del changed["detail"]["findingType"]
        assert read(changed).finding_type == "Unused access, type not given"

    def test_a_family_of_a_newer_aws_is_kept_by_name(self):
        changed = external() | {"detail-type": "Ninth Kind of Finding"}
        assert read(changed).finding_type == "Ninth Kind of Finding"

    @pytest.mark.parametrize("source", ["aws.securityhub", "aws.access-analyzer-test", ""])
    def test_another_source_is_bad_input(self, source):
        with pytest.raises(BadInput, match=r"^source: expected an event"):
            from_event(external() | {"source": source})

    @pytest.mark.parametrize("missing", ["source", "detail", "detail-type"])
    def test_an_envelope_without_its_parts_is_bad_input(self, missing):
        changed = external()
        del changed[missing]
        with pytest.raises(BadInput, match=missing):
            from_event(changed)


def test_an_answer_of_the_api_kept_in_a_record_names_its_analyzer():
    finding = from_api(summary(analyzerArn=ANALYZER))
    assert (finding.analyzer_arn, finding.region) == (ANALYZER, "eu-west-1")


class TestApi:
    def test_a_summary_says_nothing_of_who_is_given_what(self):
        finding = from_api(summary())
        assert (finding.principals, finding.actions, finding.is_public) == ((), (), None)

    def test_partition_and_region_of_the_resource(self):
        finding = from_api(summary(resource="arn:aws-cn:sqs:cn-north-1:111122223333:q"))
        assert (finding.partition, finding.region) == ("aws-cn", "cn-north-1")

    def test_the_account_of_the_arn_where_no_field_gives_it(self):
        bare = summary(resource="arn:aws:sqs:eu-west-1:444455556666:q")
        del bare["resourceOwnerAccount"]
        assert from_api(bare).account == "444455556666"

    def test_no_account_is_made_up(self):
        bare = summary()
        del bare["resourceOwnerAccount"]
        assert from_api(bare).account is None

    def test_datetimes_of_boto3_are_kept(self):
        now = datetime(2026, 5, 4, tzinfo=UTC)
        assert from_api(summary(updatedAt=now)).updated_at == now

    def test_several_principals(self):
        finding = from_api(summary(principal={"AWS": ["444455556666", "999988887777"], "Service": "s3"}))
        assert finding.principals == (("AWS", "444455556666"), ("AWS", "999988887777"), ("Service", "s3"))

    @pytest.mark.parametrize("field", ["id", "resource", "resourceType", "status"])
    @pytest.mark.parametrize("value", [None, "", 5, ["x"], {"a": "b"}])
    def test_what_a_finding_needs(self, field, value):
        with pytest.raises(BadInput, match=f"^{field}: ") as caught:
            from_api(summary(**{field: value}))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("status", ["active", "DELETED", " ACTIVE"])
    def test_an_unknown_status_is_bad_input(self, status):
        with pytest.raises(BadInput, match="expected ACTIVE, ARCHIVED or RESOLVED"):
            from_api(summary(status=status))

    @pytest.mark.parametrize("account", ["1111", "11112222333a", "１１１１２２２２３３３３", "1111 2222 333"])
    def test_an_account_has_twelve_digits(self, account):
        with pytest.raises(BadInput, match="resourceOwnerAccount: expected twelve digits"):
            from_api(summary(resourceOwnerAccount=account))

    @pytest.mark.parametrize(
        "time", ["2026-05-04", "2026-05-04T07:48:39", "yesterday", 1777880919, "0001-01-01T00:00:00Z"]
    )
    def test_a_time_that_aws_never_writes(self, time):
        with pytest.raises(BadInput, match="updatedAt"):
            from_api(summary(updatedAt=time))

    def test_counts_are_not_negative(self):
        with pytest.raises(BadInput, match="numberOfUnusedActions"):
            from_api(summary(numberOfUnusedActions=-1))


class TestSeveralPagesOfDetails:
    @staticmethod
    def merged(*pages: Any, **fields: object) -> Finding:
        return from_api(summary(findingDetails=list(pages), **fields))

    @staticmethod
    def grant(**details: object) -> dict[str, Any]:
        told = {
            "principal": {"AWS": "444455556666"},
            "action": ["s3:GetObject"],
            "isPublic": False,
            "condition": {},
        }
        return {"externalAccessDetails": told | details}

    def test_all_principals_and_actions_count(self):
        finding = self.merged(self.grant(), self.grant(principal={"AWS": "*"}, action=["s3:PutObject"]))
        assert finding.principals == (("AWS", "444455556666"), ("AWS", "*"))
        assert finding.actions == ("s3:GetObject", "s3:PutObject")

    def test_public_on_any_page_is_public(self):
        assert self.merged(self.grant(isPublic=True), self.grant()).is_public is True

    def test_a_page_that_does_not_say_leaves_public_unknown(self):
        assert self.merged(self.grant(), self.grant(isPublic=None)).is_public is None

    def test_a_condition_counts_only_where_every_page_has_it(self):
        narrow = {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}
        assert self.merged(self.grant(condition=narrow), self.grant()).conditions == ()
        both = self.merged(
            self.grant(condition=narrow), self.grant(condition={"aws:PrincipalOrgID": "o-other00000"})
        )
        assert both.conditions == (("aws:PrincipalOrgID", ("o-a1b2c3d4e5", "o-other00000")),)

    def test_restricted_only_where_every_page_is(self):
        applied, free = (
            {"resourceControlPolicyRestriction": "APPLIED"},
            {"resourceControlPolicyRestriction": "NOT_APPLICABLE"},
        )
        assert self.merged(self.grant(**applied), self.grant(**applied)).restrictions == ("APPLIED",)
        assert self.merged(self.grant(**applied), self.grant(**free)).restrictions == ("NOT_APPLICABLE",)
        assert self.merged(self.grant(**applied), self.grant()).restrictions == ()

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            (["INTRA_ACCOUNT", "INTRA_ACCOUNT"], "INTRA_ACCOUNT"),
            (["INTRA_ORG", "INTRA_ACCOUNT"], "INTRA_ORG"),
            (["INTRA_ACCOUNT", None], None),
            (["INTRA_ACCOUNT", "NEW"], None),
        ],
    )
    def test_the_wider_access_type_counts(self, said, meant):
        pages = [
            {"internalAccessDetails": {"principal": {"AWS": "444455556666"}, "accessType": access_type}}
            for access_type in said
        ]
        assert self.merged(*pages).access_type == meant

    @pytest.mark.parametrize("more", [{"nextToken": "abc"}, {}])
    def test_unread_pages_are_said(self, more):
        unknown_union: tuple[Any, ...] = () if more else ({"SDK_UNKNOWN_MEMBER": {}},)
        assert self.merged(self.grant(), *unknown_union, **more).incomplete
        assert not self.merged(self.grant()).incomplete

    def test_unused_permissions_are_counted(self):
        pages = [
            {"unusedPermissionDetails": {"serviceNamespace": "s3", "actions": [{"action": "GetObject"}]}},
            {"unusedPermissionDetails": {"serviceNamespace": "iam", "lastAccessed": "2026-01-01T00:00:00Z"}},
        ]
        finding = self.merged(*pages, findingType="UnusedPermission")
        assert (finding.unused_services, finding.unused_actions) == (1, 1), "as the event counts them"
        assert finding.unused == ("s3:GetObject", "iam")
        assert finding.last_accessed == datetime(2026, 1, 1, tzinfo=UTC)

    def test_the_access_key_is_named(self):
        page = {"unusedIamUserAccessKeyDetails": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}
        finding = self.merged(page, findingType="UnusedIAMUserAccessKey")
        assert finding.access_key_id == "AKIAIOSFODNN7EXAMPLE"

    def test_the_access_point_is_named(self):
        arn = "arn:aws:s3:eu-west-1:111122223333:accesspoint/partners"
        source = {"type": "S3_ACCESS_POINT", "detail": {"accessPointArn": arn}}
        grant = {"externalAccessDetails": {"action": ["s3:GetObject"], "condition": {}, "sources": [source]}}
        assert self.merged(grant).access_points == (arn,)

    def test_a_part_of_the_unused_permissions_counts_for_nothing(self):
        page = {"unusedPermissionDetails": {"serviceNamespace": "s3"}}
        assert self.merged(page, findingType="UnusedPermission", nextToken="abc").unused_services is None


Place = tuple[str | int, ...]


def paths(value: object, at: Place = ()) -> list[Place]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in inside for found in ((*at, key), *paths(inner, (*at, key)))]


def put(value: Any, path: Place, new: object) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return changed


def wrong_type(value: object) -> object:
    wrong = {bool: "yes", str: 5, int: "7", list: {"a": "b"}, dict: ["a"], float: "1.5"}
    return wrong[type(value)]


def fields_of_samples() -> list[tuple[str, Place]]:
    found: list[tuple[str, Place]] = []
    for file in sorted(EVENTS.glob("*.json")):
        found += [(file.name, path) for path in paths(json.loads(file.read_text()))]
    return found


@pytest.mark.parametrize(("name", "path"), fields_of_samples())
def test_a_wrong_type_in_any_field_is_bad_input(name, path):
    from scoring.findings.record import read_value

    sample = json.loads((EVENTS / name).read_text())
    value = sample
    for key in path:
        value = value[key]
    bad = [entry for entry in read_value(put(sample, path, wrong_type(value))) if entry.error]
    assert bad
    for entry in bad:
        line = f"{entry.where}: {entry.error}"
        assert line.isprintable()
        assert any(key in line for key in path if isinstance(key, str))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(fields_of_samples()), _JSON)
def test_any_value_in_any_field_gives_a_finding_or_one_line(field, new):
    from scoring.findings.record import read_value

    name, path = field
    for entry in read_value(put(json.loads((EVENTS / name).read_text()), path, new)):
        assert (entry.case is None) != (entry.error is None)
        if entry.error is not None:
            assert str(entry.error).isprintable()
