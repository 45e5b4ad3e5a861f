"""The summary: what it counts, when it is sent, and that it is read in full."""

import json
from datetime import timedelta
from typing import Any

import pytest

import triage
from scoring.decision_log.decisions import from_item, pack
from scoring.decision_log.dynamodb import DynamoDb
from scoring.decision_log.storage import Put
from scoring.findings.record import Label
from scoring.pipeline.scheduled.summary import Period, Summary, fact_of, gap, summarise
from scoring.pipeline.scheduled.summary_mail import read_summary
from scoring.pipeline.undo import undo
from scoring.policy.policy import parse
from scoring.review.verdict import act, find, give
from tests.lambda_.deployment import TABLE, Deployment

WEEK = timedelta(days=7)


def summary(here: Deployment, policy: str = "", length: timedelta = WEEK) -> Summary:
    return read_summary(here.log, parse(policy), here.clock(), length)


def numbers(found: Summary) -> list[int]:
    return [tile.number for tile in found.tiles]


def verdict(here: Deployment, finding_id: str, said: Any) -> None:
    label = Label(said, by="ana", at=here.clock(), source="cli")
    act(give(find(here.log, finding_id), label, here.log), here.log, here.analyzers, here.clock())


def mark_sample(here: Deployment, finding_id: str) -> None:
    """Let the log say that a finding went to a person for the audit's sake."""
    (item,) = here.items(finding_id)
    record = item.pop("record") | {"audit": {"share": 0.1, "chosen": True}}
    DynamoDb(here.dynamodb, TABLE).write([Put(item=item | pack(record))])


def test_what_is_counted(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    archived = [here.share(here.development_key(), f"{n:012}") for n in range(1, 4)]
    teams = [here.share(here.key({"Team": team}), "777788889999") for team in ("a", "a", "b")]
    mark_sample(here, teams[0])
    here.share(here.key(), "*")
    verdict(here, archived[0], "unintended")
    found = summary(here, "[archives]\ndays = 5\n")
    assert numbers(found) == [2, 1, 5, 1, 1]  # what was brought back alerts
    reasons, by_team = found.tables
    assert [tuple(count) for count in reasons.counts] == [
        ("expected by the policy's rule: development (the sharer can set tags)", 2, 100)
    ]
    assert "Certified on drawn findings: nothing yet." in found.notes
    assert [(count.label, count.number) for count in by_team.counts] == [
        ("(no team tag)", 2),
        ("a", 2),
        ("b", 1),
    ]
    missed, expiring = found.sections
    assert archived[0] in missed.rows[0].about
    assert teams[0] not in found.text, "nobody is told which finding was drawn"
    assert {row.about.partition(",")[0] for row in expiring.rows} == set(archived[1:])
    assert "too few findings (7 in this period and" in found.notes[0]
    assert found.subject == "[access-triage] Summary: 2 archived, 1 miss found"


def test_what_was_recorded_counts_and_not_the_readers_options(here: Deployment) -> None:
    here.set(MODE="shadow")
    proposed = here.share(here.development_key())
    found = summary(here, 'mode = "enforce"')
    assert (found.tiles[0].label, found.tiles[0].number) == ("would have been archived", 1)
    assert found.notes[0] == "1 were decided on in shadow mode: no finding was changed."

    here.set(MODE="enforce")
    ids = [here.share(here.development_key()) for _ in range(3)]
    found = summary(here)
    assert numbers(found)[:2] == [3, 1]
    assert found.subject.startswith("[access-triage] Summary: 3 archived")
    undone = list(undo(here.log, here.analyzers, now=here.clock(), finding_id=ids[0]))
    assert [one.outcome for one in undone] == ["brought back"]
    found = summary(here)
    tiles = {tile.label: tile.number for tile in found.tiles}
    assert (tiles["archived"], tiles["archived, and no longer so"]) == (2, 1)
    assert proposed not in ids


def test_what_somebody_has_looked_at_waits_no_longer(here: Deployment) -> None:
    finding_id = here.share(here.key())
    mark_sample(here, finding_id)
    assert numbers(summary(here))[2] == 1
    verdict(here, finding_id, "expected")
    assert numbers(summary(here))[2:] == [0, 0]
    here.clock.pass_by(days=10)
    later = summary(here)
    assert numbers(later) == [0, 0, 0, 0]
    assert (later.tables, later.sections) == ((), ())


def test_it_comes_once_a_week_and_not_in_shadow_mode(here: Deployment) -> None:
    here.set(ANALYZER_ARNS="")
    here.reconcile()
    here.share(here.development_key())
    for _ in range(18):
        here.clock.pass_by(hours=11, minutes=57)
        here.reconcile()
    (mail,) = [mail for mail in here.mails() if "Summary" in (mail.subject or "")]
    assert mail.subject == "[access-triage] Summary: 1 archived, 0 misses found"
    here.set(MODE="shadow")
    here.clock.pass_by(days=8)
    here.reconcile()
    assert sum("Summary" in subject for subject in here.subjects()) == 1


@pytest.mark.parametrize(("chosen", "count"), [("daily", 3), ("off", 0)])
def test_how_often_is_the_policys(here: Deployment, chosen: str, count: int) -> None:
    here.policy(f'[alerts]\nsummary = "{chosen}"\n')
    here.set(ANALYZER_ARNS="")
    for _ in range(8):
        here.reconcile()
        here.clock.pass_by(hours=12)
    assert sum("Summary" in subject for subject in here.subjects()) == count


def test_all_pages_are_read(here: Deployment) -> None:
    arn = here.key({"Team": "x" * 200})
    record = here.items(here.share(arn))[0]
    plain = {name: value for name, value in record.items() if not name.startswith("record")}
    packed = {"record": json.dumps(record["record"] | {"pad": "y" * 90_000})}
    for number in range(40):
        item = plain | packed | {"finding_id": f"f-{number}"}
        DynamoDb(here.dynamodb, TABLE).write([Put(item=item)])
    assert numbers(summary(here))[1] == 41


def facts(count: int, score: float, at: str) -> list[Any]:
    items = [
        {
            "finding_id": f"f-{n}",
            "item": f"decision#{at}#1",
            "decided_at": at,
            "effect": "alert",
            "model_version": "1",
        }
        for n in range(count)
    ]
    decision = {"outcome": "alert", "score": score, "reason": "9 is 8 points above the threshold of 1"}
    return [
        fact_of(from_item(item | pack({"decision": decision | {"score": score + n}})))
        for n, item in enumerate(items)
    ]


def test_drift_is_told_from_chance() -> None:
    period = Period("2026-11-01", "2026-11-08", "2026-11-15")
    same = summarise(facts(40, 10, "2026-11-02") + facts(40, 10, "2026-11-09"), [], period, parse(""))
    assert "no more than chance explains" in same.notes[0]
    moved = summarise(facts(40, 10, "2026-11-02") + facts(40, 30, "2026-11-09"), [], period, parse(""))
    assert "from 29.5 to 49.5" in moved.notes[0]
    assert "at most 0.50 apart, more than chance explains" in moved.notes[0]
    assert gap([1.0], [1.0]) == 0


def test_the_command(
    here: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    here.share(here.development_key())
    monkeypatch.setenv("TRIAGE_TABLE", TABLE)
    out = tmp_path / "summary.html"
    for form in ("text", "json"):
        assert triage.main(["summary", "--days", "366", "--format", form, "--region", "eu-west-1"]) == 0
        assert "Summary of" in capsys.readouterr().out
    assert triage.main(["summary", "--format", "html", "--output", str(out), "--region", "eu-west-1"]) == 0
    assert "<!doctype html>" in out.read_text()
    monkeypatch.delenv("TRIAGE_TABLE")
    assert triage.main(["summary", "--region", "eu-west-1"]) == 2
