"""A person's verdict on a decision: put into the decision log, acted on, and taken back.

The verdict belongs to one decision, that is, to what the finding said then. It is written before anything is
done about it: whatever crashes in between, the same command goes on from there. Expected archives the
finding, unless it says something else by now; unintended keeps it active, and brings back what was archived
automatically. An archive by verdict is not an automatic one: only taking the verdict back brings it back.

What came of a verdict is written down last, as ``acted``. Until then whoever gives the same verdict again
finishes what was begun; after it, a link that has been used does nothing any more.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import msgspec

from scoring.aws import analyzers
from scoring.aws.errors import code
from scoring.aws.sessions import Writers
from scoring.decision_log import similar
from scoring.decision_log.entries import content_of, stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.table import (
    EXPIRES_AT,
    ConditionFailed,
    by_effect,
    key,
    of_finding,
    to_item,
    unpack,
    write_together,
)
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Case, Label, read_case
from scoring.pipeline import undo

Verdict = Literal["expected", "unintended"]
_AT_ONCE = 100
_DECIDED = ("alert", "archive")


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as the log has it, with its verdict if a person has given one.

    Attributes
    ----------
    item : str
        The decision's key beside the finding's id.
    effect : str
        What has happened; see `scoring.decision_log.log`.
    record : mapping
        As the contract says, with its ``label``.
    acted : str
        What came of the verdict; empty while that is not certain.
    before : tuple of mapping
        Verdicts that were taken back, each with by whom, when, and what came of it.
    """

    finding_id: str
    item: str
    effect: str
    mode: str
    decided_at: str
    analyzer_arn: str
    record: Mapping[str, Any]
    label: Label | None = None
    acted: str = ""
    before: tuple[Mapping[str, Any], ...] = ()

    @property
    def case(self) -> Case:
        """The finding and what was known about it when it was decided on."""
        return read_case(self.record)


def open_alerts(log: DecisionLog, *, since: str = "") -> Iterator[Reviewed]:
    """Give the alerts on which nobody has given a verdict and which nothing has followed, oldest first.

    Parameters
    ----------
    since : str
        Decided then or later, as `scoring.decision_log.entries.stamp` writes it.
    """
    found = [
        item
        for effect in ("alert", "collected", "none")
        for item in by_effect(log.client, log.table, effect, since=since)
        # What the sample chose would have been archived, and alerts.
        if "label" not in item and (item["outcome"] == "alert" or effect != "none")
    ]
    found.sort(key=lambda item: str(item["decided_at"]))
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        marks = log.latest_of([item["finding_id"] for item in some])
        for item in some:
            mark = marks.get(item["finding_id"])
            if mark is not None and mark.decision_item == item["item"]:
                reviewed = _reviewed(item)
                if "decision" in reviewed.record:  # not so for an event that could not be read
                    yield reviewed


def find(log: DecisionLog, finding_id: str) -> Reviewed:
    """Return the latest decision on a finding that is an alert or an archive.

    Raises
    ------
    BadInput
        There is none.
    """
    found = decisions(log, finding_id)
    if not found:
        raise BadInput("the decision log has no decision on it", field="ID", value=finding_id)
    return found[-1]


def decisions(log: DecisionLog, finding_id: str) -> list[Reviewed]:
    """Return the decisions on a finding that are alerts or archives, oldest first."""
    found = [
        _reviewed(item)
        for item in of_finding(log.client, log.table, finding_id)
        if item["outcome"] in _DECIDED
    ]
    return [reviewed for reviewed in found if "decision" in reviewed.record]


def give(reviewed: Reviewed, label: Label, log: DecisionLog) -> Reviewed:
    """Write a verdict down, provided that nobody has given one; the decision is then kept for good.

    Giving the same verdict again changes nothing.

    Raises
    ------
    BadInput
        Somebody has given another one.
    """
    plain = _plain(label)
    update = log.change(reviewed.finding_id, reviewed.item, {"label": plain})["Update"]
    update["UpdateExpression"] += f" REMOVE {EXPIRES_AT}, acted"
    update["ConditionExpression"] = "attribute_exists(finding_id) AND attribute_not_exists(label)"
    if reviewed.before:
        update["ConditionExpression"] += " AND size(labels_before) = :turn"
        update["ExpressionAttributeValues"] |= to_item({":turn": len(reviewed.before)})
    else:
        update["ConditionExpression"] += " AND attribute_not_exists(labels_before)"
    kept = similar.entries(reviewed.finding_id, reviewed.item, reviewed.record, label, stamp(label.at))
    try:
        write_together(log.client, [{"Update": update}, *similar.writes(log.table, kept)])
    except ConditionFailed:
        there = find(log, reviewed.finding_id)
        given = there.label
        if given is None or there.item != reviewed.item:
            raise BadInput("another decision has followed; look again", field="ID") from None
        if given.verdict != label.verdict:
            said = f"{given.by} has said {given.verdict} on {stamp(given.at)[:16]}; take it back with --undo"
            raise BadInput(said, field="ID") from None
        return there
    return msgspec.structs.replace(
        reviewed, label=label, record={**reviewed.record, "label": plain}, acted=""
    )


def act(reviewed: Reviewed, log: DecisionLog, writers: Writers, now: datetime) -> str:
    """Do what a verdict asks for, and say what that was; doing it twice does no harm.

    What it says is written down when it is done.

    Raises
    ------
    BadInput
        Somebody else is at work on the finding.
    botocore.exceptions.ClientError
        AWS refused; the verdict stands, and this can be tried again.
    """
    said = _act(reviewed, log, writers, now)
    update = log.change(reviewed.finding_id, reviewed.item, {"acted": said})
    update["Update"]["ConditionExpression"] = "attribute_exists(label)"
    with suppress(ConditionFailed):  # taken back meanwhile
        write_together(log.client, [update])
    return said


def _act(reviewed: Reviewed, log: DecisionLog, writers: Writers, now: datetime) -> str:
    assert reviewed.label is not None  # noqa: S101 - act follows give
    if reviewed.mode != "enforce":
        return "shadow mode: the finding stays as it is"
    if reviewed.label.verdict == "unintended":
        undone = [one.outcome for one in undo.undo(log, writers, now=now, finding_id=reviewed.finding_id)]
        if "taken" in undone:
            raise BadInput("the verdict is kept, but somebody else is at work on the finding: try again")
        return f"it was archived automatically: {undone[0]}" if undone else "it stays active"
    fresh = _read_again(reviewed, writers)
    if fresh is None:
        return "the finding is gone"
    if fresh.status != "ACTIVE":
        return f"it is {fresh.status} already"
    if content_of(fresh) != content(reviewed):
        return "not archived: it has changed since it was decided on, and is decided on anew"
    analyzers.archive(fresh, writers)
    return "archived"


def take_back(reviewed: Reviewed, log: DecisionLog, writers: Writers, by: str, now: datetime) -> str:
    """Take a verdict back, and what was done for it; who did so is kept beside it.

    Raises
    ------
    BadInput
        There is no verdict to take back.
    botocore.exceptions.ClientError
        AWS refused; what was written stands, and this can be tried again.
    """
    label = reviewed.label
    if label is None:
        raise BadInput("nobody has given a verdict on it", field="ID", value=reviewed.finding_id)
    said = "the finding stays as it is"
    if reviewed.mode == "enforce" and label.verdict == "expected":
        fresh = _read_again(reviewed, writers)
        if fresh is not None and fresh.status == "ARCHIVED":
            analyzers.bring_back([fresh.id], reviewed.analyzer_arn, writers)
            said = "the finding is active again"
    taken = [{**_plain(label), "taken_back_by": by, "taken_back_at": stamp(now), "said": said}]
    update = {
        "TableName": log.table,
        "Key": key(reviewed.finding_id, reviewed.item),
        "UpdateExpression": "SET labels_before = list_append(if_not_exists(labels_before, :none), :taken)"
        " REMOVE label, acted",
        "ConditionExpression": "label.#at = :at",
        "ExpressionAttributeNames": {"#at": "at"},
        "ExpressionAttributeValues": to_item({":none": [], ":taken": taken, ":at": stamp(label.at)}),
    }
    kept = similar.entries(reviewed.finding_id, reviewed.item, reviewed.record, label, stamp(label.at))
    try:
        write_together(log.client, [{"Update": update}, *similar.writes(log.table, kept, gone=True)])
    except ConditionFailed:
        raise BadInput("somebody else has just taken it back", field="ID") from None
    return said


def _reviewed(item: Mapping[str, Any]) -> Reviewed:
    record, label = unpack(item), item.get("label")
    if label is not None:
        record["label"] = label
    return Reviewed(
        finding_id=item["finding_id"],
        item=item["item"],
        effect=item["effect"],
        mode=item.get("mode", ""),
        decided_at=item["decided_at"],
        analyzer_arn=item.get("analyzer_arn", ""),
        record=record,
        label=None if label is None else msgspec.convert(label, Label),
        acted=item.get("acted", ""),
        before=tuple(item.get("labels_before", ())),
    )


def _read_again(reviewed: Reviewed, writers: Writers) -> Finding | None:
    try:
        return analyzers.read_again(reviewed.finding_id, reviewed.analyzer_arn, writers)[0]
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None


def content(reviewed: Reviewed) -> str:
    """Digest what the finding said when it was decided on; empty where it was no finding."""
    finding = reviewed.case.finding
    return content_of(finding) if isinstance(finding, Finding) else ""


def _plain(label: Label) -> dict[str, Any]:
    said = {"verdict": label.verdict, "by": label.by, "at": stamp(label.at), "source": label.source}
    if label.note:
        said["note"] = label.note.encode("utf-8", "backslashreplace").decode()  # bytes of a terminal
    told: dict[str, Any] = {} if label.verified else {"verified": False}
    origin = msgspec.to_builtins(label.origin)
    return {**said, **told, **({"origin": origin} if origin else {})}
