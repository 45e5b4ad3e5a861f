"""Log lines as JSON and metrics in CloudWatch's format, where the functions run in Lambda."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.services.delivery import Handler
from embedded.services.lambda_context import LambdaContext
from handlers import single
from handlers.reconcile import Incomplete
from handlers.runtime import metrics
from tests.lambda_ import workflow
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import refused
from tests.live_aws import failing

HOSTILE = 'x", "level": "CRITICAL"}\n{"message": "forged'


class Written:
    """What a function writes: metrics to standard output, log lines to standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._out, self._err = capsys, "", ""

    def _read(self) -> None:
        read = self._capsys.readouterr()
        self._out, self._err = self._out + read.out, self._err + read.err

    def metrics(self) -> dict[str, list[float]]:
        self._read()
        found: dict[str, list[float]] = {}
        for line in map(json.loads, self._out.splitlines()):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], directive["Dimensions"]) == ("AccessTriage", [["service"]])
            assert line["service"] == "access-triage"
            for metric in directive["Metrics"]:
                found.setdefault(metric["Name"], []).extend(line[metric["Name"]])
        return found

    def lines(self) -> list[dict[str, Any]]:
        self._read()
        return [json.loads(line) for line in self._err.splitlines()]


@pytest.fixture
def written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Deployment
) -> Iterator[Written]:
    """What is written from now on, as in Lambda."""
    levels = {name: logging.getLogger(name).level for name in ("", "scoring", "handlers")}
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    yield Written(capsys)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_the_version_is_in_each_line_and_a_dimension_beside_the_metric_of_all(
    here: Deployment, written: Written, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_VERSION", "1.2.3")
    here.aws.delivery.at_once = False
    single.handler(event_of(here.aws, here.share(here.key({}))), LambdaContext("single", "arn", "1"))
    out, err = capsys.readouterr()
    lines, emitted = ([json.loads(line) for line in text.splitlines()] for text in (err, out))
    assert lines
    assert {line["version"] for line in lines} == {"1.2.3"}
    assert emitted
    for one in emitted:
        (directive,) = one["_aws"]["CloudWatchMetrics"]
        assert sorted(map(sorted, directive["Dimensions"])) == [["service"], ["service", "version"]]
        assert one["version"] == "1.2.3"


def test_each_scheduled_run_counts_whether_its_jobs_are_done(here: Deployment, written: Written) -> None:
    here.reconcile()
    beats = {name: written.metrics()[name] for name in ("Received", "DigestDone", "SweepDone", "WatchDone")}
    assert beats == {"Received": [0], "DigestDone": [1], "SweepDone": [1], "WatchDone": [1]}


@pytest.mark.parametrize(
    ("operation", "job"),
    [("ListArchiveRules", "WatchDone"), ("GetAnalyzer", "SweepDone"), ("Query", "DigestDone")],
)
def test_a_job_that_fails_counts_nothing_run_after_run(
    here: Deployment, written: Written, operation: str, job: str
) -> None:
    with failing(operation, "AccessDenied"):
        for _ in range(3):
            with suppress(Incomplete):
                here.reconcile()
            here.clock.pass_by(minutes=5)
    assert written.metrics()[job] == [0, 0, 0]


@pytest.mark.parametrize("wiring", [single.handler, workflow.handler], ids=["single", "workflow"])
def test_what_became_of_each_finding_is_counted_and_logged(
    here: Deployment, written: Written, wiring: Handler
) -> None:
    here.aws.delivery.at_once = False
    ids = [here.share(here.development_key()), here.share(here.key({"Environment": HOSTILE}))]
    for finding_id in ids:
        here.deliver(event_of(here.aws, finding_id))
    found = written.metrics()
    assert {name: len(values) for name, values in found.items()} == {
        "Archived": 1,
        "Alerted": 1,
        "Latency": 2,
        "Received": 2,
        "Score": 2,
    }
    assert all(0 <= latency < 60_000 for latency in found["Latency"])
    done = [line for line in written.lines() if line["message"] == "a finding is done"]
    assert [(line["finding_id"], line["effect"]) for line in done] == list(
        zip(ids, ("archive", "alert"), strict=True)
    )
    assert all(line["function_request_id"] == "1" and line["level"] == "INFO" for line in done)
    assert {line["service"] for line in written.lines()} == {"access-triage"}


def test_no_secret_and_nothing_of_a_findings_text_is_logged(here: Deployment, written: Written) -> None:
    here.set(EXTERNAL_ID="do-not-tell", MEMBER_ROLE="member")
    here.share(here.key({"Owner": HOSTILE}), condition={"aws:UserAgent": HOSTILE})
    text = json.dumps(written.lines())
    assert "do-not-tell" not in text
    assert "forged" not in text


def test_what_fails_is_counted_and_its_text_is_data(here: Deployment, written: Written) -> None:
    here.aws.delivery.at_once = False
    event = event_of(here.aws, here.share(here.key()))
    error = ClientError({"Error": {"Code": "InternalError", "Message": HOSTILE}}, "GetItem")
    with refused(("dynamodb", "GetItem"), error):
        with pytest.raises(ClientError):
            here.deliver(event)
        here.deliver({"Records": [{"messageId": "1", "body": json.dumps(event)}]})
    assert written.metrics()["Errors"] == [1, 1]
    assert [line["level"] for line in written.lines()] == ["ERROR"]
    assert HOSTILE in written.lines()[0]["exception"]


def test_an_open_breaker_is_counted(here: Deployment, written: Written) -> None:
    here.policy("[archives]\nmost_per_hour = 1\n")
    for _ in range(3):
        here.share(here.development_key())
    assert written.metrics()["BreakerOpen"] == [1, 1]


def test_what_is_not_known_is_counted(here: Deployment, written: Written) -> None:
    here.share(here.key()[:-4] + "0000")
    assert written.metrics()["Unknown"] == [1]


def test_outside_of_lambda_nothing_is_written(here: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    here.share(here.key())
    assert capsys.readouterr().out == ""


def test_every_metric_has_a_unit_that_cloudwatch_knows() -> None:
    from aws_lambda_powertools.metrics import MetricUnit

    known = {unit.value for unit in MetricUnit} | {"None"}
    assert all(unit in known and meaning for unit, meaning in metrics.METRICS.values())
