"""The decision log: one DynamoDB item a decision, and one per finding that says where it stands.

An effect and its record cannot disagree: the intent is written before the effect and the outcome after it, so
that whatever crashed in between is found, and finished, by the next delivery of the same event or by the
scheduled reconcile.

Items are ``latest`` and ``decision#<time>#<number>``. A decision's ``effect`` says what has happened, and is
what the index goes by: ``intent`` (about to happen), ``archive`` (an archive of ours that stands), ``alert``,
``collected`` (an alert that waits to be sent with others), ``none``, and ``over`` (an archive that was
brought back or that something else followed; an intent that was dropped). What stands or is unfinished has no
time to live.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from scoring.decision_log.entries import Entry, FindingState, QueuedAlert, is_unchanged, stamp
from scoring.decision_log.table import (
    EXPIRES_AT,
    ConditionFailed,
    Item,
    from_item,
    key,
    pack,
    read_many,
    to_item,
    write_together,
)

Effect = Literal["archive", "alert", "none"]
LATEST = "latest"


class InProgress(Exception):
    """Another invocation is working on the same finding; try again later."""


class LimitReached(Exception):
    """A limit stands in the way of an effect; nothing was written.

    Attributes
    ----------
    name : str
        Of the limit.
    item : mapping
        What the limit's item says, as plain values.
    """

    def __init__(self, name: str, item: Mapping[str, Any]) -> None:
        self.name, self.item = name, item
        super().__init__(name)


class Limit(NamedTuple):
    """A write that goes with an intent, and lets the effect happen only if its condition holds."""

    name: str
    write: Mapping[str, Any]


class DecisionLog(msgspec.Struct, frozen=True):
    """The table and how long its items live.

    Parameters
    ----------
    client : DynamoDB client
    table : str
    keep_days : int or None
        Time to live of a decision that no longer matters, in days; None keeps it for good.
    lease_seconds : float
        How long one invocation may take; longer than the Lambda's own limit.
    """

    client: Any
    table: str
    keep_days: int | None = None
    lease_seconds: float = 120

    def latest(self, finding_id: str) -> FindingState | None:
        """Read where a finding stands; one consistent read."""
        found = self.client.get_item(TableName=self.table, Key=key(finding_id, LATEST), ConsistentRead=True)
        return _latest_from(from_item(found["Item"])) if "Item" in found else None

    def latest_of(self, finding_ids: Sequence[str]) -> dict[str, FindingState]:
        """Read where findings stand, 100 a request; those that the log does not know are left out."""
        keys = [(finding_id, LATEST) for finding_id in dict.fromkeys(finding_ids)]
        found = read_many(self.client, self.table, keys)
        return {values["finding_id"]: _latest_from(values) for values in found}

    def intend(
        self,
        entry: Entry,
        effect: Effect,
        *,
        before: FindingState | None,
        now: datetime,
        limits: Sequence[Limit] = (),
    ) -> FindingState:
        """Write that an effect is about to happen; nothing else may have happened since `before` was read.

        Raises
        ------
        InProgress
            Another invocation was faster.
        LimitReached
            One of the limits was reached.
        """
        mark = _mark(entry, effect, "intent", before, now, self.lease_seconds)
        decision = {**_decision(entry, mark), "effect": "intent", "intended": effect, "state": "intent"}
        self._write(decision, mark, before, now, limits)
        return mark

    def settle(
        self,
        entry: Entry,
        effect: Effect,
        *,
        before: FindingState | None,
        now: datetime,
        waiting: QueuedAlert | None = None,
        limits: Sequence[Limit] = (),
    ) -> FindingState:
        """Write a decision of which nothing is left to be done here and now; raises as `intend` does."""
        mark = _mark(entry, effect, "done", before, now, 0)
        decision = {**_decision(entry, mark), "effect": effect, "state": "done", **self.expiry(now)}
        if waiting is not None:
            decision |= {**msgspec.structs.asdict(waiting), "effect": "collected", "state": "collected"}
            decision.pop(EXPIRES_AT, None)
        self._write(decision, mark, before, now, limits)
        return mark

    def finish(self, mark: FindingState, *, now: datetime) -> FindingState:
        """Write that the effect has happened.

        Raises
        ------
        InProgress
            The lease is over, and somebody else has taken the finding on.
        """
        done = msgspec.structs.replace(mark, state="done", version=mark.version + 1)
        ends = {} if mark.effect == "archive" else self.expiry(now)
        values = {"effect": mark.effect, "state": "done", "done_at": stamp(now), **ends}
        return self._close(mark, done, values)

    def seen_again(self, mark: FindingState, entry: Entry) -> None:
        """Note a newer version of a finding in which nothing changed that matters."""
        facts = {**mark.facts, **entry.facts}
        self._step(mark, updated_at=entry.updated_at, facts=facts)

    def withdraw(self, mark: FindingState, *, now: datetime) -> FindingState:
        """Drop the intent of an archive that failed: the alert before it stands. Raises as `finish`."""
        stands = {"effect": "alert", "outcome": "alert", "state": "done", "decision_item": mark.alerted}
        back = msgspec.structs.replace(mark, version=mark.version + 1, alerted="", **stands)
        return self._close(mark, back, {"effect": "over", "state": "over", **self.expiry(now)})

    def _close(self, mark: FindingState, after: FindingState, values: Mapping[str, Any]) -> FindingState:
        writes = [self.change(mark.finding_id, mark.decision_item, values), self.put(after, mark)]
        try:
            write_together(self.client, writes)
        except ConditionFailed as error:
            if self.latest(mark.finding_id) != after:  # and no answer that was lost on its way
                raise InProgress(mark.finding_id) from error
        return after

    def take_over(self, mark: FindingState, *, now: datetime) -> FindingState:
        """Take an intent on whose lease is over."""
        return self._step(mark, lease_until=stamp(now + timedelta(seconds=self.lease_seconds)))

    def decision(self, mark: FindingState) -> dict[str, Any]:
        """Read the decision that a finding stands by, as plain values."""
        return next(read_many(self.client, self.table, [(mark.finding_id, mark.decision_item)]))

    def _step(self, mark: FindingState, **changes: Any) -> FindingState:
        after = msgspec.structs.replace(mark, version=mark.version + 1, **changes)
        try:
            write_together(self.client, [self.put(after, mark)])
        except ConditionFailed as error:
            raise InProgress(mark.finding_id) from error
        return after

    def put(self, mark: FindingState, before: FindingState | None) -> dict[str, Any]:
        """Return the write of where a finding stands, provided that it stood as `before` says."""
        item = to_item({"item": LATEST, **msgspec.structs.asdict(mark)})
        return {"Put": {"TableName": self.table, "Item": item, **_unchanged(before)}}

    def change(self, finding_id: str, item: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the write that sets attributes of an item."""
        names = {f"#{number}": name for number, name in enumerate(values)}
        placed = {f":{number}": value for number, value in enumerate(values.values())}
        return {
            "Update": {
                "TableName": self.table,
                "Key": key(finding_id, item),
                "UpdateExpression": "SET " + ", ".join(f"#{n} = :{n}" for n in range(len(values))),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": to_item(placed),
            }
        }

    def expiry(self, now: datetime) -> dict[str, int]:
        """Return the attribute that ends an item's life, if anything does."""
        if self.keep_days is None:
            return {}
        return {EXPIRES_AT: int((now + timedelta(days=self.keep_days)).timestamp())}

    def _write(
        self,
        decision: Mapping[str, Any],
        mark: FindingState,
        before: FindingState | None,
        now: datetime,
        limits: Sequence[Limit],
    ) -> None:
        item: Item = to_item({**decision, "finding_id": mark.finding_id, "item": mark.decision_item})
        writes = [{"Put": {"TableName": self.table, "Item": item, **_ABSENT}}, self.put(mark, before)]
        if before is not None and (before.state == "intent" or before.effect == "archive"):
            ended = {"effect": "over", "state": "over", **self.expiry(now)}
            writes.append(self.change(before.finding_id, before.decision_item, ended))
        first = len(writes)
        writes += [dict(limit.write) for limit in limits]
        try:
            write_together(self.client, writes)
        except ConditionFailed as error:
            reached = min(error.failed)
            if reached < first:
                raise InProgress(mark.finding_id) from error
            raise LimitReached(
                limits[reached - first].name, from_item(error.failed[reached] or {})
            ) from error


_ABSENT: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(finding_id)"}


def _mark(
    entry: Entry, effect: Effect, state: str, before: FindingState | None, now: datetime, seconds: float
) -> FindingState:
    decided_at, version = stamp(now), before.version + 1 if before else 1
    return FindingState(
        finding_id=entry.finding_id,
        version=version,
        facts=dict(entry.facts),
        content=entry.content,
        state=state,
        effect=effect,
        outcome=entry.outcome,
        decided_at=decided_at,
        lease_until=stamp(now + timedelta(seconds=seconds)),
        updated_at=entry.updated_at,
        status=entry.status,
        reactivated="" if effect == "archive" else entry.reactivated,
        reactivated_at="" if effect == "archive" else entry.reactivated_at,
        was_changed=before.was_changed if before else False,
        decision_item=f"decision#{decided_at}#{version}",
        alerted=_alerted(entry, effect, before),
        analyzer_arn=entry.analyzer_arn or (before.analyzer_arn if before else ""),
    )


def _alerted(entry: Entry, effect: str, before: FindingState | None) -> str:
    if before is None or effect != "archive" or not is_unchanged(entry, before):
        return ""
    return before.decision_item if (before.effect, before.state) == ("alert", "done") else before.alerted


def _decision(entry: Entry, mark: FindingState) -> dict[str, Any]:
    return {
        "decided_at": mark.decided_at,
        "outcome": entry.outcome,
        "mode": entry.mode,
        "content": entry.content,
        "model_version": entry.model.get("version", ""),
        "model_sha256": entry.model.get("sha256", ""),
        "policy_sha256": entry.policy_sha256,
        "analyzer_arn": entry.analyzer_arn,
        "is_reported": entry.is_reported,
        **pack(entry.record),
    }


def _unchanged(before: FindingState | None) -> dict[str, Any]:
    if before is None:
        return _ABSENT
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": to_item({":version": before.version}),
    }


def _latest_from(values: Mapping[str, Any]) -> FindingState:
    return msgspec.convert({**values, "version": int(values.get("version", 0))}, FindingState)
