"""Decisions that are kept are the ones that would have been made, whatever came between."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision import repeated
from scoring.decision.decide import decide
from scoring.decision.repeated import RepeatedDecisions
from scoring.features.exposure import Exposure
from scoring.features.features import FEATURES, features_of
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.policy.rules import Rule
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard, Table
from tests.scoring.strategies import cases

CARD = formats.load()
BUILT_IN = policies.load()


def policy_of(resources: tuple[str, ...], buckets: tuple[str, ...]) -> Policy:
    rules = tuple(Rule(name=f"rule on {pattern}", resource=(pattern,)) for pattern in resources)
    allow = msgspec.structs.replace(BUILT_IN.allow, public_buckets=buckets)
    return msgspec.structs.replace(BUILT_IN, expected=rules, allow=allow)


POLICIES = st.builds(
    policy_of, st.sampled_from([(), ("*a*",), ("arn:aws:s3*",)]), st.sampled_from([(), ("data",)])
)


@st.composite
def backlogs(draw: st.DrawFn) -> list[tuple[Finding, Context]]:
    """Few different findings, again and again under other names, with facts changed one at a time."""
    found = draw(st.lists(cases(), min_size=1, max_size=3))
    backlog = []
    for number in range(draw(st.integers(2, 10))):
        finding, context = draw(st.sampled_from(found))
        if draw(st.booleans()):
            finding = msgspec.structs.replace(
                finding, id=f"id-{number}", region=draw(st.sampled_from(["a", None]))
            )
        if draw(st.booleans()):
            name = draw(st.sampled_from(["data", "other", "a"]))
            finding = msgspec.structs.replace(finding, resource=f"arn:aws:s3:::{name}")
        if draw(st.booleans()):
            other, described = draw(st.sampled_from(found))
            name = draw(st.sampled_from(["tags", "resource_account", "principal_account", "reactivated_by"]))
            context = msgspec.structs.replace(context, **{name: getattr(described, name)})
            finding = msgspec.structs.replace(finding, conditions=other.conditions)
        backlog.append((finding, context))
    return backlog


def named(feature: str, value: str) -> Scorecard:
    """Return the built-in card with a table of resources."""
    table = Table(key=(feature,), points={(value,): -50}, default=10, unknown=10)
    return msgspec.structs.replace(CARD, tables=(*CARD.tables, table))


CARDS = st.sampled_from([CARD, named("resource", "arn:aws:s3:::data"), named("name_stem", "data")])


@given(
    backlogs(),
    CARDS,
    POLICIES,
    st.sampled_from([None, 0, 300, 900]),
    st.sampled_from([1, 2, repeated.MOST]),
)
def test_a_kept_decision_is_the_one_that_would_be_made(
    backlog: list[tuple[Finding, Context]], card: Scorecard, policy: Policy, threshold: int | None, most: int
) -> None:
    kept = RepeatedDecisions(card, policy, threshold, most=most)

    for finding, context in backlog:
        assert kept.decide(finding, context) == decide(finding, context, card, policy, threshold)
        assert len(kept.kept) <= most


@given(cases())
def test_no_feature_rests_on_what_is_left_out(case: tuple[Finding, Context]) -> None:
    finding, context = case
    nameless = RepeatedDecisions(CARD, BUILT_IN).nameless(finding)
    others = tuple(of for of in FEATURES if of.name not in repeated.NAMING)

    assert features_of(Exposure(nameless, context, BUILT_IN), others) == features_of(
        Exposure(finding, context, BUILT_IN), others
    )


def test_what_one_decision_hands_out_changes_no_other() -> None:
    finding = Finding(
        id="f", resource="r", resource_type="AWS::S3::Bucket", status="ACTIVE", finding_type="x"
    )
    kept = RepeatedDecisions(CARD, BUILT_IN)
    first = kept.decide(finding, Context())
    first.contributions.clear()

    assert kept.decide(finding, Context()) == decide(finding, Context(), CARD, BUILT_IN)
