"""The chat's JSON: within its limits, and nothing of others' in it is markup, a mention or a link."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.decision.decide import decide
from scoring.explanation.explain import explain, explain_unreadable
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.alerts import chat
from scoring.policy.policy import Policy
from tests.scoring.explain_cases import ANSWERS, CARD, CASES, POLICY, SIMILAR, decided
from tests.scoring.explanation.test_explain_hostile import contexts, hostile_findings, policies

ours = re.compile(r"`[^`]+`")


def is_harmless(text: str) -> None:
    told = json.loads(text)
    assert text.isascii()
    assert len(text.encode()) < 256 * 1024
    assert (told["version"], told["source"]) == ("1.0", "custom")
    content = told["content"]
    assert 0 < len(content["title"]) <= chat.TITLE
    assert len(content["description"]) <= chat.DESCRIPTION + 40
    for line in (content["title"], *content["description"].split("\n"), *content["nextSteps"]):
        assert line.isprintable()
        assert line.count("`") % 2 == 0
        assert not re.search("[<>&@]", line)
        rest = ours.sub("", line)
        assert not re.search(r"[_~\[\]|\\]", rest.partition("https://")[0]), line
        assert rest.count("*") in (0, 2)
    assert not re.search(r"[<>&@*_`\[\]]|https?:", told["metadata"]["summary"])


@settings(max_examples=60)
@given(hostile_findings(), contexts, policies)
def test_nothing_gets_out_of_its_code_span(finding: Finding, context: Context, policy: Policy) -> None:
    case = Case(finding=finding, context=context, raw={})
    decision = decide(finding, context, CARD, policy)
    is_harmless(chat.to_json(explain(case, decision, policy, is_shadow=True, is_repeat=True)))


@given(st.text(max_size=300), st.integers(3, 200))
def test_a_code_span_is_one(text: str, limit: int) -> None:
    shown = chat.code(text, limit)
    assert shown[0] == shown[-1] == "`"
    inside = shown[1:-1]
    assert inside == inside.strip() != ""
    assert not re.search("[`<>&@]", inside)
    assert len(shown) <= limit


@given(st.text(max_size=300))
def test_plain_is_plain(text: str) -> None:
    assert not re.search(r"[`<>&@*_~\[\]|#\\]", chat.plain(text))
    assert "://" not in chat.plain(text)


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_finding(name: str) -> None:
    message = explain(CASES[name], decided(CASES[name]), POLICY)
    is_harmless(chat.to_json(message))
    content = chat.notification(message)["content"]
    column = message.explanation.column
    if column is not None:
        assert f"*Score {column.total}, threshold {column.threshold}*" in content["description"]


def test_links_and_past_decisions_are_there() -> None:
    message = explain(
        CASES["vendor-key"], decided(CASES["vendor-key"]), POLICY, answers=ANSWERS, similar=SIMILAR
    )
    content = chat.notification(message)["content"]
    assert content["title"].startswith("Alert, high 69.6: ")
    assert f"Expected: {ANSWERS.expected}" in content["nextSteps"]
    assert f"Unintended: {ANSWERS.unintended}" in content["nextSteps"]
    assert "*Similar:* `Expected, says arn:aws:sts" in content["description"]


def test_messages_on_the_same_finding_are_one_thread() -> None:
    case = CASES["vendor-key"]
    first, again = (explain(case, decided(case), POLICY, is_repeat=again) for again in (False, True))
    threads = {chat.notification(one)["metadata"]["threadId"] for one in (first, again)}
    assert len(threads) == 1
    other = explain_unreadable({"a": 1}, "no finding")
    assert chat.notification(other)["metadata"]["threadId"] not in threads
    is_harmless(chat.to_json(other))
