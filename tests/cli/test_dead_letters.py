"""`triage dead-letters` as people run it: every kind of letter, on the embedded AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws
from tests.lambda_.deployed.stack import import_cloudformation
from tests.live_aws import Run, failing, runner

EVENTS = Path(__file__).parents[1] / "events"
STACK = "Some"


def event(name: str = "external-cross-account-kms") -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return read


class Queues:
    """A stack with two dead-letter queues and a queue to hand events over to."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.sqs = aws.client("sqs")
        self.urls = {
            name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("Events", "Calls", "target")
        }
        target = self.sqs.get_queue_attributes(QueueUrl=self.urls["target"], AttributeNames=["QueueArn"])
        self.target_arn = target["Attributes"]["QueueArn"]
        self.deploy(aws)

    def deploy(self, aws: EmbeddedAws, *left_out: str) -> None:
        outputs = {
            "DeadLetterQueues": f"Events={self.urls['Events']},Calls={self.urls['Calls']}",
            "FindingsTargetArn": self.target_arn,
            "WatchFunctionArn": self.target_arn,
        }
        told = {name: {"Value": value} for name, value in outputs.items() if name not in left_out}
        template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": told}
        name = "-".join((STACK, *left_out))
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))

    def put(self, body: object, queue: str = "Events", **attributes: str) -> str:
        sent: str = self.sqs.send_message(
            QueueUrl=self.urls[queue],
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )["MessageId"]
        return sent

    def bodies(self, queue: str) -> list[Any]:
        found = self.sqs.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(one["Body"]) for one in found.get("Messages", [])]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    monkeypatch.setenv("TRIAGE_STACK", STACK)
    with EmbeddedAws() as box:
        import_cloudformation()
        yield box


@pytest.fixture
def queues(aws: EmbeddedAws) -> Queues:
    return Queues(aws)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(capfd)


def listed(run: Run) -> list[dict[str, Any]]:
    result = run("dead-letters", "list", "--format", "jsonl")
    assert (result.code, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def test_every_kind_of_letter_is_named_and_none_is_taken_out(queues: Queues, run: Run) -> None:
    finding = event()
    call = {
        "source": "aws.access-analyzer",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "UpdateFindings"},
    }
    state = finding | {"enriched": {"next": "EVALUATE"}, "error": {"Error": "E", "Cause": "because"}}
    start = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    failed = {"requestPayload": call, "responsePayload": {"errorMessage": "no"}, "requestContext": {}}
    letters = {
        queues.put(finding, ERROR_CODE="THROTTLED", ERROR_MESSAGE="many"): ("finding", "THROTTLED: many"),
        queues.put(state): ("finding", "E: because"),
        queues.put(start): ("schedule", ""),
        queues.put(failed, "Calls"): ("call", "no"),
        queues.put("no json \x1b[31m", "Calls"): ("unreadable", ""),
        queues.put([1], "Calls"): ("unreadable", ""),
    }
    found, again = listed(run), listed(run)  # what list has read it shows again
    assert {one["id"]: (one["kind"], one["error"]) for one in found} == letters
    assert found == again
    about = {one["about"] for one in found}
    assert about >= {finding["detail"]["id"], "UpdateFindings"}
    result = run("dead-letters", "list")
    assert "6 to be looked at" in result.out
    assert "\x1b" not in result.out


def test_replay_hands_over_the_event_alone_and_then_the_letter_is_gone(queues: Queues, run: Run) -> None:
    finding = event()
    state = finding | {"enriched": {"next": "EVALUATE"}, "error": {"Error": "E", "Cause": "because"}}
    one = queues.put(state)
    other = queues.put("{", "Calls")
    plan = run("dead-letters", "replay", "--all")
    assert plan.out.splitlines()[-2:] == ["2 to replay", "Nothing was written: --apply does it."]
    assert queues.bodies("target") == []
    done = run("dead-letters", "replay", "--all", "--apply")
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 handed over, 1 kept")
    assert queues.bodies("target") == [finding]
    assert [letter["id"] for letter in listed(run)] == [other]
    again = run("dead-letters", "replay", one, "--apply")
    assert again.code == 2
    assert one in again.err


def test_what_the_schedule_could_not_start_is_discarded(queues: Queues, run: Run) -> None:
    queues.put({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
    done = run("dead-letters", "replay", "--all", "--apply", "--format", "jsonl")
    assert json.loads(done.out)["why"] == "the next run does this work"
    assert queues.bodies("target") == []
    assert listed(run) == []


def test_a_letter_that_cannot_be_handed_over_stays(queues: Queues, run: Run) -> None:
    letters = [queues.put(event()), queues.put(event("internal"))]
    with failing("SendMessage", "AccessDenied"):
        result = run("dead-letters", "replay", "--all", "--apply")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert sorted(one["id"] for one in listed(run)) == sorted(letters)


def test_show_is_the_letter_whole(queues: Queues, run: Run) -> None:
    letter = queues.put(event(), ERROR_CODE="THROTTLED")
    shown = json.loads(run("dead-letters", "show", letter).out)
    assert (shown["event"], shown["body"], shown["error"]) == (event(), event(), "THROTTLED")


def test_discard_takes_one_out_and_hands_nothing_over(queues: Queues, run: Run) -> None:
    letter, other = queues.put("x"), queues.put(event())
    assert run("dead-letters", "discard", letter).code == 0
    assert len(listed(run)) == 2
    assert run("dead-letters", "discard", letter, "--apply").out.endswith("1 discarded\n")
    assert [one["id"] for one in listed(run)] == [other]
    assert queues.bodies("target") == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("replay",), "--all"),
        (("replay", "some", "--all"), "--all"),
        (("show", "gone"), "gone"),
        (("list", "--stack", "Missing"), "Missing"),
        (("list", "--stack", f"{STACK}-WatchFunctionArn"), "WatchFunctionArn"),
    ],
)
def test_bad_usage_is_one_line(
    aws: EmbeddedAws, queues: Queues, run: Run, arguments: tuple[str, ...], names: str
) -> None:
    queues.deploy(aws, "WatchFunctionArn")
    result = run("dead-letters", *arguments)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert names in result.err


def test_no_letters(queues: Queues, run: Run) -> None:
    assert run("dead-letters", "list").out == "no dead letters\n"
