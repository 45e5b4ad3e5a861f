"""Explanations, word for word, and what holds for every one of them.

``UPDATE_GOLDEN=1 pytest tests/scoring/explanation/test_explain.py`` writes the golden files anew:
look at the difference.
"""

import itertools
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision.decide import Decision, decide
from scoring.explanation.explain import REPEAT, SHADOW, SUBJECT, Message, explain, explain_unreadable
from scoring.explanation.score_column import column
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.points import from_tenths
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Contribution, Model, Scorecard
from tests.scoring import strategies as some
from tests.scoring.explain_cases import ANSWERS, CARD, CASES, GOLDEN, POLICY, SIMILAR, case, decided, event


def message(name: str, **how: Any) -> Message:
    return explain(CASES[name], decided(CASES[name]), POLICY, **how)


def check_golden(path: Path, content: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(content, encoding="utf-8", newline="\n")
    assert content == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_text_word_for_word(name: str) -> None:
    written = message(name)
    check_golden(GOLDEN / f"{name}.txt", f"Subject: {written.subject}\n\n{written.text}")


@pytest.mark.parametrize("name", ["vendor-key", "error", "hostile"])
def test_html_word_for_word(name: str) -> None:
    check_golden(GOLDEN / f"{name}.html", message(name, is_shadow=True).html)


def test_an_alert_that_can_be_answered_word_for_word() -> None:
    # The digest of the very card: what would change the decision is asked of it alone.
    decision = msgspec.structs.replace(decided(CASES["vendor-key"]), model=CARD.model)
    written = explain(CASES["vendor-key"], decision, POLICY, answers=ANSWERS, similar=SIMILAR, card=CARD)
    check_golden(GOLDEN / "answerable.txt", f"Subject: {written.subject}\n\n{written.text}")
    check_golden(GOLDEN / "answerable.html", written.html)


def test_no_golden_file_is_left_over() -> None:
    texts = {f"{name}.txt" for name in (*CASES, "answerable")}
    pages = {"vendor-key.html", "error.html", "hostile.html", "answerable.html"}
    assert {path.name for path in GOLDEN.iterdir()} == texts | pages | {"scorecard.toml"}


def test_the_same_decision_gives_the_same_bytes() -> None:
    assert message("vendor-key") == message("vendor-key")
    assert message("vendor-key").html == message("vendor-key").html


def test_notes_say_what_to_know_before_reading() -> None:
    written = message("vendor-key", is_shadow=True, is_repeat=True)
    for note in (SHADOW, REPEAT):
        assert note in written.text
        assert note in written.html
    assert SHADOW not in message("vendor-key").text


def test_risk_of_a_trained_model() -> None:
    decision = msgspec.structs.replace(decided(CASES["vendor-key"]), risk=0.0314)
    assert "risk 3.1 %" in explain(CASES["vendor-key"], decision, POLICY).text
    decision = msgspec.structs.replace(decision, risk=0.0004, threshold=None)
    assert "risk below 0.1 %" in explain(CASES["vendor-key"], decision, POLICY).text
    assert "no threshold belongs to this model" in explain(CASES["vendor-key"], decision, POLICY).text


def test_command_only_for_an_id_that_can_be_typed() -> None:
    quoted = case(event("external-public-bucket", id="a b; rm"))
    text = explain(quoted, decided(quoted), POLICY).text
    assert "triage review 'a b; rm' --verdict expected\n" in text
    for untypable in ("a\nb", "-x", "z" * 400):
        odd = case(event("external-public-bucket", id=untypable))
        assert "triage review" not in explain(odd, decided(odd), POLICY).text


def test_nothing_is_imported_that_only_an_alert_needs() -> None:
    modules = "sys, scoring.explanation.explain, scoring.cli.output.table"
    code = f"import {modules}; print({{'jinja2', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


contributions = st.lists(st.tuples(st.integers(-9999, 9999), some.hostile_text, st.booleans()), max_size=40)


def sums_of(text: str) -> tuple[Decimal, Decimal]:
    """What the lines of the column come to, and what its last line says; what is known adds up on the way."""
    block = text.split("HOW THE SCORE ADDS UP\n")[1].split("\n\n")[0]
    parts = [
        [Decimal(m[1]) for m in re.finditer(r"^ {0,8}([+-]?[0-9]+\.[0-9])(?= )", part, re.M)]
        for part in block.split("  -------\n")
    ]
    for part, after in itertools.pairwise(parts):
        assert sum(part, Decimal(0)) == after[0]
    return sum(parts[-2], Decimal(0)), parts[-1][0]


@given(base=st.integers(-9999, 9999), points=contributions, threshold=st.none() | st.integers(-9999, 9999))
def test_column_adds_up(base: int, points: list[tuple[int, str, bool]], threshold: int | None) -> None:
    score = base + sum(tenths for tenths, *_ in points)
    known = base + sum(tenths for tenths, _, is_known in points if is_known)
    decision = msgspec.structs.replace(
        decided(CASES["vendor-key"]),
        base=from_tenths(base),
        contributions=[
            Contribution("f", "v", from_tenths(tenths), text, known=is_known)
            for tenths, text, is_known in points
        ],
        known=from_tenths(known),
        score=from_tenths(score),
        threshold=None if threshold is None else from_tenths(threshold),
    )
    added, total = sums_of(explain(CASES["vendor-key"], decision, POLICY).text)
    assert added == total == Decimal(score) / 10
    laid_out = column(decision)
    for is_known, lines, rest in (
        (True, laid_out.lines, laid_out.rest),
        (False, laid_out.doubtful, laid_out.doubtful_rest),
    ):
        assert all(0 <= line.share <= 100 and len(line.bar) == 10 for line in lines)
        sizes = [abs(Decimal(line.points)) for line in lines]
        assert sizes == sorted(sizes, reverse=True)
        hidden = sum(one[2] is is_known for one in points) - len(sizes)
        assert hidden != 1
        assert (rest is None) == (hidden == 0)
    assert sum(part.width for part in laid_out.meter) == 100


@given(some.cases(statuses=("ACTIVE", "ARCHIVED")), some.scorecards(), some.policies)
def test_every_decision_is_explained(pair: tuple[Finding, Context], card: Scorecard, policy: Policy) -> None:
    finding, context = pair
    decision = decide(finding, context, card, policy)
    written = explain(Case(finding=finding, context=context, raw={}), decision, policy)
    assert all(char == "\n" or char.isprintable() for char in written.text)
    added, total = sums_of(written.text)
    assert added == total
    assert is_subject(written.subject)
    for rail in decision.guardrails:
        assert f"(guardrail {rail.name})" in " ".join(written.text.split())
    assert decision.unknown == () or "\nNOT KNOWN" in written.text


def is_subject(line: str) -> bool:
    return line.isascii() and line.isprintable() and line[:1] == "[" and len(line) <= SUBJECT < 100


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | some.hostile_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(some.hostile_text, inner, max_size=4),
    max_leaves=20,
)


@given(json_values, some.hostile_text)
def test_an_event_that_could_not_be_handled(content: object, why: str) -> None:
    written = explain_unreadable(content, why)
    assert written.subject == "[access-triage] Alert: an event of Access Analyzer could not be handled"
    assert all(char == "\n" or char.isprintable() for char in written.text)
    assert "nothing was archived" in written.text
    assert written.html.startswith("<!doctype html>")


def test_a_huge_or_deep_event_is_cut() -> None:
    assert len(explain_unreadable({"a": "b" * 10_000_000}, "too big").text) < 10_000
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    assert "too deep" in explain_unreadable(deep, "too deep").text


def test_model_is_named() -> None:
    decision = msgspec.structs.replace(
        decided(CASES["internal"]), model=Model("m", "v7", "trained", "f" * 64)
    )
    assert "m v7 (trained), digest ffffffffffff\n" in explain(CASES["internal"], decision, POLICY).text


def test_decision_stays_what_it_is_in_json() -> None:
    decision: Decision = decided(CASES["vendor-key"])
    before = msgspec.json.encode(decision)
    explain(CASES["vendor-key"], decision, POLICY)
    assert msgspec.json.encode(decision) == before
    assert json.loads(before)["score"] == decision.score
