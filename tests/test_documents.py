"""README and documentation: what they show is what happens, and the site is built without a warning."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import triage
from tests.architecture import ORDER

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MADE = ("lambda/cdk.out", "lambda/node_modules/.bin")  # named by pages, and made by the commands beside them


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    """Files and folders of the repository, and in README and CONTRIBUTING the pages that are linked."""
    text = page.read_text("utf-8")
    named = re.findall(r"`((?:scoring|training|lambda|tests|docs|notebooks|benchmarks)/[\w./*-]+)`", text)
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text)
    missing = [name for name in named if not name.startswith(MADE) and not list(ROOT.glob(name))]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_pages_name_targets_of_make_that_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^    |`)make ((?:[a-z-]+ ?)+)", page.read_text("utf-8"), re.MULTILINE)
        wanted = {name for names in named for name in names.split()}
        assert wanted <= targets, page


def test_the_map_is_the_tree() -> None:
    """The map of README has each folder of `scoring`, in the order in which they import each other."""
    drawn = (ROOT / "README.md").read_text("utf-8").split("    scoring/")[1].split("    training/")[0]
    folders = re.findall(r"^      (\w+)/", drawn, re.MULTILINE)
    order = [name.removeprefix("scoring.") for names in ORDER for name in names]
    assert folders == [name for name in order if (ROOT / "scoring" / name).is_dir()]
    assert set(folders) == {path.parent.name for path in (ROOT / "scoring").glob("*/__init__.py")}


def test_the_glossary_explains_each_word_once() -> None:
    text = (ROOT / "docs" / "reference" / "glossary.md").read_text("utf-8")
    words = re.findall(r"^\*\*(.+)\*\*\n: \S", text, re.MULTILINE)
    assert len(words) == text.count("\n: ") > 50
    assert len(set(words)) == len(words)


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
