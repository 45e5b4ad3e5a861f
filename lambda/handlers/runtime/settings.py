"""The settings of a handler, from its environment, and what it builds from them, once."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

# Here and not at the first call: Lambda gives a function more of a processor while it starts.
import boto3
import msgspec

from handlers.runtime.live_settings import Configuration, Live
from handlers.runtime.review_keys import ReviewKeys
from scoring.aws.analyzers import SERVICE, AccessAnalyzer
from scoring.aws.bucket import SCHEME, Bucket
from scoring.aws.enrich.single import Aws, connect, enrich
from scoring.aws.sessions import Client, RegionalClients
from scoring.decision_log.certificates import Needs
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.pipeline.alerts.channels import Channels
from scoring.pipeline.runtime import Runtime
from scoring.policy import policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard

PREFIX = "TRIAGE_"

# What reading again, deciding, acting and recording may take after enrichment, in seconds.
_FOR_EFFECTS = 8.0
_LEAST_FOR_ENRICHMENT, _MOST_FOR_ENRICHMENT = 1.0, 15.0
# A lease ends so long after the function's own limit: clocks differ.
_GRACE = 15.0
# No model and no list of vendors is larger.
_MOST_BYTES = 20_000_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the handlers; each is an environment variable with ``TRIAGE_`` in front, in upper case.

    Attributes
    ----------
    topic_arn : str
        SNS topic of the alerts.
    table : str
        DynamoDB table of the decision log.
    mode : str
        ``shadow`` or ``enforce``; by default what the policy says.
    model, policy : str
        Paths; by default the built-in ones. The model may be ``s3://bucket/prefix``: the versions there, the
        promoted one named in ``current``.
    parameters : str
        Prefix in Parameter Store: ``/mode``, ``/policy`` (TOML) and ``/threshold`` below it stand instead of
        `mode` and `policy`, and are read anew while the function lives; see `handlers.runtime.live_settings`.
    member_role : str
        Name of the role to assume in member accounts.
    external_id : str
        What that role's trust policy asks for.
    keep_days : int
        How long the decision log keeps a decision; for good by default.
    analyzer_arns : tuple of str
        Of the analyzers that the scheduled function sweeps; separated by blanks or commas.
    period_minutes : int
        From one run of the scheduled function to the next.
    review_url, review_secret : str
        Address of the page on which alerts are answered, and ARN of the secret that signs the links to it;
        without both of them alerts carry no links.
    mail_from : str
        Whose mails SES sends, such as ``"Access triage <triage@example.com>"``; without it there are none.
    chat_topic_arn : str
        SNS topic that Amazon Q Developer in chat applications is subscribed to.
    enforce_needs : str
        What a new deployment needs before anything is archived, ``certificate`` or ``forecast``, where its
        policy does not say; see `scoring.decision_log.certificates`.
    version : str
        Of what is deployed: it is in each log line, and a dimension of each metric.
    """

    topic_arn: str
    table: str
    mode: Literal["shadow", "enforce"] | None = None
    model: str | None = None
    policy: str | None = None
    parameters: str | None = None
    member_role: str | None = None
    external_id: str | None = None
    keep_days: int | None = None
    analyzer_arns: tuple[str, ...] = ()
    period_minutes: int = 5
    review_url: str | None = None
    review_secret: str | None = None
    mail_from: str | None = None
    chat_topic_arn: str | None = None
    enforce_needs: Needs | None = None
    version: str = ""


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises
    ------
    BadInput
        Naming the variable.

    Examples
    --------
    >>> read({"TRIAGE_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:alerts", "TRIAGE_TABLE": "log"}).mode
    """
    named: dict[str, object] = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.__struct_fields__
        if environment.get(PREFIX + name.upper())
    }
    if "analyzer_arns" in named:
        named["analyzer_arns"] = str(named["analyzer_arns"]).replace(",", " ").split()
    try:
        return msgspec.convert(named, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, "environment.") from None


class Clients(msgspec.Struct, frozen=True):
    """What is made once for all invocations of one environment."""

    aws: Aws
    analyzers: AccessAnalyzer
    channels: Channels
    log: DecisionLog
    security_hub: RegionalClients
    review: ReviewKeys | None
    ssm: Client
    live: Live | None


@lru_cache(maxsize=4)
def clients(settings: Settings) -> Clients:
    """Make the clients; no request goes out."""
    from botocore.config import Config

    session = boto3.Session()
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
    ssm = session.client("ssm", config=config) if settings.parameters else None
    return Clients(
        aws=connect(
            session, clock=time.time, role_name=settings.member_role, external_id=settings.external_id
        ),
        analyzers=AccessAnalyzer(regional(session, SERVICE, config)),
        channels=Channels(
            session.client("sns", config=config),
            settings.topic_arn,
            ses=session.client("sesv2", config=config) if settings.mail_from else None,
            mail_from=settings.mail_from or "",
            chat_topic_arn=settings.chat_topic_arn or "",
        ),
        log=DecisionLog.in_table(
            session.client("dynamodb", config=config), settings.table, keep_days=settings.keep_days
        ),
        security_hub=regional(session, "securityhub", config),
        review=_review_keys(settings, session, config),
        ssm=ssm,
        live=_live(settings, session, config, ssm),
    )


def keep_operator_state(settings: Settings) -> list[str]:
    """See that mode and threshold are in Parameter Store; return the names of those that were not.

    See `handlers.runtime.operator_state`.
    """
    if settings.parameters is None:
        return []
    from handlers.runtime import operator_state

    made = clients(settings)
    return operator_state.keep(made.ssm, settings.parameters, made.log)


def runtime(settings: Settings, *, seconds_left: Callable[[], float]) -> Runtime:
    """Build what one invocation needs.

    Parameters
    ----------
    seconds_left : callable
        Until the function's own limit.
    """
    made, held = clients(settings), configuration(settings)

    def look_up(finding: Finding) -> Context:
        most = min(seconds_left() - _FOR_EFFECTS, _MOST_FOR_ENRICHMENT)
        deadline = time.time() + max(_LEAST_FOR_ENRICHMENT, most)
        return enrich(finding, made.aws, vendors=held.policy.known_vendors, deadline=deadline)

    return Runtime(
        card=held.card,
        policy=held.policy,
        mode=held.mode,
        enrich=look_up,
        analyzers=made.analyzers,
        channels=made.channels,
        log=msgspec.structs.replace(made.log, lease_seconds=seconds_left() + _GRACE),
        now=partial(datetime.now, UTC),
        configuration_error=held.configuration_error,
        security_hub=made.security_hub,
        review_links=made.review.links_if_any if made.review else None,
        enforce_needs=settings.enforce_needs,
    )


def configuration(settings: Settings) -> Configuration:
    """Return what holds at the moment: from files, or as it is in Parameter Store and in the bucket.

    Raises
    ------
    BadInput
        A file is invalid.
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        AWS fails for a moment, and there is nothing yet that could stand in.
    """
    live = clients(settings).live
    return _from_files(settings) if live is None else live.at(datetime.now(UTC))


def _from_files(settings: Settings) -> Configuration:
    model = None if _is_bucket(settings.model) else settings.model
    rules = _policy(*_version(settings.policy or policy.DEFAULT))
    card = _card(*_version(model or formats.DEFAULT))
    return Configuration(card=card, policy=rules, mode=settings.mode or rules.mode)


def _live(settings: Settings, session: boto3.Session, config: object, ssm: Client) -> Live | None:
    address = settings.model if _is_bucket(settings.model) else None
    if settings.parameters is None and address is None:
        return None
    bucket = Bucket(session.client("s3", config=config), address, _MOST_BYTES) if address else None
    return Live(ssm, settings.parameters, bucket, _from_files(settings))


def _is_bucket(model: str | None) -> bool:
    return model is not None and model.startswith(SCHEME)


@lru_cache(maxsize=4)
def _policy(path: str, _changed: int) -> policy.Policy:
    return policy.load(path)


@lru_cache(maxsize=4)
def _card(path: str, _changed: int) -> Scorecard:
    return formats.load(path)


def _version(path: str | Path) -> tuple[str, int]:
    """Tell one version of a file or of a model's folder from the next: no version is read twice."""
    files = (Path(path), Path(path, "current"), Path(path, "scorecard.json"))
    return str(path), max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)


def _review_keys(settings: Settings, session: boto3.Session, config: object) -> ReviewKeys | None:
    if not (settings.review_url and settings.review_secret):
        return None
    client = session.client("secretsmanager", config=config)
    return ReviewKeys(client, settings.review_secret, settings.review_url, settings.table)


def regional(session: boto3.Session, service: str, config: object) -> RegionalClients:
    """Give the clients of one service by region, each made once."""

    @lru_cache(maxsize=64)
    def client(region: str) -> object:
        return session.client(service, region_name=region, config=config)

    return client
