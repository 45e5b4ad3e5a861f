"""`triage simulate` writes what the other commands of training read."""

from pathlib import Path

import pytest

import triage


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    for path, seed in zip(paths, ("1", "1", "2"), strict=True):
        assert triage.main(["simulate", "--findings", "40", "--seed", seed, "--out", str(path)]) == 0
    written = [path.read_bytes() for path in paths]

    assert written[0] == written[1] != written[2]
    assert written[0].count(b"\n") == 40
    assert "40 records in" in capsys.readouterr().out


def test_what_it_writes_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.jsonl"
    triage.main(["simulate", "--findings", "20", "--out", str(path)])
    capsys.readouterr()

    assert triage.main(["score", str(path), "--format", "jsonl"]) == 0
    assert capsys.readouterr().out.count("\n") == 20


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert triage.main(["simulate", "--findings", "1", "--out", str(tmp_path / "no" / "x.jsonl")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
