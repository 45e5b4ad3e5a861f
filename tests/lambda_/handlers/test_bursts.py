"""One alert for a burst, a cap on mails, the digest; nothing waits longer than it may."""

import itertools

from tests.lambda_.deployment import Deployment


def principals(count: int) -> list[str]:
    return [f"{n:012}" for n in range(1, count + 1)]


def quiet(here: Deployment) -> None:
    """Sweep nothing: only what was collected is sent."""
    here.set(ANALYZER_ARNS="")


def test_a_burst_on_one_resource_gives_one_alert_and_one_list(here: Deployment) -> None:
    quiet(here)
    arn = here.key()
    ids = [here.share(arn, principal) for principal in principals(12)]
    (first,) = here.mails()
    assert ids[0] in first.text
    here.clock.pass_by(minutes=15)
    here.reconcile()
    _, collected = here.mails()
    assert (collected.subject or "").startswith("[access-triage] 11 more: resource arn:aws:kms")
    assert all(finding_id in collected.text for finding_id in ids[1:])
    assert [here.effects(finding_id) for finding_id in ids] == [["alert"]] * 12
    here.clock.pass_by(minutes=15)
    here.reconcile()
    assert len(here.mails()) == 2


def test_a_burst_of_one_principal_is_one_whatever_the_role(here: Deployment) -> None:
    ids = [here.share(here.key(), f"arn:aws:iam::444455556666:role/r{n}") for n in range(5)]
    assert [here.effects(finding_id) for finding_id in ids] == [["alert"]] + [["collected"]] * 4


def test_what_has_nothing_in_common_is_no_burst(here: Deployment) -> None:
    for principal in principals(4):
        here.share(here.key(), principal)
    assert len(here.mails()) == 4


def test_after_the_window_an_alert_goes_out_at_once_again(here: Deployment) -> None:
    arn = here.key()
    here.share(arn, "111122224444")
    here.clock.pass_by(minutes=16)
    here.share(arn, "111122225555")
    assert len(here.mails()) == 2


def test_no_finding_with_a_guardrail_waits_longer_than_the_window(here: Deployment) -> None:
    """Findings come at any minute, the schedule runs every five; each is in a mail within 15 minutes."""
    quiet(here)
    arn = here.key()
    came: dict[str, int] = {}
    numbers = itertools.count(1)
    for minute in range(60):
        if minute % 5 == 0:
            here.reconcile()
        if minute % 3 == 0:
            came[here.share(arn, "*", condition={"aws:SourceIp": f"192.0.2.{next(numbers)}"})] = minute
        text = "".join(mail.text for mail in here.mails())
        late = [finding_id for finding_id, at in came.items() if minute - at >= 15 and finding_id not in text]
        assert late == [], minute
        here.clock.pass_by(minutes=1)
    assert len(here.mails()) <= 9


def test_mails_per_hour_are_capped_and_the_rest_is_one_digest(here: Deployment) -> None:
    quiet(here)
    here.policy("[alerts]\nmails_per_hour = 3\n")
    ids = [here.share(here.key(), principal) for principal in principals(10)]
    assert len(here.mails()) == 3
    for _ in range(11):  # an hour
        here.clock.pass_by(minutes=5)
        here.reconcile()
    digest = here.mails()[-1]
    assert len(here.mails()) == 4
    assert digest.subject == "[access-triage] Digest: 7 alerts"
    assert all(finding_id in digest.text for finding_id in ids[3:])
    assert {tuple(here.effects(finding_id)) for finding_id in ids} == {("alert",)}


def test_the_excess_with_guardrails_comes_within_the_window(here: Deployment) -> None:
    quiet(here)
    here.policy("[alerts]\nmails_per_hour = 1\n")
    here.share(here.key(), "111122224444")
    public = here.share(here.key(), "*")
    for _ in range(2):
        here.clock.pass_by(minutes=5)
        here.reconcile()
    assert public in here.mails()[-1].text


def test_bursts_above_the_cap_are_in_the_digest(here: Deployment) -> None:
    quiet(here)
    here.policy("[alerts]\nmails_per_hour = 2\n")
    ids: list[str] = []
    for arn in (here.key(), here.key()):
        ids += [here.share(arn, f"{len(ids) + n:012}") for n in range(1, 4)]
    here.clock.pass_by(minutes=14)
    here.reconcile()
    *_, digest = here.mails()
    assert len(here.mails()) == 3
    assert digest.subject == "[access-triage] Digest: 4 alerts"
    assert all(finding_id in digest.text for finding_id in (*ids[1:3], *ids[4:6]))


def test_unused_access_goes_into_a_digest_a_day(here: Deployment) -> None:
    quiet(here)
    ids: list[str] = []
    for number in range(3):
        user = f"arn:aws:iam::111122223333:user/u{number}"
        here.aws.client("iam").create_user(UserName=f"u{number}")
        found = {"resource": user, "resourceType": "AWS::IAM::User", "findingType": "UnusedIAMUserPassword"}
        ids.append(here.aws.findings.put(found).id)
        here.clock.pass_by(hours=2)
        here.reconcile()
    guarded = [i for i in ids if here.items(i)[0]["record"]["decision"]["guardrails"]]
    if not guarded:
        assert here.mails() == []
    here.clock.pass_by(hours=24)
    here.reconcile()
    text = "".join(mail.text for mail in here.mails())
    assert all(finding_id in text for finding_id in ids)
    assert "Digest" in (here.mails()[0].subject or "")


def test_unused_access_may_be_alerted_on_at_once(here: Deployment) -> None:
    here.policy("[alerts]\nunused_in_digest = false\n")
    role = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
    here.aws.findings.put(role | {"findingType": "UnusedIAMRole"})
    assert len(here.mails()) == 1


def test_a_flood_stays_below_what_sns_takes_and_names_every_finding(here: Deployment) -> None:
    quiet(here)
    arn = here.key()
    long = {"aws:SourceArn": "arn:aws:s3:::" + "x" * 50}
    ids = [here.share(arn, principal, condition=long) for principal in principals(130)]
    here.clock.pass_by(minutes=15)
    here.reconcile()
    mails = here.mails()
    assert len(mails) == 2
    assert all(len(mail.text.encode()) < 262_144 and len(mail.subject or "") < 100 for mail in mails)
    assert all(finding_id in mails[1].text for finding_id in ids[1:])


def test_events_that_cannot_be_read_are_a_burst_and_come_once(here: Deployment) -> None:
    quiet(here)
    events = [{"detail-type": "Access Analyzer Finding", "detail": {"id": str(n)}} for n in range(5)]
    for event in events * 2:
        here.deliver(event)
    assert len(here.mails()) == 1
    here.clock.pass_by(minutes=15)
    here.reconcile()
    assert [mail.subject for mail in here.mails()][1:] == [
        "[access-triage] 4 more: events that cannot be read"
    ]
