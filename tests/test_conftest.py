"""Tests that need a tool are left out where it is missing, by name; in CI they run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest

@pytest.mark.needs("node")
@pytest.mark.parametrize("number", [1, 2])
def test_with_node(number): ...

@pytest.mark.needs("chromium", "node")
def test_with_both(): ...

def test_with_nothing(): ...

@pytest.mark.slow
def test_slow(): ...
"""


@pytest.mark.parametrize(("ci", "processes"), [(False, "1"), (True, "0")])
def test_what_is_left_out_is_named_with_the_way_to_get_it(tmp_path: Path, ci: bool, processes: str) -> None:
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path)
    (tmp_path / "test_cases.py").write_text(CASES)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  needs(*tools)\n  slow\n")
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {
        "PATH": str(tmp_path)
    }
    command = [sys.executable, "-m", "pytest", "-n", processes, "-p", "no:cacheprovider", "-m", "not slow"]

    shown = subprocess.run(
        command, cwd=tmp_path, env={**environment, **({"CI": "true"} if ci else {})},
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip

    if ci:
        assert "4 passed" in shown
        assert shown.count("Left out") == 1
    else:
        assert "1 passed, 3 skipped" in shown
        assert "Left out: 2 tests need node; to run them, install Node.js 20 or newer." in shown
        assert "Left out: 1 test needs chromium; to run them, install the package chromium." in shown
    assert "Left out: 1 slow test; to run them, run make test-all." in shown
