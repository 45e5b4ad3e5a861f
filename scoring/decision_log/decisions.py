"""A decision as the log has it: what was decided on which finding, how far it is, a person's verdict."""

import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from scoring.decision.decide import Decision, read_decision
from scoring.decision_log.entries import EntryStatus
from scoring.decision_log.storage import Item, ItemKey, convert
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Case, Label, read_case

PREFIX: Final = "decision#"
"""With what ``item`` begins for a decision."""

# DynamoDB takes items of 400 KB; a record above the first limit is compressed, above the second one cut.
_PLAIN, _MOST = 100_000, 350_000


class LoggedDecision(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A decision of the log; an attribute that its item does not have is empty.

    Attributes
    ----------
    item : str
        Its key beside the finding's id.
    indexed : str
        What it is found by: its effect if that has happened, otherwise its status.
    done_at : str
        When its effect had happened.
    intended : str
        What was to happen, where an intent came first.
    outcome : str
        As in the decision; ``watch`` where it is about what may hide access.
    route, due_at, group : str
        How a queued alert waits; see `scoring.decision_log.entries.QueuedAlert`.
    sending_until : str
        Until then another run may be sending a queued alert.
    sent : frozenset of str
        Destinations that have had the alert.
    tries : int
        How often it could not be sent everywhere.
    ended_by, ended_at : str
        What ended its finding or its archive, and when; see `scoring.decision_log.ends`.
    label : mapping or None
        A person's verdict.
    acted : str
        What came of the verdict; empty while that is not certain.
    labels_before : tuple of mapping
        Verdicts that were taken back.
    """

    finding_id: str
    item: str
    decided_at: str = ""
    indexed: str = msgspec.field(name="effect", default="")
    intended: str = ""
    outcome: str = ""
    mode: str = ""
    content: str = ""
    model_version: str = ""
    model_sha256: str = ""
    policy_sha256: str = ""
    analyzer_arn: str = ""
    is_reported: bool = False
    done_at: str = ""
    route: str = ""
    due_at: str = ""
    group: str = ""
    sending_until: str = ""
    sent: frozenset[str] = frozenset()
    tries: int = 0
    ended_by: str = ""
    ended_at: str = ""
    label: dict[str, Any] | None = None
    acted: str = ""
    labels_before: tuple[dict[str, Any], ...] = ()
    text: str = msgspec.field(name="record", default="{}")
    packed: bytes = msgspec.field(name="record_zlib", default=b"")

    @property
    def key(self) -> ItemKey:
        """Key of its item."""
        return self.finding_id, self.item

    @property
    def status(self) -> EntryStatus:
        """How far it is."""
        known = {status.value: status for status in EntryStatus}
        return known.get(self.indexed, EntryStatus.DONE)

    @property
    def effect(self) -> str:
        """What was done, or was to be done: ``archive``, ``alert`` or ``none``."""
        if self.status is EntryStatus.DONE:
            return self.indexed
        # Only archives and what was intended end; before the intent was kept, only archives did.
        return "alert" if self.status is EntryStatus.QUEUED else self.intended or "archive"

    @property
    def number(self) -> int:
        """Which write of its finding's state it came with."""
        return int(self.item.rpartition("#")[2])

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record that was decided on; of an event that cannot be read, ``event`` and ``error``."""
        text = zlib.decompress(self.packed) if self.packed else self.text
        record: dict[str, Any] = msgspec.json.decode(text)
        return record

    @property
    def verdict(self) -> Label | None:
        """What a person said of it."""
        return None if self.label is None else msgspec.convert(self.label, Label)

    @property
    def case(self) -> Case:
        """The finding and what was known about it when it was decided on; raises BadInput as `read`."""
        return read_case(self.record)

    def read(self) -> tuple[Case, Decision]:
        """Read the finding, what was known of it, and what was decided.

        Raises
        ------
        BadInput
            Another version wrote it, or it is about no finding.
        """
        record = self.record
        if not {"finding", "context", "decision"} <= record.keys():
            raise BadInput("expected finding, context and decision", where=f"{self.finding_id} {self.item}")
        case = read_case({name: record[name] for name in ("finding", "context")})
        decision = read_decision(record["decision"])
        if isinstance(case.finding, Finding) and self.analyzer_arn:
            finding = msgspec.structs.replace(case.finding, analyzer_arn=self.analyzer_arn)
            case = msgspec.structs.replace(case, finding=finding)
        return case, decision


def from_item(item: Item) -> LoggedDecision:
    """Read a stored decision; raises BadInput for one that another version wrote otherwise."""
    return convert(item, LoggedDecision)


def pack(record: Mapping[str, Any]) -> dict[str, Any]:
    """Write a record as an attribute: as JSON, compressed where it is long.

    A finding that is too long even then keeps what every list of findings says of it, and is marked as
    incomplete; AWS has the rest.

    Examples
    --------
    >>> item = {"finding_id": "x", "item": "decision#1", **pack({"finding": {"id": "x" * 200_000}})}
    >>> from_item(item).record["finding"]["id"][:3]
    'xxx'
    """
    text = msgspec.json.encode(record)
    if len(text) <= _PLAIN:
        return {"record": text.decode()}
    packed = zlib.compress(text)
    if len(packed) <= _MOST:
        return {"record_zlib": packed}
    raw = record["finding"]
    detail = raw.get("detail", raw)
    core = {name: value for name, value in detail.items() if isinstance(value, (str, bool))}
    kept = raw | {"detail": core | {"nextToken": "cut"}} if "detail" in raw else core | {"nextToken": "cut"}
    return {"record_zlib": zlib.compress(msgspec.json.encode({**record, "finding": kept}))}
