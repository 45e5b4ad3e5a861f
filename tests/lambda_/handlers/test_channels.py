"""Who is told, by which channel; what fails on the way loses no alert and repeats none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.ses.models import ses_backends

from embedded.services.inbox import Inbox
from scoring.explanation.explain import REPEAT
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import calls, counted, crash

ALL = 'channels = ["sns", "ses", "chat"]\nmail_to = ["security@example.com"]\n'
ROUTE = (
    '[[alerts.route]]\nname = "payments"\ntags = { Team = "payments" }\nmail_to = ["payments@example.com"]\n'
)


def set_up(here: Deployment, policy: str) -> Inbox:
    """All three channels are there; the policy chooses."""
    here.aws.client("sesv2").create_email_identity(EmailIdentity="triage@example.com")
    chat = here.aws.create_topic("access-triage-chat")
    here.set(MAIL_FROM="triage@example.com", CHAT_TOPIC_ARN=chat.topic_arn)
    here.policy(f"[alerts]\n{policy}")
    return chat


def letters(here: Deployment) -> list[Any]:
    """What SES has sent."""
    return list(ses_backends[here.aws.account][here.aws.region].sent_messages)


def recipients(here: Deployment) -> list[str]:
    return [address for letter in letters(here) for address in letter.destinations["ToAddresses"]]


@contextmanager
def failing(service: str, times: int, code: str) -> Iterator[list[Any]]:
    """Let the first sendings by a service fail; yields what failed."""
    failed: list[Any] = []

    def around(call: tuple[str, str], make: Any) -> Any:
        if call[0] == service and call[1] in ("SendEmail", "Publish") and len(failed) < times:
            failed.append(call)
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, call[1])
        return make()

    with calls(around):
        yield failed


def test_one_alert_by_all_channels(here: Deployment) -> None:
    chat = set_up(here, ALL)
    with calls(lambda _, make: make()) as made:
        finding_id = here.share(here.key())
    (mail,), (letter,), (said,) = here.mails(), letters(here), chat.messages()
    assert finding_id in mail.text
    assert letter.source == "triage@example.com"
    assert letter.subject == mail.subject
    assert letter.body.lstrip().startswith("<!doctype html>")
    assert finding_id in letter.body
    assert made.count(("sesv2", "SendEmail")) == 1
    told = json.loads(said.text)
    assert (told["version"], told["source"]) == ("1.0", "custom")
    assert told["content"]["textType"] == "client-markdown"
    assert finding_id in json.dumps(told["content"]["nextSteps"])
    assert here.effects(finding_id) == ["alert"]


@pytest.mark.parametrize("code", ["MessageRejected", "TooManyRequestsException"])
def test_a_broken_channel_loses_nothing_and_repeats_nothing(here: Deployment, code: str) -> None:
    chat = set_up(here, ALL)
    here.set(ANALYZER_ARNS="")
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    event = event_of(here.aws, finding_id)
    with failing("sesv2", 100, code) as failed:
        for _ in range(6):
            with suppress(ClientError):
                here.deliver(event)
            here.clock.pass_by(minutes=20)
    assert len(here.mails()) == len(chat.messages()) == 1
    assert letters(here) == []
    assert here.effects(finding_id) == ["alert"]
    assert len(failed) == (1 if code == "MessageRejected" else 3)


def test_what_fails_once_goes_out_later_and_only_there(here: Deployment) -> None:
    chat = set_up(here, ALL)
    here.set(ANALYZER_ARNS="")
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    event = event_of(here.aws, finding_id)
    with failing("sesv2", 1, "TooManyRequestsException"), pytest.raises(ClientError):
        here.deliver(event)
    here.clock.pass_by(minutes=20)
    here.deliver(event)
    assert len(here.mails()) == len(chat.messages()) == len(letters(here)) == 1
    assert REPEAT in letters(here)[0].body
    assert here.effects(finding_id) == ["alert"]


def test_the_topic_is_the_last_resort(here: Deployment) -> None:
    set_up(here, 'channels = ["ses"]\nmail_to = ["security@example.com"]\n')
    with failing("sesv2", 100, "MailFromDomainNotVerifiedException"):
        finding_id = here.share(here.key())
    assert [finding_id in mail.text for mail in here.mails()] == [True]
    assert here.effects(finding_id) == ["alert"]


def test_a_channel_that_is_not_set_up_leaves_its_mails_to_the_topic(here: Deployment) -> None:
    here.policy('[alerts]\nchannels = ["ses", "chat"]\nmail_to = ["security@example.com"]\n')
    here.share(here.key())
    assert len(here.mails()) == 1


def test_a_team_is_told_by_its_tag_however_it_is_spelt(here: Deployment) -> None:
    set_up(here, ALL + ROUTE)
    here.share(here.key({"owner-team": "Payments"}))
    here.share(here.key({"Team": "search"}), "777788889999")
    assert sorted(recipients(here)) == [
        "payments@example.com",
        "security@example.com",
        "security@example.com",
    ]


def test_a_route_by_account_may_do_without_the_security_team_but_for_guardrails(here: Deployment) -> None:
    route = '[[alerts.route]]\nname = "a"\naccount = ["111122223333"]\nmail_to = ["a@example.com"]\n'
    set_up(here, f"{ALL}window_minutes = 0\n{route}security_copy = false\n")
    here.share(here.key(), "777788889999")
    assert (recipients(here), here.mails()) == (["a@example.com"], [])
    public = here.share(here.key(), "*")
    assert sorted(recipients(here)) == ["a@example.com", "a@example.com", "security@example.com"]
    assert [public in mail.text for mail in here.mails()] == [True]


def test_what_a_team_cannot_be_told_the_security_team_is(here: Deployment) -> None:
    route = '[[alerts.route]]\nname = "a"\naccount = ["111122223333"]\nmail_to = ["a@example.com"]\n'
    set_up(here, f'mail_to = ["security@example.com"]\n{route}security_copy = false\n')
    with failing("sesv2", 100, "MessageRejected"):
        finding_id = here.share(here.key(), "777788889999")
    assert [finding_id in mail.text for mail in here.mails()] == [True]
    assert here.effects(finding_id) == ["alert"]


def test_each_team_gets_its_own_part_of_a_burst(here: Deployment) -> None:
    set_up(here, ALL + ROUTE)
    here.set(ANALYZER_ARNS="")
    ids = [here.share(here.key({"Team": team}), "777788889999") for team in ("x", "payments", "y")]
    here.clock.pass_by(minutes=15)
    here.reconcile()
    of_team = [
        letter for letter in letters(here) if letter.destinations["ToAddresses"] == ["payments@example.com"]
    ]
    of_security = [letter for letter in letters(here) if letter not in of_team]
    assert [[finding_id in letter.body for finding_id in ids] for letter in of_team] == [[False, True, False]]
    assert [finding_id in of_security[-1].body for finding_id in ids] == [False, True, True]
    assert [here.effects(finding_id) for finding_id in ids] == [["alert"]] * 3


def test_a_burst_is_finished_where_a_channel_was_down(here: Deployment) -> None:
    chat = set_up(here, ALL)
    here.set(ANALYZER_ARNS="")
    arn = here.key()
    ids = [here.share(arn, f"77778888000{n}") for n in range(3)]
    here.clock.pass_by(minutes=15)
    with (
        failing("sesv2", 1, "TooManyRequestsException"),
        pytest.raises(Exception, match="sending queued alerts"),
    ):
        here.reconcile()
    assert {tuple(here.effects(finding_id)) for finding_id in ids[1:]} == {("collected",)}
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == len(chat.messages()) == len(letters(here)) == 2
    assert {tuple(here.effects(finding_id)) for finding_id in ids} == {("alert",)}


def test_whatever_the_crash_each_destination_has_it_and_one_at_most_twice(here: Deployment) -> None:
    chat = set_up(here, f"window_minutes = 0\nmails_per_hour = 1000\n{ALL}{ROUTE}")
    here.set(ANALYZER_ARNS="")
    here.aws.delivery.at_once = False

    def happens() -> dict[str, Any]:
        return event_of(here.aws, here.share(here.key({"Team": "payments"})))

    with counted() as made:
        here.deliver(happens())
    first = made.index(("dynamodb", "TransactWriteItems")) + 1
    for number in range(first, len(made) + 1):
        for after in (False, True):
            event = happens()
            finding_id = event["detail"]["id"]
            with crash(number, after=after):
                here.deliver(event)
            here.clock.pass_by(minutes=20)
            here.deliver(event)
            copies = [
                sum(finding_id in mail.text for mail in here.mails()),
                sum(finding_id in said.text for said in chat.messages()),
                *(
                    sum(
                        finding_id in letter.body
                        and letter.destinations["ToAddresses"] == [f"{team}@example.com"]
                        for letter in letters(here)
                    )
                    for team in ("security", "payments")
                ),
            ]
            assert min(copies) == 1, (number, after)
            assert sum(copies) <= 5, (number, after)
            assert here.effects(finding_id) == ["alert"], (number, after)
