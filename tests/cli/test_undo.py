"""`triage undo` as people run it, on the embedded AWS."""

import json
from collections.abc import Iterator

import pytest

from embedded import EmbeddedAws
from scoring.scorecard import formats
from tests.live_aws import (
    DEVELOPMENT,
    TABLE,
    Run,
    enforcing,
    failing,
    make_key,
    make_table,
    runner,
    share_key,
    status,
)


@pytest.fixture
def aws(monkeypatch) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        make_table(box)
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def ids(aws, run, tmp_path) -> list[str]:
    found = [share_key(aws, make_key(aws, DEVELOPMENT)).id for _ in range(3)]
    arn = aws.findings.analyzer_for("external")
    assert (
        run("scan", "--analyzer-arn", arn, "--policy", enforcing(tmp_path / "p"), "--apply", "--yes").code
        == 0
    )
    return found


def statuses(aws: EmbeddedAws, ids: list[str]) -> set[str]:
    return {status(aws, one) for one in ids}


def test_dry_run_first(aws, run, ids):
    result = run("undo", "--since", "1h")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].split() == ["Archived", "Finding", "Resource", "Score", "Model", "Outcome"]
    assert sorted(line.split()[3] for line in lines[1:4]) == sorted(ids)
    assert lines[-2:] == ["3 would be brought back", "Nothing was written: --apply does it."]
    assert statuses(aws, ids) == {"ARCHIVED"}


def card_version() -> str:
    return formats.load().model.version


@pytest.mark.parametrize(
    "chosen",
    [
        lambda: ("--since", "2020-01-01"),
        lambda: ("--since", "2h"),
        lambda: ("--model", card_version()),
        lambda: ("--model", formats.load().sha256),
    ],
)
def test_everything_that_was_archived_comes_back(aws, run, ids, chosen):
    result = run("undo", *chosen(), "--apply")
    assert (result.code, result.out.splitlines()[-1]) == (0, "3 brought back")
    assert statuses(aws, ids) == {"ACTIVE"}
    assert run("undo", *chosen(), "--apply").out == "no archive to bring back\n"


def test_one_finding_and_never_again(aws, run, ids, tmp_path):
    result = run("undo", "--finding", ids[1], "--apply", "--format", "jsonl")
    assert json.loads(result.out)["outcome"] == "brought back"
    assert [status(aws, one) for one in ids] == ["ARCHIVED", "ACTIVE", "ARCHIVED"]
    arn = aws.findings.analyzer_for("external")
    again = run("scan", "--analyzer-arn", arn, "--policy", tmp_path / "p", "--apply", "--yes")
    assert "To archive: 0 findings" in again.err
    assert status(aws, ids[1]) == "ACTIVE"


@pytest.mark.parametrize("chosen", [("--since", "2099-01-01"), ("--model", "none"), ("--finding", "none")])
def test_nothing_to_bring_back(aws, run, ids, chosen):
    result = run("undo", *chosen, "--apply")
    assert (result.code, result.out) == (0, "no archive to bring back\n")
    assert statuses(aws, ids) == {"ARCHIVED"}


def test_what_is_gone_is_said(aws, run, ids):
    aws.findings.delete(ids[0])
    result = run("undo", "--since", "1h", "--apply")
    assert result.out.splitlines()[-1] in ("1 gone, 2 brought back", "2 brought back, 1 gone")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "expected one of --model, --since and --finding"),
        (("--model", "v", "--since", "1h"), "expected one of --model, --since and --finding"),
        (("--since", "yesterday"), "--since: expected 2026-11-01"),
        (("--since", "2026-13-01"), "--since: expected 2026-11-01"),
        (("--since", "99999d99"), "--since: expected 2026-11-01"),
        (("--since", "1h", "--table", ""), "--table: expected the decision log's table"),
        (("--since", "1h", "--table", "none"), "undo from none: it is not there"),
    ],
)
def test_bad_usage(aws, run, arguments, told):
    result = run("undo", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert told in result.err


@pytest.mark.parametrize(
    ("code", "ends_with", "told"),
    [("KeyboardInterrupt", 130, "interrupted after 2 archives\n"), ("ExpiredToken", 2, "have expired")],
)
def test_what_was_done_is_said_where_it_ends_half_way(aws, run, ids, monkeypatch, code, ends_with, told):
    monkeypatch.setattr("scoring.pipeline.undo._AT_ONCE", 1)
    with failing("UpdateFindings", code, after=2):
        result = run("undo", "--since", "1h", "--apply")
    assert (result.code, result.out.splitlines()[-1]) == (ends_with, "2 brought back")
    assert told in result.err
    active = [one for one in ids if status(aws, one) == "ACTIVE"]
    assert sorted(active) == sorted(line.split()[3] for line in result.out.splitlines()[1:3])


def test_refused_by_aws(aws, run, ids):
    with failing("UpdateFindings", "AccessDeniedException"):
        result = run("undo", "--since", "1h", "--apply")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "AWS refuses UpdateFindings" in result.err
    assert run("undo", "--since", "1h", "--apply").out.splitlines()[-1] == "3 brought back"
    assert statuses(aws, ids) == {"ACTIVE"}
