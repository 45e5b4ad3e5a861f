"""The one client of Access Analyzer: what it asks, with how many requests, and what it makes of refusals."""

from collections.abc import Iterator
from math import ceil, log2
from typing import Any

import pytest
from botocore.exceptions import ClientError, PaginationError
from hypothesis import given
from hypothesis import strategies as st

from embedded import EmbeddedAws
from scoring.aws.analyzers import PAGE, AccessAnalyzer, Analyzer, AnalyzerArn
from scoring.aws.errors import AwsError, as_bad_input, code
from scoring.files.errors import BadInput
from tests.lambda_.faults import counted

ARN = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"
UPDATE = ("accessanalyzer", "UpdateFindings")


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def analyzers(aws: EmbeddedAws) -> AccessAnalyzer:
    return AccessAnalyzer(lambda region: aws.client("accessanalyzer", region=region))


def shared(aws: EmbeddedAws, principal: str, resource: str = "arn:aws:s3:::payroll") -> str:
    finding = {
        "resource": resource,
        "resourceType": "AWS::S3::Bucket",
        "principal": {"AWS": principal},
        "action": ["s3:GetObject"],
        "isPublic": False,
        "condition": {},
    }
    return aws.findings.put(finding, announce=False).id


def refused(error_code: str, operation: str = "UpdateFindings") -> ClientError:
    return ClientError({"Error": {"Code": error_code, "Message": "no"}}, operation)


# --- the ARN


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_an_arn_is_taken_apart(partition: str) -> None:
    text = f"arn:{partition}:access-analyzer:eu-west-1:111122223333:analyzer/_my.Org-1"
    assert AnalyzerArn.parse(text) == (text, "eu-west-1", "111122223333", "_my.Org-1")


@pytest.mark.parametrize("text", [None, ""])
def test_an_analyzer_that_is_not_named(text: str | None) -> None:
    with pytest.raises(BadInput, match=r"^resources\[0\]: expected the ARN of an analyzer, got "):
        AnalyzerArn.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "org",
        ARN + "\n",
        ARN + "/archive-rule/x",
        ARN.replace("/org", "/"),
        ARN.replace("/org", "/1st"),
        ARN.replace("/org", "/" + "o" * 256),
        ARN.replace("111122223333", "11112222333"),
        ARN.replace("111122223333", "१११११११११११२"),
        ARN.replace("eu-west-1", ""),
        ARN.replace("eu-west-1", "eu-west-1.example.com/"),
        ARN.replace("eu-west-1", "eu-west-1\n"),
        ARN.replace("access-analyzer", "sqs"),
        ARN.replace("arn:aws", "arn:evil"),
        ARN.replace("analyzer/", "rule/"),
        ARN.removeprefix("arn:"),
    ],
)
def test_what_is_no_analyzers_arn(text: str) -> None:
    with pytest.raises(BadInput, match="expected arn:aws:access-analyzer:") as no:
        AnalyzerArn.parse(text, "--analyzer-arn")
    assert str(no.value).startswith("--analyzer-arn: ")
    assert str(no.value).isprintable()


@given(st.text())
def test_no_other_text_is_one(text: str) -> None:
    for other in (text, f"arn:aws:access-analyzer:{text}", ARN + "/" + text, ARN.replace("org", ":" + text)):
        with pytest.raises(BadInput) as no:
            AnalyzerArn.parse(other)
        assert str(no.value).isprintable()


# --- the analyzer


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("ACCOUNT", "external"),
        ("ORGANIZATION", "external"),
        ("ACCOUNT_UNUSED_ACCESS", "unused"),
        ("ORGANIZATION_UNUSED_ACCESS", "unused"),
        ("ACCOUNT_INTERNAL_ACCESS", "internal"),
        ("ORGANIZATION_INTERNAL_ACCESS", "internal"),
    ],
)
def test_the_type_says_which_findings_it_makes(kind: str, family: str) -> None:
    analyzer = Analyzer(ARN, "org", "eu-west-1", "111122223333", kind)
    assert analyzer.family == family
    assert analyzer.lists_whole == (family == "external")
    assert analyzer.whole_organization == kind.startswith("ORGANIZATION")


def test_an_analyzer_of_the_same_name_in_another_account_is_another(
    aws: EmbeddedAws, analyzers: AccessAnalyzer
) -> None:
    arn = aws.findings.analyzer_for("external")
    assert analyzers.look_up(arn).arn == arn
    other = arn.replace(aws.account, "999988887777")
    with pytest.raises(BadInput, match=f"there it is {arn}"):
        analyzers.look_up(other)


# --- lists


def test_a_list_goes_on_at_a_token(aws: EmbeddedAws, analyzers: AccessAnalyzer) -> None:
    ids = {shared(aws, f"{n:012}") for n in range(5)}
    arn = aws.findings.analyzer_for("external")
    first, *rest = analyzers.pages(arn, whole=True, filters={}, most=2)
    assert [len(page.rows) for page in (first, *rest)] == [2, 2, 1]
    again = list(analyzers.pages(arn, whole=True, filters={}, most=2, token=first.token))
    assert again == rest
    assert {row["id"] for page in (first, *again) for row in page.rows} == ids


class Scripted:
    """Answers lists as told."""

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)
        self.asked: list[dict[str, Any]] = []

    def list_findings(self, **asked: Any) -> Any:
        self.asked.append(asked)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_only_the_token_of_an_earlier_list_starts_it_anew() -> None:
    lost = refused("ValidationException", "ListFindings")
    anew = Scripted(lost, {"findings": [{"id": "1"}]})
    pages = AccessAnalyzer(lambda _: anew).pages(ARN, whole=True, filters={}, token="old")
    assert [page.rows for page in pages] == [[{"id": "1"}]]
    assert "nextToken" not in anew.asked[1]
    midway = Scripted({"findings": [], "nextToken": "a"}, lost)
    with pytest.raises(ClientError):
        list(AccessAnalyzer(lambda _: midway).pages(ARN, whole=True, filters={}))
    other = Scripted(refused("ThrottlingException", "ListFindings"))
    with pytest.raises(ClientError):
        list(AccessAnalyzer(lambda _: other).pages(ARN, whole=True, filters={}, token="old"))


def test_a_list_that_would_never_end_is_refused() -> None:
    page = {"findings": [], "nextToken": "again"}
    with pytest.raises(PaginationError):
        list(AccessAnalyzer(lambda _: Scripted(page, page, page)).pages(ARN, whole=True, filters={}))


def test_no_resources_are_no_findings(aws: EmbeddedAws, analyzers: AccessAnalyzer) -> None:
    wanted = shared(aws, "444455556666")
    shared(aws, "444455556666", "arn:aws:s3:::other")
    analyzer = analyzers.look_up(aws.findings.analyzer_for("external"))
    found = analyzers.rows(analyzer, resources=["arn:aws:s3:::payroll"])
    assert [row["id"] for row in found] == [wanted]
    with counted() as made:
        assert list(analyzers.rows(analyzer, resources=[])) == []
        list(analyzers.rows(analyzer, resources=[f"arn:aws:s3:::{n}" for n in range(41)]))
    assert len(made) == 3, "one request for each 20 resources"


def test_a_list_says_the_same_as_the_single_request(aws: EmbeddedAws, analyzers: AccessAnalyzer) -> None:
    finding_id = shared(aws, "444455556666")
    analyzer = analyzers.look_up(aws.findings.analyzer_for("external"))
    [row] = analyzers.rows(analyzer)
    with counted() as made:
        listed, raw = analyzers.read_row(row, analyzer)
    assert made == []
    read, _ = analyzers.read(finding_id, analyzer.arn)
    assert raw["analyzerArn"] == listed.analyzer_arn == analyzer.arn
    assert (listed.principals, listed.actions, listed.region) == (read.principals, read.actions, read.region)


def test_a_finding_is_read_with_all_pages_of_its_details(aws: EmbeddedAws, analyzers: AccessAnalyzer) -> None:
    details = [{"unusedPermissionDetails": {"serviceNamespace": f"service{n}"}} for n in range(250)]
    unused = {
        "resource": "arn:aws:iam::111122223333:role/old",
        "resourceType": "AWS::IAM::Role",
        "findingType": "UnusedPermission",
        "findingDetails": details,
    }
    found = aws.findings.put(unused, announce=False)
    analyzer = analyzers.look_up(aws.findings.analyzer_for("unused"))
    [row] = analyzers.rows(analyzer)
    with counted() as made:
        _, raw = analyzers.read_row(row, analyzer)
    assert made.count(("accessanalyzer", "GetFindingV2")) > 1
    assert len(raw["findingDetails"]) == len(found.details) > PAGE
    assert "nextToken" not in raw
    with counted() as made:
        summary, _ = analyzers.read_row(row, analyzer, is_whole=False)
    assert (made, summary.id) == ([], found.id)


# --- changes of status


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVE"])
def test_one_gone_among_fifty_takes_thirteen_requests(
    aws: EmbeddedAws, analyzers: AccessAnalyzer, status: Any
) -> None:
    arn = aws.findings.analyzer_for("external")
    ids = [shared(aws, f"{n:012}") for n in range(50)]
    aws.findings.delete(ids[20])
    with counted() as made:
        gone = analyzers.update_status(arn, ids, status)
    assert list(gone) == [ids[20]]
    assert code(gone[ids[20]]) == "ResourceNotFoundException"
    assert made == [UPDATE] * 13
    assert {aws.findings.get(one).status for one in ids if one != ids[20]} == {status}


class AllOrNone:
    """Takes all findings of a request or none, as AWS does."""

    def __init__(self, lost: set[str]) -> None:
        self.lost, self.changed, self.requests = lost, list[str](), 0

    def update_findings(self, *, analyzerArn: str, ids: list[str], status: str) -> None:  # noqa: N803
        assert 0 < len(ids) <= PAGE
        self.requests += 1
        if self.lost.intersection(ids):
            raise refused("ValidationException")
        self.changed += ids


@given(st.integers(0, 250), st.data())
def test_every_finding_is_changed_or_named(count: int, data: st.DataObject) -> None:
    ids = [str(n) for n in range(count)]
    lost = data.draw(st.sets(st.sampled_from(ids), max_size=8)) if ids else set()
    client = AllOrNone(lost)
    gone = AccessAnalyzer(lambda _: client).update_status(ARN, ids, "ACTIVE")
    assert set(gone) == lost
    assert sorted(client.changed) == sorted(set(ids) - lost)
    assert client.requests <= ceil(count / PAGE) + len(lost) * 2 * ceil(log2(PAGE))


def test_any_other_refusal_is_raised() -> None:
    class Throttled:
        def update_findings(self, **_: Any) -> None:
            raise refused("ThrottlingException")

    with pytest.raises(ClientError):
        AccessAnalyzer(lambda _: Throttled()).update_status(ARN, ["1"], "ARCHIVED")
    commands = AccessAnalyzer(lambda _: Throttled(), as_bad_input)
    with pytest.raises(AwsError, match=f"^archive findings of {ARN}: AWS throttles UpdateFindings") as told:
        commands.update_status(ARN, ["1"], "ARCHIVED")
    assert code(told.value) == "ThrottlingException"
