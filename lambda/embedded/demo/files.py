"""The files that the demo leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

from embedded.demo.report import report
from embedded.demo.results import Results

DECISIONS, EMAILS, REPORT = "decisions.jsonl", "emails", "report.html"

_NAMED = re.compile(r"[0-9A-Za-z-]{1,80}")


def prepare(directory: Path) -> None:
    """Make the directories, and remove the emails that an earlier run left there.

    Raises
    ------
    OSError
        Something else is there under one of their names, or nothing can be written.
    """
    (directory / EMAILS).mkdir(parents=True, exist_ok=True)
    try:
        lines = (directory / DECISIONS).read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        for path in _emails(directory, _finding_id(line)):
            path.unlink(missing_ok=True)


def write(results: Results, directory: Path) -> None:
    """Write decisions, emails and report."""
    lines = [json.dumps(one.record, ensure_ascii=False) + "\n" for one in results.decided]
    (directory / DECISIONS).write_text("".join(lines), encoding="utf-8")
    for one in results.alerts:
        text, html = _emails(directory, one.id)
        text.write_text(f"Subject: {one.message.subject}\n\n{one.message.text}", encoding="utf-8")
        html.write_text(one.message.html, encoding="utf-8")
    (directory / REPORT).write_text(report.to_html(results), encoding="utf-8")


def _emails(directory: Path, finding_id: str) -> tuple[Path, ...]:
    """The files of an alert: text and HTML."""
    if not _NAMED.fullmatch(finding_id):
        return ()
    return tuple(directory / EMAILS / f"{finding_id}.{kind}" for kind in ("txt", "html"))


def _finding_id(line: bytes) -> str:
    try:
        return str(json.loads(line)["decision"]["finding_id"])
    except (ValueError, TypeError, KeyError):
        return ""
