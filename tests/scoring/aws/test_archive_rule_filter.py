"""Filters of archive rules: read, checked, matched as the embedded Access Analyzer matches them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.access_analyzer.filters import ARCHIVE_RULE_KEYS
from embedded.access_analyzer.filters import matches as matches_in_the_box
from embedded.access_analyzer.finding import details_v2, read_finding, summary_v2
from scoring.aws import archive_rule_filter
from scoring.aws.archive_rule_filter import KEYS, Criterion, check, from_json, may_hide_public, parse, to_api
from scoring.files.errors import BadInput
from scoring.findings.finding import from_api

AUDITOR = "111122223333"


class TestParse:
    @pytest.mark.parametrize(
        ("texts", "expected"),
        [
            ([f"principal.AWS eq {AUDITOR}"], {"principal.AWS": {"eq": [AUDITOR]}}),
            (
                ["resource contains logs 'two words'", "resource contains more"],
                {"resource": {"contains": ["logs", "two words", "more"]}},
            ),
            (["error exists false"], {"error": {"exists": False}}),
            (
                ["principal.AWS neq *", "principal.AWS exists true"],
                {"principal.AWS": {"neq": ["*"], "exists": True}},
            ),
        ],
    )
    def test_words(self, texts, expected):
        assert to_api(parse(texts)) == expected
        assert to_api(from_json(expected)) == expected

    @pytest.mark.parametrize("wrapped", [{"archiveRule": 1}, {}])
    def test_a_rule_as_the_command_line_shows_it(self, wrapped):
        rule = {
            "ruleName": "r",
            "filter": {"isPublic": {"eq": ["false"]}},
            "createdAt": "2026-01-01T00:00:00Z",
        }
        given_ = {"archiveRule": rule} if wrapped else rule
        assert to_api(from_json(given_)) == {"isPublic": {"eq": ["false"]}}

    @pytest.mark.parametrize(
        "text", ["", "resource", "resource eq", "resource is x", "resource exists maybe", "resource eq 'x"]
    )
    def test_bad_words(self, text):
        with pytest.raises(BadInput, match="--filter: expected"):
            parse([text])

    @pytest.mark.parametrize(
        "value", [[], "x", {"resource": "x"}, {"resource": {"eq": "x"}}, {"resource": {"is": ["x"]}}]
    )
    def test_bad_json(self, value):
        with pytest.raises(BadInput):
            from_json(value)


class TestCheck:
    @pytest.mark.parametrize("family", KEYS)
    def test_every_key_of_its_kind_is_taken(self, family):
        choices = archive_rule_filter._CHOICES
        for key in KEYS[family]:
            value = choices.get(key, (AUDITOR,))[0]
            check({key: Criterion(eq=(value,))}, family)

    def test_the_keys_are_those_of_the_box(self):
        assert set().union(*KEYS.values()) == ARCHIVE_RULE_KEYS

    @pytest.mark.parametrize(
        ("filters", "family", "told"),
        [
            ({}, "external", "filter: expected at least one criterion"),
            ({"status": Criterion(eq=("ACTIVE",))}, "external", "no filter key of archive rules"),
            ({"resourcetype": Criterion(eq=("x",))}, "external", "did you mean 'resourceType'"),
            ({"action": Criterion(eq=("s3:GetObject",))}, "external", "no filter key"),
            ({"isPublic": Criterion(eq=("false",))}, "unused", "findings of unused access have no such key"),
            ({"findingType": Criterion(eq=("UnusedIAMRole",))}, "external", "those of unused access do"),
            ({"resource": Criterion()}, "external", "expected one of eq, neq, contains, exists"),
            ({"resource": Criterion(eq=tuple(map(str, range(21))))}, "external", "at most 20 values, got 21"),
            ({"resource": Criterion(contains=("",))}, "external", "a value that is not empty"),
            ({"isPublic": Criterion(eq=("no",))}, "external", "expected one of true, false"),
            (
                {"resourceType": Criterion(eq=("AWS::S3::Buckt",))},
                "external",
                "did you mean 'AWS::S3::Bucket'",
            ),
            ({"resourceOwnerAccount": Criterion(neq=("12",))}, "external", "expected twelve digits"),
            ({"principal.AWS": Criterion(eq=("auditor",))}, "external", "twelve digits, an ARN or"),
        ],
    )
    def test_what_aws_would_refuse_or_never_match(self, filters, family, told):
        with pytest.raises(BadInput, match=told):
            check(filters, family)


class TestPublic:
    @pytest.mark.parametrize(
        ("texts", "may_hide"),
        [
            (["isPublic eq false"], False),
            (["isPublic eq false", "resource contains x"], False),
            (["isPublic eq true"], True),
            (["isPublic eq true false"], True),
            (["isPublic neq true"], True),
            ([f"principal.AWS eq {AUDITOR}"], False),
            ([f"principal.AWS eq {AUDITOR} *"], True),
            ([f"principal.AWS contains {AUDITOR}"], False),
            ([f"principal.AWS neq {AUDITOR}"], True),
            (["principal.AWS exists true"], True),
            (["principal.Federated contains cognito"], True),
            (["resource eq arn:aws:s3:::site"], True),
            (["error exists true"], True),
        ],
    )
    def test_of_external_access(self, texts, may_hide):
        assert may_hide_public(parse(texts), "external") == may_hide

    @pytest.mark.parametrize("family", ["internal", "unused"])
    def test_other_findings_are_never_public(self, family):
        assert not may_hide_public(parse(["resource contains x"]), family)


principals = st.sampled_from(
    [
        {"AWS": "*"},
        {"AWS": AUDITOR},
        {"AWS": f"arn:aws:iam::{AUDITOR}:root"},
        {"AWS": f"arn:aws:iam::{AUDITOR}:role/audit"},
        {"Federated": "cognito-identity.amazonaws.com"},
        {},
    ]
)
findings = st.fixed_dictionaries(
    {
        "resource": st.sampled_from(["arn:aws:s3:::logs", "arn:aws:sqs:eu-west-1:111122223333:q"]),
        "resourceType": st.sampled_from(["AWS::S3::Bucket", "AWS::SQS::Queue"]),
        "principal": principals,
        "isPublic": st.booleans(),
        "condition": st.sampled_from(
            [{}, {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, {"aws:SourceVpc": "vpc-1"}]
        ),
        "action": st.just(["s3:GetObject"]),
    },
    optional={
        "error": st.just("ACCESS_DENIED"),
        "resourceControlPolicyRestriction": st.sampled_from(["APPLICABLE", "NOT_APPLICABLE"]),
    },
)
VALUES = (
    *("AWS::S3::Bucket", AUDITOR, f"arn:aws:iam::{AUDITOR}:root", "*", "true", "logs", "o-a1b2c3d4e5"),
    *("arn:aws:s3:::logs", "cognito", "APPLICABLE", "vpc-1", "ACCESS_DENIED"),
)
values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3)
filters_ = st.dictionaries(
    st.sampled_from(KEYS["external"]),
    st.one_of(
        st.builds(lambda v: {"eq": v}, values),
        st.builds(lambda v: {"neq": v}, values),
        st.builds(lambda v: {"contains": v}, values),
        st.builds(lambda v: {"exists": v}, st.booleans()),
    ),
    min_size=1,
    max_size=3,
)


@given(findings, filters_)
def test_a_filter_matches_what_it_matches_in_the_box(given_, filters):
    kept = read_finding(given_, finding_id="f-1", account="999988887777")
    ours = from_api({**summary_v2(kept), "findingDetails": details_v2(kept)})
    assert archive_rule_filter.matches(ours, from_json(filters)) == matches_in_the_box(kept, filters)


@given(findings, filters_)
def test_a_rule_that_cannot_hide_public_access_matches_none(given_, filters):
    kept = from_api({"id": "f-1", "status": "ACTIVE", **given_})
    is_open = given_["principal"].get("AWS") in ("*", None)
    if is_open and given_["isPublic"] and not may_hide_public(from_json(filters), "external"):
        assert not archive_rule_filter.matches(kept, from_json(filters))
