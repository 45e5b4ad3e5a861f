"""What an enricher is made of: requests to AWS, each with what it needs and what it tells."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from scoring.aws.errors import Unavailable, code
from scoring.aws.sessions import Client
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.facts import ABSENT, Fact, Present
from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE

Facts: TypeAlias = Mapping[str, Fact[Any]]


class Resource(NamedTuple):
    """The resource of a finding.

    Attributes
    ----------
    account : str
        The owner; an ARN without an account (buckets, snapshots) takes it from the finding.
    region : str or None
        An ARN without a region takes it from the finding.
    name : str
        What follows the account in the ARN, e.g. ``role/path/name``.
    id : str
        What the API wants to hear, e.g. ``name``.
    tagged_name : str
        What follows the account in the ARN of what carries the tags: the function for a version of it, the
        table for its stream, otherwise the resource itself.
    """

    arn: str
    region: str | None
    account: str
    name: str
    id: str
    tagged_name: str

    @property
    def tagged_arn(self) -> str:
        """The ARN of what carries the tags."""
        return self.arn.removesuffix(self.name) + self.tagged_name


class Lookup(NamedTuple):
    """One request to AWS and what it tells.

    Attributes
    ----------
    service : str
        Name of the boto3 client.
    actions : tuple of str
        The IAM actions that the request needs.
    facts : tuple of str
        Names of the facts that it tells.
    ask : callable
        The input and output: makes the request with a client, all pages of it.
    read : callable
        The pure part: the response to the facts.
    nothing : tuple of str
        Error codes that say that there is nothing, so that the facts are absent.
    on_any_resource : bool
        Whether IAM ties the actions to no resource, so that a role has to allow them on ``*``.
    """

    service: str
    actions: tuple[str, ...]
    facts: tuple[str, ...]
    ask: Callable[[Client, Resource], Any]
    read: Callable[[Any], Facts]
    nothing: tuple[str, ...] = ()
    on_any_resource: bool = False

    def find(self, client: Client, resource: Resource) -> Facts:
        """Make the request and read the response; botocore's exceptions pass through."""
        try:
            response = self.ask(client, resource)
        except Exception as error:
            if code(error) in self.nothing:
                return dict.fromkeys(self.facts, ABSENT)
            raise
        return self.read(response)


class Enricher(NamedTuple):
    """How the facts about one resource type are found.

    Attributes
    ----------
    resource_type : str
        A type of `scoring.findings.resource_types.TABLE`.
    pattern : str
        What follows the type's prefix in its ARNs; the first group is the resource's `id`.
    known : dict
        Facts that hold for every resource of the type, such as tags where it can carry none.
    bulk_tags : str or None
        The type's name in the Resource Groups Tagging API, where that serves it.
    is_global : bool
        Whether the service is the same in all regions.
    """

    resource_type: str
    pattern: str
    lookups: tuple[Lookup, ...]
    known: Facts = MappingProxyType({})
    bulk_tags: str | None = None
    is_global: bool = False

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that all lookups together need, sorted."""
        return tuple(sorted({action for lookup in self.lookups for action in lookup.actions}))

    def resource(self, finding: Finding) -> Resource:
        """Take the ARN of a finding's resource apart.

        Raises
        ------
        Unavailable
            It is no ARN of this type, or belongs to another account than the finding says, or to nobody
            known.
        """
        row = TABLE[self.resource_type]
        arn = Arn.try_parse(finding.resource)
        if arn is None or arn.service != row.service:
            raise Unavailable("unexpected resource ARN")
        match = re.fullmatch(f"{re.escape(row.prefix)}{self.pattern}", arn.resource, re.ASCII)
        if match is None:
            raise Unavailable("unexpected resource ARN")
        owner = finding.account or arn.account
        if arn.account and arn.account != owner:
            raise Unavailable("resource and finding name different accounts")
        if not is_account_id(owner):
            raise Unavailable("account of the resource not given")
        return Resource(
            arn=finding.resource,
            region=arn.region or finding.region,
            account=owner,
            name=arn.resource,
            id=match[1],
            tagged_name=row.prefix + match[1],
        )


def first(found: Sequence[Any]) -> Any:
    """Return the one thing that was asked for.

    Raises
    ------
    Unavailable
        It is not there.
    """
    if not found:
        raise Unavailable("NotFound")
    return found[0]


def tags(
    pairs: Iterable[Mapping[str, str]] | None, key: str = "Key", value: str = "Value"
) -> Fact[dict[str, str]]:
    """Turn AWS's list of tags into a fact.

    Examples
    --------
    >>> tags([{"Key": "env", "Value": "prod"}])
    Present(value={'env': 'prod'})
    >>> tags([])
    Absent()
    """
    return some({pair[key]: pair.get(value, "") for pair in pairs or ()})


def some(value: Any) -> Fact[Any]:
    """Return a present fact, or absent for None and for what is empty; a moment becomes text, in UTC.

    Examples
    --------
    >>> some("text"), some(""), some(False)
    (Present(value='text'), Absent(), Present(value=False))
    >>> some(datetime(2026, 11, 1, 10, tzinfo=UTC))
    Present(value='2026-11-01T10:00:00Z')
    """
    if isinstance(value, datetime):
        return Present(f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return ABSENT if value is None or value in ("", {}, [], ()) else Present(value)
