"""The same message for a chat: JSON that Amazon Q Developer in chat applications shows in Slack and Teams.

The schema is that of its custom notifications, with SNS in between. Chats read markup, mentions and links out
of any text, each in its own way, and have no escape that holds in all of them. So what others have written
stands in code spans, where characters that could end the span or call somebody are replaced by look-alikes.
Nothing of it is handed on as a variable of a command (``additionalContext``).
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final, cast

from scoring.explanation.content import Explanation, Row
from scoring.explanation.explain import Message
from scoring.explanation.safe_text import cut, visible
from scoring.pipeline.alerts.mail import Listing, Mail

TITLE: Final = 250
DESCRIPTION: Final = 2800
"""Characters: Slack shows a block of 3000 at most."""

_VALUE, _ROWS, _LINES, _FINDINGS = 160, 6, 5, 10
_LOOK_ALIKE: Final = str.maketrans({"`": "'", "<": "\u2039", ">": "\u203a", "&": "\uff06", "@": "\uff20"})
_MARKUP: Final = str.maketrans(
    {"*": "\u2217", "_": "\uff3f", "~": "\u223c", "[": "(", "]": ")", "|": "/", "#": "\uff03", "\\": "/"}
)
_SHOWN_FACTS: Final = ("What", "To whom", "Access", "Account", "Resource", "Reason")


def notification(mail: Mail) -> dict[str, Any]:
    """Write a message as a custom notification.

    Returns
    -------
    dict
        To be published as JSON. Messages on the same finding have the same ``threadId``.
    """
    if isinstance(mail, Message):
        content = mail.explanation
        title, lines, steps = _alert_title(content), list(_alert(content)), list(_steps(content))
        kind, thread = "alert", _id_of(content) or mail.subject
    else:
        listing = cast(Listing, mail)
        title, lines = plain(listing.title), list(_list(listing))
        steps = [code(advice, 300) for advice in listing.advice]
        kind, thread = listing.kind, listing.kind
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _fit(lines),
            "nextSteps": steps,
            "keywords": ["access-triage", kind],
        },
        "metadata": {
            "threadId": f"access-triage-{hashlib.sha256(thread.encode()).hexdigest()[:24]}",
            "summary": plain(mail.subject),
            "eventType": f"access-triage {kind}",
        },
    }


def to_json(mail: Mail) -> str:
    """Write a message as the text to publish; ASCII, so that nothing on the way can misread it."""
    return json.dumps(notification(mail))


def code(text: str, limit: int = _VALUE) -> str:
    r"""Put text of others into a code span that it cannot leave.

    Examples
    --------
    >>> print(code("a`*b* <!channel> @here"))
    `a'*b* ‹!channel› ＠here`
    """
    inside = cut(visible(text, limit), limit - 2).translate(_LOOK_ALIKE).strip()
    return f"`{inside or '-'}`"


def plain(text: str) -> str:
    """Take everything out of a line that a chat could read as markup, as a mention or as an address."""
    shown = visible(text, 300).translate(_LOOK_ALIKE).translate(_MARKUP)
    return re.sub(r":(?=\S)", "\u2236", re.sub(r"(?<=\w)\.(?=[^\W\d])", "\u2024", shown))


def _alert_title(content: Explanation) -> str:
    thing, verb, rest, end = content.headline
    said = [code(thing, 90), verb, rest, code(end, 90) if end else ""]
    points = "" if content.column is None else f" {content.known_and_not}"
    return f"{content.called}{points}: {' '.join(part for part in said if part)}"


def _alert(content: Explanation) -> Iterable[str]:
    for note in content.notes:
        yield f"*{plain(note)}*"
    for row in content.facts:
        if row.label in _SHOWN_FACTS:
            yield _row(row)
    for rail in content.guardrails[:_ROWS]:
        yield f"*Needs a person* {code(rail.words[0])} (guardrail {code(rail.label)})"
    column = content.column
    if column is not None:
        yield f"*{plain(content.on_scale)}*"
        yield f"*Score {column.total}{f', threshold {column.threshold}' if column.threshold else ''}*"
        for line in column.lines[:_LINES]:
            yield code(f"{line.points:>6}  {line.text}")
        left = len(column.lines) - _LINES + (column.rest is not None) + len(column.doubtful)
        if left > 0:
            yield "and smaller contributions, in the mail"
    for row in content.unknown[:_ROWS]:
        yield f"*Not known, never counted as safe:* {code(row.label)}"
    for past in content.similar:
        yield f"*Similar:* {code(past.said)} {code(past.headline)}"


def _row(row: Row) -> str:
    return f"*{row.label}* " + " ".join([code(line) for line in (row.words + row.code)[:2]])


def _steps(content: Explanation) -> Iterable[str]:
    if content.link:
        yield f"Look at it in the AWS console: {content.link}"
    if content.answers:
        yield f"Expected: {content.answers.expected}"
        yield f"Unintended: {content.answers.unintended}"
    else:
        yield from (code(command, 300) for command in content.commands)


def _list(mail: Listing) -> Iterable[str]:
    if mail.tiles:
        yield ", ".join(f"{plain(tile.label)}: {tile.number}" for tile in mail.tiles)
    for note in mail.notes:
        yield f"*{plain(note)}*"
    for section in mail.sections:
        yield f"*{plain(section.title)}: {len(section.rows) + section.more}*"
        for row in section.rows[:_FINDINGS]:
            yield " ".join(code(part) for part in (row.score, row.headline) if part)
        if len(section.rows) + section.more > _FINDINGS:
            yield "and more, in the mail"


def _id_of(content: Explanation) -> str | None:
    """Return the finding's id as the explanation shows it."""
    return next((row.code[0] for row in content.origin if row.label == "Finding" and row.code), None)


def _fit(lines: Iterable[str]) -> str:
    """Take whole lines as long as there is room; half a line could leave a code span open."""
    kept: list[str] = []
    room = DESCRIPTION
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append("[cut: the rest is in the mail]")
            break
        kept.append(line)
    return "\n".join(kept)
