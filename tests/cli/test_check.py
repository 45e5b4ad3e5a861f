"""`triage check`: exit codes, and each format as others read it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

import triage

VENDOR = {"Effect": "Allow", "Principal": {"AWS": "464622532012"}, "Action": "sts:AssumeRole"}
ANYONE = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
OWN = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject"}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [ANYONE]}))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = triage.main(["check", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_is_open_to_anyone_stops_the_change(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, policy)
    assert code == 1
    assert out.splitlines()[1].startswith("stops   high")
    assert out.endswith("1 finding would be raised, 1 of them stop the change\n")


def test_the_own_account_passes(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(json.dumps({"Statement": [OWN]}))
    code, out, _ = run(capsys, policy, "--account", "111122223333")
    assert (code, out) == (0, "0 findings would be raised, 0 of them stop the change\n")


def test_the_threshold_decides(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(json.dumps({"Statement": [VENDOR]}))
    _, out, _ = run(capsys, policy, "--format", "json")
    [found] = json.loads(out)["findings"]
    assert run(capsys, policy, "--threshold", found["score"])[0] == 1
    assert run(capsys, policy, "--threshold", found["score"] + 0.1)[0] == 0


def test_points_add_up_in_json(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, policy, "--format", "json")
    [found] = json.loads(out)["findings"]
    tenths = [round(part["points"] * 10) for part in found["contributions"]]
    assert round(found["base"] * 10) + sum(tenths) == round(found["score"] * 10)


def sarif(text: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(text)
    Sarif.model_validate(log)
    return log


def test_sarif_is_sarif(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = policy.with_name("broken.json")
    broken.write_text("{")
    code, out, _ = run(capsys, policy, broken, "--format", "sarif")
    [run_of_it] = sarif(out)["runs"]
    [result] = run_of_it["results"]
    assert (code, result["level"], result["ruleId"]) == (2, "error", "access-outside/AWS::S3::Bucket")
    assert run_of_it["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    [said] = run_of_it["invocations"][0]["toolExecutionNotifications"]
    assert "broken.json" in said["message"]["text"]


def test_the_schema_would_refuse_what_is_none(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, policy, "--format", "sarif")
    with pytest.raises(ValueError, match="level"):
        sarif(out.replace('"level":"error"', '"level":"terrible"'))


def test_a_comment_carries_no_markup_of_others(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<img src=x> @team [a](http://x) `b` |c|\n# d"
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": evil,
                "AssumeRolePolicyDocument": {"Statement": {**VENDOR, "Principal": {"AWS": evil}}},
            },
        }
    }
    policy.write_text(json.dumps({"Resources": resources}))
    code, out, _ = run(capsys, policy, "--format", "markdown", "--account", "111122223333")
    assert code == 1
    shown = "\n".join(line for line in out.splitlines() if not line.startswith("    "))
    assert "<img" not in shown
    assert "@team" not in shown
    assert "[a](http" not in shown
    assert "\n# d" not in out


def test_text_explains_as_an_alert_does(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, policy, "--format", "text")
    assert "HOW THE SCORE ADDS UP" in out
    assert "triage review" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account", "1"),
        ("--region", "here"),
        ("--parameter", "x"),
        ("--resource", "x"),
        ("--resource-type", "AWS::S3::Bukket"),
        ("--format", "xml"),
        ("missing.json",),
    ],
)
def test_bad_usage_is_one_line(
    arguments: tuple[str, ...], policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, policy, *arguments)
    assert code == 2
    lines = [line for line in err.splitlines() if not line.startswith(("model:", "policy:"))]
    assert len(lines) == 1
    assert "Traceback" not in err


def test_the_same_change_gives_the_same_bytes(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("table", "text", "json", "sarif", "markdown"):
        assert run(capsys, policy, "--format", name) == run(capsys, policy, "--format", name)
