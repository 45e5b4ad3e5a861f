"""Links into the console: right partition, right region, right page, nothing unescaped."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.explanation.details import link
from scoring.findings.finding import FINDING_TYPES, Finding


def finding(**changes: str | None) -> Finding:
    given: dict[str, str | None] = {
        "id": "0b5a",
        "resource": "arn:aws:iam::111122223333:role/ci/deploy",
        "resource_type": "AWS::IAM::Role",
        "status": "ACTIVE",
        "finding_type": "ExternalAccess",
        "region": "eu-west-1",
    }
    return Finding(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-northwest-1", "cn-northwest-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_host_of_the_partition(partition: str, region: str, host: str) -> None:
    address = urlsplit(link(finding(partition=partition, region=region)) or "")
    assert (address.scheme, address.netloc, address.path) == ("https", host, "/access-analyzer/home")
    assert parse_qs(address.query) == {"region": [region]}


def test_unknown_partition_has_no_link() -> None:
    assert link(finding(partition="aws-iso")) is None


@pytest.mark.parametrize(
    "region", [None, "", "eu-west-1.evil.example", "EU-WEST-1", "x", "eu-west-1\n", "١-a-1"]
)
def test_a_region_that_is_none_is_left_out(region: str | None) -> None:
    assert (
        link(finding(region=region))
        == "https://console.aws.amazon.com/access-analyzer/home#/findings/details/0b5a"
    )


def test_page_of_the_family() -> None:
    pages = {kind: urlsplit(link(finding(finding_type=kind)) or "").fragment for kind in FINDING_TYPES}
    unused = "/unused-access-findings?resource=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fci%2Fdeploy"
    assert pages.pop("ExternalAccess") == "/findings/details/0b5a"
    assert pages.pop("InternalAccess") == "/resource-analysis"
    assert set(pages.values()) == {unused}


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100), st.sampled_from(FINDING_TYPES))
def test_nothing_unescaped(identity: str, resource: str, kind: str) -> None:
    address = link(finding(id=identity, resource=resource, finding_type=kind))
    if address is None:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(" <>\"'`\\{}|^[]()")
    parts = urlsplit(address)
    assert parts.netloc == "eu-west-1.console.aws.amazon.com"
    if kind == "ExternalAccess":
        assert (
            unquote(parts.fragment.removeprefix("/findings/details/"))
            == identity.encode("utf-8", "backslashreplace").decode()
        )


def test_a_link_that_no_client_takes_is_none() -> None:
    assert link(finding(id="x" * 3000)) is None
