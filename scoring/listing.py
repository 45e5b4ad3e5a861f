"""The active findings of an analyzer, a page at a time: a list can be taken up again where it ended."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from scoring import effects
from scoring.effects import Writers
from scoring.enrich.failures import code
from scoring.finding import Finding, from_api
from scoring.records import Case

_ACTIVE = {"status": {"eq": ["ACTIVE"]}}
_AT_ONCE = 100


class Page(NamedTuple):
    """Findings, and the token of the next page; an empty token ends the list."""

    rows: list[Mapping[str, Any]]
    token: str


class Listing(NamedTuple):
    """The findings of one analyzer.

    Attributes
    ----------
    is_external : bool
        Whether the list gives whole findings; otherwise each has to be read by itself.
    """

    arn: str
    is_external: bool
    writers: Writers

    def pages(self, token: str) -> Iterator[Page]:
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
            yield Page(answer["findings"], token)
            if not token:
                return

    def summary(self, row: Mapping[str, Any]) -> Finding:
        """Read what the list says of a finding."""
        return from_api(row, analyzer_arn=self.arn, region=self.arn.split(":")[3])

    def case(self, row: Mapping[str, Any]) -> Case:
        """Make a case of a finding in the list."""
        if self.is_external:
            return Case(finding=self.summary(row), raw={**row, "analyzerArn": self.arn})
        finding, raw = effects.read_again(row["id"], self.arn, self.writers)
        return Case(finding=finding, raw=raw)


def of_analyzer(arn: str, writers: Writers) -> Listing:
    """Ask what kind of analyzer it is; one request."""
    _, _, _, region, _, name = arn.split(":", 5)
    kind = writers.analyzer(region).get_analyzer(analyzerName=name.removeprefix("analyzer/"))
    return Listing(arn, kind["analyzer"]["type"] in ("ACCOUNT", "ORGANIZATION"), writers)
