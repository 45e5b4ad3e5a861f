"""`triage review` on a terminal: open alerts one after the other, and a key for each verdict."""

import codecs
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded import EmbeddedAws
from handlers import single
from handlers.runtime import settings
from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision_log.log import DecisionLog
from scoring.policy import policy
from scoring.review import queue
from scoring.review.answer import Reviewer
from scoring.review.screen import CLEAR, Console
from scoring.review.verdict import open_alerts
from tests.live_aws import TABLE, enforcing, make_key, make_table, share_key, status
from tests.processes import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def aws(monkeypatch, tmp_path) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        settings.clients.cache_clear()
        make_table(box)
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        monkeypatch.setenv("TRIAGE_TOPIC_ARN", box.create_topic("alerts").topic_arn)
        monkeypatch.setenv("TRIAGE_POLICY", str(enforcing(tmp_path / "policy.toml")))
        box.deliver_to(single.handler)
        yield box
        settings.clients.cache_clear()


class Session:
    """The command in a terminal of its own, as another process that talks to the same box."""

    def __init__(self, aws: EmbeddedAws, address: str, *arguments: str, lines: int = 200) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (lines, 80))
        self.terminal, self.seen = ours, ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end within a character
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "triage.py"), "review", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                # A terminal has a size of its own, whatever the environment says of another one.
                **{name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")},
                **aws.credentials(),
                "AWS_ENDPOINT_URL": address,
                "NO_COLOR": "1",
                "TERM": "xterm",
            },
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, pattern: str) -> str:
        """Read until something is on the screen; return all that came since the last time."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.seen += self.decoder.decode(os.read(self.terminal, 65536))
                except OSError as ended:
                    raise AssertionError(self.seen) from ended
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before

    def press(self, keys: str) -> None:
        """Press a key as soon as one is waited for: what was typed before that is thrown away."""
        deadline = time.monotonic() + PATIENCE
        while termios.tcgetattr(self.terminal)[3] & termios.ICANON:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)
        self.type(keys)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def ends(self) -> int:
        code = self.process.wait(PATIENCE)
        os.close(self.terminal)
        return code


def test_the_queue_from_the_first_alert_to_the_last(aws: EmbeddedAws) -> None:
    ids = [share_key(aws, make_key(aws, {}), f"{number:012}").id for number in (1, 2, 3, 4)]
    ids.reverse()  # all are as risky: the newest comes first
    aws.delivery.at_once = False  # events of what is done wait, as they do with AWS
    with aws.serve() as address:
        session = Session(aws, address)
        first = session.until(r"(?s)\[1 of 4\].*q quit")
        assert "ALERT, HIGH: KMS key" in first
        assert f"Finding   ExternalAccess, ACTIVE\r\n            {ids[0]}" in first
        assert "--verdict" not in first

        session.press("n")
        session.until("Note: ")
        session.type("the partner's key\r")
        session.until(r"(?s)\[1 of 4\].*q quit")
        session.press("e")
        second = session.until(r"(?s)\[2 of 4\].*q quit")
        assert "Expected: archived." in second
        assert "SIMILAR PAST DECISIONS" in second
        assert "note: the partner's key" in second
        assert status(aws, ids[0]) == "ARCHIVED"

        session.press("z")
        again = session.until(r"(?s)\[1 of 4\].*q quit")
        assert "Taken back: the finding is active again." in again
        assert status(aws, ids[0]) == "ACTIVE"
        session.press("z")
        session.until("There is nothing to take back.")

        session.press("s")
        session.until(r"(?s)\[2 of 4\].*q quit")
        session.press("u")
        remedy = session.until(r"(?s)What to do now.*q quit")
        assert "Unintended: it stays active." in remedy
        assert "Take the principal out of the key policy." in remedy
        session.press("x")
        session.until(r"(?s)\[3 of 4\].*q quit")
        session.press("q")
        session.until("1 decided, 1 skipped, 2 left")
        assert session.ends() == 0
    items = aws.client("dynamodb").scan(TableName=TABLE)["Items"]
    given = {i["finding_id"]["S"]: i["label"]["M"] for i in items if "label" in i}
    assert {finding_id: label["verdict"]["S"] for finding_id, label in given.items()} == {
        ids[1]: "unintended"
    }
    assert given[ids[1]]["source"]["S"] == "cli"


def test_only_a_single_key_that_is_offered_decides(aws: EmbeddedAws) -> None:
    share_key(aws, make_key(aws, {}))
    log = DecisionLog.in_table(aws.client("dynamodb"), TABLE)
    session = queue.ReviewSession(
        log=log,
        analyzers=AccessAnalyzer(lambda _: aws.client("accessanalyzer")),
        who=Reviewer("analyst"),
        policy=policy.load(policy.DEFAULT),
        now=lambda: datetime.now(UTC),
        attempt=lambda call: call(),
    )
    keys = iter(["x", "us", "", "\x1b[A", "S"])
    shown: list[str] = []
    queue.run(list(open_alerts(log)), session, Console(shown.append, keys.__next__, str))
    assert shown[-1] == "\n0 decided, 1 skipped, 0 left"
    assert list(keys) == []
    assert len(shown) == 2  # the alert with its keys, and the end


def test_an_empty_queue_and_the_end_of_input(aws: EmbeddedAws) -> None:
    with aws.serve() as address:
        empty = Session(aws, address)
        empty.until("0 open alerts")
        assert empty.ends() == 0
        share_key(aws, make_key(aws, {}))
        session = Session(aws, address)
        session.until(r"(?s)\[1 of 1\].*q quit")
        session.press("\x04")
        session.until("0 decided, 0 skipped, 1 left")
        assert session.ends() == 0


def test_somebody_else_was_faster(aws: EmbeddedAws) -> None:
    finding_id = share_key(aws, make_key(aws, {})).id
    aws.delivery.at_once = False
    with aws.serve() as address:
        session = Session(aws, address)
        session.until(r"(?s)\[1 of 1\].*q quit")
        other = [sys.executable, str(ROOT / "triage.py"), "review", finding_id, "--verdict", "unintended"]
        environment = {**os.environ, **aws.credentials(), "AWS_ENDPOINT_URL": address}
        subprocess.run(other, env=environment, check=True, capture_output=True)
        session.press("e")
        told = session.until(r"(?s)press s to go on.*q quit")
        assert "has said unintended on" in " ".join(told.split())
        session.press("s")
        session.until("0 decided, 1 skipped, 0 left")
        assert session.ends() == 0
    assert status(aws, finding_id) == "ACTIVE"


def test_hostile_text_is_harmless_on_the_screen(aws: EmbeddedAws) -> None:
    share_key(aws, make_key(aws, {}), condition={"aws:UserId": "\x1b[2J\u202e"})
    with aws.serve() as address:
        session = Session(aws, address)
        shown = session.until(r"(?s)\[1 of 1\].*q quit")
        session.press("q")
        session.until("1 left")
        assert session.ends() == 0
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert json.dumps("\\x1b[2J")[1:-1].replace("\\\\", "\\") in shown


def test_headline_and_keys_stay_on_a_small_screen(aws: EmbeddedAws) -> None:
    share_key(aws, make_key(aws, {}), principal="*")
    with aws.serve() as address:
        session = Session(aws, address, lines=24)
        first = session.until(r"(?s)page 1 of \d.*q quit")
        session.press(" ")
        second = session.until(r"(?s)page 2 of \d.*q quit")
        session.press("u")
        session.until(r"(?s)What to do now.*q quit")
        session.press("z")
        back = session.until(r"(?s)Taken back: .*q quit")
        session.press("q")
        session.until("0 decided, 0 skipped, 1 left")
        assert session.ends() == 0
    for shown in (first, second, back):
        lines = shown.split(CLEAR)[-1].split("\r\n")
        assert len(lines) <= 24
        assert max(map(len, lines)) < 80
        assert lines[0].startswith("[1 of 1] ")
        assert lines[1].startswith("KMS key ")
    assert first != second
