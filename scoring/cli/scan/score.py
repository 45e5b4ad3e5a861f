"""Live findings of one or many analyzers, decided on with as few requests as it takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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
_EACH_ITS_OWN: Final = ("id", "analyzer_arn", "region", "created_at", "analyzed_at", "updated_at")
_GLOBAL: Final = frozenset(row.name for row in TABLE.values() if row.is_global)


class Seen(msgspec.Struct, frozen=True):
    """A finding by its id, and the analyzer that has it."""

    finding_id: str
    analyzer_arn: str


class LiveDecision(Decision, frozen=True, kw_only=True):
    """A decision, and where its finding is.

    Attributes
    ----------
    duplicates : tuple of Seen
        Findings of other analyzers that say the same of the same resource; the decision holds for each.
    """

    analyzer_arn: str
    duplicates: tuple[Seen, ...] = ()

    @property
    def everywhere(self) -> tuple[Seen, ...]:
        """The finding and its duplicates."""
        return (Seen(self.finding_id, self.analyzer_arn), *self.duplicates)


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


def fold(decided: Iterable[Scanned]) -> list[Group]:
    """Put findings that say the same of one global resource together: analyzers of several regions see it.

    Of decisions that differ, because more is known in one region, the most careful stands for all.
    """
    groups: dict[object, list[Scanned]] = {}
    seen: Counter[tuple[bytes, str | None]] = Counter()
    for number, (case, decision) in enumerate(decided):
        key: object = number
        said = _said(case.finding)
        if said is not None:
            # What one region's analyzer found twice are two findings.
            key = (said, seen[said, case.finding.region])
            seen[said, case.finding.region] += 1
        groups.setdefault(key, []).append((case, decision))
    return [_group(members) for members in groups.values()]


def _group(members: list[Scanned]) -> Group:
    case, decision = min(members, key=lambda pair: (_SEVERITY[pair[1].outcome], -pair[1].score))
    located = [_seen(other) for other, _ in members]
    own = _seen(case)
    fields = {name: getattr(decision, name) for name in Decision.__struct_fields__}
    live = LiveDecision(
        **fields, analyzer_arn=own.analyzer_arn, duplicates=tuple(seen for seen in located if seen != own)
    )
    return Group(case, live, tuple(members))


def _seen(case: FindingCase) -> Seen:
    return Seen(case.finding.id, case.finding.analyzer_arn or "")


def _said(finding: Finding) -> bytes | None:
    """Everything that a finding of a global resource says, without what differs between regions."""
    if finding.resource_type not in _GLOBAL:
        return None
    said = {k: v for k, v in msgspec.structs.asdict(finding).items() if k not in _EACH_ITS_OWN}
    return msgspec.json.encode(said, order="deterministic")


def _once(rows: Iterable[ListedFinding]) -> Iterator[ListedFinding]:
    """Leave out what a list shows again because it changed while its pages were read."""
    seen: set[str] = set()
    for row in rows:
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row
