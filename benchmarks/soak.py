"""Events by the thousand through the real handlers, with everything going wrong that does: `make soak`.

AWS throttles, refuses and times out (before or after the effect), events come twice, late, broken or not at
all. In the end every finding has exactly one final decision, none was archived on what is not known, none is
lost, and no version of one is alerted on a second time. Exits with 1 if one of these does not hold.
"""

import argparse
import heapq
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from rich.console import Console
from rich.table import Table

from benchmarks.soak_check import Figures, check
from benchmarks.soak_world import World
from embedded import EmbeddedAws, small_organization
from embedded.services.delivery import Delivery
from embedded.services.lambda_context import LambdaContext
from handlers import reconcile, single
from handlers.runtime import settings
from scoring.decision_log import table as decision_table

TABLE = "log"
BATCH = 10
RECEIVED_MOST = 25
VISIBILITY = timedelta(minutes=6)
SCHEDULE = timedelta(minutes=15)
POLICY = """
[archives]
most_per_hour = 2000
most_per_principal = 2000

[[expected]]
name = "development"
tags = { Environment = "development" }
"""


@dataclass
class Rates:
    """Shares of calls to AWS, and of events, that something happens to."""

    throttled: float = 0.03
    denied: float = 0.01
    timed_out: float = 0.01
    twice: float = 0.05
    malformed: float = 0.005
    never: float = 0.005


@dataclass
class Faults:
    """Lets calls fail as they do after botocore's own retries; half of the timeouts come after the effect."""

    chance: random.Random
    rates: Rates
    made: Counter[str] = field(default_factory=Counter)
    is_on: bool = False

    @contextmanager
    def working(self) -> Iterator[None]:
        make = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: Any) -> Any:
            if not self.is_on:
                return make(client, operation, parameters)
            drawn, rates = self.chance.random(), self.rates
            self.made["calls"] += 1
            if drawn < rates.throttled:
                self._fail("throttled", "ThrottlingException", operation)
            if drawn < rates.throttled + rates.denied:
                self._fail("denied", "AccessDeniedException", operation)
            if drawn >= rates.throttled + rates.denied + rates.timed_out:
                return make(client, operation, parameters)
            self.made["timed out"] += 1
            if self.chance.random() < 0.5:
                make(client, operation, parameters)
            raise ReadTimeoutError(endpoint_url=operation)

        with patch.object(BaseClient, "_make_api_call", call):
            yield

    def _fail(self, kind: str, code: str, operation: str) -> None:
        self.made[kind] += 1
        raise ClientError({"Error": {"Code": code, "Message": "injected"}}, operation)


class Clock:
    """The time of the box and of the handlers."""

    moment = datetime(2026, 11, 2, tzinfo=UTC)

    def __call__(self, zone: tzinfo = UTC) -> datetime:
        self.moment += timedelta(milliseconds=3)
        return self.moment.astimezone(zone)


class Queue:
    """An SQS queue: what fails becomes visible again after a while."""

    def __init__(self) -> None:
        self.waiting: list[tuple[datetime, int, str, int]] = []
        self.dead: list[str] = []
        self._number = 0

    def send(self, body: str, at: datetime, received: int = 0) -> None:
        self._number += 1
        heapq.heappush(self.waiting, (at, self._number, body, received))

    def receive(self, now: datetime) -> list[tuple[str, int]]:
        some: list[tuple[str, int]] = []
        while self.waiting and len(some) < BATCH and self.waiting[0][0] <= now:
            _, _, body, received = heapq.heappop(self.waiting)
            some.append((body, received + 1))
        return some

    def back(self, body: str, received: int, now: datetime) -> None:
        if received >= RECEIVED_MOST:
            self.dead.append(body)
        else:
            self.send(body, now + VISIBILITY, received)


class Soak:
    """The deployment that is soaked."""

    def __init__(self, aws: EmbeddedAws, clock: Clock, rates: Rates, seed: int) -> None:
        self.aws, self.clock, self.rates = aws, clock, rates
        self.chance = random.Random(seed)
        self.faults = Faults(random.Random(seed + 1), rates)
        self.queue = Queue()
        self.heard = 0
        self.counts: Counter[str] = Counter()
        self.next_schedule = clock.moment

    def deploy(self, directory: Path) -> None:
        decision_table.create(self.aws.client("dynamodb"), TABLE)
        self.inbox = self.aws.create_topic("alerts")
        policy = directory / "policy.toml"
        policy.write_text(POLICY)
        os.environ.update(
            TRIAGE_TOPIC_ARN=self.inbox.topic_arn,
            TRIAGE_TABLE=TABLE,
            TRIAGE_MODE="enforce",
            TRIAGE_POLICY=str(policy),
            TRIAGE_ANALYZER_ARNS=self.aws.findings.analyzer_for("external"),
        )
        self.world = World(self.aws, self.chance)
        for _ in range(2):  # the first sweep, and its report
            self.schedule()
            self.clock.moment += timedelta(minutes=5)

    def happen(self) -> None:
        """Let one event come, or be lost, or be broken on its way."""
        self.clock.moment += timedelta(seconds=1)
        if self.chance.random() < self.rates.malformed:
            self.queue.send(self.world.malformed(), self.clock.moment)
            self.counts["malformed"] += 1
            return
        self.world.step()
        self.hear()

    def hear(self) -> None:
        """Queue what Access Analyzer has sent since the last time."""
        for event in self.aws.events[self.heard :]:
            self.counts["events"] += 1
            body = json.dumps(event)
            if self.chance.random() < self.rates.never:
                self.counts["never delivered"] += 1
                continue
            self.queue.send(body, self.clock.moment)
            if self.chance.random() < self.rates.twice:
                self.counts["delivered twice"] += 1
                late = timedelta(seconds=self.chance.randrange(1800))
                self.queue.send(body, self.clock.moment + late)
        self.heard = len(self.aws.events)

    def work(self) -> None:
        """Hand the handler what is to be received, and run the schedule when it is time."""
        while some := self.queue.receive(self.clock.moment):
            records = [{"messageId": str(n), "body": body} for n, (body, _) in enumerate(some)]
            self.faults.is_on = True
            answer = single.handler({"Records": records}, _context())
            self.faults.is_on = False
            failed = {int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]}
            self.counts["deliveries"] += len(some)
            self.counts["delivered again"] += len(failed)
            for number in failed:
                self.queue.back(*some[number], self.clock.moment)
            self.hear()
        if self.clock.moment >= self.next_schedule:
            self.next_schedule = self.clock.moment + SCHEDULE
            self.faults.is_on = True
            self.schedule()
            self.faults.is_on = False
            self.hear()

    def schedule(self) -> None:
        try:
            reconcile.handler({}, _context(900))
        except reconcile.Incomplete:
            self.counts["schedule incomplete"] += 1

    def come_to_rest(self) -> None:
        """Deliver what waits; then let the schedule run as often as it takes in a day, without faults."""
        while self.queue.waiting:
            self.clock.moment = max(self.clock.moment, self.queue.waiting[0][0])
            self.work()
        for _ in range(4):
            self.clock.moment += timedelta(hours=9)
            self.schedule()
            self.hear()
            while self.queue.waiting:
                self.clock.moment = max(self.clock.moment, self.queue.waiting[0][0])
                self.work()
        self.clock.moment += timedelta(hours=30)
        self.schedule()


def run(events: int, *, seed: int = 0, rates: Rates | None = None) -> Figures:
    """Soak, and check what came of it."""
    import logging

    logging.disable(logging.CRITICAL)  # each injected fault would be logged with its traceback
    started = time.perf_counter()
    clock, delivery = Clock(), Delivery(at_once=False)
    with ExitStack() as inside:
        directory = Path(inside.enter_context(tempfile.TemporaryDirectory()))
        inside.enter_context(patch.dict(os.environ))
        box = EmbeddedAws(small_organization(), seed=seed, clock=clock, delivery=delivery)
        aws = inside.enter_context(box)
        soak = Soak(aws, clock, rates or Rates(), seed)
        time_told = SimpleNamespace(time=lambda: clock.moment.timestamp())
        inside.enter_context(patch.object(settings, "datetime", SimpleNamespace(now=clock)))
        inside.enter_context(patch.object(settings, "time", time_told))
        inside.enter_context(soak.faults.working())
        inside.callback(settings.clients.cache_clear)
        inside.callback(logging.disable, logging.NOTSET)
        settings.clients.cache_clear()
        soak.deploy(directory)
        for _ in range(events):
            soak.happen()
            soak.work()
        soak.come_to_rest()
        seconds = time.perf_counter() - started
        figures = check(aws, TABLE, soak.inbox.messages(), soak.world)
        figures.counts |= soak.counts | soak.faults.made
        figures.violations["lost: received too often"] = len(soak.queue.dead)
        figures.seconds = seconds
    return figures


def _context(seconds: float = 60) -> LambdaContext:
    return LambdaContext("soak", "arn:aws:lambda:eu-west-1:111122223333:function:soak", "1", seconds)


def main(arguments: list[str]) -> int:
    """Print the table; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    figures = run(given.events, seed=given.seed)
    table = Table("what", "count", title=f"soak, {figures.seconds:.0f} s", title_justify="left")
    table.columns[1].justify = "right"
    for what, count in figures.counts.items():
        table.add_row(what, f"{count:,}")
    table.add_section()
    for what, count in figures.violations.items():
        table.add_row(what, f"{count:,}", style="bold red" if count else "")
    Console().print(table)
    for line in figures.evidence:
        print(line)
    return int(any(figures.violations.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
