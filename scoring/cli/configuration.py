"""Where model, policy and accounts come from: an option, the environment, or a `triage.toml` found upwards.

The file counts for commands that only read. What writes takes both from options or the environment alone, so
that no file that happens to lie about decides what is archived.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

import typer

from scoring.files import toml_file
from scoring.files.errors import BadInput, did_you_mean, printable

FILE: Final = "triage.toml"
_VARIABLES: Final = {"model": "TRIAGE_MODEL", "policy": "TRIAGE_POLICY"}
_KEYS: Final = ("model", "policy", "accounts")


class Configured(NamedTuple):
    """What a command goes by; None stands for what is built in."""

    model: str | None
    policy: str | None
    accounts: str | None


def configured(model: str | None, policy: str | None, accounts: str | None = None) -> Configured:
    """Fill in what no option and no variable says from a `triage.toml`, and say where each came from.

    Raises
    ------
    BadInput
        The file is no TOML, or holds a key that there is not.
    """
    given = {"model": model, "policy": policy, "accounts": accounts}
    for name, variable in _VARIABLES.items():
        if given[name] is not None and given[name] == os.environ.get(variable):
            _say(name, str(given[name]), variable)
    if None in given.values() and (path := find()) is not None:
        for name, value in read(path).items():
            if given[name] is None:
                given[name] = value
                _say(name, value, str(path))
    return Configured(**given)


def say_sources(model: str | None, policy: str | None) -> None:
    """Say, before something is written, which model and which policy decide."""
    for name, value in (("model", model), ("policy", policy)):
        variable = _VARIABLES[name]
        is_variable = value is not None and value == os.environ.get(variable)
        source = variable if is_variable else f"--{name}" if value is not None else "the package"
        _say(name, value or "built in", source)


def find(start: Path | None = None) -> Path | None:
    """Return the nearest `triage.toml`, from a folder upwards; None where there is none."""
    here = Path.cwd() if start is None else start
    return next((path for folder in (here, *here.parents) if (path := folder / FILE).is_file()), None)


def read(path: Path) -> dict[str, str]:
    """Read a `triage.toml`; paths in it count from its folder."""
    try:
        content = toml_file.parse(toml_file.read_text(path))
        for name, value in content.items():
            if name not in _KEYS:
                raise BadInput(f"unknown key {name!r}{did_you_mean(name, _KEYS)}")
            if not isinstance(value, str) or not value:
                raise BadInput("expected a path", field=name, value=value)
    except BadInput as error:
        raise error if error.where else error.at(str(path)) from None
    return {name: str(path.parent / value) for name, value in content.items()}


def _say(name: str, value: str, source: str) -> None:
    typer.echo(printable(f"{name}: {value} (from {source})"), err=True)
