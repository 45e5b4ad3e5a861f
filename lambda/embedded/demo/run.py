"""The demo's main job: findings arrive at the real handler, and what became of them is read back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from embedded.aws import EmbeddedAws
from embedded.demo import world
from embedded.demo.policy import write_policy
from embedded.demo.scenes import SCENES, Clock, Happened, Progress, Stage
from embedded.demo.world import Story
from embedded.services import roles
from scoring.findings.arn import Arn


class Mail(NamedTuple):
    """An alert as it was published to the topic, which is what its subscribers get by email."""

    subject: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """Everything that is known of a run when it is over.

    Parameters
    ----------
    policy
        Where the policy was written.
    records
        The last record of each finding in the decision log, in the order they came.
    sent
        The alerts, in the order they were sent.
    """

    seed: int
    story: Story
    accounts: int
    policy: Path
    happened: Happened
    records: list[dict[str, Any]]
    sent: list[Mail]
    seconds_building: float
    seconds_handling: float


def run(directory: Path, *, findings: int, seed: int, progress: Progress = lambda _: None) -> Outcome:
    """Build the organization, let the findings arrive, and read back what became of them.

    Parameters
    ----------
    directory
        The policy is written there.
    findings
        How many, the arranged ones among them.
    progress
        Called with the number of findings that were handled since the last call.

    Raises
    ------
    RuntimeError
        The handler failed on an event: a fault of ours, with the traceback of the first one.
    """
    started = time.perf_counter()
    arranged = min(findings, len(SCENES))
    story = world.tell(seed, findings - arranged)
    clock = Clock()
    told = world.describe(story)
    with (
        EmbeddedAws(told, region=world.REGION, seed=seed, clock=clock) as aws,
        roles.must_exist(),
    ):
        story = world.furnish(aws, story, seed)
        topic_arn = world.make_topic(aws)
        stage = Stage(aws, story, clock, progress)
        policy = write_policy(story.organization, directory)
        with stage.deployed(policy, topic_arn):
            built = time.perf_counter()
            stage.play(arranged)
            done = time.perf_counter()
        if aws.delivery.dead_letters:
            letter = aws.delivery.dead_letters[0]
            raise RuntimeError(
                f"events that failed: {len(aws.delivery.dead_letters)}, the first so:\n{letter.traceback}"
            )
        return Outcome(
            seed=seed,
            story=story,
            accounts=len(told.accounts) + 1,
            policy=policy,
            happened=stage.happened,
            records=_logged(aws, stage.happened.arrived),
            sent=_sent(topic_arn),
            seconds_building=built - started,
            seconds_handling=done - built,
        )


def _logged(aws: EmbeddedAws, arrived: list[str]) -> list[dict[str, Any]]:
    """Return the last record of each finding in the decision log, in the order in which they came."""
    from scoring.decision_log.log import DecisionLog

    log = DecisionLog.in_table(aws.client("dynamodb"), world.TABLE)
    decisions = sorted(log.all_decisions(), key=lambda decision: decision.item)
    last = {decision.finding_id: decision.record for decision in decisions}
    return [last[finding_id] for finding_id in arrived if finding_id in last]


def _sent(topic_arn: str) -> list[Mail]:
    from moto.sns.models import sns_backends

    topic = Arn.parse(topic_arn)
    published = sns_backends[topic.account][topic.region].topics[topic_arn].sent_notifications
    return [Mail(subject or "", text) for _, text, subject, _, _ in published]
