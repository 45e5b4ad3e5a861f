"""Read a period out of the decision log, and send its summary when it is due."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from scoring.decision_log import certificates, cursor
from scoring.decision_log.cursor import SummaryCursor
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, stamp
from scoring.decision_log.log import DecisionLog
from scoring.pipeline.alerts import delivery
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.scheduled.summary import LOOKBACK, Period, Summary, SummaryFact, fact_of, summarise
from scoring.policy.policy import Policy

LENGTHS: Final = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}

_OF_LOOKBACK: Final = ("alert", "archive", EntryStatus.ENDED)
_OF_PERIOD: Final = (EntryStatus.QUEUED, EntryStatus.INTENT, "none")


def send_summary(runtime: Runtime) -> bool:
    """Send the summary if it is due; after a crash it is sent again.

    Returns
    -------
    bool
        Whether a mail was sent.
    """
    length = LENGTHS.get(runtime.policy.alerts.summary)
    if length is None or runtime.mode == "shadow":
        return False
    log, now = runtime.log, runtime.now()
    until = cursor.read(log, SummaryCursor).until
    if until > stamp(now - length):
        return False
    if until:
        since_last = now - datetime.fromisoformat(until)
        delivery.send_to_security_team(read_summary(log, runtime.policy, now, since_last), runtime)
    cursor.write(log, SummaryCursor(until=stamp(now)))
    return bool(until)


def read_summary(log: DecisionLog, policy: Policy, until: datetime, length: timedelta) -> Summary:
    """Read what a summary needs, all pages, and write it.

    Parameters
    ----------
    until : datetime
        When the period ends.
    length : timedelta
        How long it is; the one before, with which scores are compared, is as long.
    """
    period = Period.ending(until, length)
    facts = list(_facts(log, period, until))
    last = max(facts, key=lambda fact: fact.at, default=None)
    found = certificates.latest(log, last.model_sha256) if last else None
    return summarise(
        facts,
        _expiring(log, policy, until, length),
        period,
        policy,
        certified=found.sentence if found else "",
    )


def _facts(log: DecisionLog, period: Period, until: datetime) -> Iterator[SummaryFact]:
    """Give what the period and the one before decided on; from before that, what a person may yet say of."""
    far = min(stamp(until - LOOKBACK), period.before)
    earlier = log.by_effect(*_OF_LOOKBACK, since=far, until=period.until)
    recent = log.by_effect(*_OF_PERIOD, since=period.before, until=period.until)
    for decision in chain(earlier, recent):
        fact = fact_of(decision)
        if fact is not None and (fact.at >= period.before or fact.verdict or fact.is_sample):
            yield fact


def _expiring(
    log: DecisionLog, policy: Policy, until: datetime, length: timedelta
) -> Iterator[LoggedDecision]:
    """Give the active archives whose term ends within another such period, the oldest first."""
    days = policy.archives.days
    if days is not None:
        last = stamp(until + length - timedelta(days=days))
        yield from log.by_effect("archive", until=last)
