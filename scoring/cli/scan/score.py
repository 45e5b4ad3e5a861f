"""Live findings of one or many analyzers, decided on with as few requests as it takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from scoring.aws.analyzers import AccessAnalyzer, Analyzer, ListedFinding
from scoring.aws.enrich import Aws, enrich_many
from scoring.decision.decide import Decision
from scoring.decision.settings import Settings
from scoring.files.errors import BadInput
from scoring.findings.context import Reactivation
from scoring.findings.facts import Fact
from scoring.findings.finding import Finding
from scoring.findings.record import FindingCase
from scoring.findings.resource_types import TABLE

Scanned = tuple[FindingCase, Decision]
"""A finding, and what was decided on it."""
Reactivated = Callable[[Sequence[Finding]], Sequence[Fact[Reactivation]]]
"""Findings to what is known of their being brought back after an archive."""

_AT_ONCE: Final = 100
_SEVERITY: Final = {"alert": 0, "archive": 1, "skip": 2}
_EACH_ITS_OWN: Final = ("id", "analyzer_arn", "created_at", "analyzed_at", "updated_at")
_GLOBAL: Final = frozenset(row.name for row in TABLE.values() if row.is_global)


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding by its id, the analyzer that has it, and the AWS service that looks after that analyzer."""

    finding_id: str
    analyzer_arn: str
    managed_by: str = ""


class LiveDecision(Decision, frozen=True, kw_only=True):
    """A decision, and where its finding is.

    Attributes
    ----------
    duplicates : tuple of Seen
        Findings of other analyzers that say the same of the same resource; the decision holds for each.
    managed_by : str
        The AWS service that looks after the analyzer, such as Security Hub; empty for the customer's own.
    """

    analyzer_arn: str
    duplicates: tuple[Seen, ...] = ()
    managed_by: str = ""

    @property
    def everywhere(self) -> tuple[Seen, ...]:
        """The finding and its duplicates."""
        return (Seen(self.finding_id, self.analyzer_arn, self.managed_by), *self.duplicates)


class Group(NamedTuple):
    """A decision, and the findings that it holds for, each with its own."""

    case: FindingCase
    decision: LiveDecision
    members: tuple[Scanned, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan asks, and of whom.

    Attributes
    ----------
    deep : bool
        Whether each resource is asked about by itself.
    reactivated : callable or None
        None leaves it as never looked up.
    report : callable
        Takes each finding that cannot be read.
    """

    aws: Aws
    analyzers: AccessAnalyzer
    settings: Settings
    report: Callable[[BadInput], None]
    status: str | None = "ACTIVE"
    deep: bool = False
    reactivated: Reactivated | None = None


def scan(
    analyzers: Iterable[Analyzer],
    source: Source,
    known: Callable[[ListedFinding, Analyzer], FindingCase | None] | None = None,
) -> Iterator[Scanned]:
    """Decide on each finding, lazily, analyzer by analyzer.

    Takes, for external access, a request for each 100 findings; for the others that and one for each finding.
    What surrounds them is found out as `scoring.aws.enrich.enrich_many` says.

    Parameters
    ----------
    known : callable, optional
        A row of the list to the case that an earlier scan has made of it; that one is not asked about again.

    Raises
    ------
    BadInput
        AWS refuses the list, or a finding; what has been given out so far holds.
    """
    for analyzer in analyzers:
        rows = _once(source.analyzers.rows(analyzer, status=source.status))
        # One look at the lists of tags serves all findings that are there already.
        size = None if analyzer.lists_whole else _AT_ONCE
        while some := list(islice(rows, size)):
            old = {row["id"]: known(row, analyzer) if known else None for row in some}
            yield from ((case, source.settings.decide(case)) for case in old.values() if case is not None)
            yield from decide_rows([row for row in some if old[row["id"]] is None], analyzer, source)


def decide_rows(rows: Iterable[ListedFinding], analyzer: Analyzer, source: Source) -> Iterator[Scanned]:
    """Read, enrich and decide on findings of one analyzer."""
    read = list(source.analyzers.read_rows(rows, analyzer, source.report))
    findings = [finding for finding, _ in read]
    vendors = source.settings.policy.known_vendors
    contexts = enrich_many(findings, source.aws, vendors=vendors, deep=source.deep)
    back = source.reactivated(findings) if source.reactivated else None
    for index, ((finding, raw), context) in enumerate(zip(read, contexts, strict=True)):
        if back is not None:
            context = msgspec.structs.replace(context, reactivated_by=back[index])
        case = FindingCase(finding=finding, context=context, raw=raw)
        yield case, source.settings.decide(case)


def fold(decided: Iterable[Scanned], analyzers: Iterable[Analyzer] = ()) -> list[Group]:
    """Put findings that say the same of one resource together, as several analyzers see it.

    Those of several regions see the same global resource, those of one region the same resource of any type:
    a team's own analyzer and one that Security Hub makes, say. Of decisions that differ, because more is
    known to one, the most careful stands for all; the customer's own analyzer goes before one of a service.
    """
    managed = {analyzer.arn: analyzer.managed_by for analyzer in analyzers}
    groups: dict[object, list[Scanned]] = {}
    seen: Counter[tuple[bytes, str | None]] = Counter()
    for case, decision in decided:
        said, analyzer = _said(case.finding), case.finding.analyzer_arn
        # What one analyzer found twice are two findings.
        key = (said, seen[said, analyzer])
        seen[said, analyzer] += 1
        groups.setdefault(key, []).append((case, decision))
    return [_group(members, managed) for members in groups.values()]


def _group(members: list[Scanned], managed: Mapping[str, str]) -> Group:
    def in_front(pair: Scanned) -> tuple[int, float, bool]:
        return _SEVERITY[pair[1].outcome], -pair[1].score, bool(_seen(pair[0], managed).managed_by)

    case, decision = min(members, key=in_front)
    located = [_seen(other, managed) for other, _ in members]
    own = _seen(case, managed)
    fields = {name: getattr(decision, name) for name in Decision.__struct_fields__}
    live = LiveDecision(
        **fields,
        analyzer_arn=own.analyzer_arn,
        duplicates=tuple(seen for seen in located if seen != own),
        managed_by=own.managed_by,
    )
    return Group(case, live, tuple(members))


def _seen(case: FindingCase, managed: Mapping[str, str]) -> Seen:
    arn = case.finding.analyzer_arn or ""
    return Seen(case.finding.id, arn, managed.get(arn, ""))


def _said(finding: Finding) -> bytes:
    """Everything that a finding says, without what differs between analyzers that see the same resource."""
    own = {*_EACH_ITS_OWN, "region"} if finding.resource_type in _GLOBAL else _EACH_ITS_OWN
    said = {k: v for k, v in msgspec.structs.asdict(finding).items() if k not in own}
    return msgspec.json.encode(said, order="deterministic")


def _once(rows: Iterable[ListedFinding]) -> Iterator[ListedFinding]:
    """Leave out what a list shows again because it changed while its pages were read."""
    seen: set[str] = set()
    for row in rows:
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row
