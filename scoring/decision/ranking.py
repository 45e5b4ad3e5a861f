"""Which finding a person looks at first: one order for tables, queues, mails and pages."""

from typing import Final

from scoring.decision.decide import Decision

_OUTCOMES: Final = ("alert", "archive", "skip")

Rank = tuple[int, bool, bool, float, float, str]


def rank(decision: Decision) -> Rank:
    """Return what to sort decisions by, the most urgent first.

    Alerts come before what is archived and what is skipped. Of them those that could not be analyzed come
    last, as a group of their own: nothing is known of how bad they are. What is open to everyone comes
    first, then what has more points that rest on known facts. What is not known only breaks ties.

    Examples
    --------
    >>> from scoring.decision.settings import load_settings
    >>> from scoring.findings.record import read_case
    >>> bucket = {"resourceType": "AWS::S3::Bucket", "status": "ACTIVE", "action": ["s3:GetObject"]}
    >>> found = [
    ...     {**bucket, "id": "1", "resource": "arn:aws:s3:::a", "error": "ACCESS_DENIED"},
    ...     {**bucket, "id": "2", "resource": "arn:aws:s3:::b", "principal": {"AWS": "111122223333"}},
    ...     {**bucket, "id": "3", "resource": "arn:aws:s3:::c", "principal": {"AWS": "*"}, "isPublic": True},
    ... ]
    >>> decided = [load_settings().decide(read_case(finding)) for finding in found]
    >>> [decision.finding_id for decision in sorted(decided, key=rank)]
    ['3', '2', '1']
    """
    return (
        _OUTCOMES.index(decision.outcome),
        decision.analysis_error is not None,
        decision.is_public is not True,
        -decision.known,
        -decision.score,
        decision.finding_id,
    )
