"""The results of the demo: each finding with its decision and the message that explains it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embedded.demo.run import Outcome

if TYPE_CHECKING:
    from scoring.decision.decide import Decision
    from scoring.explanation.explain import Message
    from scoring.findings.record import Case
    from scoring.policy.policy import Policy

OUTCOMES = ("archive", "alert", "skip")
TYPES = {
    "ExternalAccess": "External access",
    "InternalAccess": "Internal access",
    "UnusedIAMRole": "Unused role",
    "UnusedIAMUserAccessKey": "Unused access key",
    "UnusedIAMUserPassword": "Unused password",
    "UnusedPermission": "Unused permissions",
}


@dataclass(frozen=True)
class Decided:
    """One finding with its context and decision, as the log has it."""

    record: dict[str, Any]
    case: Case
    decision: Decision
    message: Message

    @property
    def id(self) -> str:
        """The finding's id."""
        return self.decision.finding_id


@dataclass(frozen=True)
class Results:
    """Everything that terminal and report show of a run."""

    outcome: Outcome
    policy: Policy
    decided: tuple[Decided, ...]

    @cached_property
    def counts(self) -> Counter[str]:
        """Findings by outcome."""
        return Counter(one.decision.outcome for one in self.decided)

    @cached_property
    def by_type(self) -> dict[str, Counter[str]]:
        """Findings by outcome, for each type of finding that occurred."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in TYPES}
        for one in self.decided:
            counts.setdefault(one.decision.finding_type, Counter())[one.decision.outcome] += 1
        return {name: found for name, found in counts.items() if found}

    @cached_property
    def alerts(self) -> tuple[Decided, ...]:
        """The alerts, the most urgent first; see `scoring.decision.ranking`."""
        from scoring.decision.ranking import rank

        alerts = [one for one in self.decided if one.decision.outcome == "alert"]
        return tuple(sorted(alerts, key=lambda one: rank(one.decision)))

    def at(self, scene: str) -> Decided | None:
        """The finding that an arranged scene happened to."""
        finding_id = self.outcome.happened.scenes.get(scene)
        return next((one for one in self.decided if one.id == finding_id), None)

    @cached_property
    def out_of_reach(self) -> int:
        """How many findings lie in accounts without our role."""
        unreachable = self.outcome.story.unreachable
        return sum(one.decision.account in unreachable for one in self.decided)

    @cached_property
    def unintended(self) -> Counter[str]:
        """By outcome, the findings that only the simulation knows to be unintended access."""
        verdicts = self.outcome.happened.verdicts
        return Counter(one.decision.outcome for one in self.decided if verdicts.get(one.id) == "unintended")


def read(outcome: Outcome) -> Results:
    """Read the records of the log back, and write the message that explains each decision."""
    from scoring.decision.decide import read_decision
    from scoring.explanation.explain import explain
    from scoring.findings.record import read_case
    from scoring.policy import policy
    from scoring.scorecard import formats

    card = formats.load(formats.DEFAULT)
    rules = policy.load(outcome.policy)
    decided = []
    for record in outcome.records:
        case, decision = read_case(record), read_decision(record["decision"])
        # The same words as the mail that was sent.
        message = explain(case, decision, rules, is_review=decision.outcome == "alert", card=card)
        decided.append(Decided(record, case, decision, message))
    return Results(outcome, rules, tuple(decided))
