"""What holds for every finding, context, policy and scorecard, whatever anybody writes into them."""

from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, given, settings

from scoring.context import Context
from scoring.decide import decide
from scoring.facts import NOT_LOOKED_UP, Unknown
from scoring.finding import Finding
from scoring.policy import Policy
from scoring.scorecard import Scorecard
from tests.scoring import strategies as some

REFUSED = Unknown("AccessDenied")
slow_draws = settings(
    max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def with_one_fact_less(finding: Finding, context: Context) -> Iterator[tuple[str, Finding, Context]]:
    """The same case, with each of its facts unknown in turn."""
    for fact in ("tags", "aliases", "resource_account", "principal_account"):
        for unknown in (REFUSED, NOT_LOOKED_UP):
            yield fact, finding, msgspec.structs.replace(context, **{fact: unknown})
    yield "reactivated_by", finding, msgspec.structs.replace(context, reactivated_by=REFUSED)
    less: dict[str, dict[str, object]] = {
        "finding type": {"finding_type": "AnomalousAccess"},
        "resource type": {"resource_type": "AWS::Bedrock::Agent"},
        "account": {"account": None},
        "error": {"error": "INTERNAL_ERROR"},
        "principal": {"principals": ()},
        "principal nobody can read": {"principals": tuple(("AWS", "???") for _ in finding.principals)},
        "actions": {"actions": ()},
        "sources": {"sources": ()},
        "access type": {"access_type": None},
        "restriction": {"restrictions": (*finding.restrictions, "FAILED_TO_EVALUATE_RCP")},
        "unused services": {"unused_services": None},
    }
    if finding.finding_type != "InternalAccess":
        less["isPublic"] = {"is_public": None}
    for name, change in less.items():
        yield name, msgspec.structs.replace(finding, **change), context


@slow_draws
@given(some.cases(), some.scorecards(), some.policies)
def test_not_knowing_never_helps(case: tuple[Finding, Context], card: Scorecard, policy: Policy) -> None:
    finding, context = case
    before = decide(finding, context, card, policy)
    for name, changed, known in with_one_fact_less(finding, context):
        after = decide(changed, known, card, policy)
        assert after.score >= before.score, name
        assert before.outcome == "archive" or after.outcome != "archive", name
