"""The synthesized stack in the embedded AWS: from an event on the bus to its end, in both wirings.

Nothing of ours is called from here: the bus starts the deployed state machine, or fills the queue of the
single function, and the functions run in processes of their own with the code of the zip.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import triage
from embedded import EmbeddedAws
from scoring.decision_log.log import DecisionLog
from scoring.policy import policy as policies
from tests.lambda_.deployed import Deployed, deployed
from tests.live_aws import DEVELOPMENT, make_key, share_key
from tests.synthesis import synthesized

EVENTS = Path(__file__).parents[2] / "events"

pytestmark = [
    pytest.mark.needs("deploy"),
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),
]


@contextmanager
def stack_of(wiring: str, needs: str | None = None) -> Iterator[Deployed]:
    logging.getLogger("moto").setLevel(logging.ERROR)
    with EmbeddedAws() as aws:
        analyzers = [aws.findings.analyzer_for(kind) for kind in ("external", "internal", "unused")]
        parameters = {
            "EmailSubscriptionParameter": "you@example.com",
            "Wiring": wiring,
            "AnalyzerArns": ",".join(analyzers),
        }
        with deployed(aws, synthesized(), "AccessTriage", parameters) as stack:
            mode = f"{stack.outputs['ParameterPrefix']}/mode"
            ssm = aws.client("ssm")
            assert ssm.get_parameter(Name=mode)["Parameter"]["Value"] == "shadow"
            ssm.put_parameter(Name=mode, Value="enforce", Overwrite=True)
            if needs is not None:
                asked = f'[archives]\nenforce_needs = "{needs}"\n'
                policy = policies.DEFAULT.read_text().replace("[archives]\n", asked)
                name = mode.replace("/mode", "/policy")
                ssm.put_parameter(Name=name, Value=policy, Type="String")
            yield stack


def sample(name: str) -> dict[str, Any]:
    """What AWS says of a finding in a sample event, to be found in the box."""
    detail: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())["detail"]
    left_out = ("id", "findingId", "version", "status", "createdAt", "analyzedAt", "updatedAt")
    return {key: value for key, value in detail.items() if key not in left_out}


def ends(stack: Deployed, finding_id: str) -> tuple[str, str, str]:
    """Status of a finding, what was decided, and what has happened."""
    table = stack.outputs["DecisionLogTable"]
    (decision,) = DecisionLog.in_table(stack.aws.client("dynamodb"), table).decisions(finding_id)
    outcome = decision.record["decision"]["outcome"]
    return stack.aws.findings.get(finding_id).status, outcome, decision.indexed


@pytest.mark.parametrize("wiring", ["workflow", "single"])
def test_every_finding_ends_as_it_should(wiring: str) -> None:
    """Both of the article's test findings, and one of each family."""
    with stack_of(wiring, "forecast") as stack:
        aws = stack.aws
        inbox = aws.inbox(stack.outputs["AlertTopicArn"])
        shared = share_key(aws, make_key(aws, {})).id
        development = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey")).id
        aws.client("iam").create_user(UserName="batch")
        internal = aws.findings.put(sample("internal")).id
        unused = aws.findings.put(sample("unused-permission")).id
        assert {one["status"] for one in stack.settle()} <= {"SUCCEEDED"}

        assert ends(stack, shared) == ("ACTIVE", "alert", "alert")
        assert ends(stack, development) == ("ARCHIVED", "archive", "archive")
        assert ends(stack, internal) == ("ACTIVE", "alert", "alert")
        assert ends(stack, unused) == ("ACTIVE", "alert", "collected")
        mails = inbox.messages()
        assert sorted(
            finding for finding in (shared, internal) for m in mails if finding in m.text
        ) == sorted((shared, internal))
        assert len(mails) == 2
        # The archive of ours comes back as an event.
        assert len(stack.executions) == (5 if wiring == "workflow" else 0)

        aws.findings.update(unused, {"status": "RESOLVED"})
        stack.settle()
        log = DecisionLog.in_table(aws.client("dynamodb"), stack.outputs["DecisionLogTable"])
        alert, end = log.decisions(unused)
        assert (alert.ended_by, end.indexed, end.outcome) == ("resolved", "none", "skip")
        assert aws.delivery.dead_letters == []


def test_a_new_deployment_archives_nothing_without_a_certificate() -> None:
    with stack_of("single") as stack:
        aws = stack.aws
        development = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey")).id
        stack.settle()
        assert ends(stack, development) == ("ACTIVE", "archive", "none")


def test_where_a_step_fails_a_person_is_told_and_the_state_is_kept_until_it_is_replayed() -> None:
    with stack_of("workflow") as stack:
        aws = stack.aws
        inbox = aws.inbox(stack.outputs["AlertTopicArn"])
        (evaluate,) = [name for name in stack.resources("AWS::Lambda::Function") if "Evaluate" in name]
        functions = aws.client("lambda")
        functions.update_function_configuration(FunctionName=evaluate, Handler="handlers.gone.handler")
        finding_id = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey")).id
        (ended,) = stack.settle()
        assert (ended["status"], ended["error"]) == ("FAILED", "StepFailed")
        assert aws.findings.get(finding_id).status == "ACTIVE"
        (mail,) = inbox.messages()
        assert finding_id in mail.text
        assert "a step of the workflow failed" in " ".join(mail.text.split())
        read = {"QueueUrl": stack.outputs["DeadLetterQueueUrl"], "VisibilityTimeout": 0}
        received = aws.client("sqs").receive_message(**read)
        (letter,) = received["Messages"]
        state = json.loads(letter["Body"])
        assert state["detail"]["id"] == finding_id
        assert state["enriched"]["next"] == "EVALUATE"

        functions.update_function_configuration(FunctionName=evaluate, Handler="handlers.evaluate.handler")
        assert triage.main(["dead-letters", "replay", "--all", "--apply"]) == 0
        assert [one["status"] for one in stack.settle()][:2] == ["FAILED", "SUCCEEDED"]
        assert aws.findings.get(finding_id).status == "ARCHIVED"
        assert "Messages" not in aws.client("sqs").receive_message(**read)
