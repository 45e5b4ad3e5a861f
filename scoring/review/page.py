"""What the page of a review link says of what the link stands for; see `scoring.review.page_content`."""

from typing import Final, Literal

import msgspec

from scoring.decision.decide import Decision
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
from scoring.review.answer import LinkState, Reviewer, State, again, can_take_back
from scoring.review.links import Links
from scoring.review.page_content import LONGEST_NOTE, Form, Page, Tone, command_for

_STATUS: Final[dict[State, int]] = {"answered": 409, "used": 410, "followed": 410, "foreign": 404}
_OPTIONS: Final[dict[State, str]] = {"given": " --undo", "answered": " --undo", "unfinished": " --undo"}
_WHAT_HAPPENS: Final = {
    "expected": "The finding is archived, and kept as an example of what is expected.",
    "unintended": "The finding stays active, and is kept as an example of what is not wanted.",
}
_WARNING: Final = "This is flagged as dangerous. Confirm only if you know why it is needed."
_SHADOW: Final = "Shadow mode: the verdict is kept, the finding itself stays as it is."


def page(
    link_state: LinkState, policy: Policy, links: Links, who: Reviewer, similar: tuple[Similar, ...] = ()
) -> Page:
    """Say what a link stands for, and what can be done about it.

    Parameters
    ----------
    policy : Policy
        The names it gives to accounts are in the explanation.
    who : Who
        Who looks at the page.
    similar : tuple of Similar
        What people said of similar findings.
    """
    reviewed, link = link_state.reviewed, link_state.link
    if reviewed is None:
        return Page(
            status=_STATUS["foreign"],
            title="Not known here",
            heading="This finding is not known here",
            tone="problem",
            lines=("The decision log that this page reads has no such decision.", "Nothing was changed."),
        )
    content = _explanation(reviewed, policy)
    if content is not None:
        content = msgspec.structs.replace(content, similar=similar, commands=())
    said = _PAGES[link_state.state](link_state, reviewed, links, who)
    command = command_for(link.finding_id, _OPTIONS.get(link_state.state, ""))
    return msgspec.structs.replace(
        said, explanation=content, status=_STATUS.get(link_state.state, 200), command=command
    )


def _open(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    verdict = link_state.link.action
    assert verdict != "take back"  # noqa: S101 - such a link is never open
    other: Literal["expected", "unintended"] = "unintended" if verdict == "expected" else "expected"
    switched = msgspec.structs.replace(link_state.link, action=other)
    return Page(
        status=200,
        title=f"Is it {verdict}?",
        heading=f"Is it {verdict}?",
        tone=verdict,
        lines=(
            _WHAT_HAPPENS[verdict] if reviewed.mode == "enforce" else _SHADOW,
            *(_WARNING,) * (verdict == "expected" and bool(reviewed.record["decision"]["guardrails"])),
            "You can take it back afterwards.",
        ),
        rows=_recorded(who),
        form=Form(f"Confirm: {verdict}", takes_note=True),
        others=((f"No, it is {other}", links.token(switched)),),
        is_whole=True,
    )


def _unfinished(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del link_state, links, who
    return Page(
        status=200,
        title="Not finished",
        heading="The verdict is recorded; acting on it was interrupted",
        tone="problem",
        lines=("Finishing it does nothing twice.",),
        rows=_given(reviewed.verdict),
        form=Form("Finish"),
    )


def _answered(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del link_state, links, who
    return Page(
        status=409,
        title="Decided already",
        heading=f"Decided already: {_word(reviewed.verdict)}",
        tone=_tone(reviewed.verdict),
        lines=("Your link has been used up, or somebody was faster. Nothing was changed.",),
        rows=_given(reviewed.verdict),
    )


def _done(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del links, who
    finding, is_free = reviewed.case.finding, can_take_back(link_state)
    is_wrong = _word(reviewed.verdict) == "unintended"
    return Page(
        status=200,
        title=f"Recorded: {_word(reviewed.verdict)}",
        heading=f"Recorded: {_word(reviewed.verdict)}",
        tone=_tone(reviewed.verdict),
        lines=(_sentence(reviewed.acted),),
        rows=_given(reviewed.verdict),
        form=Form("Take it back") if is_free else None,
        remedy=remedy(finding) if is_wrong and isinstance(finding, Finding) else None,
    )


def _taken_back(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del who
    taken = reviewed.labels_before[-1]
    others = tuple((f"Say that it is {link.action}", links.token(link)) for link in again(link_state))
    return Page(
        status=200,
        title="Taken back",
        heading=f"Taken back: {visible(str(taken['verdict']))}",
        lines=(
            _sentence(str(taken.get("said", ""))) or "It is as if nobody had decided.",
            "The alert is open again." if link_state.is_latest else "It was decided on anew.",
        ),
        rows=(
            Row("By", (visible(str(taken["taken_back_by"])),)),
            Row("When", (moment(str(taken["taken_back_at"])),)),
        ),
        others=others,
    )


def _used(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del link_state, links, who
    lines = ("A verdict was given and taken back since the link was made. Nothing was changed.",)
    return Page(
        status=410,
        title="This link has been used",
        heading="This link has been used",
        tone="problem",
        lines=lines,
        rows=_given(reviewed.verdict) if reviewed.verdict else (),
    )


def _followed(link_state: LinkState, reviewed: LoggedDecision, links: Links, who: Reviewer) -> Page:
    del link_state, reviewed, links, who
    return Page(
        status=410,
        title="This alert is out of date",
        heading="This alert is out of date",
        tone="problem",
        lines=(
            "The finding, or what surrounds it, has changed since, and was decided on anew: answer the later "
            "alert.",
            "Nothing was changed.",
        ),
    )


_PAGES: Final = {
    "open": _open,
    "unfinished": _unfinished,
    "answered": _answered,
    "given": _done,
    "taken back": _taken_back,
    "used": _used,
    "followed": _followed,
}


def _explanation(reviewed: LoggedDecision, policy: Policy) -> Explanation | None:
    """Return the explanation of a decision; None where another version wrote it."""
    try:
        decision = msgspec.convert(reviewed.record["decision"], Decision)
        return explanation(reviewed.case, decision, policy)
    except (BadInput, msgspec.ValidationError):
        return None


def _recorded(who: Reviewer) -> tuple[Row, ...]:
    """Say what will be recorded beside the verdict."""
    said = (visible(who.name), *(() if who.is_verified else ("not verified",)))
    origin = " and ".join(part for part in (who.origin.address, "this browser's name") if part)
    return Row("By", said), Row("From", (origin,))


def _given(label: Label | None) -> tuple[Row, ...]:
    if label is None:
        return ()
    who = visible(label.by) + ("" if label.verified else " (not verified)")
    rows = [Row("By", (who,)), Row("When", (moment(label.at),))]
    if label.note:
        rows.append(Row("Note", (visible(label.note, LONGEST_NOTE),)))
    return tuple(rows)


def _word(label: Label | None) -> str:
    return "no verdict" if label is None else label.verdict


def _tone(label: Label | None) -> Tone:
    return "plain" if label is None else label.verdict


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}." if said else ""
