"""The process dies at any call to AWS, before or after it; what is delivered again finds the way on."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from scoring.decision_log.log import InProgress
from scoring.explanation.explain import REPEAT
from scoring.pipeline.undo import undo
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import Call, counted, crash
from tests.lambda_.workflow import both_wirings

# The thread that asks about the resource dies as well.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

PUBLISH, UPDATE = ("sns", "Publish"), ("accessanalyzer", "UpdateFindings")
WRITE = ("dynamodb", "TransactWriteItems")
ONE_MAIL_EACH = "[alerts]\nwindow_minutes = 0\nmails_per_hour = 1000\n"


class Died(NamedTuple):
    """A run that died.

    Parameters
    ----------
    given
        What was prepared for it.
    made
        What it called, the last one being where it died.
    after
        Whether that call had its effect.
    where
        The same in words.
    """

    given: Any
    made: list[Call]
    after: bool
    where: str


def die_at_each_call(prepare: Callable[[], Any], run: Callable[[Any], object]) -> Iterator[Died]:
    """Let `run` die before and after each of its calls, each time with something new."""
    for number, after in ((number, after) for number in itertools.count(1) for after in (False, True)):
        given = prepare()
        with crash(number, after=after) as made:
            run(given)
        if len(made) < number:
            return
        yield Died(given, made, after, f"crash {'after' if after else 'before'} call {number}, {made[-1]}")


def happens(here: Deployment, kind: str) -> str:
    """Let a finding come that is to be archived, or to be alerted on; its event waits."""
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key() if kind == "archive" else here.key())
    here.aws.delivery.pending.clear()
    return finding_id


def mails_about(here: Deployment, finding_id: str) -> list[str]:
    return [mail.text for mail in here.mails() if finding_id in mail.text]


@both_wirings
@pytest.mark.parametrize("kind", ["archive", "alert"])
def test_whatever_the_crash_the_end_is_right(here: Deployment, kind: str) -> None:
    here.policy(ONE_MAIL_EACH)
    seen = set()
    for finding_id, made, after, where in die_at_each_call(
        lambda: happens(here, kind), lambda finding_id: here.deliver(event_of(here.aws, finding_id))
    ):
        seen.add(made[-1])
        for minutes in (0, 3, 3):  # at once, when the lease is over, and once more
            here.clock.pass_by(minutes=minutes)
            try:
                here.deliver(event_of(here.aws, finding_id))
            except InProgress:
                assert minutes == 0, where
        here.aws.deliver()
        assert here.aws.delivery.dead_letters == [], where
        assert [effect for effect in here.effects(finding_id) if effect != "over"] == [kind], where
        mails = mails_about(here, finding_id)
        if kind == "archive":
            assert (here.status(finding_id), mails) == ("ARCHIVED", []), where
            continue
        writes = [call for call in made if call in (WRITE, PUBLISH)]
        is_intended = WRITE in made[:-1] or (made[-1] == WRITE and after)
        is_finished = len(writes) == 3 and after
        around_publish = (made[-1], after) == (PUBLISH, True) or (len(writes) == 3 and not after)
        assert len(mails) == 1 + around_publish, where
        assert (REPEAT in mails[-1]) == (is_intended and not is_finished), where
    assert {WRITE, UPDATE if kind == "archive" else PUBLISH} < seen


@both_wirings
def test_a_crash_without_another_delivery_is_finished_by_the_schedule(here: Deployment) -> None:
    here.policy(ONE_MAIL_EACH)
    here.set(ANALYZER_ARNS="")
    for kind in ("archive", "alert"):
        here.deliver(event_of(here.aws, happens(here, kind)))
        with counted() as made:
            here.deliver(event_of(here.aws, happens(here, kind)))
        effect = made.index(UPDATE if kind == "archive" else PUBLISH) + 1
        for number, after in ((effect - 1, True), (effect, True), (effect + 1, True)):
            finding_id = happens(here, kind)
            with crash(number, after=after):
                here.deliver(event_of(here.aws, finding_id))
            here.aws.delivery.pending.clear()
            here.clock.pass_by(minutes=6)
            here.reconcile()
            assert [effect for effect in here.effects(finding_id) if effect != "over"] == [kind]
            assert here.status(finding_id) == ("ARCHIVED" if kind == "archive" else "ACTIVE")


def test_a_crash_while_collected_alerts_are_sent(here: Deployment) -> None:
    here.set(ANALYZER_ARNS="")

    def collect() -> list[str]:
        arn = here.key()
        ids = [here.share(arn, f"{next(numbers):012}") for _ in range(3)]
        here.clock.pass_by(minutes=15)
        return ids[1:]

    numbers = itertools.count(1)
    for ids, made, _, where in die_at_each_call(collect, lambda _: here.reconcile()):
        for _ in range(3):
            here.clock.pass_by(minutes=6)
            here.reconcile()
        assert [here.effects(finding_id) for finding_id in ids] == [["alert"]] * 2, where
        mails = mails_about(here, ids[0])
        assert mails == mails_about(here, ids[1]), where
        assert len(mails) == 1 or (len(mails) == 2 and PUBLISH in made), where
        assert len(mails) == 1 or REPEAT in mails[-1], where


def test_a_crash_while_archives_are_undone(here: Deployment) -> None:
    def archive() -> list[str]:
        here.aws.delivery.at_once = True
        here.clock.pass_by(hours=1)
        ids = [here.share(here.development_key()) for _ in range(2)]
        here.aws.delivery.at_once = False
        return ids

    def undo_all() -> None:
        list(undo(here.log, here.analyzers, now=here.clock()))

    for ids, _, _, where in die_at_each_call(archive, lambda _: undo_all()):
        undo_all()
        here.aws.deliver()
        assert [here.status(finding_id) for finding_id in ids] == ["ACTIVE"] * 2, where
        for finding_id in ids:
            decision = here.items(finding_id)[-1]["record"]["decision"]
            assert "reactivated" in [rail["name"] for rail in decision["guardrails"]], where
        assert list(undo(here.log, now=here.clock())) == [], where
