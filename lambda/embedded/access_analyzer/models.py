"""The embedded Access Analyzer in one account and region: what its API can do, by the API's names.

moto looks for `accessanalyzer_backends` here and for the addresses in `urls.py` beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.moto_api._internal import mock_random

from embedded.access_analyzer.analyzer import Analyzer, ArchiveRule
from embedded.access_analyzer.exceptions import (
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from embedded.access_analyzer.filters import Filter, check_list, matches
from embedded.access_analyzer.finding import Finding, details_v2, summary_v2
from embedded.access_analyzer.pages import take
from embedded.clock import now

SORTED_BY = ("id", "resource", "resourceType", "resourceOwnerAccount", "status", "findingType")
SORTED_BY_TIME = ("createdAt", "analyzedAt", "updatedAt")


class AccessAnalyzerBackend(BaseBackend):
    """The analyzers of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.analyzers: dict[str, Analyzer] = {}

    def analyzer_by_arn(self, arn: str) -> Analyzer:
        """The analyzer with this ARN; one of another account or region is not found."""
        analyzer = self.analyzers.get(arn.partition("analyzer/")[2])
        if analyzer is None or analyzer.arn != arn:
            raise ResourceNotFoundException(arn, "Analyzer")
        return analyzer

    def put_finding(self, analyzer_arn: str, given: Mapping[str, Any], *, announce: bool = True) -> Finding:
        """Add a finding, as the service does by itself; see `Analyzer.put_finding`."""
        analyzer = self.analyzer_by_arn(analyzer_arn)
        finding_id = str(mock_random.uuid4())
        return analyzer.put_finding(given, finding_id=finding_id, account=self.account_id, announce=announce)

    def create_analyzer(
        self,
        name: str,
        analyzer_type: str,
        archive_rules: Sequence[Mapping[str, Any]] = (),
        tags: Mapping[str, str] | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> Analyzer:
        """Create an analyzer with its first archive rules, all or nothing."""
        if name in self.analyzers:
            raise ConflictException(name, "Analyzer")
        arn = f"arn:{self.partition}:access-analyzer:{self.region_name}:{self.account_id}:analyzer/{name}"
        analyzer = Analyzer(name, arn, analyzer_type, now(), dict(tags or {}))
        analyzer.configure(configuration)
        for rule in archive_rules:
            analyzer.add_rule(rule["ruleName"], rule["filter"])
        self.analyzers[name] = analyzer
        return analyzer

    def get_analyzer(self, name: str) -> Analyzer:
        """The analyzer of this name, or ResourceNotFoundException."""
        if name not in self.analyzers:
            raise ResourceNotFoundException(name, "Analyzer")
        return self.analyzers[name]

    def list_analyzers(
        self, analyzer_type: str | None, most: int | None, token: str | None
    ) -> tuple[list[Analyzer], str | None]:
        """One page of the analyzers, of one type or of all, by name."""
        chosen = [
            analyzer for analyzer in list(self.analyzers.values()) if analyzer_type in (None, analyzer.type)
        ]
        return take(chosen, lambda analyzer: (analyzer.name, 0), most=most, token=token)

    def delete_analyzer(self, name: str) -> None:
        """Delete an analyzer; its findings go with it, and an event tells of each."""
        analyzer = self.get_analyzer(name)
        del self.analyzers[name]
        analyzer.delete_findings(analyzer.findings)

    def list_findings(
        self,
        analyzer_arn: str,
        filters: Filter,
        sort: Mapping[str, str],
        most: int | None,
        token: str | None,
    ) -> tuple[list[Finding], str | None]:
        """One page of the findings that match, in the order they were found or as `sort` says."""
        analyzer = self.analyzer_by_arn(analyzer_arn)
        check_list(filters, analyzer.family)
        attribute = sort.get("attributeName")
        if attribute not in (None, *SORTED_BY, *SORTED_BY_TIME):
            raise ValidationException(
                f"sort.attributeName: cannot sort by {attribute}", "fieldValidationFailed"
            )

        def place(finding: Finding) -> tuple[str, int]:
            value: Any = summary_v2(finding)[attribute] if attribute else ""
            return (value.isoformat() if attribute in SORTED_BY_TIME else value), finding.sequence

        chosen = [finding for finding in list(analyzer.findings.values()) if matches(finding, filters)]
        return take(chosen, place, most=most, token=token, descending=sort.get("orderBy") == "DESC")

    def get_finding(
        self, analyzer_arn: str, finding_id: str, most: int | None, token: str | None
    ) -> tuple[Finding, list[dict[str, Any]], str | None]:
        """A finding with one page of its details."""
        finding = self.analyzer_by_arn(analyzer_arn).finding(finding_id)
        numbered = list(enumerate(details_v2(finding)))
        page, token = take(numbered, lambda item: ("", item[0]), most=most, token=token)
        return finding, [detail for _, detail in page], token

    def update_findings(
        self, analyzer_arn: str, status: str, ids: Sequence[str] | None, resource_arn: str | None
    ) -> None:
        """Archive or re-activate the findings with these ids, or those of a resource."""
        if bool(ids) == bool(resource_arn):
            raise ValidationException("Give either ids or resourceArn.", "fieldValidationFailed")
        analyzer = self.analyzer_by_arn(analyzer_arn)
        named = [analyzer.finding(finding_id) for finding_id in dict.fromkeys(ids or ())]
        analyzer.set_status(analyzer.findings_of(resource_arn) if resource_arn else named, status)

    def list_archive_rules(
        self, analyzer_name: str, most: int | None, token: str | None
    ) -> tuple[list[ArchiveRule], str | None]:
        """One page of an analyzer's archive rules, by name."""
        rules = list(self.get_analyzer(analyzer_name).rules.values())
        return take(rules, lambda rule: (rule.name, 0), most=most, token=token)

    def delete_archive_rule(self, analyzer_name: str, rule_name: str) -> None:
        """Delete an archive rule; what it archived stays archived."""
        analyzer = self.get_analyzer(analyzer_name)
        del analyzer.rules[analyzer.rule(rule_name).name]


accessanalyzer_backends = BackendDict(AccessAnalyzerBackend, "accessanalyzer")
