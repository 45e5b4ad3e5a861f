"""Whatever goes wrong ends as unknown, with a reason; nothing that goes wrong looks like "no tags"."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from scoring.aws.enrich import ENRICHERS, Aws, enrich
from scoring.aws.enrich.lookup import Resource
from scoring.aws.enrich.organization import Organization
from scoring.aws.errors import Unavailable, code, guarded, reason
from scoring.findings.context import from_json, to_json
from scoring.findings.facts import ABSENT, Unknown
from scoring.findings.finding import Finding

BUCKET = "arn:aws:s3:::payroll"
RESOURCE = Resource(BUCKET, None, "123456789012", "payroll", "payroll", "payroll")


def _all_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for other in kind.__subclasses__():
        yield from _all_of(other)


def _instance(kind: type[Exception]) -> Exception:
    """Make an exception whatever its constructor wants."""
    error = kind.__new__(kind)
    error.args = ("secret words",)
    return error


botocore_exceptions = sorted(
    {
        kind
        for kind in (*_all_of(BotoCoreError), *_all_of(ResponseParserError))
        if kind.__module__.startswith("botocore")
    },
    key=lambda kind: kind.__name__,
)


def test_no_exception_of_botocore_escapes_or_means_no_tags(
    aws: Aws, wire: Any, clock: Any, a_finding: Callable[..., Finding]
) -> None:
    finding = a_finding("AWS::S3::Bucket", BUCKET)
    assert len(botocore_exceptions) > 80
    for kind in botocore_exceptions:
        wire.faults = {"*": _instance(kind)}
        context = enrich(finding, aws)
        assert context.tags == Unknown(kind.__name__)
        assert context.resource_account == Unknown(kind.__name__)
        assert set(context.details.values()) == {Unknown(kind.__name__)}
        clock.now += 60  # answers about accounts are kept, failures for a short while


@given(code=st.text(min_size=1))
def test_every_error_code_but_those_that_say_so_is_unknown(code: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "NoSuchTagSet"}}, "Any")

    def fail(*_: object) -> None:
        raise error

    for enricher in ENRICHERS.values():
        for lookup in enricher.lookups:
            broken = lookup._replace(ask=fail)
            found = guarded(lookup.facts, partial(broken.find, None, RESOURCE))
            expected = ABSENT if code in lookup.nothing else Unknown(code)
            assert found == dict.fromkeys(lookup.facts, expected)


def test_a_client_error_without_a_code_has_its_name() -> None:
    assert reason(ClientError({}, "Any")) == "ClientError"
    assert reason(ClientError({"Error": {}}, "Any")) == "ClientError"


def test_a_code_is_that_of_aws_only() -> None:
    assert code(ValueError("NoSuchTagSet")) == ""
    assert reason(Unavailable("no role")) == "no role"
    assert reason(RuntimeError("x")) is None


def test_an_error_of_ours_costs_the_facts_and_not_the_finding(
    aws: Aws, wire: Any, a_finding: Callable[..., Finding], caplog: pytest.LogCaptureFixture
) -> None:
    wire.faults = {"s3:GetBucketTagging": ZeroDivisionError("ours")}
    with caplog.at_level(logging.ERROR):
        context = enrich(a_finding("AWS::S3::Bucket", BUCKET), aws)
    assert context.tags == Unknown("ZeroDivisionError")
    assert context.details["encryption"] == Unknown("NoSuchBucket")
    assert "looking up tags failed" in caplog.text
    assert "Traceback" in caplog.text


def test_a_response_of_another_shape_is_unknown(
    aws: Aws, wire: Any, a_finding: Callable[..., Finding]
) -> None:
    wire.answers["kms:DescribeKey"] = {}
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    assert enrich(a_finding("AWS::KMS::Key", key), aws).details["enabled"] == Unknown("KeyError")


def test_unknown_facts_survive_the_record(aws: Aws, wire: Any, a_finding: Callable[..., Finding]) -> None:
    wire.faults = {"*": "AccessDenied"}
    context = enrich(a_finding("AWS::S3::Bucket", BUCKET, principals=(("AWS", "444455556666"),)), aws)
    assert from_json(to_json(context)) == context


@given(arn=st.text(), resource_type=st.sampled_from([*ENRICHERS, "AWS::New::Type"]), account=st.text())
def test_no_input_gets_past_the_table(arn: str, resource_type: str, account: str) -> None:
    """An ARN that is not of the type makes no request, so there are no clients to make it with."""

    class Nobody:
        def client(self, service: str, **_: object) -> Any:
            raise botocore.exceptions.NoCredentialsError

    nobody = Nobody()
    aws = Aws(nobody, Organization(nobody, clock=lambda: 0.0), lambda: 0.0)
    finding = Finding(
        id="f", resource=arn, resource_type=resource_type, account=account, status="ACTIVE", finding_type="x"
    )
    context = enrich(finding, aws)
    assert context.tags == ABSENT or isinstance(context.tags, Unknown)
