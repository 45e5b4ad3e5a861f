"""The circuit breaker and the limits it counts with."""

from scoring.pipeline import circuit_breaker
from tests.lambda_.deployment import Deployment

LIMITS = "[archives]\nmost_per_hour = 4\nmost_per_principal = 3\n"


def archived(here: Deployment, ids: list[str]) -> list[bool]:
    return [here.status(finding_id) == "ARCHIVED" for finding_id in ids]


def test_above_the_limit_of_a_principal_nothing_of_it_is_archived(here: Deployment) -> None:
    here.policy(LIMITS)
    ids = [here.share(here.development_key()) for _ in range(5)]
    other = here.share(here.development_key(), "555566667777")
    assert archived(here, [*ids, other]) == [True, True, True, False, False, True]
    (mail,) = here.mails()  # the first one says that archiving has stopped, the others are collected
    assert mail.subject == (
        "[access-triage] Archiving has stopped: more than 3 archives in an hour that let 444455556666 in"
    )
    assert ids[3] in mail.text
    assert [here.effects(finding_id)[-1] for finding_id in ids[3:]] == ["alert", "collected"]
    decision = here.items(ids[4])[-1]["record"]["decision"]
    assert decision["outcome"] == "alert"
    assert decision["reason"] == "Needs a person: too many archives within an hour"


def test_above_the_limit_of_all_nothing_is_archived(here: Deployment) -> None:
    here.policy(LIMITS)
    ids = [here.share(here.development_key(), f"{n:012}") for n in range(111, 117)]
    assert archived(here, ids) == [True] * 4 + [False] * 2
    assert len(here.mails()) == 1


def test_the_hour_slides(here: Deployment) -> None:
    here.policy(LIMITS)
    ids = []
    for _ in range(4):
        ids.append(here.share(here.development_key()))
        here.clock.pass_by(minutes=15)
    assert archived(here, ids) == [True] * 3 + [False]
    here.clock.pass_by(minutes=1)
    assert archived(here, [here.share(here.development_key()) for _ in range(2)]) == [True, False]


def test_a_person_closes_it_by_hand(here: Deployment) -> None:
    here.policy("[archives]\nmost_per_hour = 1\n")
    assert archived(here, [here.share(here.development_key()) for _ in range(2)]) == [True, False]
    circuit_breaker.close(here.log)
    assert archived(here, [here.share(here.development_key())]) == [True]


def test_the_count_is_renewed_before_it_gets_long(here: Deployment) -> None:
    here.policy("[archives]\nmost_per_hour = 2\n")
    for _ in range(21):
        ids = [here.share(here.development_key()) for _ in range(3)]
        assert archived(here, ids) == [True, True, False]
        here.clock.pass_by(minutes=61)
    counted = here.log.storage.get(("limits", "archives"))
    assert counted is not None
    assert len(counted["all"]) < 36


def test_a_thousand_resources_of_one_attacker_do_not_drown_anybody(here: Deployment) -> None:
    """The first mails go out at once, all others are listed in one mail each window."""
    here.policy("[archives]\nmost_per_principal = 5\n")
    ids = [here.share(here.development_key()) for _ in range(60)]
    assert sum(archived(here, ids)) == 5
    assert len(here.mails()) == 1
    here.clock.pass_by(minutes=15)
    here.reconcile()
    first, rest = here.mails()
    for finding_id in ids[5:]:
        assert finding_id in first.text + rest.text
