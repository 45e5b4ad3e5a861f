"""The analyzers that a command is told of, and their findings as the API lists them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec

from scoring.aws import analyzers
from scoring.aws.errors import as_bad_input, code
from scoring.aws.sessions import Client, Clients, Writers
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding, from_api
from scoring.findings.record import Case

Family = Literal["external", "internal", "unused"]
ListedFinding = Mapping[str, Any]

PAGE = 100
_VALUES = 20  # of one filter criterion, at most
_NOT_TO_BE_CHANGED = ("ResourceNotFoundException", "ValidationException")
_ARN = re.compile(
    r"arn:aws[a-z-]*:access-analyzer:([a-z0-9-]+):([0-9]{12}):analyzer/([A-Za-z_][A-Za-z0-9_.-]{0,254})",
    re.ASCII,
)


class Analyzer(msgspec.Struct, frozen=True):
    """One analyzer; `type` is AWS's own, e.g. ``ORGANIZATION_UNUSED_ACCESS``."""

    arn: str
    name: str
    region: str
    account: str
    type: str
    status: str = "ACTIVE"

    @property
    def family(self) -> Family:
        """Which findings it makes."""
        if self.type.endswith("_UNUSED_ACCESS"):
            return "unused"
        return "internal" if self.type.endswith("_INTERNAL_ACCESS") else "external"

    @property
    def whole_organization(self) -> bool:
        """Whether its zone of trust is the organization."""
        return self.type.startswith("ORGANIZATION")


class Place(msgspec.Struct, frozen=True):
    """What the ARN of an analyzer says."""

    arn: str
    name: str
    region: str
    account: str


def read_arn(arn: str) -> Place:
    """Take an analyzer's ARN apart.

    Raises
    ------
    BadInput
        It is none.

    Examples
    --------
    >>> read_arn("arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org").region
    'eu-west-1'
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        expected = "expected arn:aws:access-analyzer:<region>:<account>:analyzer/<name>"
        raise BadInput(expected, field="--analyzer-arn", value=arn)
    return Place(arn, name=match[3], region=match[1], account=match[2])


def look_up(arn: str, clients: Clients) -> Analyzer:
    """Ask what kind of analyzer it is: one request.

    Raises
    ------
    BadInput
        There is none, or AWS refuses to say.
    """
    place = read_arn(arn)
    with as_bad_input(arn):
        found = _client(place.region, clients).get_analyzer(analyzerName=place.name)["analyzer"]
    if found["arn"] != arn:
        raise BadInput(
            f"expected an analyzer of the account that the credentials belong to, there it is {found['arn']}",
            field="--analyzer-arn",
            value=arn,
        )
    return Analyzer(arn, place.name, place.region, place.account, found["type"], found["status"])


def list_rows(
    analyzer: Analyzer,
    clients: Clients,
    *,
    status: str | None = "ACTIVE",
    filters: Mapping[str, Any] = MappingProxyType({}),
    resources: Sequence[str] = (),
    most: int = PAGE,
) -> Iterator[ListedFinding]:
    """List findings, a page of 100 at a time: whole ones of external access, summaries of the others.

    Parameters
    ----------
    status : str or None
        None lists all.
    filters : mapping
        Further criteria, as the API takes them.
    resources : sequence of str
        Only those of these resources, by ARN; one request for each 20 of them.
    most : int
        Findings of a page.
    """
    client = _client(analyzer.region, clients)
    operation = "list_findings" if analyzer.family == "external" else "list_findings_v2"
    asked = {**filters, **({"status": {"eq": [status]}} if status else {})}
    for some in _batches(resources, _VALUES) if resources else [()]:
        criteria = {**asked, "resource": {"eq": list(some)}} if some else asked
        pages = client.get_paginator(operation).paginate(
            analyzerArn=analyzer.arn, filter=criteria, maxResults=most
        )
        with as_bad_input(f"list findings of {analyzer.arn}"):
            for page in pages:
                yield from page["findings"]


def read_row(
    row: ListedFinding, analyzer: Analyzer, clients: Clients, *, is_whole: bool = True
) -> tuple[Finding, ListedFinding]:
    """Make a finding of what was listed; what only the single request tells is asked for, all pages of it.

    Parameters
    ----------
    is_whole : bool
        Whether it is asked for; without it a finding of internal or unused access is what its summary says.

    Returns
    -------
    tuple
        The finding, and AWS's own words for it, with the analyzer's ARN in them.
    """
    is_here = analyzer.family == "external" or not is_whole
    whole = dict(row) if is_here else _details(row["id"], analyzer, clients)
    whole["analyzerArn"] = analyzer.arn
    family = {"internal": "InternalAccess", "unused": "Unused access, type not given"}
    finding = from_api(
        whole,
        analyzer_arn=analyzer.arn,
        region=analyzer.region,
        family=family.get(analyzer.family, "ExternalAccess"),
    )
    return finding, whole


def _details(finding_id: str, analyzer: Analyzer, clients: Clients) -> dict[str, Any]:
    pages = _client(analyzer.region, clients).get_paginator("get_finding_v2")
    whole: dict[str, Any] = {}
    details: list[Any] = []
    with as_bad_input(f"read finding {finding_id} of {analyzer.arn}"):
        for page in pages.paginate(analyzerArn=analyzer.arn, id=finding_id):
            details += page.get("findingDetails", ())
            whole |= {name: value for name, value in page.items() if name != "ResponseMetadata"}
    whole.pop("nextToken", None)
    return whole | {"findingDetails": details}


def update_status(
    analyzer_arn: str, finding_ids: Sequence[str], status: Literal["ACTIVE", "ARCHIVED"], clients: Clients
) -> list[str]:
    """Archive or re-activate findings, 100 a request; botocore's exceptions pass through.

    Returns
    -------
    list of str
        Those that are gone or resolved, and so can be neither.
    """
    client = _client(read_arn(analyzer_arn).region, clients)
    gone: list[str] = []
    for some in _batches(finding_ids, PAGE):
        try:
            client.update_findings(analyzerArn=analyzer_arn, ids=list(some), status=status)
        except Exception as error:
            if code(error) not in _NOT_TO_BE_CHANGED:
                raise
            # AWS takes all of them or none, and does not say which it cannot take.
            half = len(some) // 2
            parts = (some[:half], some[half:]) if half else ()
            gone += [one for part in parts for one in update_status(analyzer_arn, part, status, clients)]
            gone += [] if parts else list(some)
    return gone


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _client(region: str, clients: Clients) -> Client:
    return clients.client("accessanalyzer", region=region)


def read_again(
    finding_id: str, analyzer_arn: str | None, writers: Writers
) -> tuple[Finding, Mapping[str, Any]]:
    """Read a finding as it is now, with all pages of its details; give it with what AWS answered.

    Raises
    ------
    BadInput
        There is no such analyzer's ARN, or the answer is not what AWS sends.
    botocore.exceptions.ClientError
        AWS refused, or has no such finding.
    """
    arn, region = _place(analyzer_arn)
    client = writers.analyzer(region)
    answer = client.get_finding_v2(analyzerArn=arn, id=finding_id)
    details = list(answer.get("findingDetails", ()))
    while answer.get("nextToken"):
        answer = client.get_finding_v2(analyzerArn=arn, id=finding_id, nextToken=answer["nextToken"])
        details += answer.get("findingDetails", ())
    whole: Mapping[str, Any] = {
        k: v for k, v in answer.items() if k not in ("ResponseMetadata", "nextToken")
    } | {"findingDetails": details, "analyzerArn": arn}
    return from_api(whole, analyzer_arn=arn, region=region), whole


def archive(finding: Finding, writers: Writers) -> None:
    """Archive a finding; doing it twice does no harm."""
    arn, region = _place(finding.analyzer_arn)
    writers.analyzer(region).update_findings(analyzerArn=arn, ids=[finding.id], status="ARCHIVED")


def bring_back(finding_ids: Sequence[str], analyzer_arn: str, writers: Writers) -> list[str]:
    """Make findings of one analyzer active again, all in one request where AWS takes all of them.

    Returns
    -------
    list of str
        Those that are gone or resolved, and so can be neither.
    """
    arn, region = _place(analyzer_arn)
    client = writers.analyzer(region)
    try:
        client.update_findings(analyzerArn=arn, ids=list(finding_ids), status="ACTIVE")
    except Exception as error:
        if code(error) not in _NOT_TO_BE_CHANGED:
            raise
        if len(finding_ids) == 1:
            return list(finding_ids)
        return [one for finding_id in finding_ids for one in bring_back([finding_id], arn, writers)]
    return []


def _place(analyzer_arn: str | None) -> tuple[str, str]:
    parts = (analyzer_arn or "").split(":")
    if len(parts) < 6 or not parts[3]:
        raise BadInput("expected the ARN of an analyzer", field="resources[0]", value=analyzer_arn)
    return str(analyzer_arn), parts[3]


_ACTIVE = {"status": {"eq": ["ACTIVE"]}}
_AT_ONCE = 100


class FindingsPage(NamedTuple):
    """Findings, and the token of the next page; an empty token ends the list."""

    rows: list[Mapping[str, Any]]
    token: str


class ActiveFindings(NamedTuple):
    """The findings of one analyzer.

    Attributes
    ----------
    is_external : bool
        Whether the list gives whole findings; otherwise each has to be read by itself.
    """

    arn: str
    is_external: bool
    writers: Writers

    def pages(self, token: str) -> Iterator[FindingsPage]:
        """Give the pages from a token on; one that AWS no longer knows starts the list anew."""
        client = self.writers.analyzer(self.arn.split(":")[3])
        operation: Callable[..., Any] = client.list_findings if self.is_external else client.list_findings_v2
        while True:
            asked: dict[str, Any] = {"analyzerArn": self.arn, "filter": _ACTIVE, "maxResults": _AT_ONCE}
            try:
                answer = operation(**asked, **({"nextToken": token} if token else {}))
            except Exception as error:
                if not token or code(error) != "ValidationException":
                    raise
                token = ""
                continue
            token = answer.get("nextToken") or ""
            yield FindingsPage(answer["findings"], token)
            if not token:
                return

    def summary(self, row: Mapping[str, Any]) -> Finding:
        """Read what the list says of a finding."""
        return from_api(row, analyzer_arn=self.arn, region=self.arn.split(":")[3])

    def case(self, row: Mapping[str, Any]) -> Case:
        """Make a case of a finding in the list."""
        if self.is_external:
            return Case(finding=self.summary(row), raw={**row, "analyzerArn": self.arn})
        finding, raw = analyzers.read_again(row["id"], self.arn, self.writers)
        return Case(finding=finding, raw=raw)


def of_analyzer(arn: str, writers: Writers) -> ActiveFindings:
    """Ask what kind of analyzer it is; one request."""
    _, _, _, region, _, name = arn.split(":", 5)
    kind = writers.analyzer(region).get_analyzer(analyzerName=name.removeprefix("analyzer/"))
    return ActiveFindings(arn, kind["analyzer"]["type"] in ("ACCOUNT", "ORGANIZATION"), writers)
