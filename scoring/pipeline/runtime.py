"""What one invocation needs, and what it says of each finding."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.sessions import RegionalClients
from scoring.decision.decide import Decision
from scoring.decision_log.certificates import Needs
from scoring.decision_log.ends import End
from scoring.decision_log.log import DecisionLog
from scoring.explanation.content import Answers
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.pipeline.alerts.channels import Channels
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard

Enrich = Callable[[Finding], Context]
ResultEffect = Literal["archive", "alert", "collected", "none"]


class AnswerLinks(Protocol):
    """What makes the links by which an alert is answered: `scoring.review.links.Links`."""

    def answers(self, finding_id: str, item: str, now: datetime) -> Answers:
        """Return the links for one decision of the log."""


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one invocation needs, built by the handler.

    Parameters
    ----------
    enrich : callable
        Finding to context; never raises for what AWS answers.
    now : callable
        The clock, in UTC.
    mode : str
        ``shadow`` or ``enforce``.
    is_report : bool
        Whether alerts go into the report instead of mails of their own.
    is_paced : bool
        Whether archives use half of the circuit breaker's limits, and wait where there is no room.
    configuration_error : str
        Why nothing may be archived at present: what should decide on it cannot be read. Empty otherwise.
    security_hub : callable or None
        Region to a Security Hub client; used only where the policy wants Security Hub to be updated.
    review_links : callable or None
        Gives what makes the links of alerts, or None where its keys cannot be had; None without a page.
    enforce_needs : str or None
        What a new deployment needs before anything is archived, where the policy does not say; see
        `scoring.decision_log.certificates`.
    """

    card: Scorecard
    policy: Policy
    mode: Literal["shadow", "enforce"]
    enrich: Enrich
    analyzers: AccessAnalyzer
    channels: Channels
    log: DecisionLog
    now: Callable[[], datetime]
    is_report: bool = False
    is_paced: bool = False
    configuration_error: str = ""
    security_hub: RegionalClients | None = None
    review_links: Callable[[], AnswerLinks | None] | None = None
    enforce_needs: Needs | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one finding.

    Attributes
    ----------
    effect : str
        ``archive``, ``alert``, ``collected`` (an alert that is sent with others), or ``none``.
    reason : str
        Why nothing was done, where nothing was.
    ended : str or None
        How the finding has ended, where this is what was written down: ``resolved``, ``archived`` or
        ``deleted``.
    """

    finding_id: str
    effect: ResultEffect
    decision: Decision | None = None
    context: Context | None = None
    reason: str = ""
    ended: End | None = None
