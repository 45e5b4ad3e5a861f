"""The writing half of a scan: chooses what is archived, and leaves the rest to a person with the reason."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, Literal

import msgspec

from scoring.aws.analyzers import PAGE, Analyzer, ListedFinding
from scoring.aws.errors import as_bad_input
from scoring.aws.sessions import regional
from scoring.cli.scan.score import Group, Scanned, Source, decide_rows
from scoring.decision import audit_sample
from scoring.decision.guardrails import RE_OPENED_BY
from scoring.decision_log.deduplication import brought_back_by
from scoring.decision_log.entries import Entry, FindingState, is_unchanged, stamp
from scoring.decision_log.log import DecisionLog, InProgress
from scoring.files.errors import BadInput
from scoring.pipeline.archiving import Archived, Archiver, Failed, NotArchived, ToArchive
from scoring.pipeline.log_entry import hindrance, log_entry
from scoring.policy.policy import Policy

NO_LONGER_ACTIVE: Final = "no longer active"
_FAILED: Final = {
    "in progress": "another run holds it: try again in some minutes",
    "gone": "gone or resolved",
}


class Left(msgspec.Struct, frozen=True):
    """A finding that was to be archived and was not."""

    finding_id: str
    why: str


class ArchivedNow(msgspec.Struct):
    """What became of the findings that were to be archived.

    Attributes
    ----------
    untold : list of str
        Why Security Hub was not told of an archive, where it should have been.
    """

    done: list[str] = []
    left: list[Left] = []
    untold: list[str] = []


class Plan(msgspec.Struct, frozen=True):
    """What is to be archived.

    Attributes
    ----------
    over : int
        How many more would be, were it not for the limit.
    """

    cases: tuple[Scanned, ...]
    over: int


def plan(groups: Iterable[Group], most: int) -> Plan:
    """Choose what is to be archived, a finding and its duplicates each; the lowest scores first."""
    chosen = [pair for group in groups if group.decision.outcome == "archive" for pair in group.members]
    chosen.sort(key=lambda pair: pair[1].score)
    return Plan(tuple(chosen[:most]), max(len(chosen) - most, 0))


def check_ready(policy: Policy, table: str | None, *, resume: bool) -> None:
    """Refuse to write in shadow mode, without a log, or on what an earlier scan has read.

    Raises
    ------
    BadInput
    """
    if policy.mode != "enforce":
        expected = 'expected a policy with mode = "enforce": in shadow mode nothing is written'
        raise BadInput(expected, field="--apply", value=policy.mode)
    if table is None:
        raise BadInput(
            "expected a decision log (--table or --log) for each archive, so that it can be undone",
            field="--apply",
        )
    if resume:
        raise BadInput("expected no --resume: an archive rests on what has just been read", field="--apply")


def check_log(log: DecisionLog) -> None:
    """Raise BadInput where the decision log cannot be read."""
    with as_bad_input(f"decision log {log.name}"):
        log.latest("none")


def archive(
    chosen: Plan,
    analyzers: Sequence[Analyzer],
    source: Source,
    log: DecisionLog,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[ArchivedNow]:
    """Archive, 100 findings of an analyzer at a time; tell after each time what became of them.

    Each finding is read again first, and scored anew if it has changed. The intent is logged before, the
    outcome after; whatever happens in between is found in the log.

    Raises
    ------
    BadInput
        AWS refuses.
    """
    of_arn = {analyzer.arn: analyzer for analyzer in analyzers}

    def arn_of(pair: Scanned) -> str:
        return pair[0].finding.analyzer_arn or ""

    for arn, pairs in groupby(sorted(chosen.cases, key=arn_of), key=arn_of):
        waiting = list(pairs)
        for start in range(0, len(waiting), PAGE):
            some = waiting[start : start + PAGE]
            yield _Batch(of_arn[arn], source, log, now).archive(some)


class _Batch:
    """Findings of one analyzer that are archived together."""

    def __init__(
        self, analyzer: Analyzer, source: Source, log: DecisionLog, now: Callable[[], datetime]
    ) -> None:
        self._analyzer, self._source, self._log, self._now = analyzer, source, log, now
        self._policy = source.settings.policy

    def archive(self, pairs: Sequence[Scanned]) -> ArchivedNow:
        archiver = Archiver(
            analyzers=self._source.analyzers,
            log=self._log,
            policy=self._policy,
            now=self._now,
            security_hub=regional(self._source.aws.sessions, "securityhub"),
        )
        archived = ArchivedNow()
        with as_bad_input(f"decision log {self._log.name}"):
            ends = archiver.archive(self._read_again(pairs))
        for end in ends:
            finding_id = end.item[1].finding_id
            match end:
                case Archived():
                    archived.done.append(finding_id)
                    archived.untold += [end.security_hub_problem] if end.security_hub_problem else []
                case NotArchived(reason="circuit breaker"):
                    archived.left.append(Left(finding_id, f"circuit breaker: {end.why}"))
                case NotArchived():
                    archived.left.append(Left(finding_id, end.why))
                case Failed(reason="refused"):
                    raise end.error
                case Failed():
                    archived.left.append(Left(finding_id, _FAILED[end.reason]))
        return archived

    def _read_again(self, pairs: Sequence[Scanned]) -> Iterator[ToArchive[Scanned] | NotArchived[Scanned]]:
        """List the findings again, and decide again on those that have changed."""
        resources = list(dict.fromkeys(pair[0].finding.resource for pair in pairs))
        listed = self._source.analyzers.rows(self._analyzer, resources=resources)
        rows = {row["id"]: row for row in listed}
        same: list[Scanned] = []
        changed: list[ListedFinding] = []
        for pair in pairs:
            row = rows.get(pair[1].finding_id)
            if row is None:
                yield _left(pair, NO_LONGER_ACTIVE)
                continue
            finding, raw = self._source.analyzers.read_row(row, self._analyzer)
            if finding.says_the_same(pair[0].finding):
                case, decision = pair
                same.append((msgspec.structs.replace(case, finding=finding, raw=raw), decision))
            else:
                changed.append(row)
        decided = [*same, *decide_rows(changed, self._analyzer, self._source)]
        states = self._log.latest_of([pair[0].finding.id for pair in decided])
        for pair in decided:
            yield self._confirm(pair, states.get(pair[0].finding.id))

    def _confirm(
        self, pair: Scanned, latest: FindingState | None
    ) -> ToArchive[Scanned] | NotArchived[Scanned]:
        """Say whether a finding is still to be archived, now that it and the log were read again."""
        case, decision = pair
        if decision.outcome != "archive":
            return _left(pair, f"changed since, now: {decision.outcome}, {decision.reason}")
        who, _ = brought_back_by(case.finding, latest)
        if who and who != "expiry":
            return _left(pair, f"re-opened by {RE_OPENED_BY.get(who, who)}")
        if latest is not None and latest.is_unfinished and stamp(self._now()) < latest.lease_until:
            return _left(pair, f"another run holds it until {latest.lease_until[11:16]} UTC")
        entry = self._entry(pair, latest)
        blocked = hindrance(decision, self._log, self._policy, self._policy.mode, None)
        if blocked:
            return self._leave(pair, entry, latest, "none", blocked)
        if audit_sample.is_sample(entry.record):
            return self._leave(pair, entry, latest, "alert", "left to a person: triage review shows it")
        return ToArchive(item=pair, case=case, decision=decision, entry=entry, latest=latest)

    def _entry(self, pair: Scanned, latest: FindingState | None) -> Entry:
        case, decision = pair
        policy = self._policy
        return log_entry(
            case, decision, latest, log=self._log, policy=policy, mode=policy.mode, now=self._now()
        )

    def _leave(
        self,
        pair: Scanned,
        entry: Entry,
        latest: FindingState | None,
        effect: Literal["alert", "none"],
        why: str,
    ) -> NotArchived[Scanned]:
        """Write a decision down without archiving: an alert stands on the queue of `triage review`."""
        stands = latest is not None and not latest.is_unfinished and latest.effect == effect
        if not (stands and latest is not None and is_unchanged(entry, latest)):
            try:
                self._log.settle(entry, effect, latest=latest, now=self._now())
            except InProgress:
                return _left(pair, _FAILED["in progress"])
        return _left(pair, why)


def _left(pair: Scanned, why: str) -> NotArchived[Scanned]:
    return NotArchived(item=pair, reason="decided otherwise", why=why)
