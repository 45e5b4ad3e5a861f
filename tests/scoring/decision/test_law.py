"""Order is a law: of two grants of which one contains the other, neither score nor outcome turns round.

`benchmarks/law.py` does the same for 24,000 pairs, with trained cards too.
"""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.decision.decide import decide
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE
from scoring.policy import policy as policies
from scoring.policy.policy import Allow, Own, Policy
from scoring.scorecard import formats
from tests.scoring import attacker, grants
from tests.scoring import strategies as some

CARD = formats.load()
POLICY = msgspec.structs.replace(policies.load(), organization_id=some.ORGANIZATION)
examples = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@examples
@given(grants.pairs(), grants.policies, st.sampled_from(grants.THRESHOLDS))
def test_whoever_lets_in_more_never_scores_less(pair: grants.Pair, policy: Policy, threshold: int) -> None:
    assert grants.violation(pair, CARD, policy, threshold) is None


# The law of the policy: whoever declares more trust never raises a score.


def _more_trust(policy: Policy) -> list[Policy]:
    """The policy with more declared, in each of the ways that there are."""
    allow, own = policy.allow, policy.own
    every_account = dict.fromkeys(some.ACCOUNTS, "declared")
    issuers = dict.fromkeys((grants.EKS, "login.example.com"), ("*",))
    github = {some.GITHUB: {"sub": ("repo:acme/*", "repo:mallory/x:*"), "repository_id": ("67890",)}}
    return [
        msgspec.structs.replace(policy, organization_id=policy.organization_id or some.ORGANIZATION),
        *(
            msgspec.structs.replace(policy, allow=msgspec.structs.replace(allow, **{name: value}))
            for name, value in (
                ("accounts", {**every_account, **allow.accounts}),
                ("vendors", (*allow.vendors, "datadog")),
                ("public_buckets", (*allow.public_buckets, "site", "reports")),
                ("subjects", {**issuers, **github, **allow.subjects}),
                ("conditions", {"future:Key": ("x", "y"), "aws:NotYet": ("x",), **allow.conditions}),
            )
        ),
        *(
            msgspec.structs.replace(policy, own=msgspec.structs.replace(own, **{name: value}))
            for name, value in (
                ("buckets", ("uploads", "site")),
                ("distributions", ("E2QWRUHAPOMQZL",)),
                ("providers", tuple(value for kind, value in grants.PRINCIPALS if "-provider/" in value)),
            )
        ),
    ]


@examples
@given(grants.grants(), grants.policies)
def test_more_trust_never_raises_a_score(case: tuple[Finding, Context], policy: Policy) -> None:
    policy = msgspec.structs.replace(policy, known_vendors={some.VENDOR: "Datadog"})
    before = decide(*case, CARD, policy, 300)
    for trusting in _more_trust(policy):
        after = decide(*case, CARD, trusting, 300)
        assert after.score <= before.score, trusting
        assert not (before.outcome == "archive" and after.outcome == "alert"), (trusting, after.reason)


def test_an_account_of_the_own_organization_stays_one_when_it_is_declared() -> None:
    """`allow.accounts` on such an account made 42 into 53."""
    finding = grants.example(("AWS", some.INSIDE))
    context = grants.known(finding, some.INSIDE, is_inside=True)
    before = decide(finding, context, CARD, POLICY)
    declared = msgspec.structs.replace(POLICY, allow=Allow(accounts={some.INSIDE: "ours"}))
    assert decide(finding, context, CARD, declared).score <= before.score
    assert isinstance(declared.own, Own)


# The attacker


@pytest.mark.parametrize("resource_type", TABLE)
def test_all_that_a_sharer_can_set_archives_no_dangerous_finding(resource_type: str) -> None:
    dangerous = 0
    for attack in attacker.attacks((resource_type,)):
        if decide(*attack.plain, CARD, POLICY).outcome == "alert":
            dangerous += 1
            decision = decide(*attack.dressed, CARD, POLICY)
            assert decision.outcome == "alert", (attack.name, decision.score, decision.reason)
    assert dangerous > 500
