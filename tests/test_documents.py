"""README and documentation: what they show is what happens, and the site is built without a warning."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import triage

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block of code: its language and what is in it."""

    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    found = re.findall(
        r"^```(console|python|toml)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return [Block(*one) for one in found]


WITH_CODE = [page for page in PAGES if blocks_of(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_what_happens(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    for name in ("tests", "scoring"):
        (tmp_path / name).symlink_to(ROOT / name)
    names: dict[str, object] = {}
    for block in blocks_of(page):
        if block.language == "python":
            exec(compile(block.text, str(page), "exec"), names)  # noqa: S102 - our own documentation
        elif block.language == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
                assert_it_prints(command, shown, capsys)


def assert_it_prints(command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(command)
    assert program == "triage"
    assert triage.main(arguments) == 0, f"{command}\n{capsys.readouterr().err}"
    pattern = "".join(map(pattern_of, shown.splitlines()))
    assert re.fullmatch(pattern, capsys.readouterr().out), command


def pattern_of(line: str) -> str:
    """A line with only "..." stands for any lines, one that ends in it for any end."""
    if line == "...":
        return "(.*\n)*?"
    start, dots, _ = line.rpartition("...") if line.endswith("...") else (line, "", "")
    return re.escape(start) + (".*" if dots else "") + "\n"


def test_pages_show_commands() -> None:
    languages = {block.language for page in PAGES for block in blocks_of(page)}
    assert {"console", "python"} <= languages


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """Among the warnings is each link to a page or a heading that is not there."""
    options = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    command = [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(tmp_path / "html")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert (tmp_path / "html" / "tutorial.html").is_file()
