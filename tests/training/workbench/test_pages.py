"""The views of the page, and verdicts that are given on it."""

import csv
import io
import json

from tests.live_aws import status
from tests.training.workbench.conftest import ADDRESS, Site, enter
from tests.training.workbench.test_safety import form

OWN = {"origin": ADDRESS}
OPEN = "verdict=no+verdict"


def open_ids(site: Site) -> set[str]:
    return {one.finding_id for one in site.log.all_decisions() if one.label is None}


def test_what_is_alike_shares_a_row_and_the_worst_is_first(site: Site) -> None:
    enter(site)
    text = site.client.get(f"/?{OPEN}").text
    assert "8 findings" in text
    assert "in 5 rows" in text
    assert text.count("<tr data-row>") == 5
    assert "open to anyone" in text.split("<tr data-row>")[1]


def test_filters_search_and_export_agree(site: Site) -> None:
    enter(site)
    for query, count in (
        ("principal=555566667777", 4),
        ("principal=555566667777&principal=222222222222", 5),
        ("principal=555566667777&guardrail=public", 0),
        ("q=444444444444", 1),
        ("q=kms%3Adecrypt+555566667777", 4),
        ("type=AWS::KMS::Key&sort=newest&flat=1", 8),
        ("q=nothing-is-like-this", 0),
        ("page=99&sort=wrong&unknown-name=1", 8),
    ):
        assert f"<strong>{count} finding" in site.client.get(f"/?{query}").text
        rows = list(csv.DictReader(io.StringIO(site.client.get(f"/export.csv?{query}").text)))
        records = site.client.get(f"/export.jsonl?{query}").text.splitlines()
        assert len(rows) == len(records) == count
        ids = [json.loads(line)["decision"]["finding_id"] for line in records]
        assert [row["finding_id"] for row in rows] == ids


def test_one_verdict_is_given_at_once_and_taken_back(site: Site) -> None:
    enter(site)
    one = next(one for one in site.bench.held.findings if one.decision.principals == ("222222222222",))
    data = form(site, key=one.key, note="asked the team", back=OPEN)
    answer = site.client.post("/verdicts", data=data, headers=OWN)
    assert "1 expected: archived" in answer.text
    assert status(site.aws, one.key) == "ARCHIVED"
    assert one.key not in open_ids(site)
    assert "<strong>7 findings" in answer.text
    label = next(found.verdict for found in site.log.all_decisions() if found.finding_id == one.key)
    assert label is not None
    assert (label.by, label.note, label.source) == ("arn:aws:iam::1:user/a", "asked the team", "cli")
    page = site.client.get("/finding", params={"id": one.key}).text
    assert "asked the team" in page

    back = site.client.post("/undo", data=form(site, batch="1", back=OPEN), headers=OWN)
    assert "1 taken back: the finding is active again" in back.text
    assert "<strong>8 findings" in back.text
    assert status(site.aws, one.key) == "ACTIVE"
    assert len(open_ids(site)) == 8
    assert site.client.post("/undo", data=form(site, batch="1"), headers=OWN).status_code == 400


def test_many_are_shown_before_they_are_given(site: Site) -> None:
    enter(site)
    group = next(one for one in site.bench.held.findings if one.decision.principals == ("555566667777",))
    data = form(site, group=group.key, verdict="unintended", back=OPEN)
    preview = site.client.post("/verdicts", data=data, headers=OWN)
    assert "4 verdicts to give: 4 unintended" in preview.text
    assert len(open_ids(site)) == 8, "a preview writes nothing"
    wrong = site.client.post("/verdicts", data={**data, "confirmed": "3"}, headers=OWN)
    assert "Nothing is written yet" in wrong.text, "what was confirmed is no longer what would be done"
    done = site.client.post("/verdicts", data={**data, "confirmed": "4"}, headers=OWN)
    assert "4 unintended: it stays active" in done.text
    assert len(open_ids(site)) == 4
    site.client.post("/undo", data=form(site, batch="1", back=OPEN), headers=OWN)
    assert len(open_ids(site)) == 8


def test_all_of_a_filter_and_a_verdict_that_is_there(site: Site) -> None:
    enter(site)
    one = next(one for one in site.bench.held.findings if one.decision.principals == ("555566667777",))
    site.client.post("/verdicts", data=form(site, key=one.key, verdict="unintended"), headers=OWN)
    data = form(site, all="1", back="principal=555566667777")
    assert "1 against another verdict: left out" in site.client.post("/verdicts", data=data, headers=OWN).text
    done = site.client.post("/verdicts", data={**data, "confirmed": "4"}, headers=OWN)
    assert "3 expected: archived" in done.text
    assert "1 left out" in done.text


def test_bad_addresses_say_so(site: Site) -> None:
    enter(site)
    assert site.client.get("/finding", params={"id": "f-0"}).status_code == 404
    assert site.client.get("/nothing").status_code == 404
    none = site.client.post("/verdicts", data=form(site, key="f-0"), headers=OWN)
    assert none.status_code == 400
    wrong = site.client.post("/verdicts", data=form(site, verdict="perhaps"), headers=OWN)
    assert wrong.status_code == 400
    for text in ("nan", "inf", "1e400", "x", "-5"):
        assert site.client.get("/threshold", params={"t": text}).status_code == 200


def test_the_threshold_counts_guardrails_and_says_what_it_cannot_say(site: Site) -> None:
    enter(site)
    text = site.client.get("/threshold", params={"t": "500"}).text
    assert "7 of 8 (87.5 %)" in text, "the public one stays with a person, whatever the threshold"
    assert "1 below the threshold by a guardrail" in text
    assert "cannot say: 0 unintended verdicts" in text


def test_a_finding_says_what_would_change_it(site: Site) -> None:
    enter(site)
    one = next(one for one in site.bench.held.findings if one.decision.principals == ("222222222222",))
    text = site.client.get("/finding", params={"id": one.key}).text
    assert "What would change this" in text
    assert one.decision.threshold is None
    assert ", archived" not in text, "where findings are drawn by lot, nobody is told how far the score is"
    assert "the threshold" not in text
    assert f"listing account 222222222222 as contracted: {one.decision.score:g} -&gt; " in text


def test_the_overview_counts_what_is_open(site: Site) -> None:
    enter(site)
    assert "<dt>open alerts</dt><dd>8</dd>" in site.client.get("/overview").text
