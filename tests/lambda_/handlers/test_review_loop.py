"""The analyst's loop, whole: an alert is answered in the browser, and the next such finding scores lower."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

import triage
from tests.lambda_.browser import PHONE, chromium
from tests.lambda_.deployment import TABLE, Deployment
from tests.lambda_.review_site import server, site, tokens
from training.simulate import simulate

pytestmark = pytest.mark.needs("chromium")

PARTNER = "arn:aws:iam::444455556666:role/etl"


def comes_up(here: Deployment) -> tuple[str, str]:
    """A key is shared with the partner's role; the finding's id and its mail."""
    finding_id = here.share(here.key({"Owner": "payments", "Environment": "production"}), principal=PARTNER)
    [mail] = [mail.text for mail in here.mails() if finding_id in mail.text]
    here.clock.pass_by(days=1)
    return finding_id, mail


def train(out: Path, *history: Path, options: tuple[str, ...] = ()) -> None:
    """Train on little, all of it: what was said last is not set aside to measure by."""
    shares = ("--calibration-share", "0", "--test-share", "0")
    assert (
        triage.main(["train", *map(str, history), "--out", str(out), "--jobs", "1", *shares, *options]) == 0
    )


def decision(here: Deployment, finding_id: str) -> dict[str, Any]:
    [item] = here.items(finding_id)
    made: dict[str, Any] = item["record"]["decision"]
    return made


def test_what_an_analyst_says_makes_the_next_such_finding_score_lower(
    here: Deployment, tmp_path: Path, capfd: Any
) -> None:
    before = tmp_path / "before.jsonl"
    past = simulate(120, seed=4, start="2026-05-01T00:00:00Z", days=180)
    before.write_text("".join(json.dumps(made.record) + "\n" for made in past))
    train(tmp_path / "without", before)
    here.set(MODEL=str(tmp_path / "without"))

    with server() as address, site(here, address):
        # the finding alerts, and the mail's link is opened in the browser
        finding_id, mail = comes_up(here)
        with chromium() as browser:
            page = browser.new_page(viewport=PHONE, java_script_enabled=False)
            page.goto(f"{address}/{tokens(mail)['expected']}")
            expect(page.get_by_text("never seen before").first).to_be_visible()
            page.get_by_label("Note").fill("the partner runs our ETL")
            page.get_by_role("button", name="Confirm: expected").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Recorded: expected")
        assert here.status(finding_id) == "ARCHIVED"

        # the decision is in the log with its label, and the history has it
        [logged] = [item for item in here.items(finding_id) if "label" in item]
        pulled = tmp_path / "pulled.jsonl"
        assert triage.main(["history", "pull", "--table", TABLE, "--out", str(pulled)]) == 0
        records = [json.loads(line) for line in pulled.read_text().splitlines()]
        [record] = [record for record in records if "label" in record]
        assert record["label"] == logged["label"]
        assert (record["label"]["verdict"], record["label"]["source"]) == ("expected", "review-link")
        assert (record["effect"], record["decision"]["finding_id"]) == ("alert", finding_id)

        # training uses it, when asked to
        train(tmp_path / "with", before, pulled, options=("--unverified-verdicts",))
        unseen, mail_before = comes_up(here)
        here.set(MODEL=str(tmp_path / "with"))
        seen, mail = comes_up(here)

    # the next such finding scores lower, and the explanation names why
    was, now = decision(here, unseen), decision(here, seen)
    assert now["score"] < was["score"] - 5
    points = {c["feature"]: c["points"] for c in was["contributions"]}
    named = [c for c in now["contributions"] if PARTNER in c["text"] and "1 finding, expected" in c["text"]]
    assert named
    assert all(c["points"] < points[c["feature"]] for c in named)
    assert f"principal {PARTNER}: never seen before" in " ".join(mail_before.split())
    told = " ".join(mail.split())
    assert f"principal {PARTNER}: never seen before" not in told
    assert "SIMILAR PAST DECISIONS Expected, says somebody with the link (not verified)" in told
    assert "note: the partner runs our ETL" in told

    # and by default training leaves out what was said by a link alone
    capfd.readouterr()
    train(tmp_path / "verified", before, pulled)
    assert "1 verdict by a link alone: not counted" in capfd.readouterr().out
