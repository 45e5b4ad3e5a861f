"""One hostile finding walks through every output there is; in each it is harmless.

What an explanation is in text and HTML is tested with much more in
`tests.scoring.explanation.test_explain_hostile`; here the same finding goes through the commands, the
mails and chats of a deployment, its pages, its logs and what training makes of it.
The demo has a hostile finding of its own (`tests.lambda_.embedded.test_demo`).
"""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from moto.ses.models import ses_backends
from starlette.testclient import TestClient

import triage
from scoring.cli.faults import Faults
from scoring.decision.settings import Settings, load_settings
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.record import Origin, read_case
from scoring.pipeline import security_hub
from scoring.pipeline.scheduled.summary_mail import read_summary
from scoring.policy.policy import Policy, parse
from scoring.review import answer, page_content
from scoring.review import page as review_page
from scoring.review.links import Link, Links
from scoring.review.verdict import find, open_alerts
from scoring.scorecard.formats import DEFAULT, load
from tests.cli.test_review_queue import Session
from tests.lambda_.deployment import TABLE, Deployment, deployed
from training.simulate import simulate
from training.workbench.held import from_files
from training.workbench.pages import Workbench
from training.workbench.safety import Keys

MARK = "m4rk"
HOSTILE = (
    f"=cmd|' /C {MARK}'!A0 <script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    " \u202egnp.exe\u200b\u2066\x1b[2J\x1b]8;;https://evil.example\x1b\\x\x07"
    "\r\n\r\nSubject: all is well\r\nBcc: x@evil.example\n"
    "*b* _i_ ~s~ `code` ``` [x](https://evil.example) <https://evil.example|click> <!channel> <@U123> @here\n"
    "{{191*313}} {% raw %} ${jndi:x} $(id) `id` ; rm [red]x[/red] \ufeff\U0001f600 e\u0301\u0301\u0301\u0301"
    + "A"
    * 3000
)
FORMULAS = ("=cmd|'x'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1")
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
ADDRESS = re.compile(
    r"https://([a-z0-9-]+\.)*(aws\.amazon\.com|example)/|[#?/]|data:image/|[A-Za-z0-9_.-]*$"  # our own token
)
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "div",
        "span",
        "strong",
        "em",
        "bdi",
        "ul",
        "ol",
        "li",
        "a",
        "form",
        "label",
    ),
    *("textarea", "button", "input", "code", "pre", "section", "header", "footer", "main", "article", "nav"),
    *("details", "summary", "dl", "dt", "dd", "small", "br", "hr", "figure", "figcaption", "time", "b", "i"),
    *("svg", "g", "path", "rect", "text", "line", "circle", "polyline", "polygon", "use", "defs", "clipPath"),
    *(
        "clippath",
        "desc",
        "metadata",
        "tspan",
        "marker",
        "lineargradient",
        "stop",
        "colgroup",
        "col",
        "tfoot",
    ),
    *("rdf:rdf", "cc:work", "dc:type", "dc:date", "dc:format", "dc:creator", "cc:agent", "dc:title", "img"),
}


class Page(HTMLParser):
    """A page whose elements are all of our own making."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert MARK not in (value or "") or name in ("value", "title", "aria-label", "alt"), (tag, name)
            if name in ("href", "src", "action"):
                assert ADDRESS.match(value or ""), value
                assert "evil" not in (value or "")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        assert MARK not in data


class OwnAddresses(Page):
    """A page that may link to itself by what a finding says: as a filter, percent-encoded throughout."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("aside", "dialog", "kbd", "ol", "option", "output", "script", "select"):
            assert MARK not in str(attrs)
            assert not any(name.startswith("on") for name, _ in attrs)
            return
        query = r"/[a-z.]*\?[A-Za-z0-9%+=&._~*-]*"
        other = [(name, value) for name, value in attrs if not re.fullmatch(query, value or "")]
        super().handle_starttag(tag, other)


def harmless_text(text: str, *, has: str = MARK) -> None:
    """Lines of characters that all show; nothing that began in the finding begins a line of its own."""
    assert has in text
    assert not HIDDEN.search(text), HIDDEN.search(text)
    assert all(char == "\n" or char.isprintable() for char in text)
    assert not re.search(r"^(Subject|Bcc):", text, re.MULTILINE)


def harmless_page(html: str, *, has: str = MARK) -> None:
    page = Page(html)
    assert has in page.text
    assert not HIDDEN.search(page.text)
    assert "59783" not in page.text  # no template has worked it out


def harmless_json(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text)
    json.loads(text)


def finding() -> dict[str, Any]:
    """A finding with the hostile text wherever somebody else may have written it."""
    return {
        "finding": {
            "id": "0f2b1c9e-0000-4000-8000-00000000beef",
            "resource": f"arn:aws:s3:::{HOSTILE}",
            "resourceType": "AWS::S3::Bucket",
            "resourceOwnerAccount": "111122223333",
            "status": "ACTIVE",
            "isPublic": False,
            "principal": {"AWS": f"arn:aws:iam::444455556666:role/{HOSTILE}"},
            "action": ["s3:GetObject", HOSTILE],
            "condition": {HOSTILE: HOSTILE},
            "createdAt": "2026-11-01T10:00:00Z",
            "updatedAt": "2026-11-01T10:00:00Z",
        },
        "context": {
            "tags": {"Team": HOSTILE, HOSTILE: HOSTILE, "Environment": HOSTILE},
            "aliases": [HOSTILE],
            "resource_account": {"id": "111122223333", "name": HOSTILE, "ou": HOSTILE, "tags": {}},
            "principal_account": {"id": "444455556666", "in_org": False, "vendor": HOSTILE, "name": HOSTILE},
            "details": {HOSTILE: HOSTILE},
            "unknown": {"aliases": HOSTILE},
        },
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "finding.json"
    path.write_text(json.dumps(finding()))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert triage.main(list(arguments)) == code
    captured = capsys.readouterr()
    assert not HIDDEN.search(captured.err)
    return captured.out


def test_score(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harmless_text(run(capsys, "score", str(file)))
    for form in ("json", "jsonl"):
        text = run(capsys, "score", str(file), "--format", form)
        harmless_json(text)
        assert not HIDDEN.search(text)
    written = run(capsys, "score", str(file), "--format", "csv")
    assert not HIDDEN.search(written)
    for row in csv.reader(io.StringIO(written)):
        assert not any(cell[:1] in ("=", "+", "@", "\t", "\r") for cell in row)
        assert all(re.fullmatch(r"-?[0-9.]+", cell) for cell in row if cell.startswith("-"))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_csv_is_a_formula(
    formula: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "finding.json"
    plain = finding()["finding"] | {"id": formula, "resource": formula}
    path.write_text(json.dumps(plain))
    written = run(capsys, "score", str(path), "--format", "csv")
    _, row = csv.reader(io.StringIO(written))
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(cell) for cell in row)


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell))


def test_explain(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harmless_text(run(capsys, "explain", str(file)))
    harmless_page(run(capsys, "explain", str(file), "--format", "html"))
    harmless_json(run(capsys, "explain", str(file), "--format", "json"))


@pytest.mark.parametrize("address", ["/?all=1", "/?q=m4rk", "/finding", "/threshold", "/overview"])
def test_the_local_page(file: Path, address: str) -> None:
    held = from_files([str(file)], load_settings(), Faults(), now=datetime.now(UTC))
    bench = Workbench(held, Keys(8000))
    with TestClient(bench.app(), base_url="http://127.0.0.1:8000") as client:
        client.get(f"/?token={bench.keys.token}")
        answer = client.get(address, params={"id": held.findings[0].key} if address == "/finding" else None)
    assert answer.status_code == 200
    page = OwnAddresses(answer.text)
    assert MARK in page.text or address == "/threshold"  # it names what changes sides
    assert not HIDDEN.search(page.text)
    assert "59783" not in page.text
    assert answer.text.count("<script") == 1
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_security_hub_note() -> None:
    case = read_case(finding())
    decision = Settings(load(DEFAULT), Policy()).decide(case)
    assert isinstance(case.finding, Finding)
    note = security_hub.note(Exposure(case.finding, case.context, Policy()), decision)
    assert len(note) <= 512
    harmless_text(note)


POLICY = (
    '[alerts]\nchannels = ["sns", "ses", "chat"]\nmail_to = ["security@example.com"]\nsummary = "daily"\n'
    'archives_by_others = 1\n[[alerts.route]]\nname = "team"\ntags = { Team = "blue" }\n'
    'mail_to = ["blue@example.com"]\n'
)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(monkeypatch, tmp_path) as deployment:
        deployment.aws.client("sesv2").create_email_identity(EmailIdentity="triage@example.com")
        chat = deployment.aws.create_topic("access-triage-chat")
        deployment.chat = chat  # type: ignore[attr-defined]
        deployment.set(MAIL_FROM="triage@example.com", CHAT_TOPIC_ARN=chat.topic_arn, ANALYZER_ARNS="")
        deployment.policy(POLICY)
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        yield deployment


def hostile_alerts(here: Deployment) -> list[str]:
    """Four alerts on one hostile key, the last three of which are collected."""
    arn = here.key({"Team": "blue", "Note": HOSTILE, HOSTILE[:100]: HOSTILE})
    said: dict[str, Any] = {"action": ["kms:Decrypt", HOSTILE], "condition": {HOSTILE: HOSTILE}}
    names = [f"arn:aws:iam::444455556666:role/{number}{HOSTILE}" for number in range(4)]
    return [here.share(arn, name, **said) for name in names]


def harmless_chat(text: str) -> None:
    """What others wrote stands in code spans, without anything that ends one or calls somebody."""
    told = json.loads(text)
    assert text.isascii()
    content = told["content"]
    assert len(content["title"]) <= 250
    assert len(content["description"]) <= 3000
    for line in (content["title"], *content["description"].split("\n"), *content["nextSteps"]):
        assert line.count("`") % 2 == 0, line
        outside, inside = line.split("`")[::2], line.split("`")[1::2]
        assert all(MARK not in part for part in outside), line
        assert all(part.strip() == part != "" for part in inside)
        assert not re.search("[<>&@]", line), line
        assert line.isprintable()
    summary = told["metadata"]["summary"]
    assert not re.search(r"[<>&@*_`\[\]]|https?:", summary)
    assert set(told["metadata"]) == {"threadId", "summary", "eventType"}


def test_mails_chats_pages_and_logs_of_a_deployment(
    here: Deployment, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "scoring")
    caplog.set_level(logging.DEBUG, "handlers")
    here.reconcile()
    ids = hostile_alerts(here)
    here.clock.pass_by(minutes=16)
    here.reconcile()
    here.deliver({"detail-type": HOSTILE, "detail": {HOSTILE: HOSTILE}})
    asked = {"ruleName": HOSTILE, "filter": {HOSTILE: {"eq": [HOSTILE]}}}
    identity = {"arn": f"arn:aws:iam::1:role/{HOSTILE}"}
    for name, given in (
        ("CreateArchiveRule", asked),
        ("UpdateFindings", {"ids": [HOSTILE], "status": "ARCHIVED"}),
    ):
        here.deliver(
            {
                "source": "aws.access-analyzer",
                "detail-type": "AWS API Call via CloudTrail",
                "account": HOSTILE,
                "detail": {"eventName": name, "requestParameters": given, "userIdentity": identity},
            }
        )
    here.clock.pass_by(days=1)
    here.reconcile()
    mails, chats = here.mails(), here.chat.messages()  # type: ignore[attr-defined]
    letters = list(ses_backends[here.aws.account][here.aws.region].sent_messages)
    kinds = {json.loads(chat.text)["content"]["keywords"][1] for chat in chats}
    assert kinds == {"alert", "burst", "watch", "summary"}
    for mail in mails:
        assert re.fullmatch(r"[\x20-\x7e]{1,99}", mail.subject or "")
        harmless_text(mail.text, has="")
    assert sum(MARK in mail.text for mail in mails) >= 4
    for letter in letters:
        assert re.fullmatch(r"[\x20-\x7e]{1,99}", letter.subject)
        assert set(letter.destinations["ToAddresses"]) <= {"security@example.com", "blue@example.com"}
        harmless_page(letter.body, has="")
    for chat in chats:
        harmless_chat(chat.text)
    shown = LambdaPowertoolsFormatter(service="x")
    for record in caplog.records:
        line = shown.format(record)
        assert "\n" not in line
        assert not HIDDEN.search(line)
    _review(here, ids, capsys)


def _review(here: Deployment, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`triage review` in all its forms, the page behind a link, and the summary as a page."""
    region = ("--region", "eu-west-1")
    harmless_text(run(capsys, "review", "--list", *region), has=ids[0])
    harmless_json(run(capsys, "review", "--list", "--format", "jsonl", *region).splitlines()[0])
    harmless_text(run(capsys, "review", ids[0], *region))
    harmless_text(run(capsys, "undo", "--since", "7d", *region), has="")
    assert {one.finding_id for one in open_alerts(here.log)} >= set(ids)
    links = Links(url="https://review.example", table=TABLE, keys=("k" * 40,))
    reviewed = find(here.log, ids[0])
    link = Link(finding_id=ids[0], item=reviewed.item, action="expected", issued_at=here.clock())
    who = answer.Reviewer(HOSTILE, is_verified=False, origin=Origin("192.0.2.1", HOSTILE))
    shown = review_page.page(answer.link_state(link, here.log), Policy(), links, who)
    harmless_page(page_content.to_html(shown))
    summary = read_summary(here.log, parse("[archives]\ndays = 30\n"), here.clock(), timedelta(days=7))
    harmless_text(summary.text, has="")
    harmless_page(summary.html, has="")


def test_what_training_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Report, model card, tables of the terminal and suggested rules, from a history of hostile findings."""
    records = []
    for number, one in enumerate(simulate(300, seed=5, labelled=1.0)):
        record = one.record
        if number % 3 == 0 and "context" in record:
            tags = {
                "Team": f"{number % 2}{HOSTILE[:60]}",
                HOSTILE[:100]: HOSTILE[:90],
                "Environment": HOSTILE[60:150],
            }
            record["context"] |= {"tags": tags, "aliases": [HOSTILE]}
            record["label"] |= {"by": HOSTILE, "note": HOSTILE}
            body = record["finding"].get("detail", record["finding"])
            body["resource"] = f"{body['resource']}{HOSTILE}"
            if "principal" in body:
                body["principal"] = {"AWS": f"arn:aws:iam::444455556666:role/{HOSTILE}"}
        records.append(record)
    path, out = tmp_path / "history.jsonl", tmp_path / "models"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    printed = run(capsys, "train", str(path), "--out", str(out), "--jobs", "1")
    harmless_text(printed, has="")
    (version,) = [folder for folder in out.iterdir() if (folder / "report.html").exists()]
    harmless_page((version / "report.html").read_text())
    card = (version / "card.md").read_text()
    harmless_text(card, has="")
    assert "<script" not in re.sub(r"`[^`\n]*`", "", card)
    for command in (["backtest"], ["tune"]):
        harmless_text(run(capsys, *command, str(path), "--model", str(version), "--jobs", "1"), has="")
    harmless_text(run(capsys, "models", "show", str(out), version.name), has="")
    for form in ("text", "cli", "cdk", "cloudformation", "json"):
        said = run(
            capsys, "rules", "suggest", str(path), "--format", form, "--min-precision", "0", "--jobs", "1"
        )
        assert MARK not in said
        harmless_text(said, has="")
    scored = run(capsys, "explain", str(path), "--model", str(version))
    harmless_text(scored)


def test_the_interactive_review(here: Deployment) -> None:
    ids = hostile_alerts(here)
    with here.aws.serve() as address:
        session = Session(here.aws, address)
        shown = session.until(r"(?s)\[1 of 4\].*q quit")
        session.press("q")
        session.until("left")
        session.ends()
    assert any(one in shown for one in ids)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n").replace("\r", "")
    harmless_text(text)
    assert "\x1b[2J" not in shown
    assert "\x1b]8" not in shown
