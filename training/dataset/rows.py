"""Records encoded as rows: the features of each, its times, its verdict, and what was done about it.

Everything else in a record is dropped at once, so that a million records fit into memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from scoring.features.exposure import Exposure
from scoring.features.features import FEATURES, features_of
from scoring.files.json_stream import Scanner
from scoring.findings.context import NO_CONTEXT
from scoring.findings.facts import Unknown
from scoring.findings.finding import Finding, Notice
from scoring.findings.record import Audit, Case, Label, Selection, read_value
from scoring.policy.policy import Policy
from training.dataset.codes import Coded, Coder

TagSet = tuple[tuple[str, str], ...] | None
"""Folded keys with their values, one for each key; None where the tags are not known."""

CONFLICTING: Final = "conflicting"
IMPORT: Final = "import"
"""Source of verdicts that somebody brought in as a file."""
RESOLVED: Final = "resolved"
"""Source of a verdict that no person gave: concluded, since the finding was resolved soon after its alert."""

VERDICTS: Final = {"expected": 0, "unintended": 1}
EFFECTS: Final = {"none": 0, "alert": 1, "archive": 2}
SELECTIONS: Final = {"drawn": 0, "all": 1}
_DRAWN: Final = SELECTIONS["drawn"]
NONE: Final = -1

# Name of each number kept of a record, and its type code in an array: times in seconds since 1970.
NUMBERS: Final = {
    "created": "d",  # NaN where the finding does not say
    "updated": "d",
    "is_active": "b",
    "verdict": "b",  # as in VERDICTS, or NONE
    "verdict_at": "d",
    "is_explicit": "b",  # a person's verdict
    "is_verified": "b",  # a verdict of which it is certain who gave it
    "has_context": "b",
    "effect": "b",  # as in EFFECTS, or NONE
    "would_archive": "b",  # NONE where the record has no decision
    "audit_share": "d",
    "audit_chosen": "b",
    "audit_by_week": "b",
    "is_imported": "b",  # a verdict that somebody brought in as a file
    "selected": "b",  # how the finding came to be reviewed, as in SELECTIONS, or NONE
}
IDENTITIES: Final = ("finding_id", "resource", "reviewer")


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Attributes
    ----------
    features : mapping of feature to Coded
    tags : Coded of TagSet
    identities : mapping
        `IDENTITIES`.
    numbers : mapping of name to array
        `NUMBERS`.
    """

    features: dict[str, Coded[str]]
    tags: Coded[TagSet]
    identities: dict[str, Coded[str]]
    numbers: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.tags.codes)

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Concatenate rows, in this order."""
        return cls(
            features={f.name: Coded.join(part.features[f.name] for part in parts) for f in FEATURES},
            tags=Coded.join(part.tags for part in parts),
            identities={name: Coded.join(part.identities[name] for part in parts) for name in IDENTITIES},
            numbers={
                name: np.concatenate([np.zeros(0, code), *(part.numbers[name] for part in parts)])
                for name, code in NUMBERS.items()
            },
        )


@dataclass(frozen=True)
class Batch:
    """What the records of a part of a history were encoded to.

    Attributes
    ----------
    rows : Rows
        Of the findings.
    faults : tuple of str
        One line for each record that cannot be read.
    notices : int
        How many records were events of Access Analyzer that are no findings.
    """

    rows: Rows
    faults: tuple[str, ...]
    notices: int


@dataclass
class _Encoder:
    policy: Policy
    features: dict[str, Coder[str]] = field(default_factory=lambda: {f.name: Coder() for f in FEATURES})
    tags: Coder[TagSet] = field(default_factory=Coder)
    identities: dict[str, Coder[str]] = field(default_factory=lambda: {n: Coder() for n in IDENTITIES})
    numbers: dict[str, array[Any]] = field(
        default_factory=lambda: {name: array(code) for name, code in NUMBERS.items()}
    )

    def add(self, case: Case, finding: Finding) -> None:
        exposure = Exposure(finding, case.context, self.policy)
        for name, value in features_of(exposure).items():
            self.features[name].add(value)
        self.tags.add(_tag_set(exposure))
        self.identities["finding_id"].add(finding.id)
        self.identities["resource"].add(finding.resource)
        self.identities["reviewer"].add("" if case.label is None else case.label.by)
        for name, number in zip(NUMBERS, _numbers(case, finding), strict=True):
            self.numbers[name].append(number)

    def rows(self) -> Rows:
        return Rows(
            features={name: coder.coded() for name, coder in self.features.items()},
            tags=self.tags.coded(),
            identities={name: coder.coded() for name, coder in self.identities.items()},
            numbers={name: np.array(numbers, NUMBERS[name]) for name, numbers in self.numbers.items()},
        )


def encode_cases(cases: Iterable[Case], policy: Policy) -> Batch:
    """Encode cases."""
    encoder, notices = _Encoder(policy), 0
    for case in cases:
        if isinstance(case.finding, Notice):
            notices += 1
        else:
            encoder.add(case, case.finding)
    return Batch(encoder.rows(), (), notices)


def encode_lines(name: str, lines: Iterable[str], lines_before: int, policy: Policy) -> Batch:
    """Read and encode the records of some lines of a file; a broken record becomes a fault.

    Parameters
    ----------
    name : str
        What the file is called in faults.
    lines_before : int
        How many lines of the file come before these.
    """
    faults: list[str] = []
    scanner = Scanner(name, iter(lines))
    scanner.lines_read = lines_before
    batch = encode_cases(cases_of(scanner, faults), policy)
    return Batch(batch.rows, tuple(faults), batch.notices)


def cases_of(scanner: Scanner, faults: list[str]) -> Iterator[Case]:
    """Yield the cases of a file; faults go into the list."""
    for located in scanner.records():
        if located.error is not None:
            faults.append(str(located.error))
            continue
        for entry in read_value(located.value):
            if entry.case is not None:
                yield entry.case
            elif entry.error is not None:
                where = f"{located.where}: {entry.where}" if entry.where else located.where
                faults.append(str(entry.error.at(where)))


def _tag_set(exposure: Exposure) -> TagSet:
    if isinstance(exposure.context.tags, Unknown):
        return None
    return tuple((key, found[0] if len(found) == 1 else CONFLICTING) for key, found in exposure.tags.items())


def _numbers(case: Case, finding: Finding) -> tuple[float, ...]:
    label, decision, audit = case.label, case.decision, _audit(case)
    # When a person archives a finding, that event is logged as skipped: it does not say how the finding had
    # reached that person.
    skipped = decision is not None and decision.get("outcome") == "skip"
    return (
        _seconds(finding.created_at),
        _seconds(finding.updated_at or finding.analyzed_at),
        finding.status == "ACTIVE",
        NONE if label is None else VERDICTS[label.verdict],
        _seconds(label.at if label else None),
        label is not None and label.source != RESOLVED,
        label is not None and label.verified,
        case.context != NO_CONTEXT,
        NONE if case.effect is None or skipped else EFFECTS[case.effect],
        NONE if decision is None or skipped else decision.get("outcome") == "archive",
        float("nan") if audit is None else audit.share,
        audit is not None and audit.chosen,
        audit is not None and bool(audit.window),
        label is not None and label.source == IMPORT,
        _selected(label),
    )


def _audit(case: Case) -> Audit | None:
    """Return the draw that a record is of; where it says nothing of one, what the verdict says."""
    chosen = None if case.label is None else case.label.selection
    if case.audit is not None or not isinstance(chosen, Selection) or _selected(case.label) != _DRAWN:
        return case.audit
    return Audit(chosen.probability, chosen=True, window=chosen.window or msgspec.UNSET)


def _selected(label: Label | None) -> int:
    """Return how a finding came to be reviewed; what somebody imported is never our own draw."""
    chosen = None if label is None else label.selection
    kind = chosen if chosen is None or isinstance(chosen, str) else chosen.kind
    if kind is None or (kind == "drawn" and label is not None and label.source == IMPORT):
        return NONE
    return SELECTIONS[kind]


def _seconds(moment: datetime | None) -> float:
    if moment is None:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
