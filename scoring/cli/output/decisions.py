"""Decisions written out: as JSON lines, one JSON array, CSV, or a table for people; one after the other."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from scoring.decision.decide import Decision
from scoring.decision.settings import Decided
from scoring.explanation.safe_text import harmless, shown_json
from scoring.files.errors import BadInput
from scoring.findings import context as contexts
from scoring.findings.record import Case
from scoring.policy.policy import Policy

if TYPE_CHECKING:
    from scoring.cli.output.table import View

COLUMNS: Final = (
    "finding_id",
    "resource",
    "resource_type",
    "account",
    "finding_type",
    "status",
    "outcome",
    "score",
    "threshold",
    "base",
    "risk",
    "contributions",
    "guardrails",
    "unknown",
    "reason",
    "model_name",
    "model_version",
    "model_kind",
    "model_sha256",
    "known",
    "severity",
    "region",
    "analyzer",
    "principals",
    "actions",
    "is_public",
    "analysis_error",
    "contribution_values",
)
"""Of the CSV; new ones come behind these."""


def write_jsonl(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:  # noqa: ARG001 - all formats alike
    """Write one decision a line; the same decision gives the same bytes."""
    encode, write = msgspec.json.Encoder().encode, out.write
    for _, decision in decided:
        write(shown_json(encode(decision)) + b"\n")


def write_json(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:  # noqa: ARG001
    """Write one array with a decision a line."""
    encode = msgspec.json.Encoder().encode
    separator = b"[\n"
    for _, decision in decided:
        out.write(separator + shown_json(encode(decision)))
        separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def write_csv(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:  # noqa: ARG001
    """Write a row a decision under the names of `COLUMNS`; no text in it is a formula to a spreadsheet."""
    with _as_text(out, "utf-8") as text:
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        for _, decision in decided:
            rows.writerow(csv_row(decision))


def write_table(
    decided: Iterable[Decided], out: BinaryIO, policy: Policy, view: "View | None" = None
) -> None:
    """Write a table for people: rows of findings that are alike, what they come to, and what to do next."""
    from scoring.cli.output.console import make_console
    from scoring.cli.output.table import View, collect, write_rows

    rows = collect(decided, view or View())
    with _as_text(out, sys.stdout.encoding if out is sys.stdout.buffer else "utf-8") as text:
        write_rows(rows, policy, make_console(text))


def write_records(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:  # noqa: ARG001
    """Write one record a line: finding, context and decision; train and explain read them again."""
    encode, write = msgspec.json.Encoder().encode, out.write
    for case, decision in decided:
        write(shown_json(encode(record_of(case, decision))) + b"\n")


def write_parquet(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:  # noqa: ARG001
    """Write a row a decision; principals, actions, contributions and guardrails stay lists."""
    try:
        from scoring.cli.output.parquet import write
    except ModuleNotFoundError as error:
        needs = f"needs the parquet extra, {error.name} is missing: pip install 'access-triage[parquet]'"
        raise BadInput(needs, field="--format parquet") from None
    encode = msgspec.json.Encoder().encode
    write(
        (
            (shown_json(encode(decision)), shown_json(encode(record_of(case, decision))))
            for case, decision in decided
        ),
        out,
    )


def record_of(case: Case, decision: Decision) -> dict[str, object]:
    """Return a case with its decision as the record that everything reads and writes."""
    record = {"finding": case.raw, "context": contexts.to_json(case.context), "decision": decision}
    return record if case.label is None else {**record, "label": case.label}


def write_ocsf(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:
    """Write one event of OCSF a line; see `scoring.cli.output.ocsf`."""
    from scoring.cli.output.ocsf import event_of

    encode, write = msgspec.json.Encoder().encode, out.write
    for case, decision in decided:
        event = event_of(case, decision, policy, record_of(case, decision))
        write(shown_json(encode(event)) + b"\n")


def write_sarif(decided: Iterable[Decided], out: BinaryIO, policy: Policy) -> None:
    """Write SARIF 2.1.0, a result for each finding; see `scoring.cli.output.checked`."""
    from scoring.cli.output.checked import Checked, Checks
    from scoring.cli.output.checked import write_sarif as write
    from scoring.findings.planned.planned import Place, PlannedCase

    found = [
        Checked(PlannedCase(place=Place(file="", name=case.finding.resource), case=case), decision)
        for case, decision in decided
    ]
    with _as_text(out, "utf-8") as text:
        write(Checks(found=found, policy=policy), text)


@contextmanager
def _as_text(out: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(out, encoding=encoding, errors="backslashreplace", newline="")
    try:
        yield text
    finally:
        text.detach()


WRITERS: Final[dict[str, Callable[[Iterable[Decided], BinaryIO, Policy], None]]] = {
    "table": write_table,
    "json": write_json,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "records": write_records,
    "parquet": write_parquet,
    "ocsf": write_ocsf,
    "sarif": write_sarif,
}


class RowFormat(NamedTuple):
    """How decisions are written one by one: each as bytes, and what stands around and between them."""

    row: Callable[[Decision], bytes]
    begin: bytes
    between: bytes
    end: bytes
    empty: bytes


def _json_row(decision: Decision) -> bytes:
    return shown_json(msgspec.json.encode(decision))


def _csv_line(cells: Iterable[str | float | None]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


_HEADER: Final = ",".join(COLUMNS).encode() + b"\n"
FORMS: Final = {
    "jsonl": RowFormat(_json_row, b"", b"\n", b"\n", b""),
    "json": RowFormat(_json_row, b"[\n", b",\n", b"\n]\n", b"[]\n"),
    "csv": RowFormat(
        lambda decision: _csv_line(csv_row(decision)).encode(errors="backslashreplace"),
        *(_HEADER, b"\n", b"\n", _HEADER),
    ),
}
"""The forms in which each decision stands for itself; the same bytes as by `WRITERS`."""


def csv_row(decision: Decision) -> tuple[str | float | None, ...]:
    """Return the cells of `COLUMNS`: numbers as numbers, text made harmless."""
    model = decision.model
    return (
        harmless(decision.finding_id),
        harmless(decision.resource),
        _repeated(decision.resource_type),
        decision.account,
        _repeated(decision.finding_type),
        _repeated(decision.status),
        decision.outcome,
        decision.score,
        decision.threshold,
        decision.base,
        decision.risk,
        harmless("; ".join([_points(part.feature, part.points) for part in decision.contributions])),
        "; ".join([rail.name for rail in decision.guardrails]),
        harmless("; ".join(decision.unknown)),
        harmless(decision.reason),
        _repeated(model.name),
        _repeated(model.version),
        model.kind,
        model.sha256,
        decision.known,
        decision.severity,
        None if decision.region is None else _repeated(decision.region),
        None if decision.analyzer is None else _repeated(decision.analyzer),
        harmless("; ".join(decision.principals)),
        harmless("; ".join(decision.actions)),
        None if decision.is_public is None else str(decision.is_public).lower(),
        None if decision.analysis_error is None else _repeated(decision.analysis_error),
        harmless("; ".join([f"{part.feature}={part.value}" for part in decision.contributions])),
    )


@lru_cache(maxsize=4096)
def _points(feature: str, points: float) -> str:
    return f"{feature}={points:+.1f}"


_repeated = lru_cache(maxsize=4096)(harmless)
