"""An analyzer with its findings and archive rules; it sends an event for each change of a finding."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from embedded.access_analyzer import events
from embedded.access_analyzer.exceptions import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from embedded.access_analyzer.filters import Filter, check_rule, matches
from embedded.access_analyzer.finding import DETAILS_KEY, Finding, details_v2, read_finding, summary_v2
from embedded.clock import now

RULES_PER_ANALYZER = 100


@dataclass(frozen=True)
class ArchiveRule:
    """A filter under a name; it archives the findings that come after it."""

    name: str
    filter: Filter
    created_at: datetime
    updated_at: datetime

    def describe(self) -> dict[str, Any]:
        """The rule as ListArchiveRules and GetArchiveRule show it."""
        times = {"createdAt": self.created_at, "updatedAt": self.updated_at}
        return {"ruleName": self.name, "filter": self.filter, **times}


@dataclass
class Analyzer:
    """One analyzer; `found` counts the findings it ever made, `managed_by` is the service that made it."""

    name: str
    arn: str
    type: str
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    configuration: Mapping[str, Any] | None = None
    rules: dict[str, ArchiveRule] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    found: int = 0
    managed_by: str | None = None

    @property
    def family(self) -> str:
        """The findings it makes: `external`, `internal` or `unused`."""
        kind = self.type.removeprefix("ACCOUNT").removeprefix("ORGANIZATION")
        return {"": "external", "_INTERNAL_ACCESS": "internal", "_UNUSED_ACCESS": "unused"}[kind]

    def describe(self) -> dict[str, Any]:
        """The analyzer as ListAnalyzers and GetAnalyzer show it."""
        last = max(self.findings.values(), key=lambda finding: finding.analyzed_at, default=None)
        return {
            "arn": self.arn,
            "name": self.name,
            "type": self.type,
            "createdAt": self.created_at,
            "status": "ACTIVE",
            "tags": self.tags,
            **({"managedBy": self.managed_by} if self.managed_by else {}),
            **({"configuration": self.configuration} if self.configuration else {}),
            **(
                {"lastResourceAnalyzed": last.resource, "lastResourceAnalyzedAt": last.analyzed_at}
                if last
                else {}
            ),
        }

    def configure(self, given: Mapping[str, Any] | None) -> None:
        """Set what the analyzer looks for; 90 days without use is the service's default."""
        allowed = {"unused": "unusedAccess", "internal": "internalAccess"}.get(self.family)
        if given and list(given) != [allowed]:
            raise ValidationException(
                f"configuration: an analyzer of {self.family} access takes {allowed or 'none'}",
                "fieldValidationFailed",
            )
        if self.family == "unused":
            given = {"unusedAccess": {"unusedAccessAge": 90, **(given or {}).get("unusedAccess", {})}}
        self.configuration = given

    # --- findings

    def finding(self, finding_id: str) -> Finding:
        """The finding with this id, or ResourceNotFoundException."""
        if finding_id not in self.findings:
            raise ResourceNotFoundException(finding_id, "Finding")
        return self.findings[finding_id]

    def findings_of(self, resource_arn: str) -> list[Finding]:
        """The findings of a resource whose status can be changed.

        The resolved ones are left out (an assumption, not verified against AWS), unless there are no others.

        Raises
        ------
        ResourceNotFoundException
            The resource has no findings.
        """
        named = [finding for finding in list(self.findings.values()) if finding.resource == resource_arn]
        if not named:
            raise ResourceNotFoundException(resource_arn, "Finding")
        return [finding for finding in named if finding.status != "RESOLVED"] or named

    def set_status(self, findings: Iterable[Finding], status: str) -> None:
        """Archive or re-activate findings, all of them or none.

        A finding that has the status already does not change, and no event tells of it.

        Raises
        ------
        ValidationException
            One of them is resolved (an assumption, not verified against AWS).
        """
        findings = list(findings)
        if any(finding.status == "RESOLVED" for finding in findings):
            raise ValidationException("The status of a resolved finding cannot be changed.")
        changed = [
            replace(
                finding, status=status, previous_status=finding.status, updated_at=_after(finding.updated_at)
            )
            for finding in findings
            if finding.status != status
        ]
        self._keep(changed)

    def put_finding(
        self, given: Mapping[str, Any], *, finding_id: str, account: str, announce: bool = True
    ) -> Finding:
        """Add a finding, as the service does when it analyzes a resource.

        Parameters
        ----------
        given
            The finding in any shape AWS gives findings in; see `read_finding`. An active one that matches an
            archive rule is archived at once.
        finding_id, account
            The id and the owning account of a finding that names none.
        announce
            Send the event; without it the finding is one whose event was lost on its way.

        Raises
        ------
        ValueError
            The finding is not one this analyzer can make, or not in the shape of botocore's model.
        """
        finding = read_finding(given, finding_id=finding_id, account=account)
        self._check(finding)
        self.found += 1
        if finding.status == "ACTIVE" and any(matches(finding, rule.filter) for rule in self.rules.values()):
            finding = replace(finding, status="ARCHIVED")
        finding = replace(finding, sequence=self.found)
        self._keep([finding], announce=announce)
        return finding

    def update_finding(
        self, finding_id: str, changes: Mapping[str, Any], *, announce: bool = True
    ) -> Finding:
        """Update a finding with `changes`, by the API's field names, as after a new analysis of its resource.

        Access that is gone is `{"status": "RESOLVED"}`. `analyzedAt` and `updatedAt` move to the present,
        where the changes name no others.
        """
        before = self.finding(finding_id)
        whole = {**summary_v2(before), "error": before.error, "findingDetails": details_v2(before)}
        about_access = {key: value for key, value in changes.items() if key not in whole}
        if about_access:
            key = DETAILS_KEY[before.finding_type]
            whole["findingDetails"] = [{key: {**detail, **about_access}} for detail in before.details]
        moment = _after(before.updated_at)
        times = {"analyzedAt": moment, "updatedAt": moment}
        account = before.resource_owner_account
        after = read_finding({**whole, **times, **changes}, finding_id=finding_id, account=account)
        after = replace(after, sequence=before.sequence, previous_status=before.status)
        self._check(after)
        self._keep([after], announce=announce)
        return after

    def delete_findings(self, ids: Iterable[str]) -> None:
        """Delete findings; their events say `isDeleted` and keep the status."""
        deleted = [replace(self.findings.pop(finding_id), is_deleted=True) for finding_id in list(ids)]
        for finding in deleted:
            events.announce(finding, self.arn)

    def _keep(self, findings: Sequence[Finding], *, announce: bool = True) -> None:
        self.findings.update({finding.id: finding for finding in findings})
        if announce:
            for finding in findings:
                events.announce(finding, self.arn)

    def _check(self, finding: Finding) -> None:
        if finding.family != self.family:
            raise ValueError(f"findingType: an analyzer of type {self.type} makes no {finding.finding_type}")
        validator, shape = _finding_validator()
        report = validator.validate({**summary_v2(finding), "findingDetails": details_v2(finding)}, shape)
        if report.has_errors():
            raise ValueError(f"not a finding of Access Analyzer: {report.generate_report()}")

    # --- archive rules

    def rule(self, name: str) -> ArchiveRule:
        """The archive rule of this name, or ResourceNotFoundException."""
        if name not in self.rules:
            raise ResourceNotFoundException(name, "ArchiveRule")
        return self.rules[name]

    def add_rule(self, name: str, filters: Filter) -> None:
        """Add an archive rule; the findings that are there stay as they are."""
        if name in self.rules:
            raise ConflictException(name, "ArchiveRule")
        if len(self.rules) >= RULES_PER_ANALYZER:
            raise ServiceQuotaExceededException(name, "ArchiveRule", RULES_PER_ANALYZER)
        check_rule(filters, self.family)
        moment = now()
        self.rules[name] = ArchiveRule(name, filters, moment, moment)

    def change_rule(self, name: str, filters: Filter) -> None:
        """Give an archive rule another filter."""
        rule = self.rule(name)
        check_rule(filters, self.family)
        self.rules[name] = replace(rule, filter=filters, updated_at=_after(rule.updated_at))

    def apply_rule(self, name: str) -> None:
        """Archive the active findings that are there and match the rule."""
        rule = self.rule(name)
        active = [finding for finding in list(self.findings.values()) if finding.status == "ACTIVE"]
        self.set_status([finding for finding in active if matches(finding, rule.filter)], "ARCHIVED")


def _after(moment: datetime) -> datetime:
    """The present, or a millisecond after `moment` if the clock stands still: each change has its time."""
    return max(now(), moment + timedelta(milliseconds=1))


@functools.cache
def _finding_validator() -> tuple[Any, Any]:
    from botocore.validate import ParamValidator
    from moto.core.utils import get_service_model

    model = get_service_model("accessanalyzer")
    return ParamValidator(), model.operation_model("GetFindingV2").output_shape
