"""What a review link stands for at the moment, and answering an alert by one.

Nothing changes by looking. What a link is still good for follows from the decision log alone: a verdict
raises the number of turns, which uses up every link that was made before it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple

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

State = Literal[
    "open",  # waits for the verdict that the link is for
    "unfinished",  # the verdict is written down, and what it asks for is not done yet
    "answered",  # somebody has given a verdict
    "given",  # the verdict that this link takes back
    "taken back",  # by this link
    "used",  # a verdict was given and taken back since the link was made
    "followed",  # another decision has followed the one that the link is about
    "foreign",  # the decision log knows no such decision
]


class Busy(Exception):
    """Too many requests in the last hour."""


class Reviewer(NamedTuple):
    """Who answers, as far as that is known."""

    name: str
    is_verified: bool
    origin: Origin


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """What a link stands for.

    Attributes
    ----------
    reviewed, latest : LoggedDecision or None
        The decision, and the latest one on the finding; None where it is foreign.
    """

    link: Link
    state: State
    reviewed: LoggedDecision | None = None
    latest: LoggedDecision | None = None

    @property
    def is_latest(self) -> bool:
        """Whether no other decision on the finding has followed."""
        return self.reviewed == self.latest


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


def look(link: Link, log: DecisionLog) -> LinkState:
    """Say what a link stands for; nothing changes."""
    decisions = review.decisions(log, link.finding_id)
    reviewed = next((decision for decision in decisions if decision.item == link.item), None)
    if reviewed is None:
        return LinkState(link=link, state="foreign")
    latest = decisions[-1]
    state = _state(link, reviewed, latest == reviewed)
    return LinkState(link=link, state=state, reviewed=reviewed, latest=latest)


def _state(link: Link, reviewed: LoggedDecision, is_latest: bool) -> State:
    label, turn = reviewed.verdict, len(reviewed.labels_before)
    if link.action == "take back":
        if label is not None and turn == link.turn:
            return "given" if reviewed.acted else "unfinished"
        return "taken back" if label is None and turn == link.turn + 1 else "used"
    if label is None and turn == link.turn:
        return "open" if is_latest else "followed"
    if label is None:
        return "used"
    is_ours = turn == link.turn and label.verdict == link.action and not reviewed.acted
    return "unfinished" if is_ours and is_latest else "answered"


def can_take_back(link_state: LinkState) -> bool:
    """Say whether taking the verdict back undoes what it did, and nothing that came after it."""
    label = None if link_state.reviewed is None else link_state.reviewed.verdict
    return label is not None and (link_state.is_latest or label.verdict == "unintended")


def again(link_state: LinkState) -> tuple[Link, ...]:
    """Return links to decide once more after a verdict was taken back; they expire with the first ones.

    Archiving, or bringing back, may have led to a new decision meanwhile: then they are about that one,
    provided that the finding still says the same.
    """
    reviewed, latest, link = link_state.reviewed, link_state.latest, link_state.link
    if reviewed is None or latest is None or latest.label is not None:
        return ()
    if review.content(latest) != review.content(reviewed):
        return ()
    actions: tuple[LinkAction, ...] = ("expected", "unintended")
    return tuple(
        msgspec.structs.replace(link, item=latest.item, action=action, turn=len(latest.labels_before))
        for action in actions
    )


def answer(
    link_state: LinkState,
    who: Reviewer,
    note: str,
    log: DecisionLog,
    analyzers: Callable[[], AccessAnalyzer],
    now: datetime,
) -> Link:
    """Do what a link is for: give its verdict, finish what one began, or take one back.

    Returns
    -------
    Link
        Where to look at what came of it, and to take it back.

    Raises
    ------
    BadInput
        The link is good for nothing any more; look again.
    botocore.exceptions.ClientError
        AWS refused; what was written stands, and this can be tried again.
    """
    link, reviewed = link_state.link, link_state.reviewed
    if reviewed is None or link_state.state not in ("open", "unfinished", "given"):
        raise BadInput("the link has been used")
    if link_state.state == "given":
        if not can_take_back(link_state):
            raise BadInput("another decision has followed")
        review.take_back(reviewed, log, analyzers(), who.name, now)
        return link
    given = reviewed.verdict
    if given is not None:  # and what it asks for is not done yet
        answered = Answered(reviewed, given)
    else:
        verdict = _verdict(link.action)
        label = Label(verdict, who.name, now, "review-link", note, who.is_verified, who.origin)
        answered = review.give(reviewed, label, log)
        if answered.label != label:
            raise BadInput("somebody else has just given a verdict")
    review.act(answered, log, analyzers(), now)
    return msgspec.structs.replace(link, action="take back", turn=len(reviewed.labels_before))


def _verdict(action: LinkAction) -> review.Verdict:
    assert action != "take back"  # noqa: S101 - such a link is never open
    return action
