"""The audit sample: who is chosen, what the record says of it, and that nobody can tell beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from embedded import EmbeddedAws
from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision import audit_sample
from scoring.decision.decide import BY_RULE, Decision
from scoring.decision.guardrails import Guardrail
from scoring.decision_log import audit_key, table
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from scoring.findings import context as contexts
from scoring.findings.record import read_case
from scoring.pipeline.alerts.channels import Channels
from scoring.pipeline.event import triage_event
from scoring.pipeline.runtime import Result, Runtime
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Model, Scorecard
from tests.lambda_.faults import counted
from training.dataset.dataset import assemble
from training.dataset.rows import encode_cases

DRAWS = 4000
SECRET = b"s" * 32


@pytest.fixture(autouse=True)
def unsampled() -> None:
    """Here findings are drawn."""


def decision(number: int, outcome: Any = "archive", **more: Any) -> Decision:
    plain = Decision(
        finding_id=f"finding-{number}",
        resource="arn:aws:sqs:eu-west-1:111122223333:q",
        resource_type="AWS::SQS::Queue",
        account="111122223333",
        finding_type="ExternalAccess",
        status="ACTIVE",
        outcome=outcome,
        score=1.0,
        threshold=30.0,
        base=1.0,
        contributions=[],
        risk=None,
        guardrails=(),
        unknown=(),
        model=Model("m", "1", "trained", "a" * 64),
        reason="score 1.0 is below the threshold 30.0",
    )
    return msgspec.structs.replace(plain, **more)


def chosen(share: float, secret: bytes = SECRET, content: str = "c", **more: Any) -> set[int]:
    found = set()
    for number in range(DRAWS):
        drawn = audit_sample.draw(decision(number, **more), content, share, lambda: secret)
        if drawn is not None and drawn.chosen:
            found.add(number)
    return found


def test_the_share_is_what_was_asked_for_and_the_same_each_time() -> None:
    for share in (0.02, 0.3):
        spread = 4 * (share * (1 - share) / DRAWS) ** 0.5
        assert abs(len(chosen(share)) / DRAWS - share) < spread
    assert chosen(0.3) == chosen(0.3)
    assert chosen(0.1) < chosen(0.3), "a larger share adds findings and takes none away"
    assert chosen(1.0) == set(range(DRAWS))


def test_another_secret_content_or_model_draws_anew() -> None:
    ours = chosen(0.3)
    other = Model("m", "2", "trained", "b" * 64)
    for theirs in (chosen(0.3, secret=b"t" * 32), chosen(0.3, content="d"), chosen(0.3, model=other)):
        assert abs(len(ours & theirs) / DRAWS - 0.09) < 0.03, "independent of each other"


def test_what_was_not_decided_by_score_is_no_sample() -> None:
    def fail() -> bytes:
        raise AssertionError("nothing to be drawn")

    assert audit_sample.draw(decision(1), "c", 0.0, fail) is None
    assert audit_sample.draw(decision(1, outcome="skip"), "c", 0.5, fail) is None
    assert audit_sample.draw(decision(1, reason=f"{BY_RULE}: x"), "c", 0.5, fail) is None
    stopped = decision(1, outcome="alert", guardrails=(Guardrail("circuit_breaker", "x"),))
    assert audit_sample.draw(stopped, "c", 0.5, fail) is None
    alert = audit_sample.draw(decision(1, outcome="alert"), "c", 0.5, fail)
    assert alert is not None
    assert (alert.share, alert.chosen) == (0.5, False)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(BadInput, match=r"archives\.audit_share: expected 0 to 1"):
        policies.parse(f"[archives]\naudit_share = {share}")
    assert policies.parse("").archives.audit_share == 0.02, "an older policy goes on as it did"


# Through the whole pipeline


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        table.create(box.client("dynamodb"), "log")
        yield box


def runtime(aws: EmbeddedAws, share: float, mode: Any = "enforce") -> Runtime:
    topic = aws.create_topic("alerts")
    everything = Scorecard(
        name="m", version="1", kind="weighted", base=0, threshold=10, tag_limit=0, tables=(), sha256="a" * 64
    )
    policy = Policy(archives=msgspec.structs.replace(Policy().archives, audit_share=share))
    known = contexts.from_json(
        {
            "tags": {},
            "aliases": [],
            "resource_account": {"id": "111122223333", "name": "orders"},
            "principal_account": {"id": "444455556666", "in_org": True},
            "reactivated_by": None,
        }
    )
    return Runtime(
        card=everything,
        policy=policy,
        mode=mode,
        enrich=lambda _: known,
        analyzers=AccessAnalyzer(lambda region: aws.client("accessanalyzer", region=region)),
        channels=Channels(aws.client("sns"), topic.topic_arn),
        log=DecisionLog.in_table(aws.client("dynamodb"), "log"),
        now=lambda: datetime(2026, 11, 2, tzinfo=UTC),
    )


def arrive(aws: EmbeddedAws, at: Runtime) -> tuple[str, Result]:
    done: list[Result] = []
    aws.deliver_to(lambda event, _: done.extend(triage_event(event, at)))
    found = aws.findings.put(
        {
            "resource": "arn:aws:sqs:eu-west-1:111122223333:q",
            "resourceType": "AWS::SQS::Queue",
            "principal": {"AWS": "444455556666"},
            "action": ["sqs:ReceiveMessage"],
            "isPublic": False,
            "condition": {},
        }
    )
    return found.id, done[0]


def logged(at: Runtime, finding_id: str) -> tuple[LoggedDecision, dict[str, Any]]:
    state = at.log.latest(finding_id)
    assert state is not None
    decision = at.log.decision(state)
    return decision, decision.record


def test_a_finding_that_is_chosen_goes_to_a_person(aws: EmbeddedAws) -> None:
    at = runtime(aws, 1.0)
    finding_id, done = arrive(aws, at)
    assert done.effect == "alert"
    assert aws.findings.get(finding_id).status == "ACTIVE"
    item, record = logged(at, finding_id)
    assert item.effect == "alert"
    assert record["audit"] == {"share": 1.0, "chosen": True}
    assert record["decision"]["outcome"] == "archive"
    # Training takes the verdict on it with its weight.
    label = {"verdict": "unintended", "by": "ada", "at": "2090-01-01T00:00:00Z", "source": "cli"}
    read = read_case({**record, "effect": "alert", "audit": {"share": 0.02, "chosen": True}, "label": label})
    dataset = assemble(encode_cases([read], at.policy).rows)
    assert dataset.weight.tolist() == [50.0]
    assert dataset.for_threshold.tolist() == [True]


def test_the_alert_does_not_say_that_it_was_drawn(aws: EmbeddedAws) -> None:
    sent: list[dict[str, Any]] = []
    at = runtime(aws, 1.0)
    sns = aws.client("sns")
    original = sns.publish

    def publish(**message: Any) -> Any:
        sent.append(message)
        return original(**message)

    sns.publish = publish
    at = msgspec.structs.replace(at, channels=msgspec.structs.replace(at.channels, sns=sns))
    arrive(aws, at)
    assert len(sent) == 1
    said = f"{sent[0]['Subject']} {sent[0]['Message']}".lower()
    for word in ("sample", "drawn", "would have been", "below", "threshold", "random"):
        assert word not in said, word
    assert sent[0]["Subject"].startswith("[access-triage] Alert")


def test_the_others_are_archived_and_the_record_says_with_which_share(aws: EmbeddedAws) -> None:
    at = runtime(aws, 1e-12)
    finding_id, done = arrive(aws, at)
    assert done.effect == "archive"
    assert aws.findings.get(finding_id).status == "ARCHIVED"
    assert logged(at, finding_id)[1]["audit"] == {"share": 1e-12, "chosen": False}


def test_no_sample_in_shadow_mode_or_with_a_share_of_nothing(aws: EmbeddedAws) -> None:
    for at in (runtime(aws, 1.0, mode="shadow"), runtime(aws, 0.0)):
        finding_id, _ = arrive(aws, at)
        assert "audit" not in logged(at, finding_id)[1]


def test_the_secret_is_made_once_and_kept(aws: EmbeddedAws) -> None:
    def log() -> DecisionLog:
        return DecisionLog.in_table(aws.client("dynamodb"), "log")

    first = audit_key.secret_of(log())
    assert len(first) == 32
    audit_key.keep_secret(log(), b"another")
    assert audit_key.secret_of(log()) == first
    assert list(log().decisions("audit")) == []


def test_the_secret_is_read_once_whatever_the_lease_of_an_invocation(aws: EmbeddedAws) -> None:
    log = DecisionLog.in_table(aws.client("dynamodb"), "log")
    with counted() as made:
        for seconds in (1.5, 2.5):
            audit_key.secret_of(msgspec.structs.replace(log, lease_seconds=seconds))
    assert [call for _, call in made] == ["GetItem", "TransactWriteItems", "GetItem"]
