"""The demo keeps its promises: files, counts, sums, and nothing that a stranger wrote gets out as it is."""

import contextlib
import io
import json
import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import triage
from embedded.demo import files as demo_files
from embedded.demo import results as demo_results
from embedded.demo import run as demo_run
from embedded.demo import scenes
from embedded.demo.report import charts
from embedded.demo.results import TYPES
from scoring.findings.finding import FINDING_TYPES

FINDINGS = 60
VOID = {"meta", "br", "hr", "img", "input", "link"}
FIELDS = {
    *("finding_id", "resource", "resource_type", "account", "finding_type", "status", "outcome", "score"),
    *("threshold", "base", "contributions", "risk", "guardrails", "unknown", "model", "reason"),
}


class Ran(NamedTuple):
    """What one run of the command left."""

    code: int
    out: Path
    printed: str

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "decisions.jsonl").read_text().splitlines()]

    def decisions(self) -> list[dict[str, Any]]:
        return [record["decision"] for record in self.records()]

    def emails(self, kind: str) -> dict[str, str]:
        return {path.stem: path.read_text() for path in (self.out / "emails").glob(f"*.{kind}")}

    def report(self) -> str:
        return (self.out / "report.html").read_text()


def is_public(record: dict[str, Any]) -> bool:
    return any(
        details["externalAccessDetails"]["isPublic"]
        for details in record["finding"].get("findingDetails", ())
    )


def run(out: Path, *options: str) -> Ran:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = triage.main(["demo", "--out", str(out), *options])
    return Ran(code, out, printed.getvalue())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run(tmp_path_factory.mktemp("demo") / "new" / "out", "--findings", str(FINDINGS), "--seed", "3")


def test_it_leaves_its_files(ran: Ran) -> None:
    assert ran.code == 0
    assert {path.name for path in ran.out.iterdir()} == {
        *("decisions.jsonl", "emails", "policy.toml", "report.html", "vendors.yaml")
    }


def test_every_finding_has_one_record_as_the_contract_says(ran: Ran) -> None:
    records = ran.records()
    assert len(records) == FINDINGS
    assert len({record["decision"]["finding_id"] for record in records}) == FINDINGS
    assert all(record.keys() >= {"finding", "context", "decision"} for record in records)
    assert all(decision.keys() >= FIELDS for decision in ran.decisions())


def test_every_score_adds_up(ran: Ran) -> None:
    for decision in ran.decisions():
        points = [Decimal(str(contribution["points"])) for contribution in decision["contributions"]]
        assert Decimal(str(decision["base"])) + sum(points) == Decimal(str(decision["score"]))


def test_only_what_may_be_archived_is(ran: Ran) -> None:
    archived = [decision for decision in ran.decisions() if decision["outcome"] == "archive"]
    assert archived
    for decision in archived:
        assert not decision["guardrails"]
        assert decision["status"] == "ACTIVE"
        assert decision["score"] < decision["threshold"] or decision["reason"].startswith("expected by")


def test_every_type_of_finding_has_a_name_of_its_own() -> None:
    assert tuple(TYPES) == FINDING_TYPES
    assert len(set(TYPES.values())) == len(TYPES)


def test_all_families_and_outcomes_occur(ran: Ran) -> None:
    decisions = ran.decisions()
    assert {decision["outcome"] for decision in decisions} == {"archive", "alert", "skip"}
    assert {decision["finding_type"] for decision in decisions} >= {"ExternalAccess", "InternalAccess"}
    assert any(decision["finding_type"].startswith("Unused") for decision in decisions)


def test_triage_score_says_the_same(ran: Ran, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    files = [str(ran.out / "decisions.jsonl"), "--policy", str(ran.out / "policy.toml")]
    assert triage.main(["score", *files, "--format", "jsonl"]) == 0
    scored = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert scored == ran.decisions()


def test_the_two_tests_of_the_article(ran: Ran) -> None:
    keys = [record for record in ran.records() if ":key/" in record["decision"]["resource"]]
    expected = "expected by the policy's rule: tagged development key (the sharer can set tags and the alias)"
    assert [r["decision"]["outcome"] for r in keys if r["decision"]["reason"] == expected][:1] == ["archive"]
    shared = keys[0]
    assert shared["finding"]["detail"]["principal"] == {"AWS": scenes.STRANGER}
    assert shared["decision"]["outcome"] == "alert"
    assert "Shared key       a KMS key was shared with a stranger: an alert" in ran.printed
    assert re.search(r"Development key +one with the tags .*archived", ran.printed)


def test_promises_are_kept(ran: Ran) -> None:
    reasons = [decision["reason"] for decision in ran.decisions()]
    assert "Needs a person: re-opened after an archive" in reasons
    assert any("tags, aliases or accounts are not known" in reason for reason in reasons)
    assert any("AssumeRole AccessDenied" in str(record["context"].get("unknown")) for record in ran.records())
    assert "none did anything the second time" in ran.printed
    (changed,) = (r for r in ran.records() if '"alias/DevelopmentKey"' in json.dumps(r) and is_public(r))
    assert changed["decision"]["reason"] == "Needs a person: public"


def test_each_alert_has_one_email_in_text_and_html(ran: Ran) -> None:
    alerts = {decision["finding_id"] for decision in ran.decisions() if decision["outcome"] == "alert"}
    assert ran.emails("txt").keys() == ran.emails("html").keys() == alerts
    for finding_id, text in ran.emails("txt").items():
        subject = text.partition("\n")[0]
        assert subject.startswith("Subject: [access-triage] Alert")
        assert finding_id in text


def test_the_table_counts_what_was_decided(ran: Ran) -> None:
    counted = Counter((d["finding_type"], d["outcome"]) for d in ran.decisions())
    for name, said in TYPES.items():
        found = [counted[name, outcome] for outcome in ("archive", "alert", "skip")]
        row = re.search(rf"^{said} +(\d+) +(\d+) +(\d+) +(\d+)", ran.printed, re.M)
        assert bool(row) == bool(sum(found))
        if row:
            assert [int(number) for number in row.groups()] == [sum(found), *found]


def test_what_is_printed_fits_and_is_plain(ran: Ran) -> None:
    assert all(character.isprintable() or character == "\n" for character in ran.printed)
    wide = [line for line in ran.printed.splitlines() if len(line) > 80]
    assert not [
        line for line in wide if "https://" not in line and "arn:" not in line and str(ran.out) not in line
    ]
    assert "HOW THE SCORE ADDS UP" in ran.printed
    assert "report.html" in ran.printed


class Tags(HTMLParser):
    """Every tag with its attributes; complains of one that is closed where it was not opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_whole_and_asks_for_nothing(ran: Ran) -> None:
    html = ran.report()
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags.seen}
    assert not re.search(r"@import|url\((?!#)", html)
    for tag, attributes in tags.seen:
        assert not any(
            name.startswith("on") or name in ("src", "style") for name in attributes if tag != "svg"
        )
        link = attributes.get("href")
        assert link is None or re.match(r"#f-|https://([a-z0-9-]+\.)?console\.aws\.amazon\.com/", link)


def test_the_report_shows_every_alert_and_the_threshold(ran: Ran) -> None:
    html = ran.report()
    alerts = {decision["finding_id"] for decision in ran.decisions() if decision["outcome"] == "alert"}
    assert set(re.findall(r'<details class="finding" id="f-([^"]+)"', html)) == alerts
    assert set(re.findall(r'href="#f-([^"]+)"', html)) <= alerts
    assert re.search(r"threshold \d+\.\d", html)
    assert "prefers-color-scheme: dark" in html


def test_hostile_text_is_text_everywhere(ran: Ran) -> None:
    hostile = next(r for r in ran.records() if r["decision"]["resource"].endswith(":hostile-text"))
    assert "<script>alert(1)</script>" in hostile["context"]["tags"].values()
    texts = [*ran.emails("txt").values(), *ran.emails("html").values(), ran.report(), ran.printed]
    for text in texts:
        assert all(character.isprintable() or character == "\n" for character in text)
    for html in (*ran.emails("html").values(), ran.report()):
        assert not re.search(r"<script|<img|</?h1>Approved|javascript:", html)
    email = ran.emails("txt")[hostile["decision"]["finding_id"]]
    assert "note 0 = <script>alert(1)</script>" in email
    assert [line for line in email.splitlines() if line.startswith("Subject:")] == [email.partition("\n")[0]]


def test_a_seed_gives_the_same_and_what_is_sent_is_what_is_shown(tmp_path: Path) -> None:
    outcomes = [demo_run.run(tmp_path, findings=12, seed=5) for _ in range(2)]
    first, second = ([record["decision"] for record in outcome.records] for outcome in outcomes)
    assert first == second
    results = demo_results.read(outcomes[0])
    messages = {(one.message.subject, one.message.text) for one in results.alerts}
    assert messages >= set(outcomes[0].sent)
    assert len(messages) == len(outcomes[0].sent) + outcomes[0].happened.collected


def test_a_second_run_replaces_its_own_files_only(tmp_path: Path) -> None:
    run(tmp_path, "--findings", "5", "--seed", "1")
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "emails" / "mine.html").write_text("mine")
    before = {path.name for path in (tmp_path / "emails").iterdir()}
    again = run(tmp_path, "--findings", "1", "--seed", "2")
    assert again.code == 0
    (only,) = again.decisions()
    kept = {path.name for path in (tmp_path / "emails").iterdir()}
    assert kept == {"mine.html", f"{only['finding_id']}.txt", f"{only['finding_id']}.html"}
    assert before - kept
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"decision": {"finding_id": "../../mine"}}', b"\xff"])
def test_a_file_that_is_not_ours_does_no_harm(line: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "out" / "emails").mkdir(parents=True)
    (tmp_path / "out" / "decisions.jsonl").write_bytes(line + b"\n")
    demo_files.prepare(tmp_path / "out")
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--findings", "0"], "greater than or equal to 1"),
        (["--findings", "-3"], "greater than or equal to 1"),
        (["--findings", "1000000"], "less than or equal to 5000"),
        (["--findings", "many"], "valid integer"),
        (["--seed", "-1"], "greater than or equal to 0"),
        (["--out", "file"], "expected a directory, got 'file'"),
        (["--out", "file/below"], "Not a directory"),
    ],
)
def test_bad_usage_is_one_line(
    options: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert triage.main(["demo", *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert problem in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_histogram_of_nothing() -> None:
    assert charts.histogram([]).bars == ()


def test_an_event_that_cannot_be_handled_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.single.triage_event", lambda event, runtime: 1 / 0)
    with pytest.raises(RuntimeError, match=r"events that failed: 1, the first so:[^$]*ZeroDivisionError"):
        demo_run.run(tmp_path, findings=1, seed=0)
