"""What Access Analyzer does by itself in the embedded AWS: it adds, updates and deletes findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scoring.findings.arn import Arn

if TYPE_CHECKING:
    from embedded.access_analyzer.analyzer import Analyzer
    from embedded.access_analyzer.finding import Finding
    from embedded.access_analyzer.models import AccessAnalyzerBackend

_KIND = {"external": "", "internal": "_INTERNAL_ACCESS", "unused": "_UNUSED_ACCESS"}


class Findings:
    """The findings of all analyzers in the box.

    Parameters
    ----------
    account, region
        Where the analyzers are that find what is put without naming one.
    zone
        What those analyze: `ACCOUNT` or `ORGANIZATION`.
    """

    def __init__(self, account: str, region: str, zone: str) -> None:
        self._account = account
        self._region = region
        self._zone = zone

    def analyzer_for(self, family: str) -> str:
        """The ARN of the home account's analyzer of a family of findings, made if there is none.

        Parameters
        ----------
        family
            `external`, `internal` or `unused`.
        """
        backend = _backend(self._account, self._region)
        for analyzer in backend.analyzers.values():
            if analyzer.family == family:
                return analyzer.arn
        return backend.create_analyzer(family, self._zone + _KIND[family]).arn

    def put(
        self, given: Mapping[str, Any], *, analyzer_arn: str | None = None, announce: bool = True
    ) -> Finding:
        """Add a finding, as Access Analyzer does when it analyzes a resource.

        Parameters
        ----------
        given
            A finding in any shape AWS gives findings in: of GetFinding or GetFindingV2, an event, or as much
            of one as matters (`resource` and `resourceType` are enough). `findingType` is ExternalAccess
            unless it says otherwise; `error` makes an error finding.
        analyzer_arn
            Which analyzer finds it; otherwise the home account's of the right kind.
        announce
            Send the event. Without it the finding is one whose event got lost.

        Returns
        -------
        Finding
            The finding as it was put, before any handler saw it; `get` gives what became of it.

        Raises
        ------
        ValueError
            It is not a finding of AWS, or not of the analyzer's kind.
        """
        from embedded.access_analyzer.finding import read_finding

        if analyzer_arn is None:
            family = read_finding(given, finding_id="", account=self._account).family
            analyzer_arn = self.analyzer_for(family)
        analyzer = Arn.parse(analyzer_arn)
        return _backend(analyzer.account, analyzer.region).put_finding(analyzer_arn, given, announce=announce)

    def update(
        self,
        finding_id: str,
        changes: Mapping[str, Any],
        *,
        analyzer_arn: str | None = None,
        announce: bool = True,
    ) -> Finding:
        """Update a finding with `changes`, by the API's field names, as after a new analysis of the resource.

        `analyzedAt` and `updatedAt` move to the present, where the changes name no others. The analyzer need
        be named only where two have a finding of the same id.
        """
        analyzer = self._analyzer(finding_id, analyzer_arn)
        return analyzer.update_finding(finding_id, changes, announce=announce)

    def resolve(self, finding_id: str, *, analyzer_arn: str | None = None) -> Finding:
        """Resolve a finding, as Access Analyzer does when the access is gone."""
        return self.update(finding_id, {"status": "RESOLVED"}, analyzer_arn=analyzer_arn)

    def delete(self, finding_id: str, *, analyzer_arn: str | None = None) -> None:
        """Delete a finding, as Access Analyzer does when the resource is gone."""
        self._analyzer(finding_id, analyzer_arn).delete_findings([finding_id])

    def get(self, finding_id: str, *, analyzer_arn: str | None = None) -> Finding:
        """Return a finding as it is now, of whatever analyzer.

        Raises
        ------
        KeyError
            No analyzer has it.
        """
        return self._analyzer(finding_id, analyzer_arn).finding(finding_id)

    def all(self, analyzer_arn: str | None = None) -> list[Finding]:
        """The findings of one analyzer or of all, as they are now and in the order they came."""
        chosen = [analyzer for analyzer in _analyzers() if analyzer_arn in (None, analyzer.arn)]
        return [finding for analyzer in chosen for finding in analyzer.findings.values()]

    def _analyzer(self, finding_id: str, analyzer_arn: str | None) -> Analyzer:
        for analyzer in _analyzers():
            if finding_id in analyzer.findings and analyzer_arn in (None, analyzer.arn):
                return analyzer
        raise KeyError(f"no analyzer has a finding {finding_id!r}")


def _backend(account: str, region: str) -> AccessAnalyzerBackend:
    from embedded.access_analyzer.models import accessanalyzer_backends

    return accessanalyzer_backends[account][region]


def _analyzers() -> list[Analyzer]:
    from embedded.access_analyzer.models import accessanalyzer_backends

    regions = [backend for account in accessanalyzer_backends.values() for backend in account.values()]
    return [analyzer for backend in regions for analyzer in backend.analyzers.values()]
