"""An AWS in a box, and a way to count its calls and to break them."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.validate import validate_parameters
from moto import mock_aws

from embedded.services import faster_moto
from scoring.aws.enrich import Aws, connect
from scoring.findings.finding import Finding
from tests.scoring.aws.enrich.resource_makers import (
    ANSWERS,
    DIRECTORY_BUCKET_ENCRYPTION,
    MAKERS,
    OWN,
    REGION,
    Found,
)


def _session() -> boto3.Session:
    return boto3.Session(region_name=REGION)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class _Http(NamedTuple):
    status_code: int


class Wire:
    """What goes out to AWS: counts the calls, answers what moto cannot, and breaks what it is told to break.

    Attributes
    ----------
    calls : list of str
        ``service:Operation``, in order.
    parameters : dict
        What was last asked of each operation.
    answers : dict
        Operation to a response, checked against the service's model, or to a function of the parameters.
    faults : dict
        Operation (``*`` for all) to an error code, or to an exception raised in place of the request.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        self.parameters: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Any] = {}
        self.faults: dict[str, str | Exception] = {}
        session.events.register("provide-client-params", self._asked)
        session.events.register("before-call", self._sent)

    def _asked(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.parameters[_operation(model)] = params

    def _sent(self, model: Any, **_: Any) -> tuple[_Http, dict[str, Any]] | None:
        operation = _operation(model)
        self.calls.append(operation)
        fault = self.faults.get(operation, self.faults.get("*"))
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return _Http(400), {"Error": {"Code": fault, "Message": "no"}, "ResponseMetadata": {}}
        if operation not in self.answers:
            return None
        answer = self.answers[operation]
        if callable(answer):
            answer = answer(self.parameters[operation])
        validate_parameters(answer, model.output_shape)
        return _Http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def forget(self) -> None:
        self.calls.clear()


def _operation(model: Any) -> str:
    return f"{model.service_model.service_name}:{model.name}"


@pytest.fixture(autouse=True)
def moto_aws() -> Iterator[None]:
    with mock_aws(), faster_moto.patched():
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session() -> boto3.Session:
    """Where we run."""
    return _session()


@pytest.fixture
def wire(session: boto3.Session) -> Wire:
    return Wire(session)


@pytest.fixture
def aws(session: boto3.Session, wire: Wire, clock: Clock) -> Aws:
    return connect(session, clock=clock, account=OWN)


@pytest.fixture
def owner() -> boto3.Session:
    """Whoever makes the resources; their calls are not counted."""
    return _session()


@pytest.fixture
def a_finding() -> Callable[..., Finding]:
    def build(resource_type: str, resource: str, **fields: Any) -> Finding:
        given = {"account": OWN, "region": REGION, "finding_type": "ExternalAccess", "status": "ACTIVE"}
        return Finding(id="f-1", resource=resource, resource_type=resource_type, **{**given, **fields})

    return build


@pytest.fixture
def made(
    resource_type: str, owner: boto3.Session, wire: Wire, aws: Aws, a_finding: Callable[..., Finding]
) -> Found:
    """One resource of the type, and a finding about it; the accounts are known already."""
    made = MAKERS[resource_type](owner)
    wire.answers.update(ANSWERS)
    if resource_type == "AWS::S3Express::DirectoryBucket":
        wire.answers["s3:GetBucketEncryption"] = DIRECTORY_BUCKET_ENCRYPTION
    finding = a_finding(resource_type, made.arn)
    aws.organization.resource_account(OWN)
    wire.forget()
    return finding, made
