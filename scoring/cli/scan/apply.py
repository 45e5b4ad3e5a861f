"""The writing half of a scan: archives what it decided to archive, with intent and outcome logged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import msgspec

from scoring.aws.analyzers import PAGE, Analyzer
from scoring.aws.errors import as_bad_input
from scoring.aws.sessions import regional
from scoring.cli.scan.score import Group, Source, decide_rows
from scoring.decision import audit_sample
from scoring.decision.settings import Decided
from scoring.decision_log import audit_key
from scoring.decision_log.deduplication import brought_back_by
from scoring.decision_log.entries import Entry, FindingState, content_of, entry_of, is_unchanged, stamp
from scoring.decision_log.log import DecisionLog, InProgress
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.pipeline.circuit_breaker import intend_archive
from scoring.pipeline.security_hub import write_back
from scoring.policy.policy import Policy


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

    cases: tuple[Decided, ...]
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
        raise BadInput("expected a --table to log each archive in, so that it can be undone", field="--apply")
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

    def arn_of(pair: Decided) -> str:
        return _finding(pair).analyzer_arn or ""

    for arn, pairs in groupby(sorted(chosen.cases, key=arn_of), key=arn_of):
        waiting = list(pairs)
        for start in range(0, len(waiting), PAGE):
            some = waiting[start : start + PAGE]
            yield _Archiving(of_arn[arn], source, log, now).run(some)


class _Archiving:
    """One batch of findings of one analyzer."""

    def __init__(
        self, analyzer: Analyzer, source: Source, log: DecisionLog, now: Callable[[], datetime]
    ) -> None:
        self._analyzer, self._source, self._log, self._now = analyzer, source, log, now
        self._archived = ArchivedNow()

    def run(self, pairs: Sequence[Decided]) -> ArchivedNow:
        fresh = list(self._read_again(pairs))
        log = self._log
        with as_bad_input(f"decision log {log.name}"):
            before = log.latest_of([_finding(pair).id for pair in fresh])
            intended = [(pair, mark) for pair in fresh if (mark := self._intend(pair, before)) is not None]
        gone: list[str] = []
        if intended:
            ids = [mark.finding_id for _, mark in intended]
            gone = list(self._source.analyzers.update_status(self._analyzer.arn, ids, "ARCHIVED"))
        self._archived.left += [Left(finding_id, "gone or resolved") for finding_id in gone]
        for pair, mark in intended:
            if mark.finding_id not in gone:
                with as_bad_input(f"decision log {log.name}"):
                    log.finish(mark, now=self._now())
                self._archived.done.append(mark.finding_id)
                self._tell_security_hub(pair)
        return self._archived

    def _tell_security_hub(self, pair: Decided) -> None:
        policy = self._source.settings.policy
        if policy.security_hub.update:
            clients = regional(self._source.aws.sessions, "securityhub")
            if problem := write_back(*pair, policy, clients):
                self._archived.untold.append(problem)

    def _read_again(self, pairs: Sequence[Decided]) -> Iterator[Decided]:
        """Give the findings that are still to be archived, as they are now."""
        resources = list(dict.fromkeys(_finding(pair).resource for pair in pairs))
        listed = self._source.analyzers.rows(self._analyzer, resources=resources)
        rows = {row["id"]: row for row in listed}
        changed = []
        for pair in pairs:
            row = rows.get(pair[1].finding_id)
            if row is None:
                self._leave(pair, "no longer active")
            elif row["updatedAt"] != _finding(pair).updated_at:
                changed.append(row)
            else:
                yield pair
        for pair in decide_rows(changed, self._analyzer, self._source):
            if pair[1].outcome == "archive":
                yield pair
            else:
                self._leave(pair, f"changed since, now: {pair[1].outcome}, {pair[1].reason}")

    def _intend(self, pair: Decided, marks: Mapping[str, FindingState]) -> FindingState | None:
        """Log that a finding is about to be archived; None where it is not to be."""
        (case, decision), finding, now = pair, _finding(pair), self._now()
        before = marks.get(finding.id)
        who, since = brought_back_by(finding, before)
        if who and who != "expiry":
            return self._leave(pair, f"brought back by {who}")
        if before is not None and before.is_unfinished and stamp(now) < before.lease_until:
            return self._leave(pair, "somebody else is at work on it")
        policy = self._source.settings.policy
        drawn = audit_sample.draw(
            decision,
            content_of(finding),
            policy.archives.audit_share,
            lambda: audit_key.secret_of(self._log),
        )
        is_sample = drawn is not None and drawn.chosen
        entry = entry_of(
            case,
            finding,
            audit_sample.explained(decision) if is_sample else decision,
            mode=policy.mode,
            policy_sha256=policy.sha256,
            reactivated=who,
            reactivated_at=since,
            audit=drawn,
        )
        try:
            if is_sample:
                return self._sample(pair, entry, before)
            mark = intend_archive(entry, finding, log=self._log, policy=policy, before=before, now=now)
        except InProgress:
            return self._leave(pair, "somebody else is at work on it")
        return self._leave(pair, f"circuit breaker: {mark}") if isinstance(mark, str) else mark

    def _sample(self, pair: Decided, entry: Entry, before: FindingState | None) -> FindingState | None:
        """Leave a finding to a person, on the queue of `triage review`; raises InProgress."""
        stands = before is not None and not before.is_unfinished and before.effect == "alert"
        if not (stands and before is not None and is_unchanged(entry, before)):
            self._log.settle(entry, "alert", before=before, now=self._now())
        return self._leave(
            pair, "chosen as a random sample of what would be archived: triage review shows it"
        )

    def _leave(self, pair: Decided, why: str) -> FindingState | None:
        self._archived.left.append(Left(pair[1].finding_id, why))
        return None


def _finding(pair: Decided) -> Finding:
    finding = pair[0].finding
    assert isinstance(finding, Finding)  # noqa: S101 - a scan lists findings only
    return finding
