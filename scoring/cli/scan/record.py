"""What a scan has decided, written into the decision log: alerts and archives alike, for `triage review`.

Nothing in the log is contradicted: what another run holds, what somebody has given a verdict on, and what a
deployment has mailed or archived stays as it is. An entry of a scan says that nothing was done (effect
``none``), so a deployment with the same log still sends its own alert.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final, Literal

from scoring.aws.errors import as_bad_input
from scoring.cli.scan.score import Scanned
from scoring.decision.decide import Decision
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.deduplication import EventKind, classify_event
from scoring.decision_log.entries import FindingState, is_unchanged, stamp
from scoring.decision_log.log import DecisionLog, InProgress
from scoring.pipeline.log_entry import log_entry
from scoring.policy.policy import Policy

Became = Literal["recorded", "recorded again", "known", "held by another run"]
_AT_ONCE: Final = 100


def record(
    scanned: Iterable[Scanned],
    log: DecisionLog,
    policy: Policy,
    *,
    applied: bool,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Counter[Became]:
    """Write down what was decided on findings that have just been read; those skipped are left out.

    Parameters
    ----------
    applied : bool
        Whether verdicts on these alerts are to be carried out: the scan was one with ``--apply``.

    Returns
    -------
    Counter
        How many findings became what.

    Raises
    ------
    BadInput
        The log cannot be read or written.
    """
    became: Counter[Became] = Counter()
    open_ones = iter(pair for pair in scanned if pair[1].outcome != "skip")
    with as_bad_input(f"decision log {log.name}"):
        while some := list(islice(open_ones, _AT_ONCE)):
            became.update(_record(some, log, policy, applied=applied, now=now))
    return became


def _record(
    pairs: Sequence[Scanned],
    log: DecisionLog,
    policy: Policy,
    *,
    applied: bool,
    now: Callable[[], datetime],
) -> Iterator[Became]:
    states = log.latest_of([case.finding.id for case, _ in pairs])
    logged = {one.finding_id: one for one in log.decisions_of(list(states.values()))}
    for case, decision in pairs:
        latest = states.get(case.finding.id)
        # An archive that a scan only proposes has no draw of the audit sample.
        mode = "enforce" if applied and decision.outcome == "alert" else "shadow"
        kind = classify_event(case.finding, latest, now=stamp(now()), mode=mode, is_fresh=True)
        if kind in (EventKind.IN_PROGRESS, EventKind.SEND_INTERRUPTED):
            yield "held by another run"
            continue
        entry = log_entry(
            case,
            decision,
            latest,
            log=log,
            policy=policy,
            mode=mode,
            now=now(),
            is_reported=mode == "shadow",
        )
        is_same = latest is not None and latest.effect != "archive" and is_unchanged(entry, latest)
        is_known = latest is not None and (is_same or kind is not EventKind.NEW)
        if is_known and not _is_superseded(logged.get(case.finding.id), latest, decision, mode):
            yield "known"
            continue
        try:
            log.settle(entry, "none", latest=latest, now=now())
        except InProgress:
            yield "held by another run"
        else:
            yield "recorded again" if is_known else "recorded"


def _is_superseded(
    logged: LoggedDecision | None, latest: FindingState | None, decision: Decision, mode: str
) -> bool:
    """Whether an earlier scan decided otherwise on the same version, and nobody has answered yet."""
    if logged is None or latest is None or latest.effect != "none" or logged.label is not None:
        return False
    was, is_now = (logged.model_sha256, logged.outcome, logged.mode), decision.model.sha256
    return was != (is_now, decision.outcome, mode)
