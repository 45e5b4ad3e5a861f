"""How far a scan got, in a file beside its output: what was found out is not asked for again."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from scoring.aws.analyzers import Analyzer, AnalyzerArn, ListedFinding
from scoring.files.errors import BadInput
from scoring.findings.context import to_json
from scoring.findings.finding import Finding
from scoring.findings.record import FindingCase, read_case

_Key = tuple[str, str, str, float]


class ScanProgress:
    """Cases that a scan has made, kept while it is entered; the file goes when the scan is through.

    Parameters
    ----------
    output : str
        Where the scan's result goes; the file lies beside it, with ``.partial`` behind its name.
    settings : mapping
        What else decides on what is found out. Cases made with other settings are not taken.
    resume : bool
        Whether to take what is there; otherwise it is written over.

    Raises
    ------
    BadInput
        There is nothing to resume, or it was made with other settings.
    """

    def __init__(self, output: str, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.path = Path(output).with_name(f"{Path(output).name}.partial")
        self._header = msgspec.json.encode({"settings": _digest(settings)})
        self._cases: dict[_Key, FindingCase] = {}
        self._whole = 0
        if resume:
            self._read()

    def __enter__(self) -> "ScanProgress":
        try:
            self._file = self.path.open("r+b" if self._cases else "wb")
        except OSError as error:
            raise BadInput(f"cannot be written: {error.strerror or error}", where=str(self.path)) from None
        if self._cases:
            self._file.truncate(self._whole)
            self._file.seek(0, os.SEEK_END)
        else:
            self._write(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self.path.unlink(missing_ok=True)

    @property
    def count(self) -> int:
        """How many cases are kept."""
        return len(self._cases)

    def known(self, row: ListedFinding, analyzer: Analyzer) -> FindingCase | None:
        """Return what an earlier scan has made of a finding that has not changed since."""
        return self._cases.get((analyzer.arn, row["id"], row["status"], row["updatedAt"].timestamp()))

    def keep(self, case: FindingCase) -> None:
        """Write a case down, unless it is there already."""
        key = _key(case)
        if key is not None and key not in self._cases:
            self._cases[key] = case
            self._write(msgspec.json.encode({"finding": case.raw, "context": to_json(case.context)}))

    def _write(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()

    def _read(self) -> None:
        try:
            content = self.path.read_bytes()
        except OSError:
            raise BadInput("there is nothing to resume", field="--resume", where=str(self.path)) from None
        # Where the scan was interrupted, its last line may be cut off.
        self._whole = content.rfind(b"\n") + 1
        lines = content[: self._whole].splitlines()
        if lines[:1] != [self._header]:
            raise BadInput(
                "expected the policy, table and depth of the scan that was interrupted",
                field="--resume",
                where=str(self.path),
            )
        for line in lines[1:]:
            try:
                case = _read_line(line)
            except ValueError as error:
                raise BadInput(f"is damaged: {error}", field="--resume", where=str(self.path)) from None
            if (key := _key(case)) is not None:
                self._cases[key] = case


def _read_line(line: bytes) -> FindingCase:
    value = msgspec.json.decode(line)
    case = read_case(value)
    arn = value["finding"].get("analyzerArn")
    if not isinstance(case.finding, Finding) or not isinstance(arn, str):
        raise BadInput("expected a finding with its analyzer")
    region = AnalyzerArn.parse(arn, "analyzerArn").region
    located = msgspec.structs.replace(case.finding, analyzer_arn=arn, region=region)
    return FindingCase(finding=located, context=case.context, raw=case.raw)


def _key(case: FindingCase) -> _Key | None:
    finding = case.finding
    if finding.analyzer_arn is None or finding.updated_at is None:
        return None
    return finding.analyzer_arn, finding.id, finding.status, finding.updated_at.timestamp()


def _digest(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(settings, order="deterministic")).hexdigest()
