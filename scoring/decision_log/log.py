"""The decision log: one item a decision, and one per finding that has its latest state.

An effect and its record cannot disagree: the intent is written before the effect and the outcome after it, so
that whatever crashed in between is found, and finished, by the next delivery of the same event or by the
scheduled reconcile.

Items are ``latest`` and ``decision#<time>#<number>``; others than decisions and states are kept by the other
modules here. A decision's stored ``effect`` is what it is found by: ``archive``, ``alert`` or ``none`` once
that has happened, otherwise its `EntryStatus`. What is archived or unfinished has no time to live.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from scoring.decision_log import decisions, ends
from scoring.decision_log.decisions import LoggedDecision, pack
from scoring.decision_log.ends import End
from scoring.decision_log.entries import Entry, EntryStatus, FindingState, QueuedAlert, is_unchanged, stamp
from scoring.decision_log.schema import SCHEMA
from scoring.decision_log.storage import (
    EXPIRES_AT,
    IS_NEW,
    Change,
    ConditionFailed,
    Equals,
    Item,
    Put,
    Storage,
    Write,
    convert,
    write_each,
)
from scoring.findings.record import Effect

_LATEST: Final = "latest"
_TRIES: Final = 3
_BEFORE: Final = 2  # place of the write that is about the decision before


class InProgress(Exception):
    """Another invocation holds the lease on this finding, or was faster; try again later."""


class Limit(Protocol):
    """Something in which an intent has to find room."""

    @property
    def name(self) -> str:
        """What it is called where it is reached."""

    def take(self, now: datetime) -> Write:
        """Return the write that takes room for one more; its condition holds only if there is room."""

    def renew(self, item: Item, now: datetime) -> Write:
        """Return what to try next where `take` was refused, though there is room.

        Parameters
        ----------
        item : dict
            The limit's item as it was then.

        Raises
        ------
        LimitReached
            There is no room.
        """


class LimitReached(Exception):
    """A limit leaves no room for an effect; nothing was written.

    Attributes
    ----------
    name : str
        Of the limit.
    cap : str
        Which of its caps it is, where it has several.
    """

    def __init__(self, name: str, cap: str = "") -> None:
        self.name, self.cap = name, cap
        super().__init__(f"{name} {cap}")


class DecisionLog(msgspec.Struct, frozen=True):
    """The log, whatever it is stored in, and how long its items live.

    Parameters
    ----------
    storage : Storage
        Only the modules beside this one use it.
    keep_days : int or None
        Time to live of a decision that no longer matters, in days; None keeps it for good.
    lease_seconds : float
        How long one invocation may take; longer than the Lambda's own limit.
    """

    storage: Storage
    keep_days: int | None = None
    lease_seconds: float = 120

    @classmethod
    def in_table(cls, client: Any, name: str, *, keep_days: int | None = None) -> "DecisionLog":
        """Return the log in a DynamoDB table; no request goes out."""
        from scoring.decision_log.dynamodb import DynamoDb

        return cls(DynamoDb(client, name), keep_days)

    @classmethod
    def in_file(
        cls, path: str | Path, *, create: bool = False, keep_days: int | None = None
    ) -> "DecisionLog":
        """Return the log in a local file; raises BadInput as `scoring.decision_log.sqlite.Sqlite`.

        Parameters
        ----------
        create : bool
            Whether a file that is not there is made.
        """
        from scoring.decision_log.sqlite import Sqlite

        return cls(Sqlite(path, create=create), keep_days)

    @property
    def name(self) -> str:
        """What messages call it: the table's name, the file's path."""
        return self.storage.name

    def close(self) -> None:
        """Close what the log is stored in; a file is closed at the latest when the process ends."""
        self.storage.close()

    def latest(self, finding_id: str) -> FindingState | None:
        """Read the latest state of a finding; one consistent read."""
        found = self.storage.get((finding_id, _LATEST))
        return None if found is None else convert(found, FindingState)

    def latest_of(self, finding_ids: Sequence[str]) -> dict[str, FindingState]:
        """Read the latest states of findings; those that the log does not know are left out."""
        keys = [(finding_id, _LATEST) for finding_id in dict.fromkeys(finding_ids)]
        states = (convert(found, FindingState) for found in self.storage.get_many(keys))
        return {state.finding_id: state for state in states}

    def decision(self, state: FindingState) -> LoggedDecision:
        """Read the decision that a state is of."""
        return next(self.decisions_of([state]))

    def decisions_of(self, states: Sequence[FindingState]) -> Iterator[LoggedDecision]:
        """Read the decisions that states are of, in no order."""
        keys = [(state.finding_id, state.decision_item) for state in states]
        return map(decisions.from_item, self.storage.get_many(keys))

    def decisions(self, finding_id: str) -> Iterator[LoggedDecision]:
        """Read all decisions on a finding, oldest first."""
        return map(decisions.from_item, self.storage.of_finding(finding_id, decisions.PREFIX))

    def by_effect(
        self, *effects: Effect | EntryStatus, since: str = "", until: str = "~"
    ) -> Iterator[LoggedDecision]:
        """Read decisions, those of each effect oldest first; what was written a second ago may be missing.

        Parameters
        ----------
        *effects : Effect or EntryStatus
            Effects that have happened, and statuses of decisions whose effect has not, or no longer holds.
        since, until : str
            Bounds of the time of the decision, both included, as `scoring.decision_log.entries.stamp` writes
            it.
        """
        for effect in effects:
            for item in self.storage.by_effect(str(effect), since=since, until=until):
                # The latest state has the same attributes, and so it is found too.
                if item["item"].startswith(decisions.PREFIX):
                    yield decisions.from_item(item)

    def all_decisions(self) -> Iterator[LoggedDecision]:
        """Read every decision, in no order."""
        return map(decisions.from_item, self.storage.with_prefix(decisions.PREFIX))

    def intend(
        self,
        entry: Entry,
        effect: Effect,
        *,
        latest: FindingState | None,
        now: datetime,
        limits: Sequence[Limit] = (),
    ) -> FindingState:
        """Write that an effect is about to happen; nothing else may have happened since `latest` was read.

        Raises
        ------
        InProgress
            Another invocation was faster.
        LimitReached
            One of the limits was reached.
        """
        state = _state_of(entry, effect, EntryStatus.INTENT, latest, now, self.lease_seconds)
        decision = {**_decision(entry, state), **_status(EntryStatus.INTENT), "intended": effect}
        self._write(decision, state, latest, now, limits)
        return state

    def settle(
        self,
        entry: Entry,
        effect: Effect,
        *,
        latest: FindingState | None,
        now: datetime,
        waiting: QueuedAlert | None = None,
        ended_by: End | None = None,
    ) -> FindingState:
        """Write a decision of which nothing is left to be done here and now; raises as `intend` does.

        Parameters
        ----------
        ended_by : str, optional
            How the finding has ended; the decision before this one, if it is an alert, is closed by it.
        """
        state = _state_of(entry, effect, EntryStatus.DONE, latest, now, 0)
        decision = _decision(entry, state)
        if waiting is None:
            decision |= {"effect": effect, "state": str(EntryStatus.DONE), **self.expiry(now)}
        else:
            decision |= {**msgspec.structs.asdict(waiting), **_status(EntryStatus.QUEUED)}
        self._write(decision, state, latest, now, (), ended_by)
        return state

    def finish(self, intent: FindingState, *, now: datetime) -> FindingState:
        """Write that the effect has happened.

        Raises
        ------
        InProgress
            The lease is over, and another invocation has taken the finding on.
        """
        done = msgspec.structs.replace(intent, entry_status=EntryStatus.DONE, version=intent.version + 1)
        ends = {} if intent.effect == "archive" else self.expiry(now)
        values = {"effect": intent.effect, "state": str(EntryStatus.DONE), "done_at": stamp(now), **ends}
        return self._close(intent, done, values)

    def withdraw(self, intent: FindingState, *, now: datetime) -> FindingState:
        """Drop the intent of an archive that failed: the alert before it holds. Raises as `finish`."""
        back = msgspec.structs.replace(
            intent,
            version=intent.version + 1,
            entry_status=EntryStatus.DONE,
            effect="alert",
            outcome="alert",
            decision_item=intent.alerted,
            alerted="",
        )
        return self._close(intent, back, {**_status(EntryStatus.ENDED), **self.expiry(now)})

    def take_over(self, intent: FindingState, *, now: datetime) -> FindingState:
        """Renew the lease of an intent whose lease is over. Raises as `intend`."""
        return self._step(intent, lease_until=stamp(now + timedelta(seconds=self.lease_seconds)))

    def seen_again(self, state: FindingState, entry: Entry) -> None:
        """Note a newer version of a finding in which nothing changed that matters. Raises as `intend`."""
        self._step(state, updated_at=entry.updated_at, facts={**state.facts, **entry.facts})

    def will_reactivate(self, states: Sequence[FindingState], who: str, now: datetime) -> list[FindingState]:
        """Write that findings are about to be made active again, and by whom.

        The events that follow find it there.

        Parameters
        ----------
        who : str
            ``undo`` or ``expiry``.

        Returns
        -------
        list of FindingState
            The new states; left out are those that another invocation has changed since they were read.
        """
        changed = [_reactivated(state, who, now) for state in states]
        written = write_each(
            self.storage, [self._put(after, state) for after, state in zip(changed, states, strict=True)]
        )
        return [after for after, is_written in zip(changed, written, strict=True) if is_written]

    def will_reactivate_changed(self, state: FindingState, now: datetime) -> FindingState:
        """Write that a finding is about to be made active again, because it changed after its archive.

        The second time it counts as undone by hand, and is not archived again. Raises as `intend`.
        """
        who = "undo" if state.was_changed else "expiry"
        after = msgspec.structs.replace(_reactivated(state, who, now), was_changed=True)
        return self._replace(state, after)

    def end_archives(self, ended: Mapping[str, Sequence[FindingState]], now: datetime) -> None:
        """Write that archives no longer hold.

        Parameters
        ----------
        ended : mapping
            By what they ended (``undo``, ``expiry``, ``gone``), and the states of their findings.
        """
        changes = [
            Change(
                key=(state.finding_id, state.decision_item),
                assign={
                    **_status(EntryStatus.ENDED),
                    "ended_by": by,
                    "ended_at": stamp(now),
                    **self.expiry(now),
                },
            )
            for by, states in ended.items()
            for state in states
        ]
        write_each(self.storage, changes)

    def close_alerts(self, alerts: Sequence[LoggedDecision], by: End, now: datetime) -> None:
        """Close alerts whose findings have ended: those that wait are never sent, those sent are marked.

        The findings' latest states say so too, so that one that becomes active again alerts again. Closing
        twice changes nothing. An alert that another run is sending at this moment counts as sent.

        Parameters
        ----------
        by : str
            How the findings have ended; see `scoring.decision_log.ends`.
        """
        states = self.latest_of([alert.finding_id for alert in alerts])
        latest = [(states.get(alert.finding_id), alert.item) for alert in alerts]
        over = [state for state, item in latest if state and state.decision_item == item]
        write_each(
            self.storage, [self._put(_ended(state, by), state) for state in over if state.effect == "alert"]
        )
        left = {**_status(EntryStatus.ENDED), "intended": "alert", **self.expiry(now)}
        is_queued = Equals(("effect",), str(EntryStatus.QUEUED))
        queued = [alert for alert in alerts if alert.status is EntryStatus.QUEUED]
        write_each(self.storage, [Change(key=one.key, assign=left, only_if=(is_queued,)) for one in queued])
        write_each(self.storage, [ends.mark(one.key, by, now) for one in alerts if not one.ended_by])

    def expiry(self, now: datetime) -> dict[str, int]:
        """Return the attribute that ends an item's life, if anything does."""
        if self.keep_days is None:
            return {}
        return {EXPIRES_AT: int((now + timedelta(days=self.keep_days)).timestamp())}

    def _close(self, intent: FindingState, after: FindingState, values: Mapping[str, Any]) -> FindingState:
        change = Change(key=(intent.finding_id, intent.decision_item), assign=values)
        try:
            self.storage.write([change, self._put(after, intent)])
        except ConditionFailed as error:
            if self.latest(intent.finding_id) != after:  # and no answer that was lost on its way
                raise InProgress(intent.finding_id) from error
        return after

    def _step(self, state: FindingState, **changes: Any) -> FindingState:
        return self._replace(state, msgspec.structs.replace(state, version=state.version + 1, **changes))

    def _replace(self, state: FindingState, after: FindingState) -> FindingState:
        try:
            self.storage.write([self._put(after, state)])
        except ConditionFailed as error:
            raise InProgress(state.finding_id) from error
        return after

    def _put(self, state: FindingState, latest: FindingState | None) -> Put:
        """Return the write of a state, provided that `latest` still is the latest one."""
        is_latest = IS_NEW if latest is None else Equals(("version",), latest.version)
        item = {"item": _LATEST, "schema": SCHEMA, **msgspec.to_builtins(state)}
        return Put(item=item, only_if=(is_latest,))

    def _write(
        self,
        decision: Mapping[str, Any],
        state: FindingState,
        latest: FindingState | None,
        now: datetime,
        limits: Sequence[Limit],
        ended_by: End | None = None,
    ) -> None:
        key = {"finding_id": state.finding_id, "item": state.decision_item}
        writes: list[Write] = [Put(item={**decision, **key}, only_if=(IS_NEW,)), self._put(state, latest)]
        if latest is not None and (latest.is_unfinished or latest.effect == "archive"):
            ended = {**_status(EntryStatus.ENDED), **ends.attributes(ended_by, now), **self.expiry(now)}
            writes.append(Change(key=(latest.finding_id, latest.decision_item), assign=ended))
        elif latest is not None and latest.effect == "alert" and ended_by:
            writes.append(ends.mark((latest.finding_id, latest.decision_item), ended_by, now))
        takes = [limit.take(now) for limit in limits]
        for _ in range(_TRIES):
            try:
                self.storage.write([*writes, *takes])
            except ConditionFailed as error:
                first = min(error.failed)
                number = first - len(writes)
                if first == _BEFORE and ended_by and not limits:
                    del writes[_BEFORE]  # the alert is so old that the log no longer keeps it
                    continue
                if number < 0:
                    raise InProgress(state.finding_id) from error
                takes[number] = limits[number].renew(error.failed[first] or {}, now)
            else:
                return
        raise InProgress(state.finding_id)


def _state_of(
    entry: Entry,
    effect: Effect,
    status: EntryStatus,
    latest: FindingState | None,
    now: datetime,
    lease_seconds: float,
) -> FindingState:
    decided_at, version = stamp(now), latest.version + 1 if latest else 1
    return FindingState(
        finding_id=entry.finding_id,
        version=version,
        facts=dict(entry.facts),
        content=entry.content,
        entry_status=status,
        effect=effect,
        outcome=entry.outcome,
        decided_at=decided_at,
        lease_until=stamp(now + timedelta(seconds=lease_seconds)),
        updated_at=entry.updated_at,
        status=entry.status,
        reactivated="" if effect == "archive" else entry.reactivated,
        reactivated_at="" if effect == "archive" else entry.reactivated_at,
        was_changed=latest.was_changed if latest else False,
        decision_item=f"{decisions.PREFIX}{decided_at}#{version}",
        alerted=_alerted(entry, effect, latest),
        analyzer_arn=entry.analyzer_arn or (latest.analyzer_arn if latest else ""),
    )


def _alerted(entry: Entry, effect: str, latest: FindingState | None) -> str:
    if latest is None or effect != "archive" or not is_unchanged(entry, latest):
        return ""
    is_alert = latest.effect == "alert" and not latest.is_unfinished
    return latest.decision_item if is_alert else latest.alerted


def _reactivated(state: FindingState, who: str, now: datetime) -> FindingState:
    return msgspec.structs.replace(
        state,
        entry_status=EntryStatus.DONE,
        reactivated=who,
        reactivated_at=stamp(now),
        version=state.version + 1,
    )


def _ended(state: FindingState, by: End) -> FindingState:
    return msgspec.structs.replace(
        state,
        entry_status=EntryStatus.DONE,
        effect="none",
        outcome="skip",
        status=ends.STATUSES.get(by, state.status),
        version=state.version + 1,
    )


def _decision(entry: Entry, state: FindingState) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "decided_at": state.decided_at,
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


def _status(status: EntryStatus) -> dict[str, str]:
    """Return the attributes of a decision whose effect has not happened, or no longer holds."""
    return {"effect": str(status), "state": str(status)}
