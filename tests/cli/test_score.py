"""`triage score` as people run it: what goes in, what comes out, and what it ends with."""

import csv
import gzip
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import triage
from scoring.scorecard import formats
from scoring.scorecard.version_folder import manifest_of
from tests.processes import PATIENCE

EVENTS = Path(__file__).parents[1] / "events"

EXPECTED = {
    "access-preview": [("aaaabbbb-cccc-4ddd-8eee-ffffaaaabbbb", "skip")],
    "cli-get-finding": [("0b5a5c1e-4444-4c4c-9a9a-000000000004", "alert")],
    "cli-get-finding-v2": [("0b5a5c1e-5555-4c4c-9a9a-000000000001", "alert")],
    "cli-get-finding-v2-error": [("0b5a5c1e-5555-4c4c-9a9a-000000000003", "alert")],
    "cli-list-findings": [
        ("0b5a5c1e-4444-4c4c-9a9a-000000000001", "alert"),
        ("0b5a5c1e-4444-4c4c-9a9a-000000000002", "skip"),
        ("0b5a5c1e-4444-4c4c-9a9a-000000000003", "alert"),
    ],
    "cli-list-findings-v2": [
        ("0b5a5c1e-5555-4c4c-9a9a-000000000001", "alert"),
        ("0b5a5c1e-5555-4c4c-9a9a-000000000002", "alert"),
    ],
    "external-archived": [("0b5a5c1e-1111-4c4c-9a9a-000000000001", "skip")],
    "external-cross-account-kms": [("0b5a5c1e-1111-4c4c-9a9a-000000000001", "alert")],
    "external-deleted": [("0b5a5c1e-1111-4c4c-9a9a-000000000001", "skip")],
    "external-error": [("0b5a5c1e-1111-4c4c-9a9a-000000000004", "alert")],
    "external-public-bucket": [("0b5a5c1e-1111-4c4c-9a9a-000000000002", "alert")],
    "external-role-federated": [("0b5a5c1e-1111-4c4c-9a9a-000000000003", "alert")],
    "internal": [("0b5a5c1e-2222-4c4c-9a9a-000000000001", "alert")],
    "internal-error": [("0b5a5c1e-2222-4c4c-9a9a-000000000002", "alert")],
    "security-hub-cross-account-bucket": [("0b5a5c1e-6666-4c4c-9a9a-000000000001", "alert")],
    "security-hub-event": [("0b5a5c1e-6666-4c4c-9a9a-000000000004", "alert")],
    "security-hub-unused-permission": [
        ("0b5a5c1e-6666-4c4c-9a9a-000000000002", "alert"),
        ("0b5a5c1e-6666-4c4c-9a9a-000000000003", "skip"),
    ],
    "unused-access-key": [("0b5a5c1e-3333-4c4c-9a9a-000000000002", "alert")],
    "unused-permission": [("0b5a5c1e-3333-4c4c-9a9a-000000000001", "alert")],
}
DEVELOPMENT_KEY = {
    "tags": {"isallowedtoshare": "TRUE", "environment": "Development"},
    "aliases": ["alias/DevelopmentKey"],
    "resource_account": {"id": "111122223333", "name": "sandbox", "ou": "Sandbox", "tags": {}},
    "principal_account": {"id": "444455556666", "in_org": False, "vendor": None},
    "reactivated_by": None,
}


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def decisions(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Score = Callable[..., Result]


@pytest.fixture
def score(capfd) -> Score:
    def run(*arguments: object) -> Result:
        code = triage.main(["score", *map(str, arguments)])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def event(name: str = "external-cross-account-kms") -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def record(finding: Any = None, **context: object) -> dict[str, Any]:
    return {"finding": finding or event(), "context": DEVELOPMENT_KEY | context}


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def test_the_table_names_every_sample():
    assert sorted(EXPECTED) == sorted(path.stem for path in EVENTS.glob("*.json"))


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sample(score, name):
    result = score(EVENTS / f"{name}.json", "--format", "jsonl")
    assert [(decision["finding_id"], decision["outcome"]) for decision in result.decisions] == EXPECTED[name]
    assert (result.code, result.err) == (0, "")
    for decision in result.decisions:
        points = [Decimal(str(part["points"])) for part in decision["contributions"]]
        assert Decimal(str(decision["base"])) + sum(points) == Decimal(str(decision["score"]))


def test_a_record_with_its_surroundings_is_archived_by_the_rule_that_a_person_wrote(score, tmp_path):
    [decision] = score(lines(tmp_path / "r.jsonl", record()), "--format", "jsonl").decisions
    assert decision["outcome"] == "archive"
    assert "tagged development key" in decision["reason"]


def test_what_a_record_says_of_a_decision_changes_nothing(score, tmp_path):
    label = {"verdict": "expected", "by": "ada", "at": "2026-11-01T10:00:00Z", "source": "cli", "note": ""}
    decided = record(reactivated_by={"who": "person"}) | {"decision": {"outcome": "archive"}, "label": label}
    [decision] = score(lines(tmp_path / "r.jsonl", decided), "--format", "jsonl").decisions
    assert decision["outcome"] == "alert"


def test_the_order_of_input_is_kept_and_nothing_is_merged(score, tmp_path):
    values = [
        event("internal"),
        {"findings": [event("cli-get-finding-v2")] * 2},
        [event(), event("internal")],
        event(),
    ]
    result = score(lines(tmp_path / "many.jsonl", *values), "--format", "jsonl")
    ids = [decision["finding_id"][9:13] + decision["finding_id"][-1] for decision in result.decisions]
    assert ids == ["22221", "55551", "55551", "11111", "22221", "11111"]


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda content: b"\xef\xbb\xbf" + content])
def test_plain_gzipped_and_with_a_byte_order_mark(score, tmp_path, wrap):
    path = tmp_path / "input"
    path.write_bytes(wrap((EVENTS / "cli-list-findings.json").read_bytes()))
    assert len(score(path, "--format", "jsonl").decisions) == 3


class TestFormats:
    def test_all_say_the_same(self, score):
        path = EVENTS / "cli-list-findings.json"
        decisions = score(path, "--format", "jsonl").decisions
        assert json.loads(score(path, "--format", "json").out) == decisions
        rows = list(csv.DictReader(io.StringIO(score(path, "--format", "csv").out)))
        assert [row["finding_id"] for row in rows] == [decision["finding_id"] for decision in decisions]
        assert [float(row["score"]) for row in rows] == [decision["score"] for decision in decisions]

    def test_a_table_where_nothing_is_said(self, score):
        result = score(EVENTS / "cli-list-findings.json")
        assert result.out == score(EVENTS / "cli-list-findings.json", "--format", "table").out
        assert "\n3 findings: 2 alert, 1 skip\n" in result.out
        assert "\x1b" not in result.out
        assert "skipped" in result.out

    @pytest.mark.parametrize(("format_", "empty"), [("json", "[]\n"), ("jsonl", "")])
    def test_no_findings_are_no_fault(self, score, tmp_path, format_, empty):
        assert score(lines(tmp_path / "x", {"findings": []}), "--format", format_) == (0, empty, "")


class TestThreshold:
    def of(self, score: Score, path: Path, *options: str) -> Any:
        [decision] = score(path, "--format", "jsonl", *options).decisions
        return decision["threshold"], decision["outcome"]

    @pytest.fixture
    def finding(self, tmp_path):
        return lines(tmp_path / "finding.jsonl", record(tags={"Environment": "test"}))

    def test_the_option_goes_before_the_model(self, score, finding):
        assert self.of(score, finding, "--threshold", "1000.0") == (1000.0, "archive")
        assert self.of(score, finding, "--threshold", "-50") == (-50.0, "alert")

    def test_the_policy_goes_before_the_model_if_it_was_made_for_it(self, score, finding, tmp_path):
        policy = tmp_path / "policy.toml"
        digest = formats.load().sha256
        policy.write_text(f'[threshold]\nvalue = 900.5\nmodel_sha256 = "{digest}"\n')
        assert self.of(score, finding, "--policy", str(policy)) == (900.5, "archive")
        policy.write_text(f'[threshold]\nvalue = 900.5\nmodel_sha256 = "{"0" * 64}"\n')
        assert self.of(score, finding, "--policy", str(policy)) == (None, "alert")

    def test_the_option_goes_before_the_policy(self, score, finding, tmp_path):
        policy = tmp_path / "policy.toml"
        policy.write_text(f'[threshold]\nvalue = 900.5\nmodel_sha256 = "{"0" * 64}"\n')
        assert self.of(score, finding, "--policy", str(policy), "--threshold", "1000")[1] == "archive"


class TestModel:
    def test_a_file_a_version_and_a_registry(self, score, tmp_path):
        version = tmp_path / "registry" / "v7"
        version.mkdir(parents=True)
        card = formats.load()
        files = {"scorecard.json": formats.to_json(card).encode()}
        (version / "scorecard.json").write_bytes(files["scorecard.json"])
        (version / "manifest.json").write_bytes(manifest_of("v7", files))
        (tmp_path / "registry" / "current").write_text("v7\n")
        expected = score(EVENTS / "internal.json", "--format", "jsonl").out
        for model in (version / "scorecard.json", version, tmp_path / "registry"):
            assert score(EVENTS / "internal.json", "--format", "jsonl", "--model", model).out == expected


class TestOutput:
    def test_a_file(self, score, tmp_path):
        out = tmp_path / "out.jsonl"
        assert score(EVENTS / "internal.json", "--format", "jsonl", "--output", out) == (0, "", "")
        assert out.read_text() == score(EVENTS / "internal.json", "--format", "jsonl").out

    def test_it_is_written_though_a_record_is_bad(self, score, tmp_path):
        out = tmp_path / "out.jsonl"
        result = score(lines(tmp_path / "in", event(), {}), "--format", "jsonl", "--output", out)
        assert result.code == 2
        assert len(out.read_text().splitlines()) == 1

    def test_strict_leaves_nothing_behind(self, score, tmp_path):
        out = tmp_path / "out.jsonl"
        out.write_text("old")
        result = score(lines(tmp_path / "in", event(), {}, event()), "--strict", "--output", out)
        assert (result.code, result.out) == (2, "")
        assert out.read_text() == "old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.jsonl"]

    @pytest.mark.parametrize("input_", ["FILE", "--model", "--policy"])
    def test_an_input_is_not_written_over(self, score, tmp_path, input_):
        paths = {
            "FILE": lines(tmp_path / "in", event()),
            "--model": tmp_path / "card.json",
            "--policy": tmp_path / "p",
        }
        paths["--model"].write_text(formats.to_json(formats.load()))
        paths["--policy"].write_text("")
        before = paths[input_].read_bytes()
        options = ("--model", paths["--model"], "--policy", paths["--policy"], "--output", paths[input_])
        result = score(paths["FILE"], *options)
        assert result.code == 2
        assert result.err.count("\n") == 1
        assert paths[input_].read_bytes() == before


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-m", "triage", "score", *arguments]
    return subprocess.run(program, cwd=Path(__file__).parents[2], check=False, timeout=PATIENCE, **options)


@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv"])
def test_the_same_bytes_whatever_the_seed_of_hashes(tmp_path, format_):
    many = [event(name) for name in EXPECTED] + [record()]
    path = lines(tmp_path / "many.jsonl", *many)
    seen = {
        command(
            str(path), "--format", format_, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(seen) == 1
    assert len(seen.pop()) > 1000


def test_standard_input():
    run = command("-", "--format", "csv", input=(EVENTS / "internal.json").read_bytes(), capture_output=True)
    assert run.returncode == 0
    assert b"0b5a5c1e-2222-4c4c-9a9a-000000000001" in run.stdout


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    path = lines(tmp_path / "many.jsonl", *[event()] * 500)
    reader, writer = os.pipe()
    os.close(reader)
    run = command(str(path), "--format", "jsonl", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (run.returncode, run.stderr) == (triage.BROKEN_PIPE, b"")


def test_progress_on_a_terminal_and_none_in_a_pipe(tmp_path):
    path = lines(tmp_path / "many.jsonl", *[event()] * 20)
    ours, theirs = pty.openpty()
    run = command(str(path), stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert b"findings" in os.read(ours, 4096)
    os.close(ours)
    assert b"\x1b" not in run.stdout
    assert command(str(path), capture_output=True).stderr == b""


@pytest.mark.parametrize("settings", [{}, {"NO_COLOR": "1"}])
def test_colours_on_a_terminal_unless_they_are_not_wanted(settings):
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "TERM": "xterm"
    }
    command(str(EVENTS / "internal.json"), stdout=theirs, stderr=theirs, env=environment | settings)
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"medium" in shown or b"low" in shown
    assert (b"\x1b[36m" in shown) == (not settings)
    assert (b"\x1b" in shown) == (not settings)
