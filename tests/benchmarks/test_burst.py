"""A burst of findings at a quota of ten functions: by the synthesized workflow, none fails."""

import pytest

from benchmarks.burst import CASES, Burst, as_before, definition_in, simulate
from tests.synthesis import template

pytestmark = pytest.mark.needs("deploy")


@pytest.mark.parametrize("case", CASES)
def test_none_fails_where_most_did_before(case: str) -> None:
    burst, at_once = CASES[case]
    now = definition_in(template(), at_once=at_once)
    told, before = simulate(now, burst), simulate(as_before(now), burst)
    assert (told.succeeded, told.failed, told.dead_letters) == (burst.findings, 0, 0)
    assert before.failed > burst.findings / 2
    assert before.succeeded + before.failed == burst.findings


def test_there_is_room_left_for_the_other_functions_of_the_account() -> None:
    told = simulate(definition_in(template()), Burst(5_000))
    assert (told.throttles, told.most_at_once) == (0, 8)


def test_three_hours_without_a_function_lose_nothing() -> None:
    hours = Burst(20, others=10, others_until=3 * 3600)
    told = simulate(definition_in(template()), hours)
    assert (told.succeeded, told.failed, told.dead_letters) == (20, 0, 0)


def test_what_can_never_run_is_told_and_never_lost() -> None:
    """Without any function for days: each finding is a failure with its state kept, or a dead letter."""
    never = Burst(20, others=10)
    told = simulate(definition_in(template()), never)
    assert told.succeeded == 0
    assert told.failed + told.dead_letters == 20


@pytest.mark.parametrize("retrier", ["Enrich", "Archive"])
def test_the_simulation_sees_a_retrier_that_lacks(retrier: str) -> None:
    now = definition_in(template())
    del now.states[retrier]["Retry"]
    assert simulate(now._replace(intake=None), Burst(1_000)).failed > 0
