"""What the page of a review link says of what the link stands for; see `scoring.review.page_content`."""

from typing import Final, assert_never

import msgspec

from scoring.decision.decide import read_decision
from scoring.decision_log.decisions import LoggedDecision
from scoring.explanation.content import Explanation, Row, Similar
from scoring.explanation.explain import explanation
from scoring.explanation.remediation import remedy
from scoring.explanation.safe_text import visible
from scoring.explanation.words import moment
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Label
from scoring.policy.policy import Policy
from scoring.review.answer import (
    AnsweredLink,
    ForeignLink,
    GivenLink,
    InterruptedLink,
    KnownState,
    LinkState,
    OpenLink,
    OutdatedLink,
    Reviewer,
    TakenBackLink,
    UsedLink,
    links_after_taking_back,
)
from scoring.review.links import Links
from scoring.review.page_content import LONGEST_NOTE, Form, Page, command_for
from scoring.review.verdict import Verdict

_WHAT_HAPPENS: Final = {
    "expected": "The finding is archived, and kept as an example of what is expected.",
    "unintended": "The finding stays active, and is kept as an example of what is not wanted.",
}
_WARNING: Final = "This is flagged as dangerous. Confirm only if you know why it is needed."
_SHADOW: Final = "Shadow mode: the verdict is kept, the finding itself stays as it is."


FOREIGN: Final = Page(
    status=404,
    title="Not known here",
    heading="This finding is not known here",
    tone="problem",
    lines=("The decision log that this page reads has no such decision.", "Nothing was changed."),
)
OUT_OF_DATE: Final = Page(
    status=410,
    title="This alert is out of date",
    heading="This alert is out of date",
    tone="problem",
    lines=(
        "The finding, or what surrounds it, has changed since, and was decided on anew: answer the later"
        " alert.",
        "Nothing was changed.",
    ),
)


def page(
    state: LinkState, policy: Policy, links: Links, who: Reviewer, similar: tuple[Similar, ...] = ()
) -> Page:
    """Say what a link stands for, and what can be done about it.

    Parameters
    ----------
    policy : Policy
        The names it gives to accounts are in the explanation.
    who : Reviewer
        Who looks at the page.
    similar : tuple of Similar
        What people said of similar findings.
    """
    if isinstance(state, ForeignLink):
        return FOREIGN
    content = _explanation(state.decision, policy)
    if content is not None:
        content = msgspec.structs.replace(content, similar=similar, commands=())
    has_verdict = isinstance(state, GivenLink | AnsweredLink | InterruptedLink)
    command = command_for(state.link.finding_id, " --undo" if has_verdict else "")
    return msgspec.structs.replace(_said(state, links, who), explanation=content, command=command)


def _said(state: KnownState, links: Links, who: Reviewer) -> Page:
    match state:
        case OpenLink():
            return _open(state, links, who)
        case InterruptedLink():
            return _interrupted(state.label)
        case AnsweredLink():
            return _answered(state.label)
        case GivenLink():
            return _given(state)
        case TakenBackLink():
            return _taken_back(state, links)
        case UsedLink():
            return _used(state.decision.verdict)
        case OutdatedLink():
            return OUT_OF_DATE
        case _:
            assert_never(state)


def _open(state: OpenLink, links: Links, who: Reviewer) -> Page:
    verdict, decision = state.verdict, state.decision
    other: Verdict = "unintended" if verdict == "expected" else "expected"
    switched = msgspec.structs.replace(state.link, action=other)
    return Page(
        status=200,
        title=f"Is it {verdict}?",
        heading=f"Is it {verdict}?",
        tone=verdict,
        lines=(
            _WHAT_HAPPENS[verdict] if decision.mode == "enforce" else _SHADOW,
            *(_WARNING,) * (verdict == "expected" and bool(decision.record["decision"]["guardrails"])),
            "You can take it back afterwards.",
        ),
        rows=_recorded(who),
        form=Form(f"Confirm: {verdict}", takes_note=True),
        others=((f"No, it is {other}", links.token(switched)),),
        is_whole=True,
    )


def _interrupted(label: Label) -> Page:
    return Page(
        status=200,
        title="Not finished",
        heading="The verdict is recorded; acting on it was interrupted",
        tone="problem",
        lines=("Finishing it does nothing twice.",),
        rows=_rows(label),
        form=Form("Finish"),
    )


def _answered(label: Label) -> Page:
    return Page(
        status=409,
        title="Decided already",
        heading=f"Decided already: {label.verdict}",
        tone=label.verdict,
        lines=("Your link has been used up, or somebody was faster. Nothing was changed.",),
        rows=_rows(label),
    )


def _given(state: GivenLink) -> Page:
    finding, verdict = state.decision.case.finding, state.label.verdict
    return Page(
        status=200,
        title=f"Recorded: {verdict}",
        heading=f"Recorded: {verdict}",
        tone=verdict,
        lines=(_sentence(state.decision.acted),),
        rows=_rows(state.label),
        form=Form("Take it back") if state.can_take_back else None,
        remedy=remedy(finding) if verdict == "unintended" and isinstance(finding, Finding) else None,
    )


def _taken_back(state: TakenBackLink, links: Links) -> Page:
    taken = state.decision.labels_before[-1]
    again = links_after_taking_back(state)
    return Page(
        status=200,
        title="Taken back",
        heading=f"Taken back: {visible(str(taken['verdict']))}",
        lines=(
            _sentence(str(taken.get("said", ""))) or "It is as if nobody had decided.",
            "The alert is open again." if state.is_latest else "It was decided on anew.",
        ),
        rows=(
            Row("By", (visible(str(taken["taken_back_by"])),)),
            Row("When", (moment(str(taken["taken_back_at"])),)),
        ),
        others=tuple((f"Say that it is {link.action}", links.token(link)) for link in again),
    )


def _used(label: Label | None) -> Page:
    return Page(
        status=410,
        title="This link has been used",
        heading="This link has been used",
        tone="problem",
        lines=("A verdict was given and taken back since the link was made. Nothing was changed.",),
        rows=_rows(label) if label else (),
    )


def _explanation(reviewed: LoggedDecision, policy: Policy) -> Explanation | None:
    """Return the explanation of a decision; None where another version wrote it."""
    try:
        decision = read_decision(reviewed.record["decision"])
        return explanation(reviewed.case, decision, policy, is_review=True)
    except BadInput:
        return None


def _recorded(who: Reviewer) -> tuple[Row, ...]:
    """Say what will be recorded beside the verdict."""
    said = (visible(who.name), *(() if who.is_verified else ("not verified",)))
    origin = " and ".join(part for part in (who.origin.address, "this browser's name") if part)
    return Row("By", said), Row("From", (origin,))


def _rows(label: Label) -> tuple[Row, ...]:
    who = visible(label.by) + ("" if label.verified else " (not verified)")
    rows = [Row("By", (who,)), Row("When", (moment(label.at),))]
    if label.note:
        rows.append(Row("Note", (visible(label.note, LONGEST_NOTE),)))
    return tuple(rows)


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}." if said else ""
