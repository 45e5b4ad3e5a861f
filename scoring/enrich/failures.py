"""What went wrong while asking AWS, as the short reason of an unknown fact."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from scoring.facts import Fact, Unknown

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}
    | {"UnauthorizedOperation", "403"}
)

_LOG = logging.getLogger(__name__)


class Unavailable(Exception):
    """A fact cannot be had, for a reason that a person should read."""


def reason(error: Exception) -> str | None:
    """Name a failure by its error code, never by its message.

    Returns
    -------
    str or None
        The code that AWS gave, the name of botocore's exception, or the text of `Unavailable`; None where the
        exception is neither, that is, where our own code is at fault.

    Examples
    --------
    >>> reason(Unavailable("unexpected resource ARN"))
    'unexpected resource ARN'
    >>> reason(KeyError("Tags")) is None
    True
    """
    if isinstance(error, Unavailable):
        return str(error)
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return code(error)
    if isinstance(error, (BotoCoreError, ResponseParserError)):
        return type(error).__name__
    return None


def code(error: Exception) -> str:
    """Return the error code of botocore's ClientError, and an empty string for other exceptions."""
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return ""
    found = response.get("Error") or {}
    return str(found.get("Code") or type(error).__name__)


def guarded(names: tuple[str, ...], find: Callable[[], Mapping[str, Fact[Any]]]) -> Mapping[str, Fact[Any]]:
    """Find facts; whatever goes wrong, each of them ends as unknown with the reason.

    An error in our own code is logged with its traceback and named by its class: it costs the facts, not the
    finding.
    """
    try:
        return find()
    except Exception as error:
        why = reason(error)
        if why is None:
            why = type(error).__name__
            _LOG.exception("looking up %s failed", ", ".join(names))
        return dict.fromkeys(names, Unknown(why))
