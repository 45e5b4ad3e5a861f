"""The mail about one decision, with the links by which it is answered."""

from collections.abc import Callable

from scoring.decision.decide import Decision
from scoring.decision_log import similar
from scoring.explanation.content import Answers
from scoring.explanation.explain import Message, explain
from scoring.findings.record import Case
from scoring.pipeline.runtime import Runtime


def alert_mail(
    case: Case, decision: Decision, runtime: Runtime, *, item: str, is_repeat: bool = False
) -> Message:
    """Write the mail of an alert; links and similar decisions that cannot be read are left out.

    Parameters
    ----------
    item : str
        The decision's key in the log beside the finding's id: the links are about it.
    is_repeat : bool
        Whether the same mail may have been sent before.
    """
    answers = answering(runtime)
    return explain(
        case,
        decision,
        runtime.policy,
        is_repeat=is_repeat,
        is_review=True,
        answers=answers(case.finding.id, item) if answers else None,
        similar=similar.nearest(runtime.log, case, item),
        card=runtime.card,
    )


def answering(runtime: Runtime) -> Callable[[str, str], Answers] | None:
    """Return what gives the links of a decision, by its key in the log; None where there are no links."""
    links = None if runtime.review_links is None else runtime.review_links()
    if links is None:
        return None
    now = runtime.now()
    return lambda finding_id, item: links.answers(finding_id, item, now)
