"""The command `triage` around its commands: help, exit codes, one line for what goes wrong."""

import importlib
import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import triage
from tests.processes import PATIENCE, heed_control_c

Run = Callable[..., subprocess.CompletedProcess[str]]

HEAVY = {"boto3", "botocore", "jinja2", "moto", "numpy", "pandas", "rich", "sklearn", "yaml"}

COMMANDS = '''
import sys, time
from typing import Annotated
import typer

app = typer.Typer()
group = typer.Typer(help="A group of commands.")
app.add_typer(group, name="group")


@group.command()
def member() -> None:
    print("member")


@app.command()
def work(file: str, count: Annotated[int, typer.Option(min=1)] = 1) -> None:
    """Do what FILE says."""
    from scoring.files.errors import BadInput

    if file == "bad":
        raise BadInput("expected a string", field="id", value=5, where="findings.jsonl: line 3")
    if file == "bug":
        raise ValueError("a bug")
    if file == "extra":
        import a_package_that_nobody_has
    if file == "own":
        import scoring.a_module_that_is_gone
    if file == "missing":
        open("no/such/file")
    if file == "report":
        raise typer.Exit(1)
    if file == "abort":
        raise typer.Abort
    if file == "wait":
        print("waiting", flush=True)
        time.sleep(3600)
    for _ in range(count):
        print("\\u2192 " + "x" * 100)
'''


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `triage` with the commands above mounted, in a process of its own."""
    start = start_script(tmp_path)

    def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        settings = {"capture_output": True, "text": True, "env": environment(), **settings}
        return subprocess.run([*start, *arguments], check=False, **settings)  # type: ignore[call-overload, no-any-return]

    return run


def start_script(folder: Path) -> list[str]:
    (folder / "mounted.py").write_text(textwrap.dedent(COMMANDS))
    (folder / "start.py").write_text(
        "import sys, triage\n"
        "triage.MOUNTS = (triage.Mount('mounted', extra='train'),)\n"
        "sys.exit(triage.main())\n"
    )
    return [sys.executable, str(folder / "start.py")]


def environment(**more: str) -> dict[str, str]:
    root = str(Path(triage.__file__).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, f"{root}/lambda"]), "COLUMNS": "100", **more}


def test_help_lists_the_commands_and_groups_of_all_mounts(
    run: Run,
) -> None:
    shown = run("--help")

    assert shown.returncode == 0
    assert "work   Do what FILE says." in shown.stdout
    assert "group  A group of commands." in shown.stdout
    assert run("group", "member").stdout == "member\n"


def test_without_a_command_the_help_is_shown_and_the_usage_is_bad(run: Run) -> None:
    shown = run()

    assert shown.stdout == run("--help").stdout
    assert (shown.returncode, shown.stderr) == (2, "triage: Missing command (see triage --help)\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["wrok"], "triage: No such command 'wrok'. Did you mean 'work'? (see triage --help)"),
        (["--nope"], "triage: No such option: --nope (see triage --help)"),
        (["work"], "triage work: Missing argument"),
        (["work", "a", "b"], "triage work: Got unexpected extra argument"),
        (["work", "a", "--count", "0"], "triage work: Invalid value for '--count': "),
        (["work", "a", "--count", "x\n\x1b[2Jy"], "triage work: Invalid value for '--count': "),
        (["group"], "triage group: Missing command (see triage group --help)"),
        (["work", "bad"], "triage work: findings.jsonl: line 3: id: expected a string, got 5"),
        (["work", "missing"], "triage work: no/such/file: No such file or directory"),
        (
            ["work", "extra"],
            "triage work: needs the train extra, a_package_that_nobody_has is missing: "
            "pip install 'access-triage[train]'",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_2(run: Run, arguments: list[str], line: str) -> None:
    shown = run(*arguments)

    assert shown.stderr.startswith(line)
    assert shown.stderr.removesuffix("\n").isprintable()
    assert (shown.returncode, shown.stdout) == (2, "")


@pytest.mark.parametrize(
    ("argument", "error"), [("bug", "ValueError: a bug"), ("own", "ModuleNotFoundError")]
)
def test_our_own_mistakes_keep_their_traceback(run: Run, argument: str, error: str) -> None:
    shown = run("work", argument)

    assert shown.returncode == 1
    assert "Traceback" in shown.stderr
    assert error in shown.stderr


@pytest.mark.parametrize(("argument", "code"), [("fine", 0), ("report", 1), ("abort", 130)])
def test_exit_codes_of_commands_are_passed_on(run: Run, argument: str, code: int) -> None:
    shown = run("work", argument)

    assert (shown.returncode, shown.stderr) == (code, "")


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"triage {importlib.metadata.version('access-triage')}\n"


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*start_script(tmp_path), "work", "fine", "--count", "100000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    assert process.wait() == triage.BROKEN_PIPE


@pytest.mark.parametrize("how_tests_are_run", [signal.default_int_handler, signal.SIG_IGN])
def test_control_c_ends_quietly(tmp_path: Path, how_tests_are_run: Any) -> None:
    """Also where the tests themselves ignore it, as after ``make test &``."""
    before = signal.signal(signal.SIGINT, how_tests_are_run)
    try:
        process = subprocess.Popen(
            [*start_script(tmp_path), "work", "wait"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            preexec_fn=heed_control_c,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert process.communicate(timeout=PATIENCE)[1] == b""
    assert process.returncode == triage.INTERRUPTED


def test_a_full_disk_is_said_in_one_line(run: Run) -> None:
    with Path("/dev/full").open("w") as full:
        shown = run("work", "fine", capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert (shown.returncode, shown.stderr) == (2, "triage work: No space left on device\n")


def test_a_terminal_without_unicode_gets_escapes(run: Run) -> None:
    shown = run("work", "fine", env=environment(PYTHONIOENCODING="ascii"))

    assert (shown.returncode, shown.stdout[:8]) == (0, "\\u2192 x")


def test_no_color_is_honoured_on_a_terminal(run: Run) -> None:
    primary, secondary = pty.openpty()
    for arguments in (["--help"], ["work", "--help"], ["work"]):
        run(
            *arguments,
            capture_output=False,
            stdout=secondary,
            stderr=secondary,
            env=environment(NO_COLOR="1"),
        )
    os.close(secondary)
    shown = os.read(primary, 100_000)
    os.close(primary)

    assert b"Do what FILE says." in shown
    assert b"\x1b" not in shown


def test_every_mount_can_be_imported_and_no_command_is_mounted_twice() -> None:
    names = []
    for mount in triage.MOUNTS:
        for name, command in typer.main.get_group(importlib.import_module(mount.module).app).commands.items():
            parts = getattr(command, "commands", ()) if name in triage.SHARED else [""]
            names += [f"{name} {part}" for part in parts]

    assert len(names) == len(set(names))


def test_the_help_imports_nothing_heavy() -> None:
    code = f"import sys, triage; triage.main(['--help']); sys.exit(', '.join({HEAVY} & sys.modules.keys()))"

    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )

    assert shown.stderr.strip() == ""
