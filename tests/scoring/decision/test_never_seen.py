"""Findings that a trained scorecard knows nothing about: to a person, unless the card before it archives."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from scoring.decision import never_seen
from scoring.decision.decide import decide
from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from scoring.files.errors import BadInput
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard, Table
from tests.scoring import strategies as some

examples = settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
POLICY = policies.load()


def table(name: str, *seen: str) -> Table:
    return Table(
        key=(name,), points={}, default=0, unknown=0, evidence={(value,): (3, 1, 0) for value in seen}
    )


PRIOR = Scorecard(
    name="prior",
    version="1",
    kind="weighted",
    base=0,
    threshold=100,
    tag_limit=0,
    tables=(Table(key=("public",), points={("public",): 200}, default=0, unknown=200),),
)
TRAINED = Scorecard(
    name="trained",
    version="1",
    kind="trained",
    base=0,
    threshold=100,
    tag_limit=0,
    tables=(table("principal", "arn:p", UNKNOWN, NOT_APPLICABLE), table("account", "111122223333")),
    seen_in=(("principal",), ("account",)),
    prior=PRIOR,
)


def features(principal: str, account: str, public: str = "public") -> dict[str, str]:
    known = {"public": public, "access_level": "Read", "trust": "stranger"}
    return {"principal": principal, "account": account, **known}


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        (features("arn:p", "999999999999"), False),
        (features("arn:new", "111122223333"), False),
        (features("arn:new", "999999999999"), True),
        (features("arn:new", "999999999999", public="not public"), False),  # the prior archives it too
        (features(UNKNOWN, "999999999999"), True),
        (features(UNKNOWN, UNKNOWN), True),
        (features(NOT_APPLICABLE, "999999999999"), True),  # nobody is concerned: nobody was seen
    ],
)
def test_when_it_stands(values: dict[str, str], stands: bool) -> None:
    assert (never_seen.check(TRAINED, values) is not None) is stands


def test_without_a_threshold_or_without_a_prior_nothing_vouches() -> None:
    values = features("arn:new", "999999999999", public="not public")
    for prior in (None, msgspec.structs.replace(PRIOR, threshold=None)):
        rail = never_seen.check(msgspec.structs.replace(TRAINED, prior=prior), values)
        assert rail is not None
        assert rail.name == never_seen.NAME


def test_a_card_of_schema_1_is_upgraded_to_one_that_vouches_for_nothing() -> None:
    content = json.loads(formats.to_json(TRAINED)) | {"schema": 1}
    del content["seen_in"], content["prior"]
    old = formats.from_json(json.dumps(content))
    assert old.seen_in == (("principal",), ("account",))
    assert old.prior is None
    weighted = formats.from_json(json.dumps(content | {"kind": "weighted"}))
    assert weighted.seen_in == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seen_in": [["trust"]]}, r"seen_in\[0\]: expected the key of a table of this card"),
        ({"seen_in": ["principal"]}, "seen_in"),
        ({"prior": 5}, "prior: expected"),
        ({"prior": {}}, r"prior\.schema: expected a schema version"),
        ({"prior": {"schema": 2, "name": "x"}}, "prior.*missing required field"),
    ],
)
def test_hostile_files(change: dict[str, object], said: str) -> None:
    content = json.loads(formats.to_json(TRAINED)) | change
    with pytest.raises(BadInput, match=said):
        formats.from_json(json.dumps(content))


def test_a_prior_has_no_prior() -> None:
    content = json.loads(formats.to_json(TRAINED))
    content["prior"] = json.loads(json.dumps(content))
    with pytest.raises(BadInput, match=r"prior\.prior: expected no further card"):
        formats.from_json(json.dumps(content))


@examples
@given(some.cases(), some.scorecards(), some.policies)
def test_it_only_ever_moves_towards_a_person(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy
) -> None:
    plain = msgspec.structs.replace(card, seen_in=(), prior=None)
    before, after = decide(*case, plain, policy), decide(*case, card, policy)
    assert (after.score, after.contributions) == (before.score, before.contributions)
    assert before.outcome == "archive" or after.outcome != "archive"
    if after.outcome == "archive" and after.reason.startswith("score") and policy.guardrails.never_seen:
        seen_somewhere = any(t.evidence for t in card.tables if t.key in card.seen_in)
        assert not card.seen_in or seen_somewhere or (card.prior and card.prior.threshold is not None)
