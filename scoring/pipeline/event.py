"""One event from beginning to end, in one process: the four steps, one after the other.

Whatever goes wrong on the way, the finding ends before a person; an exception never archives.
"""

from collections.abc import Mapping
from typing import Any, cast

from scoring.findings.record import Case, read_value
from scoring.pipeline.alerts.alert import triage_unreadable
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.archive import archive
from scoring.pipeline.steps.enrich import enrich
from scoring.pipeline.steps.evaluate import evaluate
from scoring.pipeline.steps.notify import notify
from scoring.pipeline.steps.state import Arrived
from scoring.pipeline.suppression.cloudtrail_calls import handle_call
from scoring.pipeline.suppression.suspicions import is_call


def triage_event(event: object, runtime: Runtime) -> list[Result]:
    """Handle one event; an event of Security Hub may hold several findings.

    Calls to Access Analyzer that CloudTrail has recorded are checked. What is no finding that AWS could have
    sent goes before a person as it is.

    Raises
    ------
    InProgress
        Another invocation holds the lease on the same finding; deliver the event again later.
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        Writing failed; deliver the event again: what has been done is known and not done twice.
    """
    if is_call(event):
        return handle_call(cast(Mapping[str, Any], event), runtime)
    done = []
    for located in read_value(event):
        if located.case is None:
            done.append(triage_unreadable(event, located.where, str(located.error), runtime))
        else:
            done.append(triage_case(located.case, runtime))
    return done


def triage_case(case: Case, runtime: Runtime) -> Result:
    """Handle one finding: enrich, evaluate, then archive or notify; raises as `triage_event` does."""
    state = enrich(case, runtime)
    if isinstance(state, Arrived):
        state = evaluate(state, runtime)
    if not isinstance(state, Result) and state.next_step == "ARCHIVE":
        state = archive(state, runtime)
    return state if isinstance(state, Result) else notify(state, runtime)
