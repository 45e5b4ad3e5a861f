"""What happens in the demo: events of findings, and the scenes that show what the handler promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from embedded.aws import EmbeddedAws
from embedded.demo import world
from embedded.demo.world import Story
from embedded.organization.resources import MAKERS, Resource
from embedded.services.event_bus import Event, put_on_default_bus

EVERY = 25  # one event in so many comes twice, and one in so many findings brings an access preview
BROUGHT_BACK_AFTER = 2 / 3  # of the findings, an analyst brings one back
STRANGER = "444455556666"
SHARED_KEY, DEVELOPMENT_KEY = "key shared with a stranger", "tagged development key"
CHANGED, BROUGHT_BACK = "changed while it waited", "brought back by an analyst"
HOSTILE = "hostile text"
DEVELOPMENT = {"IsAllowedToShare": "true", "Environment": "development"}

Progress = Callable[[int], None]


@dataclass
class Happened:
    """What happened in a run, beside what the decision log says.

    Parameters
    ----------
    arrived
        Ids of the findings in the order they came.
    verdicts
        What only the simulation knows: the id of a finding, and whether the access is ``unintended``.
    scenes
        What was arranged, and the id of the finding that it happened to.
    calls
        How often the handler called each operation of each AWS service.
    collected
        Alerts that are queued, to be sent together with others.
    events
        How many the handler got, with the events of its own archives and access previews.
    repeated, repeated_idle
        Events that came twice, and how many of those did nothing.
    """

    arrived: list[str] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    scenes: dict[str, str] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    collected: int = 0
    events: int = 0
    previews: int = 0
    repeated: int = 0
    repeated_idle: int = 0


class Clock:
    """The time in the demo: that of the event at hand, so that the same seed gives the same log."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present moment of the demo."""
        return self.moment

    def pass_by(self, event: Mapping[str, Any]) -> None:
        """Go on to the time of an event."""
        self.moment = max(self.moment, datetime.fromisoformat(event["time"])) + timedelta(seconds=1)


class Stage:
    """Where the events of the demo come from.

    Parameters
    ----------
    aws
        The box, furnished.
    progress
        Called with the number of findings that were handled since the last call.
    """

    def __init__(self, aws: EmbeddedAws, story: Story, clock: Clock, progress: Progress) -> None:
        self.aws = aws
        self.story = story
        self.happened = Happened()
        self._clock = clock
        self._progress = progress
        self._function = ""

    @contextmanager
    def deployed(self, policy: Path, topic_arn: str) -> Iterator[None]:
        """Let the handler run behind the event bus."""
        from handlers import single
        from handlers.runtime import settings

        environment = {
            "TRIAGE_TOPIC_ARN": topic_arn,
            "TRIAGE_TABLE": world.TABLE,
            "TRIAGE_MODE": "enforce",
            "TRIAGE_POLICY": str(policy),
            "TRIAGE_MEMBER_ROLE": world.MEMBER_ROLE,
        }

        def handler(event: Event, context: Any) -> Any:
            with _counting(self.happened.calls):
                return single.handler(event, context)

        self._function = self.aws.deliver_to(handler, name="access-triage", environment=environment)
        settings.clients.cache_clear()
        with patch.object(
            settings, "datetime", SimpleNamespace(now=lambda zone: self._clock().astimezone(zone))
        ):
            yield
        settings.clients.cache_clear()

    def play(self, arranged: int) -> None:
        """Run the arranged scenes, as many as fit, and then the simulated findings."""
        for scene in SCENES[:arranged]:
            scene(self)
            self._progress(1)
        records = self.story.records
        for number, (record, _, verdict) in enumerate(records, start=1):
            event = record["finding"]
            self._clock.pass_by(event)
            found = self.aws.findings.put(event, analyzer_arn=event["resources"][0])
            self.happened.arrived.append(found.id)
            self.happened.verdicts[found.id] = verdict
            if number % EVERY == 0:
                self._preview(number, event)
            if number == int(len(records) * BROUGHT_BACK_AFTER):
                self._bring_back()
            self._progress(1)
        self._repeat()
        done = [one for invocation in self.aws.delivery.invocations for one in invocation.result["done"]]
        self.happened.collected = sum(one["effect"] == "collected" for one in done)
        self.happened.events = len(self.aws.delivery.invocations)

    # --- scenes

    def _share(self, scene: str, resource: Resource, account: str, **said: Any) -> str:
        """Make a resource, and a finding that a stranger has access to it; return the finding's id."""
        found = self.aws.findings.put(
            {
                "resource": MAKERS[resource.type](self.aws.session(account), resource),
                "resourceType": resource.type,
                "resourceOwnerAccount": account,
                "principal": {"AWS": STRANGER},
                "isPublic": False,
                **said,
            },
            analyzer_arn=self.aws.organization.analyzer_arn,
        )
        self.happened.arrived.append(found.id)
        self.happened.scenes[scene] = found.id
        return found.id

    def _share_key(self, scene: str, account: str, tags: Mapping[str, str], *aliases: str) -> str:
        key = Resource("AWS::KMS::Key", scene, tags, aliases)
        return self._share(scene, key, account, action=["kms:Decrypt", "kms:DescribeKey"])

    def shared_key(self) -> None:
        """The article's first test: a key that is shared with another account raises an alert."""
        self._share_key(SHARED_KEY, self.story.set_apart[0], {"Environment": "prod"})

    def development_key(self) -> None:
        """The article's second test: one with the development tags and the alias is archived."""
        self._share_key(DEVELOPMENT_KEY, self.story.set_apart[1], DEVELOPMENT, "DevelopmentKey")

    def changed_key(self) -> None:
        """A development key that is opened to everyone while its finding waits to be scored."""
        delivery = self.aws.delivery
        delivery.at_once = False
        finding_id = self._share_key(CHANGED, self.story.set_apart[2], DEVELOPMENT, "DevelopmentKey")
        self.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
        delivery.at_once = True
        delivery.deliver()

    def hostile_queue(self) -> None:
        """A queue whose tags and conditions try to break whatever shows them."""
        from training.simulate.hostile import STRINGS

        texts = [text.replace("\0", "") for text in STRINGS]  # no text of AWS has one
        tags = {f"note {number}": text[:256] for number, text in enumerate(texts)}
        tags |= {text: "key" for text in texts if 0 < len(text) <= 128}
        self._share(
            HOSTILE,
            Resource("AWS::SQS::Queue", "hostile-text", tags),
            self.story.set_apart[0],
            action=["sqs:SendMessage"],
            condition={
                "aws:PrincipalArn": STRINGS[0],
                "aws:SourceArn": STRINGS[1],
                "aws:UserAgent": STRINGS[7],
            },
        )

    def _preview(self, number: int, event: Event) -> None:
        """Send the event of an access preview: somebody asked what a policy would open."""
        detail = {
            "accessPreviewId": f"00000000-0000-4000-8000-{number:012d}",
            "configuredResources": [event["detail"]["resource"]],
            "createdAt": event["time"],
            "previousStatus": "CREATING",
            "region": event["region"],
            "status": "COMPLETED",
            "version": "1.0",
        }
        put_on_default_bus({**event, "detail-type": "Access Preview State Change", "detail": detail})
        self.happened.previews += 1

    def _bring_back(self) -> None:
        """Let an analyst make the first simulated finding that was archived active again."""
        for invocation in self.aws.delivery.invocations:
            done = invocation.result["done"][0]
            if done["effect"] == "archive" and done["finding_id"] in self.happened.verdicts:
                self.aws.client("accessanalyzer").update_findings(
                    analyzerArn=invocation.event["resources"][0], ids=[done["finding_id"]], status="ACTIVE"
                )
                self.happened.scenes[BROUGHT_BACK] = done["finding_id"]
                return

    def _repeat(self) -> None:
        """Deliver some events once more, as happens in AWS."""
        delivery = self.aws.delivery
        for invocation in delivery.invocations[::EVERY]:
            delivery.pending.append((self._function, invocation.event))
            delivery.deliver()
            self.happened.repeated += 1
            again = delivery.invocations[-1].result["done"]
            self.happened.repeated_idle += all(done["effect"] == "none" for done in again)


SCENES: tuple[Callable[[Stage], None], ...] = (
    Stage.shared_key,
    Stage.development_key,
    Stage.changed_key,
    Stage.hostile_queue,
)


@contextmanager
def _counting(calls: Counter[tuple[str, str]]) -> Iterator[None]:
    """Count every call that a boto3 client makes inside the block."""
    from botocore.client import BaseClient

    call = BaseClient._make_api_call

    def counted(client: BaseClient, operation: str, parameters: Any) -> Any:
        calls[client.meta.service_model.service_name, operation] += 1
        return call(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", counted):
        yield
