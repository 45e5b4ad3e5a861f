"""The facts that come in bulk, for many findings with few requests.

Tags come from the Resource Groups Tagging API, which lists only what is or once was tagged. A resource that
is not on its list has no tags, if (1) the API serves the type, (2) it was asked in the resource's own account
and region, and (3) the list was read to its end. Where one of the three fails, the tags are unknown.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from scoring.aws.enrich.lookup import Facts, some, tags
from scoring.aws.enrich.organization import principal_accounts
from scoring.aws.enrich.resources import ENRICHERS
from scoring.aws.enrich.single import Aws, account_steps, context, known_facts, resource_steps
from scoring.aws.errors import Unavailable, guarded
from scoring.aws.sessions import Client
from scoring.findings.arn import Arn
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, Absent, Fact, Unknown
from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE

ACTIONS = ("kms:ListAliases", "tag:GetResources")

_CUT_SHORT = Unknown("list too long")
_KEY = "AWS::KMS::Key"
_Name: TypeAlias = tuple[str, str]  # the service, and what follows the account in the ARN


class _AccountRegion(NamedTuple):
    account: str
    region: str


class _Question(NamedTuple):
    """What is asked about one resource: the tags of a name, and the aliases if it is a key."""

    asked_in: _AccountRegion
    kind: str
    name: _Name
    key: str | None


def enrich_many(
    findings: Sequence[Finding], aws: Aws, *, vendors: Mapping[str, str] | None = None, deep: bool = False
) -> Iterator[Context]:
    """Find out what surrounds many findings, in their order; never raises.

    Takes one request for each 100 tagged resources, one for each 100 aliases, and of Organizations one for
    each 20 accounts or one for each account named, whatever is less. A list is read no further than one
    request for each 25 resources asked for (at least 20): beyond that, single requests serve better.

    Parameters
    ----------
    vendors : dict, optional
        Account numbers of known vendors, and their names.
    deep : bool
        Ask about each resource by itself (once, however many findings it has): this gives the tags of those
        types that do not come in bulk, and the details.

    Yields
    ------
    Context
        Without `deep`, the tags of types that the tagging API does not serve and all details are left as
        never looked up.
    """
    accounts = {account for finding in findings for account in principal_accounts(finding)}
    accounts.update(finding.account for finding in findings if finding.account)
    aws.organization.preload(accounts)
    of_resources = _one_by_one(findings, aws) if deep else _in_bulk(findings, aws)
    for finding, of_resource in zip(findings, of_resources, strict=True):
        facts = {**known_facts(finding.resource_type), **of_resource}
        for step in account_steps(finding, aws, vendors or {}):
            facts.update(guarded(step.facts, step.find))
        yield context(facts)


def _one_by_one(findings: Iterable[Finding], aws: Aws) -> Iterator[Facts]:
    known: dict[tuple[str | None, ...], dict[str, Fact[Any]]] = {}
    for finding in findings:
        resource = (finding.resource_type, finding.resource, finding.account, finding.region)
        if resource not in known:
            known[resource] = {}
            for step in resource_steps(finding, aws):
                known[resource].update(guarded(step.facts, step.find))
        yield known[resource]


def _in_bulk(findings: Sequence[Finding], aws: Aws) -> Iterator[Facts]:
    asked: list[_Question | Facts] = []
    by_region: dict[_AccountRegion, set[_Question]] = defaultdict(set)
    for finding in findings:
        question = _question(finding)
        asked.append(question)
        if isinstance(question, _Question):
            by_region[question.asked_in].add(question)
    answers: dict[_Question, Facts] = {}
    for asked_in, questions in by_region.items():
        answers.update(_answer(asked_in, questions, aws))
    for question in asked:
        yield answers[question] if isinstance(question, _Question) else question


def _question(finding: Finding) -> _Question | Facts:
    """Say what to ask about a finding's resource, or why nothing can be asked."""
    enricher = ENRICHERS.get(finding.resource_type)
    if enricher is None or enricher.bulk_tags is None:
        return {}
    is_key = finding.resource_type == _KEY
    try:
        resource = enricher.resource(finding)
        if resource.region is None:
            raise Unavailable("region of the resource not given")
    except Unavailable as error:
        return dict.fromkeys(("tags", "aliases") if is_key else ("tags",), Unknown(str(error)))
    return _Question(
        asked_in=_AccountRegion(resource.account, resource.region),
        kind=enricher.bulk_tags,
        name=(TABLE[finding.resource_type].service, resource.tagged_name),
        key=resource.id if is_key else None,
    )


def _answer(asked_in: _AccountRegion, questions: Iterable[_Question], aws: Aws) -> dict[_Question, Facts]:
    """Answer all questions about one account and region."""

    def client(service: str) -> Client:
        return aws.sessions.client(service, account=asked_in.account, region=asked_in.region)

    names = {question.name for question in questions}
    kinds = sorted({question.kind for question in questions})
    keys = {question.key for question in questions if question.key is not None}
    tags_of: dict[_Name, Fact[Any]] = {}
    others = _outcome(lambda: _list_tags(client("resourcegroupstaggingapi"), kinds, names, tags_of))
    aliases_of: dict[str, list[str]] = defaultdict(list)
    outcome = _outcome(lambda: _list_aliases(client("kms"), keys, aliases_of)) if keys else ABSENT
    answers: dict[_Question, Facts] = {}
    for question in questions:
        facts = {"tags": tags_of.get(question.name, others)}
        if question.key is not None:
            # A list that ends early may lack some aliases even of a key that is on it.
            is_whole = isinstance(outcome, Absent)
            facts["aliases"] = some(tuple(aliases_of.get(question.key, ()))) if is_whole else outcome
        answers[question] = facts
    return answers


def _outcome(list_all: Callable[[], Absent | Unknown]) -> Fact[Any]:
    return guarded(("list",), lambda: {"list": list_all()})["list"]


def _list_tags(
    client: Client, kinds: list[str], names: set[_Name], found: dict[_Name, Fact[Any]]
) -> Absent | Unknown:
    """Add the tags that are listed; return what holds for a resource that is not.

    A resource is never split over two pages, so what was found before a failure stands.
    """
    pages = client.get_paginator("get_resources").paginate(ResourceTypeFilters=kinds, ResourcesPerPage=100)
    for number, page in enumerate(pages, start=1):
        for listed in page["ResourceTagMappingList"]:
            # By service and name: whether the ARN of a snapshot has an account in it differs.
            arn = Arn.parse(listed["ResourceARN"])
            if (name := (arn.service, arn.resource)) in names:
                found[name] = tags(listed.get("Tags"))
        if len(found) == len(names):
            break
        if number >= _most_pages(len(names)) and page.get("PaginationToken"):
            return _CUT_SHORT
    return ABSENT


def _list_aliases(client: Client, keys: set[str], found: dict[str, list[str]]) -> Absent | Unknown:
    for number, page in enumerate(client.get_paginator("list_aliases").paginate(Limit=100), start=1):
        for alias in page["Aliases"]:
            if (key := alias.get("TargetKeyId")) in keys:
                found[key].append(alias["AliasName"])
        if number >= _most_pages(len(keys)) and page.get("Truncated"):
            return _CUT_SHORT
    return ABSENT


def _most_pages(resources: int) -> int:
    return max(20, resources // 25)
