"""The settings of the review page, from its environment, and what it builds from them, once."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from handlers.runtime import settings
from handlers.runtime.review_keys import ReviewKeys
from scoring.aws.analyzers import SERVICE, AccessAnalyzer
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from scoring.policy import policy

if TYPE_CHECKING:
    import boto3

logger = logging.getLogger(__name__)


class PageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the page; each is an environment variable with ``TRIAGE_`` in front, in upper case.

    Attributes
    ----------
    table : str
        DynamoDB table of the decision log.
    review_secret : str
        ARN of the secret that signs the links.
    review_auth : str
        How the function URL lets people in: ``NONE`` (a link is all it takes) or ``AWS_IAM``. Where nobody
        says so, only those are let in whom AWS has signed in.
    review_url : str or None
        The page's public address, where it is another than the function URL's own.
    policy : str or None
        Path; by default the built-in one. It stands in where the live one cannot be had.
    """

    table: str
    review_secret: str
    review_auth: Literal["NONE", "AWS_IAM"] = "AWS_IAM"
    review_url: str | None = None
    policy: str | None = None


class PageClients(msgspec.Struct, frozen=True):
    """What is made once for all requests of one environment."""

    session: "boto3.Session"
    log: DecisionLog
    keys: ReviewKeys

    @property
    def analyzers(self) -> AccessAnalyzer:
        """The client of Access Analyzer; made when the first finding is to be changed."""
        return _analyzers(self.session)


def read(environment: Mapping[str, str]) -> PageSettings:
    """Read the settings.

    Raises
    ------
    BadInput
        Naming the variable.
    """
    named = {
        name: environment[settings.PREFIX + name.upper()]
        for name in PageSettings.__struct_fields__
        if environment.get(settings.PREFIX + name.upper())
    }
    try:
        return msgspec.convert(named, PageSettings)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, "environment.") from None


@lru_cache(maxsize=4)
def clients(given: PageSettings) -> PageClients:
    """Make the clients; no request goes out."""
    import boto3

    session = boto3.Session()
    secrets = session.client("secretsmanager", config=_config())
    return PageClients(
        session=session,
        log=DecisionLog.in_table(session.client("dynamodb", config=_config()), given.table),
        keys=ReviewKeys(secrets, given.review_secret, given.review_url or "", given.table),
    )


def policy_now(given: PageSettings, environment: Mapping[str, str]) -> policy.Policy:
    """Return the policy that the other handlers decide with.

    It gives accounts their names; while it cannot be had, the one of the file stands in, which trusts nobody.
    """
    try:
        return settings.configuration(settings.read(environment)).policy
    except Exception:
        logger.warning("the policy cannot be read", exc_info=True)
        return policy.load(given.policy or policy.DEFAULT)


@lru_cache(maxsize=1)
def _config() -> object:
    from botocore.config import Config

    return Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


@lru_cache(maxsize=4)
def _analyzers(session: "boto3.Session") -> AccessAnalyzer:
    return AccessAnalyzer(settings.regional(session, SERVICE, _config()))
