"""The review page at its handler: what a link may do, once, and what nobody may do by any."""

import hashlib
import logging
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.runtime import review_keys
from scoring.decision_log.dynamodb import DynamoDb
from scoring.review import answer as answering
from scoring.review.links import Links
from tests.lambda_.deployment import TABLE, Deployment
from tests.lambda_.review_site import SAME, answer_to, event, get, post, site, tokens
from tests.live_aws import failing
from tests.scoring.explain_cases import HOSTILE
from tests.scoring.review.test_links import mangled

ANALYST: dict[str, Any] = {
    "authorizer": {"iam": {"userArn": "arn:aws:sts::111122223333:assumed-role/analyst/ana"}}
}


@pytest.fixture
def page(here: Deployment) -> Iterator[None]:
    with site(here):
        yield


def alert(here: Deployment, **more: Any) -> tuple[str, dict[str, str]]:
    """A finding that alerts, and the tokens of its mail."""
    finding_id = here.share(here.key({"Owner": "payments"}), **more)
    [mail] = [mail.text for mail in here.mails() if finding_id in mail.text]
    return finding_id, tokens(mail)


def everything(here: Deployment) -> list[Any]:
    """What the log says, but for the counts of requests."""
    items = here.dynamodb.scan(TableName=TABLE)["Items"]
    return sorted((item for item in items if item["finding_id"]["S"] != "limits"), key=repr)


def labels(here: Deployment, finding_id: str) -> list[Any]:
    return [item.get("label") for item in here.items(finding_id) if "label" in item]


def test_looking_changes_nothing(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    before = everything(here)
    for verdict in ("expected", "unintended"):
        for method in ("GET", "HEAD"):
            seen = answer_to(event(method, f"/{links[verdict]}"))
            assert seen.status == 200
            assert (seen.html == "") == (method == "HEAD")
        assert f"Confirm: {verdict}" in get(links[verdict]).html
    assert everything(here) == before
    assert here.status(finding_id) == "ACTIVE"


def test_expected_archives_labels_and_is_taken_back(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    done = post(links["expected"], "  the partner's\r\n key ")
    assert done.status == 303
    assert here.status(finding_id) == "ARCHIVED"
    [label] = labels(here, finding_id)
    assert label["origin"] == {"address": "203.0.113.9", "agent": "Mozilla/5.0 (test)"}
    assert {name: label[name] for name in ("verdict", "by", "source", "note", "verified")} == {
        "verdict": "expected",
        "by": "somebody with the link",
        "source": "review-link",
        "note": "the partner's key",
        "verified": False,
    }
    recorded = get(done.token)
    assert (recorded.status, recorded.heading) == (200, "Recorded: expected")
    assert "Archived." in recorded.html
    assert "Take it back" in recorded.html

    assert post(done.token).status == 303
    assert here.status(finding_id) == "ACTIVE"
    assert labels(here, finding_id) == []
    back = get(done.token)
    assert (back.status, back.heading) == (200, "Taken back: expected")
    again = re.findall(r'<a href="([^"]+)">Say that it is (\w+)', back.html)
    assert [verdict for _, verdict in again] == ["expected", "unintended"]
    assert post({v: t for t, v in again}["unintended"]).status == 303
    assert [label["verdict"] for label in labels(here, finding_id)] == ["unintended"]


def test_unintended_keeps_it_active_and_says_what_to_do(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    done = post(links["unintended"])
    assert here.status(finding_id) == "ACTIVE"
    recorded = get(done.token)
    assert recorded.heading == "Recorded: unintended"
    assert "It stays active." in recorded.html
    assert "Retire or revoke grants" in recorded.html
    assert f"aws kms list-grants --key-id {here.aws.findings.get(finding_id).resource}" in recorded.html
    assert post(done.token).status == 303
    assert labels(here, finding_id) == []
    assert get(done.token).heading == "Taken back: unintended"


def test_a_link_is_good_once(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    first = post(links["expected"])
    before = everything(here)
    for seen in [answer(links[verdict]) for answer in (get, post) for verdict in links]:
        assert (seen.status, seen.heading) == (409, "Decided already: expected")
        assert "somebody with the link (not verified)" in seen.html
    assert everything(here) == before

    post(first.token)
    before, status = everything(here), here.status(finding_id)
    for token in (links["expected"], links["unintended"]):
        assert post(token).heading == "This link has been used"
    assert post(first.token).heading == "Taken back: expected", "and nothing to take back"
    assert (everything(here), here.status(finding_id)) == (before, status)


def test_a_replay_does_not_archive_what_a_person_has_brought_back(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    post(links["expected"])
    here.aws.delivery.at_once = False  # the event of the re-activation is on its way
    here.aws.client("accessanalyzer").update_findings(
        analyzerArn=here.analyzer_arn, ids=[finding_id], status="ACTIVE"
    )
    assert post(links["expected"]).status == 409
    assert here.status(finding_id) == "ACTIVE"


def test_a_link_is_bound_to_what_was_decided_on(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    for seen in (get(links["expected"]), post(links["expected"])):
        assert (seen.status, seen.heading) == (410, "This alert is out of date")
    assert here.status(finding_id) == "ACTIVE"
    assert labels(here, finding_id) == []


def test_what_changed_and_was_not_decided_on_yet_is_not_archived(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    here.aws.delivery.at_once = False
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    done = post(links["expected"])
    assert here.status(finding_id) == "ACTIVE"
    assert "Not archived: it has changed since it was decided on" in get(done.token).html


def test_forged_expired_and_foreign(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    before = everything(here)
    for method in ("GET", "POST"):
        for token in mangled(60, seed=1):
            seen = answer_to(event(method, f"/{token}", SAME))
            assert (seen.status, seen.heading) == (403, "This link is not valid")
    keys = ("a secret of the tests, long enough",)
    foreign = Links(url="", table=TABLE, keys=keys).answers("another finding", "decision#x", here.clock())
    seen = post(foreign.expected.rsplit("/", 1)[1])
    assert (seen.status, seen.heading) == (404, "This finding is not known here")
    elsewhere = Links(url="", table="another", keys=keys).answers(finding_id, "decision#x", here.clock())
    assert post(elsewhere.expected.rsplit("/", 1)[1]).status == 403
    here.clock.pass_by(days=15)
    for seen in (get(links["expected"]), post(links["expected"])):
        assert (seen.status, seen.heading) == (410, "This link has expired")
        assert f"triage review {finding_id}" in seen.html
    assert everything(here) == before
    assert here.status(finding_id) == "ACTIVE"


def test_a_thousand_forged_tokens_ask_aws_for_nothing(here: Deployment, page: None, caplog: Any) -> None:
    _, links = alert(here)
    get(links["expected"])
    before = everything(here)
    with failing("TransactWriteItems", "x"), failing("Query", "x"), failing("GetSecretValue", "x"):
        seen = {answer_to(event("POST", f"/{token}", SAME)).status for token in mangled(1000, seed=2)}
    assert seen == {403}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert everything(here) == before


def test_a_confirmation_comes_from_the_page_itself(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    for headers in (
        {},
        {"sec-fetch-site": "cross-site", "origin": "https://review.example"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://review.example"},
        {"origin": "https://review.example.evil.example"},
    ):
        seen = post(links["expected"], headers=headers)
        assert (seen.status, seen.heading) == (403, "Not confirmed"), headers
    assert here.status(finding_id) == "ACTIVE"
    assert labels(here, finding_id) == []
    # an older browser names the page's origin
    assert post(links["expected"], headers={"origin": "https://review.example"}).status == 303
    assert here.status(finding_id) == "ARCHIVED"


def test_behind_sign_in_the_principal_is_recorded(here: Deployment) -> None:
    with site(here, auth="AWS_IAM"):
        finding_id, links = alert(here)
        for seen in (get(links["expected"]), post(links["expected"])):
            assert (seen.status, seen.heading) == (403, "Sign in first")
        assert "assumed-role/analyst/ana" in get(links["expected"], **ANALYST).html
        assert post(links["expected"], **ANALYST).status == 303
        [label] = labels(here, finding_id)
        assert label["by"] == ANALYST["authorizer"]["iam"]["userArn"]
        assert "verified" not in label, "verified unless it says otherwise"


def test_without_sign_in_nobody_is_taken_at_their_word(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    post(links["unintended"], **ANALYST)
    [label] = labels(here, finding_id)
    assert (label["by"], label["verified"]) == ("somebody with the link", False)


def test_headers_of_every_page(here: Deployment, page: None) -> None:
    _, links = alert(here)
    done = post(links["expected"])
    for seen in (get(links["expected"]), get("x"), done, get(done.token)):
        policy = seen.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert seen.headers["Cache-Control"] == "no-store"
        assert seen.headers["Referrer-Policy"] == "no-referrer"
        assert seen.headers["X-Content-Type-Options"] == "nosniff"
    html = get("x").html
    [style] = re.findall(r"<style>(.*?)</style>", html, re.S)
    digest = re.search(r"sha256-([^']+)", get("x").headers["Content-Security-Policy"])
    assert digest is not None
    assert b64decode(digest[1]) == hashlib.sha256(style.encode()).digest()


def test_a_page_is_small_and_needs_nothing_from_elsewhere(here: Deployment, page: None) -> None:
    _, links = alert(here, action=[f"kms:{name}" for name in ("Decrypt", "Encrypt", *"abcdefghijkl")])
    html = get(links["expected"]).html
    assert len(html.encode()) < 50_000
    assert not re.search(
        r"<(script|img|link|iframe|object|embed|video|audio|base)\b| style=| on\w+=|@import", html
    )
    assert set(re.findall(r"(?:href|src|action)=\"(https?://[^/\"]+)", html)) <= {
        "https://eu-west-1.console.aws.amazon.com"
    }


def test_hostile_text_stays_text(here: Deployment, page: None) -> None:
    evil = "<script>alert(1)</script>\"'> {{7*7}} \u202e\x1b[2J"
    _, links = alert(here, condition={evil: evil})
    agent = {**SAME, "user-agent": f"{evil}\r\nX: y {'z' * 500}"}
    done = post(links["unintended"], HOSTILE.encode("utf-8", "replace").decode(), agent)
    recorded = get(done.token).html + get(links["unintended"]).html
    _, links = alert(here, principal="999988887777")
    shown = recorded + get(links["expected"]).html
    assert "&lt;script&gt;alert(1)" in shown
    assert not re.search("<script|[\u202e\u200b\x1b\ufeff]", shown)
    agents = [item["label"]["origin"]["agent"] for item in _labelled(here)]
    assert all(len(agent) <= 160 and agent.isprintable() for agent in agents)


def _labelled(here: Deployment) -> list[Any]:
    storage = DynamoDb(here.dynamodb, TABLE)
    return [item for item in storage.with_prefix("decision#") if "label" in item]


def test_an_address_is_one_or_none(here: Deployment, page: None) -> None:
    for address in ("", "999.1.1.1", "203.0.113.9, 10.0.0.1", "<b>", "::1%eth0\n", "2001:DB8::1"):
        finding_id, links = alert(here, principal=f"{len(here.mails()):012}")
        sent = event("POST", f"/{links['unintended']}", SAME, "note=")
        sent["requestContext"]["http"]["sourceIp"] = address
        answer_to(sent)
        [label] = labels(here, finding_id)
        assert label["origin"].get("address") == ("2001:db8::1" if address == "2001:DB8::1" else None)


def test_forms_of_any_shape(here: Deployment, page: None) -> None:
    for body, heading in (
        ("note=" + "n" * 2001, "Not confirmed"),
        ("note=" + "n" * 90_000, "Not confirmed"),
        ("&".join(f"a{n}=b" for n in range(90)), "Not confirmed"),
        ("", ""),
        ("\udcff\udcfe=%ff%fe&note=%ff", ""),
        ("note", ""),
    ):
        finding_id, links = alert(here, principal=f"{len(here.mails()):012}")
        seen = answer_to(event("POST", f"/{links['expected']}", SAME, body))
        assert seen.heading == heading
        assert (here.status(finding_id) == "ACTIVE") == bool(heading), body[:40]


def test_requests_of_any_shape(here: Deployment, page: None) -> None:
    shapes: tuple[Any, ...] = (
        {},
        {"requestContext": None},
        {"headers": [], "rawPath": 7, "body": {}},
        [],
        None,
        "x",
    )
    for given in (*shapes, {"rawPath": "/"}):
        seen = answer_to(given)
        assert seen.status in (403, 405, 503)
        assert "Traceback" not in seen.html
    _, links = alert(here)
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", ""):
        assert answer_to(event(method, f"/{links['expected']}", SAME)).status == 405


def test_what_aws_refuses_is_finished_by_asking_again(here: Deployment, page: None) -> None:
    finding_id, links = alert(here)
    with failing("UpdateFindings", "AccessDeniedException"):
        seen = post(links["expected"])
    assert (seen.status, seen.heading) == (503, "That did not work")
    assert here.status(finding_id) == "ACTIVE"
    unfinished = get(links["expected"])
    assert unfinished.status == 200
    assert "acting on it was interrupted" in unfinished.heading
    assert get(links["unintended"]).heading == "Decided already: expected"
    done = post(links["expected"])
    assert get(done.token).heading == "Recorded: expected"
    assert here.status(finding_id) == "ARCHIVED"
    assert len(labels(here, finding_id)) == 1
    assert post(links["expected"]).status == 409


def test_too_many_requests(here: Deployment, page: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(answering, "MOST_PER_LINK", 3)
    monkeypatch.setattr(answering, "MOST", 8)
    finding_id, links = alert(here)
    assert [get(links["expected"]).status for _ in range(4)] == [200, 200, 200, 429]
    assert post(links["unintended"]).heading == "Too many requests", "counted by decision"
    assert labels(here, finding_id) == []
    others = [alert(here, principal=f"{number:012}")[1] for number in (7, 8)]
    seen = [get(links["expected"]).status for links in others for _ in range(3)]
    assert seen == [200] * 5 + [429]
    here.clock.pass_by(minutes=61)
    assert post(links["expected"]).status == 303


def test_counting_forgets_what_is_over(here: Deployment, page: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(answering, "MOST_PER_LINK", 20)
    monkeypatch.setattr(answering, "MOST", 20)
    _, links = alert(here)
    for _ in range(6):
        assert [get(links["expected"]).status for _ in range(20)] == [200] * 20
        here.clock.pass_by(minutes=61)


def test_keys_that_change_break_no_link(here: Deployment, page: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(review_keys, "_AGAIN_SECONDS", 0)
    _, links = alert(here)
    get(links["expected"])
    secrets = here.aws.client("secretsmanager")
    secrets.put_secret_value(SecretId="review", SecretString="another secret of the tests, as long")
    _, later = _other_function(here, alert)
    assert get(later["expected"]).status == 200, "the page reads the keys again"
    assert post(links["expected"]).status == 303, "signed with the key before"
    secrets.put_secret_value(SecretId="review", SecretString="and a third one, which is long enough")
    _, third = _other_function(here, alert)
    assert get(third["unintended"]).status == 200
    assert get(links["expected"]).status == 403, "two keys ago"


def _other_function(here: Deployment, make: Any) -> Any:
    """What the alerting function does that has just been started and has read the newest keys."""
    from handlers.runtime import settings

    settings.clients.cache_clear()
    return make(here, principal=f"{len(here.mails()):012}")


def test_an_alert_is_not_lost_for_want_of_links(here: Deployment, page: None) -> None:
    with failing("GetSecretValue", "AccessDeniedException"):
        finding_id = here.share(here.key())
    [mail] = [mail.text for mail in here.mails() if finding_id in mail.text]
    assert tokens(mail) == {}
    assert f"triage review {finding_id} --verdict expected" in mail


def test_a_key_that_is_too_short_signs_nothing(here: Deployment, page: None) -> None:
    here.aws.client("secretsmanager").put_secret_value(SecretId="review", SecretString="short")
    finding_id = here.share(here.key())
    assert "review.example" not in next(mail.text for mail in here.mails() if finding_id in mail.text)
    assert get("x").status == 503


def test_collected_alerts_can_be_answered_too(here: Deployment, page: None) -> None:
    key = here.key()
    ids = [here.share(key, f"{number:012}") for number in range(1, 5)]
    here.clock.pass_by(minutes=20)
    here.reconcile()
    [_, burst] = here.mails()
    found = re.findall(r"Say what it is: https://review.example/(\S+)", burst.text)
    assert len(found) == 3
    for token in found:
        assert "Confirm: expected" in get(token).html
        assert post(token).status == 303
    assert [here.status(finding_id) for finding_id in ids] == ["ACTIVE", *["ARCHIVED"] * 3]


def test_without_a_page_alerts_name_the_command(here: Deployment) -> None:
    finding_id = here.share(here.key())
    [mail] = here.mails()
    assert "https://review" not in mail.text
    assert f"triage review {finding_id} --verdict expected" in mail.text


def test_in_shadow_mode_the_finding_stays_as_it_is(here: Deployment, page: None) -> None:
    here.set(MODE="shadow")
    finding_id = here.share(here.key())
    [item] = here.items(finding_id)
    links = Links(url="", table=TABLE, keys=("a secret of the tests, long enough",))
    token = links.answers(finding_id, item["item"], here.clock()).expected.rsplit("/", 1)[1]
    assert "Shadow mode" in get(token).html
    done = post(token)
    assert "Shadow mode: the finding stays as it is." in get(done.token).html
    assert here.status(finding_id) == "ACTIVE"
    assert len(labels(here, finding_id)) == 1
