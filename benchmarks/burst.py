"""A burst of findings where few functions may run at once: how many workflows fail, before and now.

Simulated in virtual time by what is synthesized: states, retriers and catchers of the workflow's definition,
and the settings of the queue and of who takes from it. "Before" is the same definition without the retrier
for throttles, started by EventBridge directly, as in releases before the queue.

What a function takes is assumed (`SECONDS`), and drawn from half to one and a half times as long. A function
that Lambda throttles answers at once with an error, as AWS documents it. A message whose function is
throttled counts as received, and is hidden for the queue's visibility timeout.

References
----------
Step Functions Developer Guide, "Error handling"; Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import copy
import heapq
import itertools
import json
import math
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

TEMPLATE: Final = Path(__file__).parents[1] / "lambda/cdk.out/AccessTriage.template.json"
THROTTLED: Final = "Lambda.TooManyRequestsException"
SECONDS: Final = {"Enrich": 1.0, "Evaluate": 0.3, "Archive": 0.5, "Notify": 0.5, "Alert on failure": 0.5}
TRANSITION: Final = 0.05
"""Seconds from the end of a function to the start of the next one: others may be faster."""
SHARE_ARCHIVED: Final = 0.6

Json = Mapping[str, Any]


class Burst(NamedTuple):
    """What arrives, and what the account has to spare.

    Attributes
    ----------
    findings : int
    per_second : float
        ``inf``: all at once.
    quota : int
        Functions that may run at once in the account.
    others : int
        Of these, those that other functions of the account take.
    others_until : float
        Seconds after which they no longer do.
    """

    findings: int
    per_second: float = math.inf
    quota: int = 10
    others: int = 0
    others_until: float = math.inf


class Outcome(NamedTuple):
    """How it ended.

    Attributes
    ----------
    succeeded, failed, dead_letters : int
        Findings; a dead letter is one whose message was received too often.
    seconds : float
        Until the last one ended.
    throttles : int
    most_at_once : int
        Functions of ours.
    """

    succeeded: int
    failed: int
    dead_letters: int
    seconds: float
    throttles: int
    most_at_once: int


class Intake(NamedTuple):
    """The queue before the workflow."""

    at_once: int
    visibility: float
    most_received: int
    waits: tuple[float, float, float]
    """Seconds to the first look at a workflow, between two at most, and for which a function can wait."""


class Definition(NamedTuple):
    """The workflow, and the queue before it where there is one."""

    start: str
    states: Mapping[str, Any]
    intake: Intake | None


def definition_in(template: Json, *, at_once: int | None = None) -> Definition:
    """Read the workflow and its queue from a synthesized template."""
    from handlers.dispatch import FIRST_WAIT, LEAST_SECONDS, LONGEST_WAIT

    resources = template["Resources"]
    (machine,) = _of(resources, "AWS::StepFunctions::StateMachine")
    separator, parts = machine["DefinitionString"]["Fn::Join"]
    text = separator.join(part if isinstance(part, str) else "arn:aws:lambda:x" for part in parts)
    definition = json.loads(text)
    (mapping,) = (
        one
        for one in _of(resources, "AWS::Lambda::EventSourceMapping")
        if "Dispatch" in one["FunctionName"]["Ref"]
    )
    dispatch = resources[mapping["FunctionName"]["Ref"]]["Properties"]
    queue = resources[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
    limit = template["Parameters"][mapping["ScalingConfig"]["MaximumConcurrency"]["Ref"]]["Default"]
    return Definition(
        definition["StartAt"],
        definition["States"],
        Intake(
            at_once or int(limit),
            queue["VisibilityTimeout"],
            queue["RedrivePolicy"]["maxReceiveCount"]["Fn::If"][1],
            (FIRST_WAIT, LONGEST_WAIT, dispatch["Timeout"] - LEAST_SECONDS),
        ),
    )


def as_before(definition: Definition) -> Definition:
    """Return what releases before the queue had: no queue, and no retrier of its own for throttles."""
    states = copy.deepcopy(dict(definition.states))
    for state in states.values():
        if "Retry" in state:
            state["Retry"] = [one for one in state["Retry"] if one["ErrorEquals"] != [THROTTLED]]
    return Definition(definition.start, states, None)


def simulate(definition: Definition, burst: Burst, seed: int = 0) -> Outcome:
    """Let a burst arrive, and wait until each finding has ended."""
    return _Simulation(definition, burst, seed).run()


class _Simulation:
    def __init__(self, definition: Definition, burst: Burst, seed: int) -> None:
        self._definition, self._burst, self._random = definition, burst, random.Random(seed)
        self._now, self._order = 0.0, itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._running = self._throttles = self._most = self._dispatching = 0
        self._ended: Counter[str] = Counter()
        self._last = 0.0
        self._visible: deque[int] = deque()  # how often each was received
        self._ends: dict[int, float] = {}

    def run(self) -> Outcome:
        begin = self._arrive if self._definition.intake else self._start
        for number in range(self._burst.findings):
            self._after(number / self._burst.per_second, begin)
        while self._events:
            self._now, _, act = heapq.heappop(self._events)
            act()
        told = self._ended
        return Outcome(told["Succeed"], told["Fail"], told["Dead"], self._last, self._throttles, self._most)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._order), act))

    def _invoke(self, seconds: float, then: Callable[[], None]) -> bool:
        """Run a function for so long; False where the account has none left."""
        if self._is_full():
            return False
        self._occupy()
        self._after(seconds, lambda: self._leave(then))
        return True

    def _is_full(self) -> bool:
        others = self._burst.others if self._now < self._burst.others_until else 0
        is_full = self._running + others >= self._burst.quota
        self._throttles += is_full
        return is_full

    def _occupy(self) -> None:
        self._running += 1
        self._most = max(self._most, self._running)

    def _leave(self, then: Callable[[], None]) -> None:
        self._running -= 1
        then()

    def _end(self, how: str) -> None:
        self._ended[how] += 1
        self._last = self._now

    # the queue, and who takes from it

    def _arrive(self, received: int = 0) -> None:
        self._visible.append(received)
        self._poll()

    def _poll(self) -> None:
        intake = self._intake
        while self._visible and self._dispatching < intake.at_once:
            received = self._visible.popleft() + 1
            if received > intake.most_received:
                self._end("Dead")
                continue
            if self._is_full():
                self._after(intake.visibility, partial(self._arrive, received))
                self._dispatching += 1  # this poller waits a second
                self._after(1, self._rested)
                continue
            self._dispatching += 1
            self._occupy()
            self._dispatch()

    def _rested(self) -> None:
        self._dispatching -= 1
        self._poll()

    def _dispatch(self) -> None:
        first, most, budget = self._intake.waits
        is_over = [False]
        self._start(lambda: is_over.__setitem__(0, True))

        def look(pause: float, waited: float) -> None:
            if is_over[0] or waited >= budget:
                self._leave(self._rested)
            else:
                self._after(pause, lambda: look(min(2 * pause, most), waited + pause))

        self._after(first, lambda: look(min(2 * first, most), first))

    @property
    def _intake(self) -> Intake:
        assert self._definition.intake is not None
        return self._definition.intake

    # the workflow

    def _start(self, done: Callable[[], None] = lambda: None) -> None:
        is_archived = self._random.random() < SHARE_ARCHIVED
        says = {
            "enriched": "EVALUATE",
            "evaluated": "ARCHIVE" if is_archived else "NOTIFY",
            "archived": "DONE",
        }
        self._enter(self._definition.start, says, done)

    def _enter(self, name: str, says: Mapping[str, str], done: Callable[[], None]) -> None:
        state = self._definition.states[name]
        match state["Type"]:
            case "Succeed" | "Fail" as how:
                self._end(how)
                done()
            case "Choice":
                self._enter(_chosen(state, says), says, done)
            case "Task" if name in SECONDS:
                self._attempt(name, says, done, Counter())
            case _:
                self._enter(state["Next"], says, done)

    def _attempt(
        self, name: str, says: Mapping[str, str], done: Callable[[], None], tries: Counter[int]
    ) -> None:
        state = self._definition.states[name]
        seconds = SECONDS[name] * self._random.uniform(0.5, 1.5)
        go_on = partial(self._enter, state["Next"], says, done)
        if self._invoke(seconds, lambda: self._after(TRANSITION, go_on)):
            return
        for number, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier):
                if tries[number] >= retrier.get("MaxAttempts", 3):
                    break
                self._after(
                    self._delay(retrier, tries[number]), lambda: self._attempt(name, says, done, tries)
                )
                tries[number] += 1
                return
        (caught, *_) = (one["Next"] for one in state["Catch"] if _matches(one))
        self._enter(caught, says, done)

    def _delay(self, retrier: Json, tried: int) -> float:
        longest = float(retrier.get("MaxDelaySeconds", math.inf))
        # 2 ** 64 is longer than any limit
        seconds = min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** min(tried, 64), longest)
        is_drawn = retrier.get("JitterStrategy") == "FULL"
        return self._random.uniform(0, seconds) if is_drawn else seconds


def _matches(handler: Json) -> bool:
    return bool({THROTTLED, "States.ALL"} & set(handler["ErrorEquals"]))


def _chosen(state: Json, says: Mapping[str, str]) -> str:
    for choice in state["Choices"]:
        if "StringEquals" in choice:
            step = choice["Variable"].split(".")[1]
            if choice["StringEquals"] == says[step]:
                return str(choice["Next"])
    raise ValueError(f"expected a choice for {says}")


def _of(resources: Json, kind: str) -> list[Any]:
    return [one["Properties"] for one in resources.values() if one["Type"] == kind]


CASES: Final = {
    "2,000 at 50 a second": (Burst(2_000, 50), None),
    "5,000 at once": (Burst(5_000), None),
    "5,000 at once, others take 5 of the 10, 2 findings at once": (Burst(5_000, others=5), 2),
    "1,000 at once, others take all 10 for 20 minutes": (Burst(1_000, others=10, others_until=1_200), None),
}
"""A burst, and `FindingsAtOnce` where it is not the default."""


def main() -> None:
    """Print the table."""
    if not TEMPLATE.exists():
        print("burst: left out; it takes make synth")
        return
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    heads = f"{'failed':>8} {'dead':>5} {'minutes':>8} {'throttles':>10} {'most':>5}"
    print(f"{'burst at a quota of 10 functions':<59} {heads}")
    for name, (burst, at_once) in CASES.items():
        now = definition_in(template, at_once=at_once)
        print(f"  {name}")
        for what, definition in (("before", as_before(now)), ("now", now)):
            told = simulate(definition, burst)
            share = 100 * told.failed / burst.findings
            print(
                f"    {what:<55} {share:6.1f} % {told.dead_letters:5} {told.seconds / 60:8.1f}"
                f" {told.throttles:10,} {told.most_at_once:5}"
            )


if __name__ == "__main__":
    main()
