"""A person's verdict on a decision, as the log keeps it: given, acted on, taken back.

The verdict is an attribute of the decision. The same transaction also keeps it for comparison, see
`scoring.decision_log.similar`. Verdicts that were taken back stay in ``labels_before``, so that their number
tells one verdict from the next.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from scoring.decision_log import similar
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import (
    EXPIRES_AT,
    IS_THERE,
    Change,
    ConditionFailed,
    Equals,
    Exists,
    HasLength,
    Missing,
    WriteCondition,
)
from scoring.findings.record import Label

_TAKEN_BACK = "labels_before"


def give(log: DecisionLog, decision: LoggedDecision, label: Label) -> bool:
    """Write a verdict down; the decision is then kept for good.

    Returns
    -------
    bool
        False where nothing was written, since somebody has given or taken back one after `decision` was read.
    """
    is_same_revision: WriteCondition = Missing((_TAKEN_BACK,))
    if decision.labels_before:
        is_same_revision = HasLength((_TAKEN_BACK,), len(decision.labels_before))
    change = Change(
        key=decision.key,
        assign={"label": plain(label)},
        remove=(EXPIRES_AT, "acted"),
        only_if=(IS_THERE, Missing(("label",)), is_same_revision),
    )
    kept = similar.keep(decision, label)
    try:
        log.storage.write([change, *kept])
    except ConditionFailed:
        return False
    return True


def note_acted(log: DecisionLog, decision: LoggedDecision, acted: str) -> None:
    """Write down what came of a verdict, unless it was taken back meanwhile."""
    change = Change(key=decision.key, assign={"acted": acted}, only_if=(Exists(("label",)),))
    with suppress(ConditionFailed):
        log.storage.write([change])


def take_back(
    log: DecisionLog, decision: LoggedDecision, label: Label, by: str, now: datetime, said: str
) -> bool:
    """Take a verdict back; who did so is kept beside it.

    Parameters
    ----------
    said : str
        What was done for it.

    Returns
    -------
    bool
        False where nothing was written, since somebody else has taken it back.
    """
    taken = {**plain(label), "taken_back_by": by, "taken_back_at": stamp(now), "said": said}
    change = Change(
        key=decision.key,
        append={_TAKEN_BACK: [taken]},
        remove=("label", "acted"),
        only_if=(Equals(("label", "at"), stamp(label.at)),),
    )
    kept = similar.forget(decision, label)
    try:
        log.storage.write([change, *kept])
    except ConditionFailed:
        return False
    return True


def plain(label: Label) -> dict[str, Any]:
    """Write a verdict as the log and the record have it."""
    said: dict[str, Any] = {
        "verdict": label.verdict,
        "by": label.by,
        "at": stamp(label.at),
        "source": label.source,
    }
    if label.note:
        said["note"] = label.note.encode("utf-8", "backslashreplace").decode()  # bytes of a terminal
    if not label.verified:
        said["verified"] = False
    if label.reported_by:
        said["reported_by"] = label.reported_by.encode("utf-8", "backslashreplace").decode()
    origin = msgspec.to_builtins(label.origin)
    return {**said, "origin": origin} if origin else said
