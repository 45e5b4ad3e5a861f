"""What a review link stands for at the moment, and answering an alert by one.

Opening a link changes nothing. What a link is still good for follows from the decision log alone: a verdict
that is given and taken back raises the decision's revision, which uses up every link made before it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.hourly_limit import Cap, HourlyLimit
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from scoring.findings.record import Label, Origin
from scoring.review import verdict as review
from scoring.review.links import Link, LinkAction
from scoring.review.verdict import Answered

MOST_PER_LINK = 40
MOST = 400
"""Requests in an hour that carry a good token: on one decision, and in all."""


class Busy(Exception):
    """Too many requests in the last hour."""


class Reviewer(NamedTuple):
    """Who answers, as far as that is known."""

    name: str
    is_verified: bool = True
    origin: Origin = Origin()


class ForeignLink(msgspec.Struct, frozen=True, kw_only=True):
    """The decision log knows no such decision."""

    link: Link


class KnownLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link on a decision that the log has; one of the types below says what it stands for.

    Attributes
    ----------
    decision, latest : LoggedDecision
        The decision, and the latest one on the finding.
    """

    link: Link
    decision: LoggedDecision
    latest: LoggedDecision

    @property
    def is_latest(self) -> bool:
        """Whether no other decision on the finding has followed."""
        return self.decision == self.latest


class OpenLink(KnownLink, frozen=True, kw_only=True):
    """The decision waits for the verdict that the link is for."""

    verdict: review.Verdict


class InterruptedLink(KnownLink, frozen=True, kw_only=True):
    """The link's verdict is written down, and what it asks for is not done yet."""

    label: Label


class GivenLink(KnownLink, frozen=True, kw_only=True):
    """The verdict that this link takes back was given."""

    label: Label

    @property
    def can_take_back(self) -> bool:
        """Whether taking the verdict back undoes what it did, and nothing that came after it."""
        return self.is_latest or self.label.verdict == "unintended"


class AnsweredLink(KnownLink, frozen=True, kw_only=True):
    """Somebody has given a verdict."""

    label: Label


class TakenBackLink(KnownLink, frozen=True, kw_only=True):
    """The verdict was taken back by this link."""


class UsedLink(KnownLink, frozen=True, kw_only=True):
    """A verdict was given and taken back since the link was made."""


class OutdatedLink(KnownLink, frozen=True, kw_only=True):
    """Another decision has followed the one that the link is about."""


Answerable = OpenLink | InterruptedLink | GivenLink
"""What a confirmation does something about."""
KnownState = Answerable | AnsweredLink | TakenBackLink | UsedLink | OutdatedLink
LinkState = ForeignLink | KnownState


def admit(link: Link, log: DecisionLog, now: datetime) -> None:
    """Count a request.

    Raises
    ------
    Busy
        There were too many in the last hour.
    """
    caps = (Cap("all", MOST), Cap(f"link_{link.digest}", MOST_PER_LINK))
    if not HourlyLimit("review", caps).admit(log, now):
        raise Busy


def link_state(link: Link, log: DecisionLog) -> LinkState:
    """Say what a link stands for at the moment; nothing changes."""
    decisions = review.decisions(log, link.finding_id)
    decision = next((one for one in decisions if one.item == link.item), None)
    if decision is None:
        return ForeignLink(link=link)
    known = KnownLink(link=link, decision=decision, latest=decisions[-1])
    return _to_take_back(known) if link.action == "take back" else _to_give(known, link.action)


def _to_take_back(known: KnownLink) -> KnownState:
    link, decision, latest = known.link, known.decision, known.latest
    label, revision = decision.verdict, len(decision.labels_before)
    if label is not None and revision == link.revision:
        state = GivenLink if decision.acted else InterruptedLink
        return state(link=link, decision=decision, latest=latest, label=label)
    is_ours = label is None and revision == link.revision + 1
    return (TakenBackLink if is_ours else UsedLink)(link=link, decision=decision, latest=latest)


def _to_give(known: KnownLink, verdict: review.Verdict) -> KnownState:
    link, decision, latest = known.link, known.decision, known.latest
    label, is_same = decision.verdict, len(decision.labels_before) == link.revision
    if label is not None:
        is_ours = is_same and label.verdict == verdict and not decision.acted and known.is_latest
        state = InterruptedLink if is_ours else AnsweredLink
        return state(link=link, decision=decision, latest=latest, label=label)
    if is_same and known.is_latest:
        return OpenLink(link=link, decision=decision, latest=latest, verdict=verdict)
    return (OutdatedLink if is_same else UsedLink)(link=link, decision=decision, latest=latest)


def links_after_taking_back(taken: TakenBackLink) -> tuple[Link, ...]:
    """Return links to decide once more after a verdict was taken back; they expire with the first ones.

    Archiving, or bringing back, may have led to a new decision meanwhile: then they are about that one,
    provided that the finding still says the same.
    """
    latest = taken.latest
    if latest.label is not None or review.content(latest) != review.content(taken.decision):
        return ()
    actions: tuple[LinkAction, ...] = ("expected", "unintended")
    return tuple(
        msgspec.structs.replace(
            taken.link, item=latest.item, action=action, revision=len(latest.labels_before)
        )
        for action in actions
    )


def answer(
    state: Answerable,
    who: Reviewer,
    note: str,
    log: DecisionLog,
    analyzers: Callable[[], AccessAnalyzer],
    now: datetime,
) -> Link:
    """Carry out a confirmed link: give its verdict, finish an interrupted one, or take one back.

    Returns
    -------
    Link
        Where to look at what came of it, and to take it back.

    Raises
    ------
    BadInput
        The link is good for nothing any more; look again.
    botocore.exceptions.ClientError
        AWS refused; what was written is kept, and this can be tried again.
    """
    link, decision = state.link, state.decision
    if isinstance(state, GivenLink):
        if not state.can_take_back:
            raise BadInput("another decision has followed")
        review.take_back(decision, log, analyzers(), who.name, now)
        return link
    answered = (
        _give(state, who, note, log, now) if isinstance(state, OpenLink) else Answered(decision, state.label)
    )
    review.act(answered, log, analyzers(), now)
    return msgspec.structs.replace(link, action="take back", revision=len(decision.labels_before))


def _give(state: OpenLink, who: Reviewer, note: str, log: DecisionLog, now: datetime) -> Answered:
    label = Label(state.verdict, who.name, now, "review-link", note, who.is_verified, who.origin)
    answered = review.give(state.decision, label, log)
    if answered.label != label:
        raise BadInput("somebody else has just given a verdict")
    return answered
