"""Native archive rules of an analyzer: made, looked at, applied to what is there, deleted."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import msgspec

from scoring.aws import archive_rule_filter
from scoring.aws.analyzers import AccessAnalyzer, Analyzer
from scoring.aws.archive_rule_filter import MOST_RULES, Filter, from_json, to_api
from scoring.aws.errors import as_bad_input
from scoring.aws.sessions import Client
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding


class ArchiveRule(msgspec.Struct, frozen=True):
    """A rule as it stands at the analyzer."""

    name: str
    filter: Filter


class Rules:
    """The archive rules of one analyzer.

    Every method raises BadInput, in one line, for what AWS refuses.
    """

    def __init__(self, analyzer: Analyzer, analyzers: AccessAnalyzer) -> None:
        self.analyzer, self._analyzers = analyzer, analyzers

    def all(self) -> list[ArchiveRule]:
        """List the rules, by name."""
        with self._told("list archive rules"):
            pages = self._client.get_paginator("list_archive_rules").paginate(analyzerName=self.analyzer.name)
            found = [rule for page in pages for rule in page["archiveRules"]]
        rules = [ArchiveRule(rule["ruleName"], from_json(rule["filter"])) for rule in found]
        return sorted(rules, key=lambda rule: rule.name)

    def get(self, name: str) -> ArchiveRule:
        """Return one rule."""
        archive_rule_filter.check_name(name)
        with self._told(f"archive rule {name}"):
            found = self._client.get_archive_rule(analyzerName=self.analyzer.name, ruleName=name)[
                "archiveRule"
            ]
        return ArchiveRule(name, from_json(found["filter"]))

    def check_new(self, rule: ArchiveRule, *, is_replaced: bool) -> None:
        """Refuse a rule that cannot be made here.

        Raises
        ------
        BadInput
            Its name or filter is none, there is one of this name, or there are too many.
        """
        archive_rule_filter.check_name(rule.name)
        archive_rule_filter.check(rule.filter, self.analyzer.family)
        names = {other.name for other in self.all()}
        if is_replaced != (rule.name in names):
            expected = "expected the name of a rule that is there" if is_replaced else "expected a new name"
            raise BadInput(f"{expected} (see --replace)", field="NAME", value=rule.name)
        if not is_replaced and len(names) >= MOST_RULES:
            expected = f"expected fewer than {MOST_RULES} rules at the analyzer"
            raise BadInput(expected, field="NAME", value=len(names))

    def matched(self, rule: ArchiveRule) -> Iterator[Finding]:
        """List the active findings that the rule would archive.

        The list takes the same filters as a rule, so that AWS itself says what matches.
        """
        asked = to_api(rule.filter)
        for row in self._analyzers.rows(self.analyzer, filters=asked):
            yield self._analyzers.read_row(row, self.analyzer, is_whole=False)[0]

    def create(self, rule: ArchiveRule) -> None:
        """Make a rule; what is there stays as it is."""
        with self._told(f"create archive rule {rule.name}"):
            self._client.create_archive_rule(
                analyzerName=self.analyzer.name, ruleName=rule.name, filter=to_api(rule.filter)
            )

    def replace(self, rule: ArchiveRule) -> None:
        """Give a rule another filter."""
        with self._told(f"change archive rule {rule.name}"):
            self._client.update_archive_rule(
                analyzerName=self.analyzer.name, ruleName=rule.name, filter=to_api(rule.filter)
            )

    def apply(self, name: str) -> None:
        """Archive the findings that are there and match."""
        with self._told(f"apply archive rule {name}"):
            self._client.apply_archive_rule(analyzerArn=self.analyzer.arn, ruleName=name)

    def delete(self, name: str) -> None:
        """Delete a rule; what it archived stays archived."""
        with self._told(f"delete archive rule {name}"):
            self._client.delete_archive_rule(analyzerName=self.analyzer.name, ruleName=name)

    @property
    def _client(self) -> Client:
        return self._analyzers.client(self.analyzer.region)

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return as_bad_input(f"{doing} of {self.analyzer.arn}")
