"""The AWS of the demo: accounts and resources of the simulated organization that findings name."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from embedded.organization.organization import Account, Organization
from embedded.organization.resources import MAKERS, Resource
from scoring.findings.arn import Arn

if TYPE_CHECKING:
    from embedded.aws import EmbeddedAws
    from training.simulate import Organization as Simulated
    from training.simulate import Resource as Owned
    from training.simulate import SimulatedRecord

ACCOUNTS, RESOURCES = 12, 500
REGION = "eu-west-1"
MEMBER_ROLE = "access-triage"
TABLE, TOPIC = "access-triage-decisions", "access-triage-alerts"
MANAGEMENT = "999900001111"

_ANALYZERS = {
    "organization": "ORGANIZATION",
    "internal-access": "ORGANIZATION_INTERNAL_ACCESS",
    "unused-access": "ORGANIZATION_UNUSED_ACCESS",
}
# What is made in the place of a type that cannot be made by itself: a stream is part of its table.
_MADE_AS = {"AWS::DynamoDB::Stream": "AWS::DynamoDB::Table"}
# Only these take tags that others would refuse; in AWS, too, what a tag may hold differs between services.
_TAKE_ANY_TAG = ("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret")


@dataclass(frozen=True)
class Story:
    """What happens in the demo: the findings in the order of time, and whose they are."""

    organization: Simulated
    records: tuple[SimulatedRecord, ...]
    unreachable: tuple[str, ...]  # accounts without our role
    set_apart: tuple[str, ...]  # accounts for the arranged scenes: production, development, development


def tell(seed: int, findings: int) -> Story:
    """Simulate an organization and so many findings of its organization's analyzers.

    Some of the findings carry text that tries to break whatever shows it.
    """
    from training.simulate import Organization as Simulated

    organization = Simulated.build(seed, accounts=ACCOUNTS, resources=RESOURCES)
    records = _findings(organization, seed, findings)
    of_account = Counter(_detail(record)["accountId"] for record in records)
    del of_account[organization.analyzer_account]
    seldom = sorted(of_account, key=lambda account: (of_account[account], account))
    unreachable = tuple(seldom[: math.ceil(len(seldom) / 8)])
    reachable = [account for account in organization.accounts if account.id not in unreachable]
    production = [account.id for account in reachable if account.ou == "Workloads/Prod"]
    development = [account.id for account in reachable if account.ou == "Workloads/Dev"]
    return Story(organization, records, unreachable, (production[0], *development[:2]))


def _findings(organization: Simulated, seed: int, count: int) -> tuple[SimulatedRecord, ...]:
    from training.simulate import simulate

    # An organization's analyzer reports on its own region, and not what one account shares with another.
    drawn = simulate(7 * count + 100, seed=seed, organization=organization, unknown=0.0, hostile=True)
    place = f"arn:aws:access-analyzer:{REGION}:{organization.analyzer_account}:analyzer/"
    ours = [r for r in drawn if _analyzer(r).removeprefix(place) in _ANALYZERS]
    distinct: dict[str, SimulatedRecord] = {}
    for record in ours:
        distinct.setdefault(_access(record), record)
    chosen = list(distinct.values()) if len(distinct) >= count else ours
    return tuple(chosen[:count])


def _access(record: SimulatedRecord) -> str:
    """What makes two findings the same: Access Analyzer makes one for each resource and principal."""
    detail = _detail(record)
    return repr([detail["resource"], detail.get("findingType"), detail.get("principal")])


def describe(story: Story) -> Organization:
    """Describe the accounts to build; `furnish` makes the resources in them."""
    accounts = story.organization.accounts
    security = next(a.name for a in accounts if a.id == story.organization.analyzer_account)
    return Organization(
        management=Account("management", MANAGEMENT),
        accounts=tuple(Account(a.name, a.id, a.ou, a.tags) for a in accounts),
        security=security,
        id=story.organization.id,
        analyzer="organization",
    )


def furnish(aws: EmbeddedAws, story: Story, seed: int) -> Story:
    """Make the resources that findings name, and everything that the handler needs.

    Returns
    -------
    Story
        The same one, with the ARNs that the embedded AWS chose.
    """
    from scoring.decision_log import audit_key, table
    from scoring.decision_log.log import DecisionLog

    _make_roles(aws, story)
    table.create(aws.client("dynamodb"), TABLE)
    log = DecisionLog.in_table(aws.client("dynamodb"), TABLE)
    audit_key.keep_secret(log, b"the same sample in each demo")
    for analyzer in sorted({_analyzer(record) for record in story.records}):
        _make_analyzer(aws, analyzer)
    resources = {resource.arn: resource for resource in story.organization.resources}
    spoiled = {_detail(r)["resource"]: r.record["context"]["tags"] for r in story.records}
    make = Maker(aws, story.set_apart)
    arns = {arn: make(resources[arn], spoiled[arn]) for arn in sorted(spoiled)}
    organization = story.organization.substituted(arns=arns)
    records = _findings(organization, seed, len(story.records))
    return replace(story, organization=organization, records=records)


class Maker:
    """Makes simulated resources; a call returns the ARN that findings about the resource name."""

    def __init__(self, aws: EmbeddedAws, set_apart: Iterable[str]) -> None:
        self._aws = aws
        # An alias names one key of an account and region, and some are set apart for the arranged scenes.
        self._aliases = {(account, aws.region, "alias/DevelopmentKey") for account in set_apart}

    def __call__(self, owned: Owned, tags: Mapping[str, str]) -> str:
        """Make one, with these tags where its service takes any text."""
        session = self._aws.session(owned.account, owned.region)
        if owned.type == "AWS::Lambda::LayerVersion":
            published = session.client("lambda").publish_layer_version(
                LayerName=owned.name, Content={"ZipFile": _empty_zip()}
            )
            return str(published["LayerVersionArn"])
        made_as = _MADE_AS.get(owned.type, owned.type)
        if made_as not in MAKERS:
            return owned.arn
        tags = tags if made_as in _TAKE_ANY_TAG else owned.tags
        arn = MAKERS[made_as](session, Resource(made_as, owned.name, tags, self._free_aliases(owned)))
        return arn if made_as == owned.type else owned.arn

    def _free_aliases(self, owned: Owned) -> tuple[str, ...]:
        free = {(owned.account, owned.region, alias) for alias in owned.aliases} - self._aliases
        self._aliases |= free
        return tuple(sorted(alias.removeprefix("alias/") for _, _, alias in free))


def _make_roles(aws: EmbeddedAws, story: Story) -> None:
    for account in story.organization.accounts:
        if account.id != aws.account and account.id not in story.unreachable:
            aws.client("iam", account.id).create_role(
                RoleName=MEMBER_ROLE, AssumeRolePolicyDocument=json.dumps(_trusting(aws.account))
            )


def _trusting(account: str) -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_topic(aws: EmbeddedAws) -> str:
    """Make the topic of the alerts, with an email address that receives them; return its ARN."""
    sns = aws.client("sns")
    arn: str = sns.create_topic(Name=TOPIC)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="security@example.com")
    return arn


def _make_analyzer(aws: EmbeddedAws, arn: str) -> None:
    analyzer_arn = Arn.parse(arn)
    name = analyzer_arn.resource.removeprefix("analyzer/")
    client = aws.client("accessanalyzer", analyzer_arn.account, analyzer_arn.region)
    if all(analyzer["name"] != name for analyzer in client.list_analyzers()["analyzers"]):
        client.create_analyzer(analyzerName=name, type=_ANALYZERS[name])


def _detail(record: SimulatedRecord) -> dict[str, Any]:
    detail: dict[str, Any] = record.record["finding"]["detail"]
    return detail


def _analyzer(record: SimulatedRecord) -> str:
    arn: str = record.record["finding"]["resources"][0]
    return arn


def _empty_zip() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo("empty.py"), "")
    return whole.getvalue()
