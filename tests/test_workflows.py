"""What runs on a code host, looked at by tools that we did not write."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHECKS = [
    ("vendor.github-workflows", WORKFLOWS),
    ("vendor.github-actions", [ROOT / "action.yml"]),
]


@pytest.mark.parametrize(("schema", "files"), CHECKS, ids=[schema for schema, _ in CHECKS])
def test_it_is_what_the_code_host_reads(schema: str, files: list[Path]) -> None:
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_text_of_others_runs_as_a_command() -> None:
    program = Path(sys.executable).with_name("zizmor")
    command = [str(program), "--offline", "--no-progress", str(ROOT / ".github"), str(ROOT / "action.yml")]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
