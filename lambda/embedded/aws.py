"""The embedded AWS itself: everything in this package under one context manager."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from embedded import clock as clocks
from embedded.access_analyzer import register
from embedded.findings import Findings
from embedded.organization.organization import BuiltOrganization, Organization, build
from embedded.services import faster_moto
from embedded.services.delivery import Delivery, Handler, Target
from embedded.services.event_bus import Event, put_on_default_bus
from embedded.services.inbox import Inbox
from embedded.services.policy_simulator import simulating
from embedded.sessions import Sessions, shared_loader
from scoring.findings.arn import Arn

if TYPE_CHECKING:
    import boto3

FINDINGS = {"source": ["aws.access-analyzer"]}


class EmbeddedAws:
    """An AWS in this process: moto with Access Analyzer, event delivery and, if wanted, an organization.

    Inside the block every boto3 client, wherever it is made, talks to the box with credentials of the home
    account; no call leaves the machine. There is one box at a time, since moto has one state.

    Parameters
    ----------
    organization
        A description of an organization to build on entry; see
        `embedded.organization.sample.small_organization`.
    account
        The home account, where handlers run: the organization's security account, else 111122223333.
    region
        The home region.
    seed
        Seeds the ids that moto and this package make up, so that the same calls give the same ids.
    clock
        Tells the time of findings and events instead of the machine's clock.
    delivery
        Carries events to handlers. By default each event is delivered as soon as the call that caused it has
        finished; `Delivery(at_once=False)` lets events wait until `deliver` is called.

    Attributes
    ----------
    findings
        What Access Analyzer does by itself: adds findings, changes them, and returns them as they are now.
    events
        Every event Access Analyzer has sent so far, oldest first, delivered or not.
    delivery
        Its `pending`, `invocations` and `dead_letters` show what happened to each event.

    Examples
    --------
    A function that archives what it is told of, and hears of its own archive:

    >>> import boto3
    >>> def handler(event, context):
    ...     detail = event["detail"]
    ...     if detail["status"] == "ACTIVE":
    ...         boto3.client("accessanalyzer").update_findings(
    ...             analyzerArn=event["resources"][0], ids=[detail["id"]], status="ARCHIVED")
    ...     return detail["status"]
    >>> with EmbeddedAws() as aws:
    ...     aws.deliver_to(handler)
    ...     finding = aws.findings.put({
    ...         "resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket",
    ...         "principal": {"AWS": "*"}, "action": ["s3:GetObject"], "isPublic": True})
    ...     told = [invocation.result for invocation in aws.delivery.invocations]
    ...     told, aws.findings.get(finding.id).status
    'arn:aws:lambda:eu-west-1:111122223333:function:triage'
    (['ACTIVE', 'ARCHIVED'], 'ARCHIVED')
    """

    _open: ClassVar[bool] = False

    def __init__(
        self,
        organization: Organization | None = None,
        *,
        account: str | None = None,
        region: str = "eu-west-1",
        seed: int = 0,
        clock: clocks.Clock | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        home = organization.security_account.id if organization else "111122223333"
        self.account = account or home
        self.region = region
        self.events: list[Event] = []
        self.delivery = delivery or Delivery()
        self.findings = Findings(self.account, region, "ORGANIZATION" if organization else "ACCOUNT")
        self._built: BuiltOrganization | None = None
        self._description = organization
        self._seed = seed
        self._clock = clock
        self._sessions = Sessions(region)
        self._inside = ExitStack()

    def __enter__(self) -> EmbeddedAws:
        from moto import mock_aws
        from moto.moto_api._internal import mock_random

        from embedded.access_analyzer.events import listening

        if EmbeddedAws._open:
            raise RuntimeError("another EmbeddedAws is open: there is one at a time")
        register()
        with ExitStack() as inside:
            inside.callback(setattr, EmbeddedAws, "_open", False)
            EmbeddedAws._open = True
            inside.enter_context(patch.dict(os.environ))
            self._set_environment()
            inside.enter_context(patch("botocore.session.create_loader", shared_loader))
            inside.enter_context(mock_aws())
            inside.enter_context(faster_moto.patched())
            inside.enter_context(simulating())
            mock_random.seed(self._seed)
            inside.enter_context(clocks.running(self._clock))
            inside.enter_context(self.delivery)
            inside.enter_context(listening(self._hear))
            os.environ.update(self.credentials())
            inside.callback(os.environ.update, self.credentials())  # moto fails where somebody took them away
            if self._description:
                self._built = build(self._description, self.session)
            self._inside = inside.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._inside.close()
        self._sessions = Sessions(self.region)

    # --- accounts

    @property
    def organization(self) -> BuiltOrganization:
        """Ids and ARNs of the organization that was built on entry.

        Raises
        ------
        LookupError
            None was described.
        """
        if self._built is None:
            raise LookupError("no organization: EmbeddedAws was given no description of one")
        return self._built

    def session(self, account: str | None = None, region: str | None = None) -> boto3.Session:
        """A boto3 session in an account, the home account and region unless told otherwise."""
        return self._sessions.get(account or self.account, region or self.region)

    def client(self, service: str, account: str | None = None, region: str | None = None) -> Any:
        """A boto3 client in an account, the home account and region unless told otherwise."""
        return self.session(account, region).client(service)

    def credentials(self, account: str | None = None) -> dict[str, str]:
        """Credentials of an account, by the names of the environment variables that carry them."""
        return self._sessions.credentials(account or self.account)

    # --- events and messages

    def deliver_to(
        self,
        handler: Handler,
        *,
        name: str = "triage",
        pattern: Mapping[str, Any] | None = None,
        retries: int = 2,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: str | None = None,
    ) -> str:
        """Let a handler receive events, through a rule on the home account's default bus.

        Parameters
        ----------
        handler
            Called with (event, context) as Lambda calls it, under the home account's credentials.
        name
            Of the rule and the function.
        pattern
            The rule's event pattern; otherwise all that Access Analyzer sends.
        retries, environment, dead_letter_queue
            See `embedded.services.delivery.Target`.

        Returns
        -------
        str
            The function's ARN.
        """
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        self.delivery.register(
            Target(
                arn,
                handler,
                retries=retries,
                environment=environment or {},
                dead_letter_queue=dead_letter_queue,
            )
        )
        events = self.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(dict(pattern or FINDINGS)))
        events.put_targets(Rule=name, Targets=[{"Id": name, "Arn": arn}])
        return arn

    def deliver(self) -> int:
        """Deliver the events that wait, and return how many they were."""
        return self.delivery.deliver()

    def create_topic(self, name: str) -> Inbox:
        """An SNS topic of the home account, as an inbox that reads it; its ARN is `topic_arn`."""
        return self.inbox(self.client("sns").create_topic(Name=name)["TopicArn"])

    def inbox(self, topic_arn: str) -> Inbox:
        """An inbox of all that is published to a topic from now on."""
        topic = Arn.parse(topic_arn)
        return Inbox(self.session(topic.account, topic.region), topic_arn)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serve the same box over HTTP on this machine, for other processes; yields the endpoint's address.

        They need the address as AWS_ENDPOINT_URL and `credentials`. Takes flask (moto's extra `server`).
        """
        import logging

        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        try:
            host, bound = server.get_host_and_port()
            yield f"http://{host}:{bound}"
        finally:
            server.stop()

    # --- inside

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        event["id"] = put_on_default_bus(event)

    def _set_environment(self) -> None:
        """Drop what the machine has set up for a real AWS: profiles, endpoints, roles, another account."""
        for name in [name for name in os.environ if name.startswith("AWS_") or name == "MOTO_ACCOUNT_ID"]:
            del os.environ[name]
        os.environ.update(
            {
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_REGION": self.region,
                "AWS_DEFAULT_REGION": self.region,
                "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # a third of a second in each account, for nothing
            }
        )
