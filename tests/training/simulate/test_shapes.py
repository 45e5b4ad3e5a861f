"""What the simulator hands out: every shape that AWS has, in the record's shape, about one organization."""

import json
import re
from collections import Counter

import pytest

from scoring.findings import record as records
from scoring.findings.access.access_level import access_level
from scoring.findings.arn import Arn
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES, TABLE
from training.simulate import Organization, simulate
from training.simulate.hostile import STRINGS
from training.simulate.world.kinds import KINDS, LEVELS

FAMILIES = {
    "ExternalAccess": "Access Analyzer Finding",
    "InternalAccess": "Internal Access Finding",
    "Unused": "Unused Access Finding for IAM entities",
}
SAMPLES = {
    "ExternalAccess": "external-public-bucket.json",
    "InternalAccess": "internal.json",
    "Unused": "unused-permission.json",
}
CONTEXT = ["tags", "aliases", "resource_account", "principal_account", "reactivated_by"]
TIMES = {
    "Access Analyzer Finding": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z",
    "Internal Access Finding": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z",
    "Unused Access Finding for IAM entities": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z",
}


@pytest.fixture(scope="module")
def organization():
    return Organization.build(9)


@pytest.fixture(scope="module")
def stream(organization):
    return [one.record for one in simulate(12_000, seed=9, organization=organization, unknown=0.05)]


@pytest.fixture(scope="module")
def details(stream):
    return [record["finding"]["detail"] for record in stream]


def finding_of(record) -> Finding:
    finding = records.read_case(record).finding
    assert isinstance(finding, Finding)
    return finding


def test_every_type_of_finding_and_resource_occurs(stream):
    findings = [finding_of(record) for record in stream]
    assert {finding.finding_type for finding in findings} == set(FINDING_TYPES)
    assert {finding.resource_type for finding in findings} == {kind.type for kind in KINDS}
    assert {kind.type for kind in KINDS} <= set(RESOURCE_TYPES)
    shares = Counter(finding.finding_type for finding in findings)
    assert shares["ExternalAccess"] > len(findings) / 2
    assert {finding.status for finding in findings} == {"ACTIVE", "ARCHIVED", "RESOLVED"}
    assert sum(finding.status == "ACTIVE" for finding in findings) > 0.9 * len(findings)
    assert any(finding.is_deleted for finding in findings)
    assert {finding.access_type for finding in findings} >= {"INTRA_ACCOUNT", "INTRA_ORG"}
    assert {finding.principal_type for finding in findings} >= {"IAM_ROLE", "IAM_USER"}


def test_resources_are_named_as_the_table_of_types_says(stream):
    for finding in map(finding_of, stream):
        arn, row = Arn.parse(finding.resource), TABLE[finding.resource_type]
        assert (arn.service, arn.resource.startswith(row.prefix)) == (row.service, True), finding.resource


def test_every_form_of_granting_occurs(stream, details):
    kinds = {kind for detail in details for kind in detail.get("principal", {})}
    assert kinds == {"AWS", "Federated", "Service", "CanonicalUser"}
    keys = {key for detail in details for key in detail.get("condition", {})}
    assert keys >= {
        *("aws:PrincipalOrgID", "aws:SourceArn", "aws:SourceAccount", "aws:SourceIp", "aws:SourceVpce"),
        *("aws:PrincipalArn", "sts:ExternalId", "SAML:aud"),
        "token.actions.githubusercontent.com:sub",
    }
    addresses = {detail["condition"]["aws:SourceIp"] for detail in details if "aws:SourceIp" in str(detail)}
    assert "0.0.0.0/0" in addresses
    assert any(address.endswith("/28") for address in addresses)
    subjects = {value for detail in details for value in detail.get("condition", {}).values()}
    assert any(re.fullmatch("repo:[^*]+:ref:[^*]+", subject) for subject in subjects)
    assert any(re.fullmatch(r"repo:[^*]+/\*:\*", subject) for subject in subjects)
    restrictions = {restriction for record in stream for restriction in finding_of(record).restrictions}
    assert restrictions == {"APPLICABLE", "NOT_APPLICABLE", "APPLIED", "FAILED_TO_EVALUATE_RCP"}
    sources = {source["type"] for detail in details for source in detail.get("sources", [])}
    assert sources == {"POLICY", "BUCKET_ACL", "S3_ACCESS_POINT", "S3_ACCESS_POINT_ACCOUNT"}
    assert {"AWS": "*"} in [detail["principal"] for detail in details if detail.get("isPublic")]
    assert any(detail["principal"] == {"AWS": "*"} for detail in details if detail.get("isPublic") is False)


def test_error_findings_lack_what_aws_leaves_out(details):
    errors = [detail for detail in details if "error" in detail]
    assert {detail["error"] for detail in errors} == {"ACCESS_DENIED", "INTERNAL_ERROR"}
    for detail in errors:
        assert not {"principal", "action", "isPublic", "accessType"} & set(detail)


@pytest.mark.parametrize("family", FAMILIES)
def test_events_have_the_fields_of_the_samples(family, stream, request):
    sample = json.loads((request.config.rootpath / "tests/events" / SAMPLES[family]).read_text())
    events = [r["finding"] for r in stream if r["finding"]["detail-type"] == FAMILIES[family]]
    optional = {"resourceControlPolicyRestriction", "sources"}
    counted = {"numberOfUnusedServices", "numberOfUnusedActions"}
    for event in events:
        detail = event["detail"]
        assert set(event) == set(sample)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
        assert event["resources"][0].split(":")[4] == event["account"]
        for name in ("createdAt", "analyzedAt", "updatedAt"):
            assert re.fullmatch(TIMES[event["detail-type"]], detail[name])
        assert (
            detail["createdAt"][:19] <= detail["analyzedAt"][:19] <= detail["updatedAt"][:19] < event["time"]
        )
        if "error" not in detail:
            left_out = optional | (counted if detail.get("findingType") != "UnusedPermission" else set())
            assert set(sample["detail"]) - left_out <= set(detail) <= set(sample["detail"])


@pytest.mark.parametrize("shape", ["v1", "v2", "mixed"])
def test_api_shapes_say_the_same_as_events(shape):
    kept = {
        "principals",
        "actions",
        "conditions",
        "is_public",
        "resource",
        "status",
        "error",
        "account",
        "id",
    }
    kept |= {"access_type", "principal_owner_account", "unused_services", "finding_type", "resource_type"}
    streams = (simulate(1500, seed=3, shape="event"), simulate(1500, seed=3, shape=shape))
    for event, other in zip(*streams, strict=True):
        as_event, as_api = finding_of(event.record), finding_of(other.record)
        assert {name: getattr(as_event, name) for name in kept} == {
            name: getattr(as_api, name) for name in kept
        }
        assert event.probability == other.probability
        assert event.record["context"] == other.record["context"] if "context" in event.record else True


def test_records_are_in_the_shape_of_the_contract(stream):
    whole = 0
    for record in stream:
        assert set(record) <= {"finding", "context", "label"}
        context = record.get("context", {})
        unknown = context.get("unknown", {})
        assert set(context) <= {*CONTEXT, "unknown"}
        assert not set(unknown) & set(context)
        whole += list(context) == CONTEXT
        assert set(record.get("label", {})) in (set(), {"verdict", "by", "at", "source"})
        assert json.loads(json.dumps(record)) == record
    assert whole / len(stream) == pytest.approx(0.95, abs=0.01)
    assert any("context" not in record for record in stream)
    assert {reason for r in stream for reason in r.get("context", {}).get("unknown", {}).values()} == {
        "AccessDenied",
        "Throttling",
    }
    who = {(r.get("context", {}).get("reactivated_by") or {}).get("who") for r in stream}
    assert who == {None, "person", "undo", "expiry"}


def test_nothing_is_unknown_when_asked():
    for one in simulate(500, seed=1, unknown=0.0):
        assert list(one.record["context"]) == CONTEXT


def test_findings_are_about_the_organization(organization, stream):
    resources = {resource.arn: resource for resource in organization.resources}
    accounts = {account.id: account for account in organization.accounts}
    for record in stream:
        finding = finding_of(record)
        resource = resources[finding.resource]
        assert (finding.resource_type, finding.account) == (resource.type, resource.account)
        context = record.get("context", {})
        if "tags" in context:
            assert context["tags"] == resource.tags
        if "resource_account" in context:
            assert context["resource_account"]["ou"] == accounts[resource.account].ou
        principal = context.get("principal_account")
        if principal:
            assert principal["in_org"] == (principal["id"] in accounts)
            assert principal.get("vendor") == organization.vendors.get(principal["id"])


def test_actions_have_the_access_level_that_the_tables_say():
    for kind in KINDS:
        for level, _, actions in kind.grants:
            assert access_level(actions).level == LEVELS[level], actions


def test_an_organization_can_be_created_elsewhere():
    organization = Organization.build(1, accounts=10, resources=300)
    assert len({account.id for account in organization.accounts}) == 10
    assert len({account.name for account in organization.accounts}) == 10
    assert {account.ou for account in organization.accounts} <= set(organization.ous)
    assert len({resource.arn for resource in organization.resources}) == 300
    assert len({resource.name for resource in organization.resources}) == 300
    assert all(re.fullmatch("[a-z0-9-]{3,63}", resource.name) for resource in organization.resources)
    aliases = [(r.account, r.region, alias) for r in organization.resources for alias in r.aliases]
    assert len(set(aliases)) == len(aliases) > 0
    keys = {key for resource in organization.resources for key in resource.tags}
    assert len(keys & {"Environment", "environment", "env", "Env"}) > 1


def test_an_organization_takes_the_identifiers_that_aws_chose():
    organization = Organization.build(1, accounts=10, resources=60)
    accounts = {account.id: f"{9 * 10**11 + n}" for n, account in enumerate(organization.accounts)}
    key = next(r.arn for r in organization.resources if r.type == "AWS::KMS::Key")
    chosen = "arn:aws:kms:eu-west-1:900000000000:key/00000000-0000-4000-8000-000000000000"
    renamed = organization.substituted(accounts=accounts, arns={key: chosen})
    before = simulate(2000, seed=2, organization=organization)
    after = simulate(2000, seed=2, organization=renamed)
    seen = set()
    for old, new in zip(before, after, strict=True):
        text = json.dumps(new.record)
        assert old.probability == new.probability
        assert not [account for account in accounts if account in text]
        seen.add(new.record["finding"]["detail"]["resource"])
    assert chosen in seen


def test_an_organization_has_a_least_size():
    with pytest.raises(ValueError, match="at least 8 accounts and 40 resources"):
        Organization.build(accounts=2)


def test_hostile_text_comes_only_when_asked_for():
    quiet = [json.dumps(one.record) for one in simulate(4000, seed=2)]
    loud = [json.dumps(one.record) for one in simulate(4000, seed=2, hostile=True)]
    changed = [text for text, other in zip(loud, quiet, strict=True) if text != other]
    assert 0.01 < len(changed) / len(loud) < 0.05
    whole = "".join(changed)
    assert all(json.dumps(text)[1:-1] in whole for text in STRINGS)
    assert not re.search(r"\\u00[01]|<|\{\{|\\u20", "".join(quiet))
    for text in loud:
        assert finding_of(json.loads(text)).id
