"""What all commands have in common: help, formats, and a meaning for each option."""

import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import typer

import triage
from scoring.cli.options import OutputFormat


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    for mount in triage.MOUNTS:
        yield from commands(typer.main.get_group(importlib.import_module(mount.module).app))


def options(command: Any) -> dict[str, str | None]:
    """Names of a command's options, and what stands for their values in its help."""
    return {name: option.metavar for option in command.params for name in option.opts if name[0] == "-"}


ALL = dict(every_command())


@pytest.mark.parametrize("path", [(), ("rules",), *ALL], ids=" ".join)
def test_h_is_help(capsys, path):
    shown = []
    for option in ("-h", "--help"):
        assert triage.main([*path, option]) == 0
        shown.append(capsys.readouterr())
    assert shown[0] == shown[1]
    assert shown[0].out.startswith(" ".join(["Usage: triage", *path]))
    assert shown[0].err == ""


@pytest.mark.parametrize("path", [p for p in ALL if "--format" in options(ALL[p])], ids=" ".join)
def test_formats_come_from_one_set(capsys, path):
    of_code = {"terraform", "cli", "cdk", "cloudformation"}  # of triage rules suggest
    triage.main([*path, "--help"])
    found = re.search(r"--format <([a-z|]+)>", capsys.readouterr().out)
    assert found
    choices = set(found[1].split("|"))
    assert "json" in choices
    assert choices <= {*get_args(OutputFormat), *of_code}


def test_an_option_stands_for_the_same_kind_of_thing_everywhere():
    kinds: dict[str, set[str | None]] = defaultdict(set)
    for command in ALL.values():
        for name, value in options(command).items():
            kinds[name].add(value)
    more_than_one = {name for name, found in kinds.items() if len(found) > 1}
    # A model that has archived is named by version or digest; results go to a folder or to a file.
    assert more_than_one <= {"--model", "--out"}
