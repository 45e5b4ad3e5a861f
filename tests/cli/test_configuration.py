"""Where model and policy come from: options win, then the environment, then a file found upwards."""

from pathlib import Path

import pytest

import triage
from scoring.cli import configuration
from scoring.files.errors import BadInput

EVENT = Path(__file__).parents[1] / "events" / "internal.json"
HIGH = "[severity]\nlow = 1\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a folder that has a `triage.toml`, and two policies."""
    for name in ("TRIAGE_MODEL", "TRIAGE_POLICY"):
        monkeypatch.delenv(name, raising=False)
    below = tmp_path / "team" / "deep"
    below.mkdir(parents=True)
    (tmp_path / "one.toml").write_text(HIGH)
    (tmp_path / "two.toml").write_text(HIGH)
    monkeypatch.chdir(below)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *options: object) -> tuple[int, str]:
    code = triage.main(["score", str(EVENT), "--format", "jsonl", *map(str, options)])
    return code, capsys.readouterr().err


def test_without_any_nothing_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == (0, "")


def test_a_file_upwards_then_the_environment_then_the_option(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = here / "triage.toml"
    file.write_text('policy = "one.toml"\n')
    assert said(capsys) == (0, f"policy: {here / 'one.toml'} (from {file})\n")
    monkeypatch.setenv("TRIAGE_POLICY", str(here / "two.toml"))
    assert said(capsys) == (0, f"policy: {here / 'two.toml'} (from TRIAGE_POLICY)\n")
    assert said(capsys, "--policy", here / "one.toml") == (0, "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('polcy = "one.toml"', "unknown key 'polcy'; did you mean 'policy'?"),
        ("policy = 5", "policy: expected a path, got 5"),
        ("policy", "is no valid TOML"),
    ],
)
def test_a_wrong_file_is_an_error(
    here: Path, capsys: pytest.CaptureFixture[str], content: str, problem: str
) -> None:
    file = here / "triage.toml"
    file.write_text(content)
    with pytest.raises(BadInput):
        configuration.read(file)
    code, err = said(capsys)
    assert code == 2
    assert f"{file}: " in err
    assert problem in err


def test_what_writes_takes_nothing_from_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "triage.toml").write_text('policy = "missing.toml"\n')
    arn = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/one"
    code = triage.main(["scan", "--analyzer-arn", arn, "--apply", "--yes"])
    err = capsys.readouterr().err
    assert code == 2
    assert "in shadow mode nothing is written" in err
    assert "missing.toml" not in err
