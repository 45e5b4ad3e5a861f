"""Which alerts a filter chooses: ``account=111122223333``, ``resource=*payments*``, ``severity=low``."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, Final

from scoring.decision_log.decisions import LoggedDecision
from scoring.files.errors import BadInput, did_you_mean

FIELDS: Final = {
    "account": "account",
    "resource": "resource",
    "type": "resource_type",
    "finding-type": "finding_type",
    "principal": "principals",
    "action": "actions",
    "severity": "severity",
    "region": "region",
    "public": "is_public",
    "reason": "reason",
}
"""What a filter may name, and the decision's own name of it."""


def read_filters(texts: Iterable[str]) -> Callable[[LoggedDecision], bool]:
    """Read filters; an alert is chosen where all of them match.

    ``*`` stands for anything; upper and lower case are the same. Of a list one that matches is enough.

    Raises
    ------
    BadInput
        One of them is none.
    """
    wanted = [_read(text) for text in texts]

    def is_chosen(logged: LoggedDecision) -> bool:
        decision = logged.record.get("decision", {})
        return all(_matches(decision.get(FIELDS[name]), pattern) for name, pattern in wanted)

    return is_chosen


def _read(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    name = name.strip().lower()
    if not equals or name not in FIELDS:
        near = did_you_mean(name, FIELDS)
        expected = f"expected FIELD=PATTERN with one of {', '.join(FIELDS)}{near}"
        raise BadInput(expected, field="--where", value=text)
    return name, pattern.strip().lower()


def _matches(found: Any, pattern: str) -> bool:
    several = found if isinstance(found, list) else [found]
    return any(fnmatchcase(str(one).lower(), pattern) for one in several if one is not None)
