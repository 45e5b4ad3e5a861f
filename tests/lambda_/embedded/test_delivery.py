"""Events to handlers: matching, order, retries, dead letters."""

import json
import os
from typing import Any

import boto3
import pytest

from embedded import EmbeddedAws
from embedded.services.delivery import Delivery, Target
from embedded.services.lambda_context import LambdaContext

BUCKET = {"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket", "isPublic": True}
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:triage"


@pytest.fixture
def aws():
    with EmbeddedAws() as box:
        yield box


class Recorder:
    """A handler that remembers what it got, and fails as often as it is told to."""

    def __init__(self, fails=0) -> None:
        self.fails = fails
        self.events: list[Any] = []
        self.contexts: list[LambdaContext] = []

    def __call__(self, event, context) -> object:
        self.events.append(event)
        self.contexts.append(context)
        if len(self.events) <= self.fails:
            raise RuntimeError(f"failure {len(self.events)}")
        return {"seen": len(self.events)}


def put_event(aws, detail, source="my.app", detail_type="Order") -> None:
    aws.client("events").put_events(
        Entries=[{"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}]
    )


def rule(aws, target, pattern=None, name="other", **kind) -> None:
    events = aws.client("events")
    if pattern:
        kind["EventPattern"] = json.dumps(pattern)
    events.put_rule(Name=name, **kind)
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": FUNCTION, **target}])


# --- matching


def test_a_handler_gets_the_event_as_access_analyzer_sends_it(aws):
    handler = Recorder()
    assert aws.deliver_to(handler) == FUNCTION
    aws.findings.put(BUCKET)
    [received], [sent] = handler.events, aws.events
    assert received == sent


def test_the_pattern_of_the_rule_decides(aws):
    public = Recorder()
    aws.deliver_to(
        public,
        name="public",
        pattern={"detail-type": ["Access Analyzer Finding"], "detail": {"isPublic": [True]}},
    )
    aws.findings.put(BUCKET)
    aws.findings.put({**BUCKET, "isPublic": False})
    put_event(aws, {"isPublic": True})
    assert [event["detail"]["isPublic"] for event in public.events] == [True]


def test_several_rules_deliver_to_several_handlers(aws):
    one, two = Recorder(), Recorder()
    aws.deliver_to(one, name="one")
    aws.deliver_to(two, name="two")
    aws.findings.put(BUCKET)
    assert one.contexts[0].function_name == "one"
    assert two.contexts[0].function_name == "two"


def test_disabled_and_scheduled_rules_get_no_events(aws):
    handler = Recorder()
    aws.deliver_to(handler)
    aws.client("events").disable_rule(Name="triage")
    rule(aws, {}, name="nightly", ScheduleExpression="rate(1 day)")
    aws.findings.put(BUCKET)
    assert handler.events == []
    assert list(aws.delivery.pending) == aws.delivery.dead_letters == []
    aws.client("events").enable_rule(Name="triage")
    aws.findings.put(BUCKET)
    assert len(handler.events) == 1


def test_what_moto_delivers_itself_is_still_delivered(aws):
    handler = Recorder()
    aws.deliver_to(handler)
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="all")["QueueUrl"]
    arn = "arn:aws:sqs:eu-west-1:111122223333:all"
    aws.client("events").put_targets(Rule="triage", Targets=[{"Id": "queue", "Arn": arn}])
    aws.findings.put(BUCKET)
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail"] == handler.events[0]["detail"]


@pytest.mark.parametrize(
    ("target", "received"),
    [
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail.order"}, {"number": 7}),
        ({"InputPath": "$.detail.missing"}, None),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"number": "$.detail.order.number", "kind": "$.detail-type"},
                    "InputTemplate": '{"n": <number>, "kind": "<kind>"}',
                }
            },
            {"n": 7, "kind": "Order"},
        ),
    ],
)
def test_a_target_may_ask_for_another_input(aws, target, received):
    handler = Recorder()
    aws.delivery.register(Target(FUNCTION, handler))
    rule(aws, target, {"source": ["my.app"]})
    put_event(aws, {"order": {"number": 7}})
    assert handler.events == [received]


# --- order


def test_a_handlers_own_archive_comes_back_after_it_has_finished(aws):
    running: list[int] = []
    log = []

    def handler(event, context):
        assert not running, "a handler runs inside another one's call"
        running.append(1)
        detail = event["detail"]
        log.append((detail["id"], detail["status"]))
        if detail["status"] == "ACTIVE":
            boto3.client("accessanalyzer").update_findings(
                analyzerArn=event["resources"][0], ids=[detail["id"]], status="ARCHIVED"
            )
        running.pop()

    aws.deliver_to(handler)
    one, two = aws.findings.put(BUCKET), aws.findings.put(BUCKET)
    assert log == [(f.id, status) for f in (one, two) for status in ("ACTIVE", "ARCHIVED")]
    assert aws.delivery.dead_letters == []


def test_events_can_wait_and_be_repeated_reordered_or_dropped():
    handler = Recorder()
    with EmbeddedAws(delivery=Delivery(at_once=False)) as aws:
        aws.deliver_to(handler)
        first, second, third = (aws.findings.put(BUCKET) for _ in range(3))
        assert handler.events == []
        waiting = aws.delivery.pending
        del waiting[2]
        waiting.append(waiting[0])
        waiting.rotate(-1)
        assert aws.deliver() == 3
        assert aws.deliver() == 0
    assert [event["detail"]["id"] for event in handler.events] == [second.id, first.id, first.id]
    assert third.status == "ACTIVE"


def test_a_handler_that_answers_itself_for_ever_is_stopped(aws):
    def handler(event, context):
        status = {"ACTIVE": "ARCHIVED", "ARCHIVED": "ACTIVE"}[event["detail"]["status"]]
        boto3.client("accessanalyzer").update_findings(
            analyzerArn=event["resources"][0], ids=[event["detail"]["id"]], status=status
        )

    aws.delivery.most = 20
    aws.deliver_to(handler)
    with pytest.raises(RuntimeError, match="answers its own events"):
        aws.findings.put(BUCKET)
    assert len(aws.delivery.invocations) == 20


# --- failures


def test_a_failing_handler_is_tried_again(aws):
    handler = Recorder(fails=2)
    aws.deliver_to(handler)
    aws.findings.put(BUCKET)
    [invocation] = aws.delivery.invocations
    assert (invocation.attempts, invocation.result) == (3, {"seen": 3})
    assert len({context.aws_request_id for context in handler.contexts}) == 1
    assert handler.events[0] == handler.events[2] == invocation.event
    assert aws.delivery.dead_letters == []


def test_what_keeps_failing_becomes_a_dead_letter_and_the_rest_goes_on(aws):
    def handler(event, context):
        event["detail"].clear()  # does not reach the next attempt
        raise KeyError("principal")

    other = Recorder()
    aws.deliver_to(handler, retries=1)
    aws.deliver_to(other, name="other")
    finding = aws.findings.put(BUCKET)
    [letter] = aws.delivery.dead_letters
    assert (letter.arn, letter.attempts, letter.error) == (FUNCTION, 2, "KeyError: 'principal'")
    assert letter.event["detail"]["id"] == finding.id
    assert "in handler" in letter.traceback
    assert len(other.events) == 1


def test_dead_letters_go_to_a_queue_as_lambda_sends_them(aws):
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    queue = "arn:aws:sqs:eu-west-1:111122223333:dead"
    aws.deliver_to(Recorder(fails=9), retries=0, dead_letter_queue=queue)
    finding = aws.findings.put(BUCKET)
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["detail"]["id"] == finding.id
    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    [letter] = aws.delivery.dead_letters
    assert said == {
        "RequestID": letter.request_id,
        "ErrorCode": "200",
        "ErrorMessage": "RuntimeError: failure 1",
    }


def test_an_event_for_nobody_is_a_dead_letter(aws):
    rule(aws, {"Arn": "arn:aws:states:eu-west-1:111122223333:stateMachine:triage"}, {"source": ["my.app"]})
    put_event(aws, {"order": 1})
    [letter] = aws.delivery.dead_letters
    assert (letter.attempts, letter.event["detail"]) == (0, {"order": 1})
    assert "nothing is registered" in letter.error


def test_a_result_that_is_not_json_is_a_failure(aws):
    aws.deliver_to(lambda event, context: object(), retries=0)
    aws.findings.put(BUCKET)
    [letter] = aws.delivery.dead_letters
    assert letter.error.startswith("TypeError")


def test_a_failed_assertion_of_a_test_is_not_swallowed(aws):
    aws.deliver_to(lambda event, context: pytest.fail("seen"))
    with pytest.raises(pytest.fail.Exception, match="seen"):
        aws.findings.put(BUCKET)


# --- what surrounds a handler


def test_the_context_is_lambdas(aws):
    handler = Recorder()
    aws.deliver_to(handler)
    aws.findings.put(BUCKET)
    [context] = handler.contexts
    assert context.function_name == "triage"
    assert context.invoked_function_arn == FUNCTION
    assert context.memory_limit_in_mb.isdigit()
    assert context.log_group_name == "/aws/lambda/triage"
    assert context.aws_request_id in context.log_stream_name
    assert context.get_remaining_time_in_millis() <= 60_000


def test_a_handler_has_its_environment_and_the_home_accounts_credentials(aws):
    def handler(event, context):
        who = boto3.client("sts").get_caller_identity()["Account"]
        return [os.environ["MODE"], os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["AWS_REGION"], who]

    aws.deliver_to(handler, environment={"MODE": "shadow"})
    aws.findings.put(BUCKET)
    [invocation] = aws.delivery.invocations
    assert invocation.result == ["shadow", "triage", "eu-west-1", "111122223333"]
    assert "MODE" not in os.environ


def test_another_kind_of_target_needs_one_method():
    machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:triage"
    handler = Recorder()

    class WithMachines(Delivery):
        def target_for(self, arn):
            return Target(arn, handler) if ":stateMachine:" in arn else super().target_for(arn)

    with EmbeddedAws(delivery=WithMachines()) as aws:
        rule(aws, {"Arn": machine}, {"source": ["my.app"]})
        put_event(aws, {"order": 1})
        [invocation] = aws.delivery.invocations
    assert invocation.arn == machine
    assert handler.contexts[0].function_name == "triage"
