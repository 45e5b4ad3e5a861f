"""Clients for the account and region of a resource, each made once."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from cachetools import LRUCache, TLRUCache

from scoring.aws.errors import DENIED, Unavailable, reason

if TYPE_CHECKING:
    import boto3

USER_AGENT = "access-triage"
"""CloudTrail keeps what a client says of itself: by that our own calls are known, whoever made them."""

_CLIENTS = 128
_ACCOUNTS = 2048
_EARLY = 300.0  # seconds before their end at which credentials are no longer used
_REFUSED_FOR = 30.0  # seconds for which a role that could not be assumed is not tried again


Client: TypeAlias = Any  # boto3 makes the classes of its clients while it runs


class Clients(Protocol):
    """Where clients come from; `Sessions` is one."""

    def client(self, service: str, *, account: str | None = None, region: str | None = None) -> Client:
        """Return a client that sees the account's resources in the region, ours by default."""


RegionalClients: TypeAlias = Callable[[str], Client]
"""Region to a client of one service, in the account we run in."""


def regional(clients: Clients, service: str) -> RegionalClients:
    """Give the clients of one service by region."""
    return lambda region: clients.client(service, region=region)


class _Credentials(NamedTuple):
    keys: Mapping[str, str]
    until: float


class _AccessRefused(NamedTuple):
    why: str


class Sessions:
    """Makes and keeps boto3 clients: directly in the account we run in, by a role in any other.

    Parameters
    ----------
    session : boto3.Session
        Where we run.
    clock : callable
        Seconds since the epoch, such as ``time.time``.
    account : str, optional
        The account we run in; asked of STS once where it is not given.
    role_name : str, optional
        Name (with its path, if it has one) of the role to assume in other accounts. Without it, they are out
        of reach.
    external_id : str, optional
        What the role's trust policy asks for.
    attempts : int
        How often a request is made at most.
    """

    def __init__(
        self,
        session: "boto3.Session",
        *,
        clock: Callable[[], float],
        account: str | None = None,
        role_name: str | None = None,
        external_id: str | None = None,
        attempts: int = 3,
    ) -> None:
        self._session = session
        self._clock = clock
        self._account = account
        self._role_name = role_name
        self._external_id = external_id
        self._attempts = attempts
        self._config: Any = None
        self._lock = RLock()
        self._clients: LRUCache[tuple[str | None, ...], Client] = LRUCache(_CLIENTS)
        self._roles: TLRUCache[str, _Credentials | _AccessRefused] = TLRUCache(
            _ACCOUNTS, _expiry, timer=clock
        )

    @property
    def account(self) -> str:
        """The account we run in, twelve digits."""
        if self._account is None:
            self._account = str(self.client("sts").get_caller_identity()["Account"])
        return self._account

    def client(self, service: str, *, account: str | None = None, region: str | None = None) -> Client:
        """Return a client, made at the first call; boto3's own settings (profile, endpoint) hold.

        Parameters
        ----------
        service : str
            Name of the boto3 client.
        account : str, optional
            Whose resources it is to see; ours by default.
        region : str, optional
            The session's by default.

        Raises
        ------
        Unavailable
            The role in the account cannot be assumed; the text says what to do.
        """
        region = region or self._session.region_name
        if account is None or account == self.account:
            return self._made(service, region, {})
        return self._made(service, region, self._assume(account))

    def _made(self, service: str, region: str | None, keys: Mapping[str, str]) -> Client:
        name = (service, region, keys.get("aws_access_key_id"))
        with self._lock:  # a session may be used by one thread at a time, its clients by many
            client = self._clients.get(name)
            if client is None:
                client = self._session.client(service, region_name=region, config=self._settings(), **keys)
                self._clients[name] = client
        return client

    def _settings(self) -> Any:
        if self._config is None:
            from botocore.config import Config

            self._config = Config(
                connect_timeout=2,
                read_timeout=5,
                retries={"mode": "adaptive", "total_max_attempts": self._attempts},
                user_agent_extra=USER_AGENT,
            )
        return self._config

    def _assume(self, account: str) -> Mapping[str, str]:
        with self._lock:
            known = self._roles.get(account)
        if known is None:
            known = self._try_to_assume(account)
            with self._lock:
                self._roles[account] = known
        if isinstance(known, _AccessRefused):
            raise Unavailable(known.why)
        return known.keys

    def _try_to_assume(self, account: str) -> _Credentials | _AccessRefused:
        if self._role_name is None:
            return _AccessRefused(f"account {account} is not ours: name a role to assume in member accounts")
        request = {
            "RoleArn": f"arn:{self._partition()}:iam::{account}:role/{self._role_name}",
            "RoleSessionName": "access-triage",
        }
        if self._external_id:
            request["ExternalId"] = self._external_id
        try:
            found = self.client("sts").assume_role(**request)["Credentials"]
        except Exception as error:
            why = reason(error)
            if why is None:
                raise
            return _AccessRefused(self._advice(why, account))
        keys = {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }
        return _Credentials(keys, found["Expiration"].timestamp() - _EARLY)

    def _advice(self, why: str, account: str) -> str:
        if why not in DENIED:
            return f"AssumeRole {why}"
        with_id = " with the external id" if self._external_id else ""
        return (
            f"AssumeRole AccessDenied: account {account} lacks the role {self._role_name},"
            f" the role does not trust account {self.account}{with_id}, or we lack the right to assume it"
        )

    def _partition(self) -> str:
        region = self._session.region_name
        return str(self._session.get_partition_for_region(region)) if region else "aws"


def _expiry(_account: str, known: _Credentials | _AccessRefused, now: float) -> float:
    return known.until if isinstance(known, _Credentials) else now + _REFUSED_FOR
