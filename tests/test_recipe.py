"""How to add a resource type: a copy of the project follows the page word by word, with a new type."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "resource-type.md"
NEW = "AWS::Events::EventBus"
CONCERNED = f"{NEW} or (not AWS and (table or type or words))"
FINDING = {
    "id": "0b5a4cf0-1f2d-4c55-9b0e-5a3c2f1d7e90",
    "resource": "arn:aws:events:eu-west-1:111122223333:event-bus/orders",
    "resourceType": NEW,
    "resourceOwnerAccount": "111122223333",
    "status": "ACTIVE",
    "isPublic": False,
    "principal": {"AWS": "444455556666"},
    "action": ["events:PutEvents"],
    "condition": {},
}


class Step(NamedTuple):
    """One block of the page: a file, where in it, and what to write there."""

    file: str
    place: str
    text: str


def steps_of(page: Path) -> list[Step]:
    block = r"^```\{code-block\} python\n:caption: (\S+) \(([^)\n]+)\)\n\n(.*?)^```$"
    return [Step(*found) for found in re.findall(block, page.read_text("utf-8"), re.DOTALL | re.MULTILINE)]


def follow(step: Step, house: Path) -> None:
    file = house / step.file
    if step.place == "new":
        assert not file.exists()
        file.write_text(step.text, "utf-8")
        return
    source = file.read_text("utf-8")
    lines = source.splitlines(keepends=True)
    manner, *_, name = step.place.split()
    node = next(one for one in ast.parse(source).body if name in names_of(one))
    assert node.end_lineno is not None
    if manner == "into":
        lines.insert(node.end_lineno - 1, step.text)
    else:
        assert manner == "before"
        lines.insert(node.lineno - 1, f"{step.text}\n\n")
    file.write_text("".join(lines), "utf-8")


def names_of(node: ast.stmt) -> set[str | None]:
    """What a statement of a module assigns, or imports from."""
    if isinstance(node, ast.ImportFrom):
        return {node.module}
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house in which the page was followed."""
    house = tmp_path_factory.mktemp("house")
    for name in ("scoring", "tests"):
        shutil.copytree(ROOT / name, house / name, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    for name in ("triage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, house / name)
    for name in ("training", "lambda"):
        (house / name).symlink_to(ROOT / name)
    for step in steps_of(PAGE):
        follow(step, house)
    for command in (("format",), ("check", "--fix")):  # what `make format` does
        told = run(house, "-m", "ruff", *command, "--no-cache", *touched())
        assert told.returncode == 0, told.stdout
    return house


def touched() -> list[str]:
    return sorted({step.file for step in steps_of(PAGE)})


def run(house: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    paths = f"{house}:{house / 'lambda'}"
    return subprocess.run(
        [sys.executable, *command],
        cwd=house,
        env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_alert_calls_it_by_its_name(house: Path) -> None:
    (house / "finding.json").write_text(json.dumps(FINDING), "utf-8")
    told = run(house, "triage.py", "explain", "finding.json")
    assert told.returncode == 0, told.stderr
    headline = " ".join(told.stdout.partition("\n\n")[0].split())
    assert (
        headline == "ALERT, MEDIUM OR WORSE: EventBridge event bus orders is shared with account 444455556666"
    )
    assert "unknown_type" not in told.stdout


def test_its_tests_are_green(house: Path) -> None:
    """The call, AccessDenied and the rest of the enricher's tests, and those of the tables that it is in."""
    told = run(
        house,
        *(
            "-m",
            "pytest",
            "-v",
            "-p",
            "no:cacheprovider",
            "-k",
            f"{NEW} or (not AWS and (table or type or words))",
        ),
        "tests/scoring/aws/enrich/test_resources.py",
        "tests/scoring/findings/test_resource_types.py",
        "tests/scoring/explanation/test_words.py",
        "tests/scoring/explanation/test_remediation.py",
        "tests/scoring/scorecard/test_default_card.py",
    )
    assert told.returncode == 0, told.stdout
    for name in ("test_the_call", "test_access_denied_is_unknown", "test_declared_actions_are_those_used"):
        assert f"{name}[{NEW}] PASSED" in told.stdout


def test_every_block_of_the_page_is_a_step() -> None:
    assert len(steps_of(PAGE)) == PAGE.read_text("utf-8").count("```{code-block}") == 6


def test_the_readme_names_the_same_files() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("### A new resource type")[1].split("\n#")[0]
    named = {
        re.sub(r"<\w+>", "events", name) for name in re.findall(r"`((?:scoring|tests)/\S+\.py)`", section)
    }
    assert named == set(touched())
