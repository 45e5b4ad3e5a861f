"""Several processes write what one writes: the same bytes, faults and exit code."""

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import triage
from scoring.cli import parallel

EVENTS = Path(__file__).parents[2] / "events"
GOOD = json.dumps(json.loads((EVENTS / "internal.json").read_text()))
FAULTY = {
    "cut off": GOOD[:200],
    "a key twice": GOOD.replace('"source"', '"source": "x", "source"', 1),
    "no finding": "{}",
    "a number": "7",
    "text behind": GOOD + " x",
    "over several lines": json.dumps(json.loads(GOOD), indent=1),
    "a list": f"[{GOOD}, {GOOD}]",
    "an envelope": f'{{"findings": [{GOOD}]}}',
    "a wrong type": GOOD.replace('"status": "ACTIVE"', '"status": 5'),
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_LINES", 3)


def scored(capfd: pytest.CaptureFixture[str], path: Path, *options: str) -> tuple[int, str, str]:
    code = triage.main(["score", str(path), *options])
    out, err = capfd.readouterr()
    return code, out, err


def same(capfd: pytest.CaptureFixture[str], path: Path, *options: str) -> tuple[int, str, str]:
    alone = scored(capfd, path, *options)
    assert scored(capfd, path, *options, "--jobs", "2") == alone
    return alone


@pytest.mark.parametrize("kind", FAULTY)
@pytest.mark.parametrize("place", [0, 4, 10])
def test_faults_come_in_their_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, place: int
) -> None:
    lines = [GOOD.replace("arn:aws:", f"arn:aws:{number}", 0) for number in range(10)]
    lines[2] = ""
    lines[7] = GOOD.replace('"version"', '"v\\u00e9rsion"', 1) + "\r"
    lines.insert(place, FAULTY[kind])
    path = tmp_path / "findings.jsonl"
    path.write_text("\n".join(lines))

    same(capfd, path, "--format", "jsonl")


@pytest.mark.parametrize("output_format", ["jsonl", "json", "csv", "table"])
@pytest.mark.parametrize("text", ["", "\n \n", "{}", GOOD, f"{GOOD}\n" * 20])
def test_all_formats_are_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], output_format: str, text: str
) -> None:
    path = tmp_path / "findings.jsonl"
    path.write_text(text)

    same(capfd, path, "--format", output_format)


def test_a_damaged_file_gives_what_comes_before_the_damage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "findings.jsonl.gz"
    path.write_bytes(gzip.compress(f"{GOOD}\n".encode() * 3000)[:-30])

    code, out, err = same(capfd, path, "--format", "jsonl")

    assert code == 2
    assert out
    assert "damaged or cut off" in err


def test_a_process_that_is_ended_is_said_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_begin", sys.exit)
    path = tmp_path / "findings.jsonl"
    path.write_text(f"{GOOD}\n" * 20)

    code, _, err = scored(capfd, path, "--format", "jsonl", "--jobs", "2")

    assert code == 2
    assert "--jobs: a process was ended from outside" in err


def test_an_interrupt_ends_all_processes_without_a_word_of_theirs(tmp_path: Path) -> None:
    """More is written than a pipe holds: the command has not ended when the interrupt comes."""
    path = tmp_path / "findings.jsonl"
    path.write_text(f"{GOOD}\n" * 5000)
    program = (
        "import signal, sys, triage;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "sys.exit(triage.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "score", str(path), "--format", "jsonl", "--jobs", "2"]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)

    assert process.returncode == 130
    assert err.decode().startswith("interrupted after ")
    assert err.count(b"\n") == 1
