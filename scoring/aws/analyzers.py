"""The one client of Access Analyzer: list findings, read one, archive and re-activate.

Archive rules are in `scoring.aws.archive_rules`. A test names everything else in `scoring` that writes to
AWS.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import msgspec

from scoring.aws.errors import AwsError, code
from scoring.aws.sessions import Client, RegionalClients
from scoring.files.errors import BadInput
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Finding, from_api

SERVICE: Final = "accessanalyzer"
"""What boto3 calls it."""
PAGE: Final = 100
"""Findings of a page, and of one change of status, at most."""

Family = Literal["external", "internal", "unused"]
"""Which findings an analyzer makes."""
ListedFinding = Mapping[str, Any]
"""A finding as a list gives it: whole, or its summary."""

_VALUES: Final = 20  # of one filter criterion, at most
_NOT_TO_BE_CHANGED: Final = ("ResourceNotFoundException", "ValidationException")
_TYPE_NOT_GIVEN: Final[Mapping[Family, str]] = {
    "external": "ExternalAccess",
    "internal": "InternalAccess",
    "unused": "Unused access, type not given",
}
_PARTITION = re.compile(r"aws[a-z-]*")
_REGION = re.compile(r"[a-z0-9-]+")
_RESOURCE = re.compile(r"analyzer/([A-Za-z_][A-Za-z0-9_.-]{0,254})")


class AnalyzerArn(NamedTuple):
    """What the ARN of an analyzer says."""

    text: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, text: str | None, field: str = "resources[0]") -> "AnalyzerArn":
        """Take an analyzer's ARN apart.

        Parameters
        ----------
        field : str
            Where it was read, for messages; events name the analyzer in ``resources``.

        Raises
        ------
        BadInput
            It is none.

        Examples
        --------
        >>> AnalyzerArn.parse("arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org").region
        'eu-west-1'
        """
        if not text:
            raise BadInput("expected the ARN of an analyzer", field=field, value=text)
        arn = Arn.try_parse(text)
        name = _RESOURCE.fullmatch(arn.resource) if arn else None
        if (
            arn is None
            or name is None
            or arn.service != "access-analyzer"
            or not _PARTITION.fullmatch(arn.partition)
            or not _REGION.fullmatch(arn.region)
            or not is_account_id(arn.account)
        ):
            expected = "expected arn:aws:access-analyzer:<region>:<account>:analyzer/<name>"
            raise BadInput(expected, field=field, value=text)
        return cls(text, region=arn.region, account=arn.account, name=name[1])


class Analyzer(msgspec.Struct, frozen=True):
    """One analyzer; `type` is AWS's own, e.g. ``ORGANIZATION_UNUSED_ACCESS``.

    Attributes
    ----------
    managed_by : str
        The AWS service that made it and looks after it; empty for the customer's own.
    """

    arn: str
    name: str
    region: str
    account: str
    type: str
    status: str = "ACTIVE"
    managed_by: str = ""

    @classmethod
    def read(cls, said: Mapping[str, Any], field: str = "arn") -> "Analyzer":
        """Read one as ``GetAnalyzer`` and ``ListAnalyzers`` give it.

        Raises
        ------
        BadInput
            Its ARN is none.
        """
        arn = AnalyzerArn.parse(said["arn"], field)
        managed_by = said.get("managedBy") or ""
        return cls(arn.text, arn.name, arn.region, arn.account, said["type"], said["status"], managed_by)

    @property
    def family(self) -> Family:
        """Which findings it makes."""
        if self.type.endswith("_UNUSED_ACCESS"):
            return "unused"
        return "internal" if self.type.endswith("_INTERNAL_ACCESS") else "external"

    @property
    def lists_whole(self) -> bool:
        """Whether a list gives its findings whole; of the others it gives summaries."""
        return self.family == "external"

    @property
    def whole_organization(self) -> bool:
        """Whether its zone of trust is the organization."""
        return self.type.startswith("ORGANIZATION")


class FindingsPage(NamedTuple):
    """Findings, and the token of the next page; an empty token ends the list."""

    rows: Sequence[ListedFinding]
    token: str


class AccessAnalyzer:
    """Access Analyzer as we use it.

    Parameters
    ----------
    clients : callable
        Region to an Access Analyzer client.
    explained : callable, optional
        What is being done to a context manager that explains what AWS refuses, such as
        `scoring.aws.errors.as_bad_input`; without it, botocore's exceptions pass through.
    """

    def __init__(
        self,
        clients: RegionalClients,
        explained: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._clients, self._explained = clients, explained

    def client(self, region: str) -> Client:
        """Return boto3's client for a region."""
        return self._clients(region)

    def look_up(self, arn: str, field: str = "--analyzer-arn") -> Analyzer:
        """Ask what kind of analyzer it is: one request.

        Raises
        ------
        BadInput
            It is no analyzer's ARN, or one of another account than the credentials belong to.
        """
        wanted = AnalyzerArn.parse(arn, field)
        with self._explained(arn):
            found = self._clients(wanted.region).get_analyzer(analyzerName=wanted.name)["analyzer"]
        there = Analyzer.read(found, field)
        if (there.region, there.account, there.name) != wanted[1:]:
            expected = "expected an analyzer of the account that the credentials belong to"
            raise BadInput(f"{expected}, there it is {there.arn}", field=field, value=arn)
        return there

    def all_in(self, region: str) -> list[Analyzer]:
        """Return the analyzers of the account in a region."""
        with self._explained(f"list analyzers in {region}"):
            pages = self._clients(region).get_paginator("list_analyzers").paginate()
            return [Analyzer.read(found) for page in pages for found in page["analyzers"]]

    def pages(
        self,
        arn: str,
        *,
        whole: bool,
        filters: Mapping[str, Any],
        sort: Mapping[str, str] | None = None,
        token: str = "",
        most: int = PAGE,
    ) -> Iterator[FindingsPage]:
        """List findings page by page.

        Parameters
        ----------
        whole : bool
            Whether to list whole findings, which AWS does for external access only, or summaries.
        filters : mapping
            Criteria as the API takes them.
        sort : mapping, optional
            As the API takes it.
        token : str
            Where an earlier list was left; one that AWS no longer knows starts the list anew.
        most : int
            Findings of a page.
        """
        client = self._clients(AnalyzerArn.parse(arn).region)
        operation = client.list_findings if whole else client.list_findings_v2
        asked: dict[str, Any] = {"analyzerArn": arn, "filter": dict(filters), "maxResults": most}
        if sort is not None:
            asked["sort"] = dict(sort)
        with self._explained(f"list findings of {arn}"):
            try:
                answer = operation(**asked, **({"nextToken": token} if token else {}))
            except Exception as error:
                if not token or code(error) != "ValidationException":
                    raise
                answer = operation(**asked)
        while True:
            token = answer.get("nextToken") or ""
            yield FindingsPage(answer["findings"], token)
            if not token:
                return
            with self._explained(f"list findings of {arn}"):
                answer = operation(**asked, nextToken=token)
                _check_progress(answer, token)

    def rows(
        self,
        analyzer: Analyzer,
        *,
        status: str | None = "ACTIVE",
        filters: Mapping[str, Any] = MappingProxyType({}),
        resources: Sequence[str] | None = None,
        most: int = PAGE,
    ) -> Iterator[ListedFinding]:
        """List findings: whole ones of external access, summaries of the others.

        Parameters
        ----------
        status : str or None
            None lists all.
        filters : mapping
            Further criteria, as the API takes them.
        resources : sequence of str, optional
            Only those of these resources, by ARN; one request for each 20 of them.
        most : int
            Findings of a page.
        """
        asked = {**filters, **({"status": {"eq": [status]}} if status else {})}
        parts: list[dict[str, Any]] = [{}]
        if resources is not None:
            parts = [{"resource": {"eq": list(some)}} for some in _batches(resources, _VALUES)]
        for part in parts:
            for page in self.pages(analyzer.arn, whole=analyzer.lists_whole, filters=asked | part, most=most):
                yield from page.rows

    def read(
        self, finding_id: str, arn: str | None, family: Family = "external"
    ) -> tuple[Finding, Mapping[str, Any]]:
        """Read a finding as it is now, with all pages of its details.

        Returns
        -------
        tuple
            The finding, and AWS's own words for it, with the analyzer's ARN in them.

        Raises
        ------
        BadInput
            There is no such analyzer's ARN, or the answer is not what AWS sends.
        """
        analyzer = AnalyzerArn.parse(arn)
        pages = self._clients(analyzer.region).get_paginator("get_finding_v2")
        said: dict[str, Any] = {}
        details: list[Any] = []
        with self._explained(f"read finding {finding_id} of {analyzer.text}"):
            for page in pages.paginate(analyzerArn=analyzer.text, id=finding_id):
                details += page.get("findingDetails", ())
                said |= {name: value for name, value in page.items() if name != "ResponseMetadata"}
        said.pop("nextToken", None)
        return _finding(said | {"findingDetails": details}, analyzer.text, family)

    def read_row(
        self, row: ListedFinding, analyzer: Analyzer, *, is_whole: bool = True
    ) -> tuple[Finding, Mapping[str, Any]]:
        """Make a finding of what was listed; what only the single request tells is asked for.

        Parameters
        ----------
        is_whole : bool
            Whether it is asked for; without it a finding of internal or unused access is what its summary
            says.

        Returns
        -------
        tuple
            As `read` does.
        """
        if analyzer.lists_whole or not is_whole:
            return _finding(row, analyzer.arn, analyzer.family)
        return self.read(row["id"], analyzer.arn, analyzer.family)

    def read_rows(
        self, rows: Iterable[ListedFinding], analyzer: Analyzer, report: Callable[[BadInput], None]
    ) -> Iterator[tuple[Finding, Mapping[str, Any]]]:
        """Make findings of what was listed; one that cannot be read is reported, and the others go on.

        Yields
        ------
        tuple
            As `read` returns it.

        Raises
        ------
        AwsError
            AWS refuses a request.
        """
        for row in rows:
            try:
                yield self.read_row(row, analyzer)
            except AwsError:
                raise
            except BadInput as error:
                report(error.at(f"{analyzer.arn}: finding {row['id']}"))

    def update_status(
        self, arn: str | None, finding_ids: Sequence[str], status: Literal["ACTIVE", "ARCHIVED"]
    ) -> dict[str, Exception]:
        """Archive or re-activate findings of one analyzer, 100 a request; doing it twice does no harm.

        AWS takes all findings of a request or none, and does not say which it cannot take. They are found by
        halving: one among 50 takes 13 requests.

        Returns
        -------
        dict
            Those that are gone or resolved, and so can be neither, with what AWS said of each.
        """
        analyzer = AnalyzerArn.parse(arn)
        client = self._clients(analyzer.region)
        doing = "archive" if status == "ARCHIVED" else "re-activate"
        refused: dict[str, Exception] = {}
        with self._explained(f"{doing} findings of {analyzer.text}"):
            for some in _batches(finding_ids, PAGE):
                refused |= _update(client, analyzer.text, some, status)
        return refused


def _update(client: Client, arn: str, finding_ids: Sequence[str], status: str) -> dict[str, Exception]:
    try:
        client.update_findings(analyzerArn=arn, ids=list(finding_ids), status=status)
    except Exception as error:
        if code(error) not in _NOT_TO_BE_CHANGED:
            raise
        half = len(finding_ids) // 2
        if not half:
            return {finding_ids[0]: error}
        halves = (finding_ids[:half], finding_ids[half:])
        return {one: why for some in halves for one, why in _update(client, arn, some, status).items()}
    return {}


def _finding(said: Mapping[str, Any], arn: str, family: Family) -> tuple[Finding, Mapping[str, Any]]:
    whole = {**said, "analyzerArn": arn}
    return from_api(whole, analyzer_arn=arn, family=_TYPE_NOT_GIVEN[family]), whole


def _check_progress(answer: Mapping[str, Any], token: str) -> None:
    """Refuse a list that would never end."""
    if answer.get("nextToken") == token:
        from botocore.exceptions import PaginationError

        raise PaginationError(message=f"the same token came twice: {token}")


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
