"""A newcomer's first minute: a file of findings, the table, one of them explained, accounts from a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

import triage
from tests.scoring.decision.test_ranking import forty_bare


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def go(*arguments: Any) -> Result:
        code = triage.main([str(one) for one in arguments])
        out, err = capfdbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return go


@pytest.fixture
def findings(tmp_path: Path) -> Path:
    """As `aws accessanalyzer list-findings` prints them."""
    path = tmp_path / "findings.json"
    path.write_text(json.dumps({"findings": forty_bare()}))
    return path


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text("Account_Id,Name,OU\n111122223333,shop,Prod\n400000000001,audit,Core\n")
    return path


def test_the_first_screen(run: Run, findings: Path) -> None:
    result = run("score", findings)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert len(lines) <= 40
    assert "open to anyone" in lines[1]
    assert f"triage explain {findings} --id 1" in result.out
    assert "--accounts accounts.csv" in result.out


def test_a_row_is_explained_by_its_number_id_start_or_name(run: Run, findings: Path) -> None:
    first = run("explain", findings, "--id", "1")
    assert first.code == 0
    assert first.out.startswith("ALERT, HIGH OR WORSE: S3 bucket bucket-4 is open to anyone")
    for wanted in ("04", "bucket-4", "arn:aws:s3:::bucket-4"):
        assert run("explain", findings, "--id", wanted).out == first.out
    assert run("explain", findings, "--id", "12").out.count("HOW THE SCORE ADDS UP") == 1
    nothing = run("explain", findings, "--id", "nowhere")
    assert (nothing.code, nothing.out) == (2, "")
    assert "its beginning, a resource's name, or a row of triage score" in nothing.err


def test_the_beginning_of_several_ids_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([{**one, "id": f"same-{one['id']}"} for one in forty_bare()[:7]]))
    result = run("explain", path, "--id", "same")
    assert result.code == 2
    assert "--id: begins several ids: same-00, same-01, same-02, same-03, same-04 and 2 more" in result.err


def decisions(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def test_accounts_from_a_file_tell_who_is_inside(run: Run, tmp_path: Path, accounts: Path) -> None:
    path = tmp_path / "f.json"
    inside, outside = (
        {**forty_bare()[0], "principal": {"AWS": account}} for account in ("400000000001", "999988887777")
    )
    path.write_text(json.dumps([inside, outside]))
    bare = decisions(run("score", path, "--format", "jsonl"))
    told = decisions(run("score", path, "--format", "jsonl", "--accounts", accounts))
    trust = [
        next(part["value"] for part in one["contributions"] if part["feature"] == "trust") for one in told
    ]
    assert trust == ["own organization", "stranger"]
    assert all(now["score"] < before["score"] for now, before in zip(told, bare, strict=True))
    assert told[1]["known"] > bare[1]["known"]
    assert all(one["outcome"] == "alert" for one in told)
    assert "resource_account" not in told[0]["unknown"]


def test_the_output_of_list_accounts_says_nothing_of_units(run: Run, tmp_path: Path) -> None:
    """So which environment an account is for stays unknown, and unknown is never safe."""
    path, listed = tmp_path / "f.json", tmp_path / "accounts.json"
    path.write_text(json.dumps([{**forty_bare()[0], "principal": {"AWS": "400000000001"}}]))
    accounts = [{"Id": "111122223333", "Name": "sandbox"}, {"Id": "400000000001", "Name": "audit"}]
    listed.write_text(json.dumps({"Accounts": accounts}))
    [one] = decisions(run("score", path, "--format", "jsonl", "--accounts", listed))
    assert "resource_account" in one["unknown"]
    assert "principal_account" not in one["unknown"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: expected a column id with account numbers"),
        ("name\nshop\n", "line 1: expected a column id"),
        ("id\n12\n", "line 2: id: expected twelve digits, got '12'"),
        ("id\n111122223333\n111122223333\n", "line 3: id: expected each account once"),
        ("id,name\n", "expected at least one account"),
        ('{"Accounts": 5}', "Accounts: expected a list, got 5"),
        ('{"Accounts": [{"Name": "x"}]}', "Accounts[0]: expected an account number of 12 digits"),
        ('{"Accounts": [], "NextToken": "x"}', "NextToken: expected all accounts"),
        ("[", "not valid JSON"),
        ("id\n\x00", "expected twelve digits"),
    ],
)
def test_wrong_files_of_accounts(run: Run, findings: Path, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "accounts"
    path.write_text(content)
    result = run("score", findings, "--accounts", path)
    assert (result.code, result.out) == (2, "")
    assert str(path) in result.err
    assert said in result.err
    assert result.err.count("\n") == 1


def test_records_are_read_again_and_parquet_holds_the_values(
    run: Run, findings: Path, tmp_path: Path
) -> None:
    records, table = tmp_path / "records.jsonl", tmp_path / "t.parquet"
    assert run("score", findings, "--format", "records", "--output", records).code == 0
    again = run("score", records, "--format", "jsonl")
    assert again.out == run("score", findings, "--format", "jsonl").out
    assert run("score", findings, "--format", "parquet", "--output", table).code == 0
    rows = pq.read_table(table).to_pylist()
    for row, decision in zip(rows, decisions(again), strict=True):
        assert json.loads(row.pop("record"))["decision"] == decision
        assert row == decision


def test_a_file_of_wrong_inputs_prints_ten_lines_and_a_count(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text("{}\n" * 1000)
    for command in ("score", "explain"):
        result = run(command, path)
        assert result.code == 2
        lines = result.err.splitlines()
        assert len(lines) == 11
        assert lines[-1] == "and 990 more records that cannot be read"
