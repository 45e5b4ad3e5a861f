"""How many calls to AWS one event takes."""

from collections.abc import Callable

import pytest

from tests.lambda_.deployment import STRANGER, Deployment, event_of
from tests.lambda_.faults import Call, counted
from tests.lambda_.workflow import both_wirings

pytestmark = both_wirings

OTHER = "555566667777"
EFFECTS = {("accessanalyzer", "UpdateFindings"), ("sns", "Publish")}
PRECEDENT = ("dynamodb", "Query")
"""What an alert that is written asks for past decisions on similar findings; it keeps no state."""


def state_calls(made: list[Call]) -> int:
    """Calls that keep state: of the decision log, and the finding read again."""
    return sum(service in ("dynamodb", "accessanalyzer") for service, _ in set_aside(made))


def enrichment_calls(made: list[Call]) -> int:
    return sum(service not in ("dynamodb", "accessanalyzer") for service, _ in set_aside(made))


def set_aside(made: list[Call]) -> list[Call]:
    return [call for call in made if call not in EFFECTS and call != PRECEDENT]


def alert(here: Deployment) -> str:
    return here.share(here.key(), OTHER)


def archive(here: Deployment) -> str:
    return here.share(here.development_key())


def follow(here: Deployment) -> str:
    arn = here.key()
    here.deliver(event_of(here.aws, here.share(arn)))
    return here.share(arn)


def stop(here: Deployment) -> str:
    here.policy("[archives]\nmost_per_hour = 1")
    here.deliver(event_of(here.aws, archive(here)))
    return archive(here)


def stop_and_follow(here: Deployment) -> str:
    here.deliver(event_of(here.aws, stop(here)))
    return archive(here)


def exceed(here: Deployment) -> str:
    here.policy("[alerts]\nmails_per_hour = 1")
    here.deliver(event_of(here.aws, here.share(here.key())))
    return alert(here)


def list_unused(here: Deployment) -> str:
    role = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
    return here.aws.findings.put(role | {"findingType": "UnusedIAMRole"}).id


CASES: list[tuple[Callable[[Deployment], str], list[str], int]] = [
    (alert, ["alert"], 4),
    (archive, ["archive"], 4),
    (follow, ["collected"], 4),
    (stop, ["alert"], 5),
    (stop_and_follow, ["collected"], 5),
    (exceed, ["collected"], 4),
    (list_unused, ["collected"], 2),
]


@pytest.mark.parametrize(
    ("happens", "effects", "most"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_calls_of_one_event(
    here: Deployment, happens: Callable[[Deployment], str], effects: list[str], most: int
) -> None:
    here.aws.delivery.at_once = False
    for principal in (STRANGER, OTHER):  # from then on only the resource is not known yet
        here.deliver(event_of(here.aws, here.share(here.key(), principal)))
    here.clock.pass_by(minutes=61)
    finding_id = happens(here)
    event = next(
        e for e in here.aws.events if finding_id in (e["detail"].get("id"), e["detail"].get("findingId"))
    )
    with counted() as made:
        here.deliver(event)
    assert here.effects(finding_id) == effects
    assert state_calls(made) == most <= 5
    assert enrichment_calls(made) <= 3
    assert made.count(PRECEDENT) == (3 if effects == ["alert"] else 0)
    with counted() as again:
        here.deliver(event)
    assert here.effects(finding_id) == effects
    assert state_calls(again) <= 2
    assert not EFFECTS & set(again)


def test_our_own_archive_costs_one_read(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    here.deliver(event_of(here.aws, finding_id))
    with counted() as made:
        here.deliver(event_of(here.aws, finding_id, 1))
    assert made == [("dynamodb", "GetItem")]


@pytest.mark.parametrize("status", ["ARCHIVED", "RESOLVED"])
def test_what_a_person_closes_is_not_asked_about(here: Deployment, status: str) -> None:
    finding_id = here.share(here.key())
    here.aws.delivery.at_once = False
    here.clock.pass_by(minutes=1)
    here.aws.findings.update(finding_id, {"status": status})
    with counted() as made:
        here.deliver(event_of(here.aws, finding_id, 1))
    assert made == [("dynamodb", "GetItem"), ("dynamodb", "TransactWriteItems")]
    assert here.effects(finding_id) == ["alert", "none"]
