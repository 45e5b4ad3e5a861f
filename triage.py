"""The command `triage`: mounts the commands of each folder, and says in one line what went wrong."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperGroup

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports of a program that Ctrl-C stopped, and of one whose reader has gone."""


class Mount(NamedTuple):
    """A module whose `app: typer.Typer` holds commands, and the extra that they need."""

    module: str
    extra: str | None = None


MOUNTS: tuple[Mount, ...] = (
    Mount("scoring.cli"),
    Mount("training.cli", "train"),
    Mount("training.workbench.command", "ui"),
    Mount("embedded.demo.command", "demo"),
)
"""Searched in this order, which is also the help's. These modules import what is heavy inside a command."""

SHARED = {"rules"}
"""Groups that several of them have commands in."""

OWN_PACKAGES = {"scoring", "training", "handlers", "embedded", "infra"}


class Front(TyperGroup):
    """The commands of all mounted modules; one is imported when those before it do not have the command."""

    running = ""
    """Name of the command that was found."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.extras: dict[str, str | None] = {}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for mount in MOUNTS:
            if cmd_name in self.commands and cmd_name not in SHARED:
                break
            mounted = import_module(mount.module).app
            mounted.rich_markup_mode = None
            commands = typer.main.get_group(mounted).commands
            for name, command in commands.items():
                there = self.commands.setdefault(name, command)
                if isinstance(there, TyperGroup) and isinstance(command, TyperGroup):
                    there.commands.update(command.commands)
            self.extras.update(dict.fromkeys(commands, mount.extra))
        return self.commands.get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        self.get_command(ctx, "")
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        self.running = name or ""
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(BROKEN_PIPE) from None
        return result


app = typer.Typer(
    cls=Front,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Decide what happens to the findings of AWS IAM Access Analyzer, and say why.",
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"triage {version('access-triage')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Take the options that stand before a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``triage``; by default what the process was given.

    Returns
    -------
    int
        The exit code: that of the command, 2 for bad usage and bad input (one line on standard error says
        what is wrong), 130 for Ctrl-C, 141 where the reader of the output has gone.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    front = cast(Front, typer.main.get_command(app))
    _prepare_streams()
    if not arguments:
        front.main(["--help"], "triage", standalone_mode=False)
    try:
        return front.main(arguments, "triage", standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        name = context.command_path if context else f"triage {front.running}".rstrip()
        message = error.format_message().replace("Value error, ", "").rstrip(".")  # a prefix of pydantic's
        return _complain(name, f"{message} (see {name} --help)")
    except ModuleNotFoundError as error:
        missing, extra = (error.name or "").partition(".")[0], front.extras.get(front.running)
        if missing in OWN_PACKAGES or extra is None:
            raise
        needs = f"needs the {extra} extra, {missing} is missing: pip install 'access-triage[{extra}]'"
        return _complain(f"triage {front.running}", needs)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"triage {front.running}", f"{where}{error.strerror or error}")
    except ValueError as error:
        from scoring.files.errors import BadInput

        if not isinstance(error, BadInput):
            raise
        return _complain(f"triage {front.running}", str(error))


def _prepare_streams() -> None:
    """Make both streams take any text, and one that the shell has closed swallow it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(name: str, problem: str) -> int:
    from scoring.cli.faults import BAD_INPUT
    from scoring.files.errors import printable

    typer.echo(printable(f"{name}: {' '.join(problem.split())}"), err=True)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
