"""AWS as a command's options name it: profile, region, and the role in member accounts."""

import time
from typing import TYPE_CHECKING, Final

import msgspec

from scoring.aws.enrich import Aws, connect
from scoring.files.errors import BadInput

if TYPE_CHECKING:
    import boto3

_ATTEMPTS: Final = 8  # a person waits, not a Lambda: throttling is waited out


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How AWS is reached.

    Attributes
    ----------
    role_name, external_id : str or None
        The role in member accounts.
    """

    profile: str | None = None
    region: str | None = None
    role_name: str | None = None
    external_id: str | None = None


def connect_as(options: Options, *, fallback_region: str | None = None) -> Aws:
    """Put together what enrichment and the commands need; no request goes out.

    Parameters
    ----------
    fallback_region : str, optional
        Where neither the options nor the configuration name a region.

    Raises
    ------
    BadInput
        There is no such profile.
    """
    session = _open_session(options.profile, options.region)
    if session.region_name is None and fallback_region is not None:
        session = _open_session(options.profile, fallback_region)
    return connect(
        session,
        clock=time.time,
        role_name=options.role_name,
        external_id=options.external_id,
        attempts=_ATTEMPTS,
    )


def region_of(options: Options) -> str | None:
    """Return the region that options or configuration name; raises as `connect_as` does."""
    name = _open_session(options.profile, options.region).region_name
    return None if name is None else str(name)


def _open_session(profile: str | None, region: str | None) -> "boto3.Session":
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise BadInput(str(error), field="--profile" if profile else "AWS_PROFILE") from None
