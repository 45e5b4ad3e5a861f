"""The mail of an alert: the explanation, what people said of similar findings, and links to answer it."""

from scoring import similar
from scoring.decide import Decision
from scoring.explain import Message, explain
from scoring.records import Case
from scoring.runtime import Runtime


def alert_mail(
    case: Case, decision: Decision, runtime: Runtime, *, item: str, is_repeat: bool = False
) -> Message:
    """Write the mail; it does without what cannot be had at the moment.

    Parameters
    ----------
    item : str
        The decision's key in the log beside the finding's id: the links are about it.
    is_repeat : bool
        Whether the same mail may have been sent before.
    """
    links = None if runtime.review_links is None else runtime.review_links()
    return explain(
        case,
        decision,
        runtime.policy,
        is_repeat=is_repeat,
        answers=None if links is None else links.answers(case.finding.id, item, runtime.now()),
        similar=similar.nearest(runtime.log.client, runtime.log.table, case, item),
    )
