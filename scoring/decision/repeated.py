"""Decisions on findings that repeat: most of a backlog differ from an earlier one in their names only."""

from typing import Final

import msgspec

from scoring.decision.decide import Decision, decide
from scoring.findings.arn import partition_of
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard

MOST: Final = 8192
NAMING: Final = frozenset(("resource", "name_stem"))
"""Features that rest on the resource's name."""


class RepeatedDecisions:
    """Decides as `scoring.decision.decide.decide` does, and only once on findings that say the same.

    Parameters
    ----------
    threshold : int or None
        In tenths; see `scoring.decision.decide.decide`.
    most : int
        Decisions that are kept; the oldest goes first, so that memory stays flat.

    Notes
    -----
    What is kept was decided on a finding without its names and times, so nothing of one finding can come into
    the decision on another. The resource's name stays where the policy or the card names resources. Two
    findings say the same where all the rest, and the context, is the same byte for byte.
    """

    def __init__(
        self, card: Scorecard, policy: Policy, threshold: int | None = None, *, most: int = MOST
    ) -> None:
        self.card, self.policy, self.threshold, self.most = card, policy, threshold, most
        rules = (*policy.expected_rules, *policy.never_archive)
        self.names_resources = (
            bool(policy.public_buckets)
            or any(rule.resource for rule in rules)
            or any(of.name in NAMING for of in card.features)
        )
        self.kept: dict[bytes, Decision] = {}

    def decide(self, finding: Finding, context: Context) -> Decision:
        """Decide on one finding."""
        nameless = self.nameless(finding)
        try:
            said = _encode((nameless, context))
        except (TypeError, ValueError):  # what did not come from JSON may hold anything
            return decide(finding, context, self.card, self.policy, self.threshold)
        decision = self.kept.get(said)
        if decision is None:
            decision = decide(nameless, context, self.card, self.policy, self.threshold)
            if len(self.kept) >= self.most:
                del self.kept[next(iter(self.kept))]
            self.kept[said] = decision
        return msgspec.structs.replace(
            decision,
            finding_id=finding.id,
            resource=finding.resource,
            region=finding.region,
            analyzer=finding.analyzer_arn,
            contributions=decision.contributions.copy(),
        )

    def nameless(self, finding: Finding) -> Finding:
        """Return a finding without what no decision rests on."""
        return msgspec.structs.replace(
            finding,
            id="",
            resource=finding.resource if self.names_resources else _partition_only(finding.resource),
            region=None,
            analyzer_arn=None,
            created_at=None,
            analyzed_at=None,
            updated_at=None,
        )


def _partition_only(resource: str) -> str:
    """Return an ARN of nothing but the partition, in which accounts have numbers of their own."""
    partition = partition_of(resource)
    return "" if partition in ("aws", "") else f"arn:{partition}::::"


_encode: Final = msgspec.json.Encoder().encode
