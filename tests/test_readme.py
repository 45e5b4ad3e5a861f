"""What README shows is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

import triage

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_command_prints_what_is_shown(
    block: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(README.parent)
    command, shown = block.split("\n", 1)
    assert triage.main(shlex.split(command.removeprefix("$ triage "))) == 0
    # A line with only "..." stands for any lines.
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    assert re.fullmatch("(.*\n)*?".join(parts), capsys.readouterr().out)


def test_readme_shows_commands() -> None:
    assert BLOCKS
