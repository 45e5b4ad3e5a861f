"""What AWS answers when it refuses or fails: the reason of an unknown fact, or one line for a person.

The error's code decides, never its message.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from scoring.files.errors import BadInput
from scoring.findings.facts import Fact, Unknown

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}
    | {"UnauthorizedOperation", "403"}
)

_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
    | {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError"}
)
_UNKNOWN_KEYS: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
    | {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "AuthFailure"}
)
_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
    | {"RequestLimitExceeded", "ProvisionedThroughputExceededException", "SlowDown"}
)
_OUT_OF_REACH: Final = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"}
)
_MISSING: Final = frozenset({"ResourceNotFoundException", "NotFound", "NotFoundException", "NoSuchEntity"})

_LOG = logging.getLogger(__name__)


class Unavailable(Exception):
    """A fact cannot be had, for a reason that a person should read."""


class AwsError(BadInput):
    """AWS did not do what it was asked; `code` is AWS's own."""

    def __init__(self, error: Exception, doing: str) -> None:
        super().__init__(what_to_do(error), where=doing)
        self.code = code(error)


def code(error: Exception) -> str:
    """Return the error code of botocore's ClientError, and an empty string for other exceptions."""
    if isinstance(error, AwsError):
        return error.code
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return ""
    found = response.get("Error") or {}
    return str(found.get("Code") or type(error).__name__)


def reason(error: Exception) -> str | None:
    """Name a failure in a word or two.

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


@contextmanager
def as_bad_input(doing: str) -> Iterator[None]:
    """Turn what AWS refuses inside the block into bad input of one line, with what to do about it.

    Parameters
    ----------
    doing : str
        What is being done, put first: ``list findings of arn:...``.

    Raises
    ------
    AwsError
    """
    try:
        yield
    except Exception as error:
        if reason(error) is None:
            raise
        raise AwsError(error, doing) from error


def what_to_do(error: Exception) -> str:
    """Say what went wrong and how it is mended.

    Examples
    --------
    >>> from botocore.exceptions import ClientError, NoRegionError
    >>> what_to_do(ClientError({"Error": {"Code": "ExpiredToken", "Message": "..."}}, "ListFindings"))
    'the AWS credentials have expired (ExpiredToken): sign in again'
    >>> what_to_do(NoRegionError())
    'no region: name one with --region, or set AWS_REGION'
    """
    if isinstance(error, Unavailable):
        return str(error)
    name = code(error) or type(error).__name__
    asked = getattr(error, "operation_name", "")
    if name in DENIED:
        return f"AWS refuses {asked} ({name}): these credentials lack the right; triage doctor lists them"
    if name in _EXPIRED:
        return f"the AWS credentials have expired ({name}): sign in again"
    if name in _UNKNOWN_KEYS:
        return f"no AWS credentials that hold ({name}): sign in, or name a profile with --profile"
    if name in _THROTTLED:
        return f"AWS throttles {asked} ({name}): try again later"
    if name in _OUT_OF_REACH:
        return f"AWS is out of reach ({name}): check the network and the region"
    if name == "NoRegionError":
        return "no region: name one with --region, or set AWS_REGION"
    if name in _MISSING:
        return f"it is not there ({name})"
    told = (getattr(error, "response", None) or {}).get("Error", {}).get("Message") or str(error)
    return f"{asked}: {name}: {told}" if asked else f"{name}: {told}"
