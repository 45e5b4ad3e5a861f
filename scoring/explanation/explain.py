"""Decision -> message: the content of an alert, in text and HTML. Nothing is sent from here.

What only a message needs is imported when the first one is rendered, and HTML when somebody asks for it.
"""

import json
from functools import cached_property
from typing import Final

import msgspec

from scoring.decision.audit_sample import as_reviewed
from scoring.decision.decide import Decision
from scoring.explanation import details, words
from scoring.explanation.content import Answers, Explanation, Headline, Row, Similar
from scoring.explanation.remediation import Remedy, remedy, statement_of
from scoring.explanation.render import to_page, to_text
from scoring.explanation.safe_text import cut, to_ascii, visible
from scoring.explanation.score_column import column
from scoring.explanation.severity import NOT_ANALYZED, known_and_not, on_scale, severity_of, severity_words
from scoring.explanation.variants import variants
from scoring.features.exposure import Exposure
from scoring.findings.finding import Notice
from scoring.findings.record import Case
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard

SUBJECT: Final = 99
"""Characters of a subject at most: SNS takes fewer than 100."""
SHADOW: Final = "Shadow mode: no finding is changed."
REPEAT: Final = "You may have had this mail before: sending it was interrupted the first time."

_PREFIX: Final = "[access-triage]"
_VERDICTS: Final = {"alert": "Alert", "archive": "Archive", "skip": "Skip"}
_SHOWN_EVENT: Final = 4000


class Message(msgspec.Struct, frozen=True, dict=True):
    """One message, ready to be sent.

    Attributes
    ----------
    subject : str
        One line of ASCII, fewer than 100 characters; the same decision gives the same, so that mails thread.
    text : str
        Lines of printable characters.
    explanation : Explanation
        The content behind both forms.
    """

    subject: str
    text: str
    explanation: Explanation

    @cached_property
    def html(self) -> str:
        """The whole message as an HTML page, rendered when it is first asked for."""
        return to_page([self.explanation], title=self.subject)

    def without_answers(self) -> "Message":
        """Return the same without the links by which it is answered."""
        if self.explanation.answers is None:
            return self
        bare = msgspec.structs.replace(self.explanation, answers=None)
        before = self.text.removesuffix(to_text(self.explanation))
        return Message(self.subject, before + to_text(bare), bare)


def explain(
    case: Case,
    decision: Decision,
    policy: Policy,
    *,
    is_shadow: bool = False,
    is_repeat: bool = False,
    is_review: bool = False,
    answers: Answers | None = None,
    similar: tuple[Similar, ...] = (),
    card: Scorecard | None = None,
) -> Message:
    """Write the message that explains a decision.

    Parameters
    ----------
    case : Case
        The finding and what is known about it.
    decision : Decision
        What `scoring.decision.decide` made of it, with the same policy.
    is_shadow : bool
        Whether nothing is written; the words say so.
    is_repeat : bool
        Whether the same message may have been sent before.
    is_review : bool
        Whether it is for a person's verdict; see `explanation`.
    answers : Answers, optional
        Links by which it can be answered.
    similar : tuple of Similar
        What people said of similar findings.
    card : Scorecard, optional
        The one that decided; with it an alert says what would change it.
    """
    notes = (SHADOW,) * is_shadow + (REPEAT,) * is_repeat
    content = explanation(case, decision, policy, notes, is_review=is_review, card=card)
    if answers or similar:
        content = msgspec.structs.replace(content, answers=answers, similar=similar)
    return Message(_subject(content), to_text(content), content)


def explain_unreadable(event: object, why: str) -> Message:
    """Write the message about an event that could not be handled, and so has no decision.

    Parameters
    ----------
    event : object
        Decoded JSON of any shape.
    why : str
        What went wrong, in one line.
    """
    content = Explanation(
        verdict="Alert",
        outcome="alert",
        headline=Headline("an event of Access Analyzer", "could", "not be handled"),
        notes=("Nothing was decided and nothing was archived: look at the finding in the AWS console.",),
        facts=(Row("Reason", (visible(why, details.LONG),)), Row("Event", code=_lines(event))),
    )
    return Message(_subject(content), to_text(content), content)


def explain_configuration(name: str, why: str, *, has_last_good: bool) -> Message:
    """Write the message about a value of the configuration that is invalid or cannot be read.

    Parameters
    ----------
    name : str
        What is wrong: ``mode``, ``policy``, ``threshold`` or ``model``.
    why : str
        In one line.
    has_last_good : bool
        Whether the last good one is used in its place.
    """
    note = (
        "The last valid one stands until it is put right."
        if has_last_good
        else "There has been no valid one yet: until it is put right nothing is archived, everything alerts."
    )
    content = Explanation(
        verdict="Alert",
        outcome="alert",
        headline=Headline(f"the {name}", "", "is not valid"),
        notes=(note,),
        facts=(Row("Reason", (visible(why, details.LONG),)),),
    )
    return Message(_subject(content), to_text(content), content)


def explanation(
    case: Case,
    decision: Decision,
    policy: Policy,
    notes: tuple[str, ...] = (),
    *,
    is_review: bool = False,
    card: Scorecard | None = None,
) -> Explanation:
    """Say why a finding was decided on as it was, without laying it out.

    Parameters
    ----------
    policy : Policy
        The one that the decision was made with.
    notes : tuple of str
        What to know before reading; words of ours.
    is_review : bool
        Whether it is for a person's verdict. Where findings are drawn by lot it then says of none how far its
        score is from the threshold: nobody can tell the drawn ones from others.
    card : Scorecard, optional
        The one that decided; with it an alert says what would change it.
    """
    is_blind = is_review and policy.archives.draws
    changing = () if card is None else variants(case, decision, policy, card, is_blind=is_blind)
    if is_blind:
        decision = as_reviewed(decision)
    verdict = _VERDICTS[decision.outcome]
    finding = case.finding
    if isinstance(finding, Notice):
        return Explanation(
            verdict=verdict,
            outcome=decision.outcome,
            headline=Headline(visible(finding.kind), "", "is no finding"),
            notes=notes,
            facts=(
                Row("Resource", code=(visible(finding.resource),)),
                Row("Reason", (visible(decision.reason, details.LONG),)),
            ),
            origin=details.origin(decision),
        )
    exposure = Exposure(finding, case.context, policy)
    found = remedy(finding) if decision.outcome == "alert" else Remedy(())
    return Explanation(
        verdict=verdict,
        outcome=decision.outcome,
        headline=words.headline(exposure),
        severity=severity_of(decision),
        severity_words=severity_words(decision, policy.severity),
        on_scale=on_scale(decision, policy.severity),
        known_and_not=known_and_not(decision),
        notes=notes,
        facts=details.facts(exposure, decision, is_blind=is_blind),
        guardrails=tuple(
            [
                Row(rail.name, (visible(rail.text, details.LONG),), details.policy_lines(rail.policy))
                for rail in decision.guardrails
            ]
        ),
        steps=(*statement_of(finding), *found.steps) if found.steps else (),
        remedies=found.commands,
        would_change=tuple([str(variant) for variant in changing]),
        column=column(decision, is_blind=is_blind),
        unknown=tuple([details.unknown(exposure, name) for name in decision.unknown]),
        given=details.given(exposure),
        link=details.link(finding),
        commands=details.commands(finding),
        origin=details.origin(decision, finding),
    )


def _subject(content: Explanation) -> str:
    is_alert = content.verdict == "Alert" and content.severity
    called = f"{content.verdict}, {content.severity}" if is_alert else content.verdict
    start = " ".join(part for part in (_PREFIX, called, _points(content)) if part) + ":"
    thing, verb, rest, end = content.headline
    said = rest if verb == "is" else f"{verb} {rest}".strip()
    room = SUBJECT - len(start) - len(said) - (3 if end else 2)
    # What does not fit is shortened in its middle, the longer of the two names first.
    end = to_ascii(end, max(room - len(thing), room // 2))
    thing = to_ascii(thing, room - len(end))
    return cut(" ".join(part for part in (start, thing, said, end) if part), SUBJECT)


def _points(content: Explanation) -> str:
    return "" if content.severity == NOT_ANALYZED else content.known_and_not.replace(" ", "")


def _lines(event: object) -> tuple[str, ...]:
    try:
        text = json.dumps(event, indent=1, ensure_ascii=True, default=repr, skipkeys=True)
    except (RecursionError, ValueError):
        text = "not to be shown: nested too deep"
    left_out = len(text) - _SHOWN_EVENT
    if left_out > 0:
        text = f"{text[:_SHOWN_EVENT]}\n[...{left_out} characters more...]"
    return tuple([visible(line, details.LONG) for line in text.split("\n")])
