"""Decoded JSON of any shape -> cases: a finding with its context, ready to be decided on.

The record ``{"finding": ..., "context": ..., "decision": ..., "label": ...}`` is the one shape that
everything in the system reads and writes; bare findings are records without a context. Beside the decision
may stand what was done about it (``effect``) and the sample it went through (``audit``).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

import msgspec

from scoring.files.errors import BadInput
from scoring.findings import context as contexts
from scoring.findings import ocsf_format, security_hub_format
from scoring.findings.aws_format import unwrap
from scoring.findings.context import NO_CONTEXT, Context
from scoring.findings.finding import Finding, Notice, from_api, from_event

# Lists of the CLI and of Security Hub; what Lambda gets of SNS and SQS; what `aws sqs receive-message` gives.
_LISTS = ("findings", "Findings", "Records", "Messages")

Effect = Literal["archive", "alert", "none"]
T = TypeVar("T")


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a verdict came from: the address it was sent from, and by which program, in its own words."""

    address: str = ""
    agent: str = ""


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a finding came to be reviewed.

    Attributes
    ----------
    kind : str
        ``drawn`` by our own lot among those that would be archived, or ``all``: of a period in which every
        finding was reviewed.
    probability : float
        Of having been drawn.
    model : str
        Digest of the model that would have archived it.
    window : str
        The week of the draw, such as ``2026-W48``.
    """

    kind: Literal["drawn", "all"]
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    model: str = ""
    window: str = ""


class Label(msgspec.Struct, frozen=True):
    """What a person decided on a finding; the time is that of the verdict.

    Attributes
    ----------
    by : str
        Who gave it; of a verdict that came in a file, who imported that.
    verified : bool
        Whether it is certain who gave it; not so where a link was all it took.
    selection : Selection, "all" or None
        How the finding came to be reviewed; None where somebody chose it.
    reported_by : str
        Whose verdict it is, as an imported file says; nothing confirms that.
    """

    verdict: Literal["expected", "unintended"]
    by: str
    at: datetime
    source: str = ""
    note: str = ""
    verified: bool = True
    origin: Origin | None = None
    selection: "Selection | Literal['all'] | None" = None
    reported_by: str = ""


class Audit(msgspec.Struct, frozen=True):
    """The sample of findings that go to a person although they would have been archived.

    Attributes
    ----------
    share : float
        The probability of being chosen that was in force when the finding was decided on; above 0, at most 1.
    chosen : bool
        Whether the finding would have been archived and went to a person for the sample's sake.
    window : str
        The week of the draw, where findings are drawn by the week.
    """

    share: Annotated[float, msgspec.Meta(gt=0, le=1)]
    chosen: bool = False
    window: str | msgspec.UnsetType = msgspec.UNSET


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One finding (or an event that is none), what is known about it, and the JSON it came from.

    Attributes
    ----------
    raw : mapping
        The finding as AWS gave it.
    decision : mapping or None
        The decision that the record carried, as it stood there.
    effect : str or None
        What was done about the decision, in the words of the decision log; ``none`` in shadow mode.
    audit : Audit or None
        None where no finding went to a person for the sake of a sample.
    """

    finding: Finding | Notice
    context: Context = NO_CONTEXT
    raw: Mapping[str, Any]
    decision: Mapping[str, Any] | None = None
    label: Label | None = None
    effect: Effect | None = None
    audit: Audit | None = None


class FindingCase(Case, frozen=True, kw_only=True):
    """A case of a finding, and of no other event."""

    finding: Finding


class LocatedCase(msgspec.Struct, frozen=True):
    """A case or what is wrong with it, and where in the value it stands (e.g. ``findings[3]``)."""

    where: str
    case: Case | None = None
    error: BadInput | None = None


def read_value(value: object) -> Iterator[LocatedCase]:
    """Turn one decoded JSON value into the cases that it holds, in their order.

    Lists, list outputs of the CLI and Security Hub's ``Findings`` give one case for each entry; an entry that
    is bad input gives an error and the others still come.
    """
    entries, name = value, ""
    try:
        if isinstance(value, dict):
            entries, name = _entries(value)
        if isinstance(entries, list):
            yield from _each(entries, name)
        else:
            yield LocatedCase("", case=read_case(value))
    except BadInput as error:
        yield LocatedCase("", error=error)


def _entries(value: dict[str, Any]) -> tuple[object, str]:
    """Return the list of findings that an object holds, and what it is called; None where it holds none."""
    inner = unwrap(value)
    if inner is not value:
        entries, name = _entries(dict(inner))
        return (entries, name) if isinstance(entries, list) else ([inner], "Message")
    for name in _LISTS:
        if name in value:
            if not isinstance(value[name], list):
                raise BadInput("expected a list", field=name, value=value[name])
            return value[name], name
    if security_hub_format.is_event(value):
        return security_hub_format.findings_of(value), "detail.findings"
    return None, ""


def _each(entries: list[Any], name: str) -> Iterator[LocatedCase]:
    for index, entry in enumerate(entries):
        where = f"{name}[{index}]"
        try:
            inner, inner_name = _entries(entry) if _is_envelope(entry) else (None, "")
            if isinstance(inner, list) and inner:
                yield from _each(inner, f"{where}.{inner_name}")
            else:
                yield LocatedCase(where, case=read_case(entry))
        except BadInput as error:
            yield LocatedCase(where, error=error)


def _is_envelope(entry: object) -> TypeGuard[dict[str, Any]]:
    """Say whether an entry of a list is a message or an event that carries findings, and none itself."""
    if not isinstance(entry, dict) or "finding" in entry:
        return False
    return unwrap(entry) is not entry or security_hub_format.is_event(entry)


def read_case(value: object) -> Case:
    """Read one record, event, API finding or Security Hub finding.

    Raises
    ------
    BadInput
        Naming the field and what was expected.
    """
    if not isinstance(value, dict):
        raise BadInput("expected a finding, an event or a record", value=value)
    if "finding" not in value:
        if "class_uid" in value and (ours := ocsf_format.our_record(value)) is not None:
            return read_case(ours)
        return Case(finding=_read_finding(value, ""), raw=value)
    inner = value["finding"]
    if not isinstance(inner, dict):
        raise BadInput("expected an object", field="finding", value=inner)
    context = value.get("context")
    decision = value.get("decision")
    if decision is not None and not isinstance(decision, dict):
        raise BadInput("expected an object", field="decision", value=decision)
    return Case(
        finding=_read_finding(inner, "finding."),
        context=NO_CONTEXT if context is None else contexts.from_json(context),
        raw=inner,
        decision=decision,
        label=_read(value.get("label"), Label, "label"),
        effect=_read(value.get("effect"), Effect, "effect"),
        audit=_read(value.get("audit"), Audit, "audit"),
    )


def _read_finding(value: Mapping[str, Any], path: str) -> Finding | Notice:
    if "detail-type" in value or "detail" in value:
        return from_event(value, path)
    if security_hub_format.is_finding(value):
        return security_hub_format.from_asff(value, path)
    if ocsf_format.is_finding(value):
        return ocsf_format.from_ocsf(value, path)
    if "accessPreviewId" in value and "resource" not in value:
        raise BadInput("expected a finding, not an access preview without its event", field=path.rstrip("."))
    return from_api(value, path=path)


def _read(value: object, kind: type[T] | Any, field: str) -> T | None:
    if value is None:
        return None
    try:
        read: T = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, f"{field}.") from None
    return read
