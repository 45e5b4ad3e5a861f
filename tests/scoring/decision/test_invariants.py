"""What holds for every finding, context, policy and scorecard, whatever anybody writes into them."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.decision.decide import Decision, decide
from scoring.features.exposure import Exposure
from scoring.features.features import BY_NAME, features_of
from scoring.findings import context as contexts
from scoring.findings.context import Context
from scoring.findings.facts import Unknown
from scoring.findings.finding import Finding
from scoring.findings.record import Case, read_case, read_value
from scoring.policy import policy as policies
from scoring.policy.policy import Policy, ThresholdOverride
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.scoring import strategies as some

CARD, POLICY = formats.load(), policies.load()
REFUSED = Unknown("AccessDenied")
SHAPES = ("event", "v1", "v2")

pytestmark = pytest.mark.filterwarnings("error")
examples = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
all_cards = some.scorecards() | st.just(CARD)
all_policies = some.policies | st.just(POLICY)


def as_bytes(decision: Decision) -> bytes:
    return msgspec.json.encode(decision)


# Points add up


def assert_adds_up(decision: Decision) -> None:
    """Check the sum on the numbers as anybody reads them from the JSON."""
    written = json.loads(as_bytes(decision), parse_float=Decimal, parse_int=Decimal)
    points = [written["base"], *(one["points"] for one in written["contributions"])]
    assert sum(points) == written["score"]
    for number in (*points, written["score"], written["threshold"] or Decimal("0.0")):
        assert number.as_tuple().exponent == -1, "one decimal"
    assert Decimal(0) not in points[1:], "what adds nothing is not a contribution"


@examples
@given(some.cases(statuses=("ACTIVE", "ARCHIVED", "RESOLVED")), all_cards, all_policies)
def test_base_and_points_are_the_score(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy
) -> None:
    decision = decide(*case, card, policy)
    assert_adds_up(decision)
    again = msgspec.json.decode(as_bytes(decision), type=Decision)
    assert again == decision
    assert as_bytes(again) == as_bytes(decision)


def as_toml(card: Scorecard) -> str:
    """Write a card the way a person would: points with one decimal, values as keys."""

    def write(value: Any) -> str:
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{json.dumps(key)} = {write(inner)}" for key, inner in value.items()) + "}"
            )
        if isinstance(value, list):
            return json.dumps(value)  # names of features, or counts
        return json.dumps(value) if isinstance(value, str) else str(Decimal(value) / 10)

    content = json.loads(formats.to_json(card))
    threshold = "none" if content["threshold"] is None else content["threshold"]
    head = {name: write(content[name]) for name in ("name", "version", "kind", "base", "tag_limit")}
    head["threshold"] = write(threshold)
    lines = [f"{name} = {text}" for name, text in head.items()]
    for table in content["table"]:
        lines += ["[[table]]", *(f"{name} = {write(value)}" for name, value in table.items())]
    return "\n".join(lines)


@examples
@given(some.scorecards(), some.cases())
def test_a_card_that_was_written_and_read_is_the_same_card(
    card: Scorecard, case: tuple[Finding, Context]
) -> None:
    text = formats.to_json(card)
    read = formats.from_json(text)
    assert read == card
    assert formats.to_json(read) == text
    assert as_bytes(decide(*case, read, POLICY)) == as_bytes(decide(*case, card, POLICY))
    if not card.risk and card.tables and not card.seen_in:
        assert formats.from_toml(as_toml(card)) == card


# The same input gives the same bytes


def turned(value: Any) -> Any:
    """The same JSON with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(one) for one in value] if isinstance(value, list) else value


@examples
@given(some.cases(), st.sampled_from(SHAPES), all_cards, all_policies)
def test_the_order_of_keys_does_not_matter(
    case: tuple[Finding, Context], shape: str, card: Scorecard, policy: Policy
) -> None:
    finding, context = case
    record = {"finding": some.as_json(finding, shape), "context": contexts.to_json(context)}
    decisions = []
    for one in (record, turned(record)):
        read = read_case(one)
        assert isinstance(read.finding, Finding)
        decisions.append(as_bytes(decide(read.finding, read.context, card, policy)))
    assert decisions[0] == decisions[1]


@examples
@given(some.contexts())
def test_a_context_that_was_written_and_read_is_the_same_context(context: Context) -> None:
    read = contexts.from_json(json.loads(json.dumps(contexts.to_json(context))))
    assert json.dumps(contexts.to_json(read)) == json.dumps(contexts.to_json(context))
    for name in ("resource_account", "principal_account", "reactivated_by"):
        assert getattr(read, name) == getattr(context, name)


_DECIDE_ALL = """
import hashlib, msgspec, sys
from scoring.policy import policy
from scoring.scorecard import formats
from scoring.decision.decide import decide
from scoring.findings.finding import Finding
from scoring.findings.record import read_case
from training.simulate import simulate
card, rules = formats.load(), policy.load()
for drawn in simulate(250, seed=7, unknown=0.2, hostile=True):
    case = read_case(drawn.record)
    if isinstance(case.finding, Finding):
        sys.stdout.buffer.write(msgspec.json.encode(decide(case.finding, case.context, card, rules)) + b"\\n")
"""


def test_another_process_with_other_hashes_gives_the_same_bytes() -> None:
    written = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", _DECIDE_ALL], env=environment, capture_output=True, check=True
        )
        written.add(run.stdout)
    assert len(written) == 1
    assert written.pop().count(b"\n") == 250


# No finding gets lost

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | some.hostile_text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("finding", "findings", "Findings", "detail", "detail-type", "source", "id", "x")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@examples
@given(st.lists(st.tuples(some.findings(), st.sampled_from(SHAPES)) | json_values, max_size=6))
def test_each_entry_of_a_list_gives_a_case_or_an_error_in_order(entries: list[Any]) -> None:
    values = [some.as_json(*e) if isinstance(e, tuple) else e for e in entries]
    found = list(read_value(values))
    assert [one.where for one in found] == [f"[{index}]" for index in range(len(values))]
    for one, entry in zip(found, entries, strict=True):
        assert (one.case is None) != (one.error is None)
        if isinstance(entry, tuple):
            assert isinstance(one.case, Case)
            assert one.case.finding.id == entry[0].id
        elif one.error is not None:
            assert "\n" not in str(one.error)


# An archive needs a threshold that belongs to the model


@examples
@given(some.cases(), some.scorecards(), some.policies, st.integers(-1000, 5000))
def test_nothing_is_archived_without_a_threshold_of_this_model(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy, tenths: int
) -> None:
    value = Decimal(tenths) / 10
    of_another = ThresholdOverride(value=value, model_sha256="0" * 64)
    decision = decide(*case, card, msgspec.structs.replace(policy, threshold=of_another))
    assert decision.outcome == "alert"
    assert decision.threshold is None
    unset = msgspec.structs.replace(card, threshold=None)
    assert decide(*case, unset, policy).outcome == "alert"

    of_this = msgspec.structs.replace(of_another, model_sha256=card.sha256)
    decision = decide(*case, card, msgspec.structs.replace(policy, threshold=of_this))
    assert decision.threshold == tenths / 10
    assert as_bytes(decision) == as_bytes(decide(*case, card, policy, threshold=tenths))


@examples
@given(some.cases(statuses=("ARCHIVED", "RESOLVED")), all_cards, all_policies, st.booleans())
def test_what_is_over_is_skipped(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy, is_deleted: bool
) -> None:
    finding, context = case
    assert decide(finding, context, card, policy).outcome == "skip"
    deleted = msgspec.structs.replace(finding, status="ACTIVE", is_deleted=True)
    assert decide(deleted, context, card, policy).outcome == "skip"


@examples
@given(some.cases(), some.scorecards(), some.policies)
def test_an_archive_is_active_below_the_threshold_or_expected_and_without_guardrails(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy
) -> None:
    decision = decide(*case, card, policy)
    if decision.outcome == "archive":
        assert decision.guardrails == ()
        assert decision.threshold is not None
        assert decision.score < decision.threshold or any(
            rule.name in decision.reason for rule in policy.expected
        )
    elif decision.outcome == "alert" and decision.threshold is not None:
        assert decision.guardrails or decision.score >= decision.threshold


@examples
@given(some.cases(), some.scorecards(), st.sampled_from(("ACCESS_DENIED", "INTERNAL_ERROR", "none", " ")))
def test_what_access_analyzer_could_not_analyze_is_never_archived(
    case: tuple[Finding, Context], card: Scorecard, error: str
) -> None:
    finding, context = case
    decision = decide(msgspec.structs.replace(finding, error=error), context, card, POLICY)
    assert decision.outcome == "alert"


@examples
@given(some.cases(), all_policies)
def test_every_value_of_a_closed_vocabulary_is_in_it(case: tuple[Finding, Context], policy: Policy) -> None:
    for name, value in features_of(Exposure(*case, policy)).items():
        known = BY_NAME[name].values
        if known is not None:
            assert value in (*known, "unknown", "not known", "not applicable", "absent"), name
