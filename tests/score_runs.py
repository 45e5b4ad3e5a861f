"""The command `triage score` run in this process, for the tests of what it does with bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import triage

EVENTS = Path(__file__).parent / "events"


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def outcomes(self) -> list[str]:
        return [json.loads(line)["outcome"] for line in self.out.splitlines()]

    @property
    def faults(self) -> list[str]:
        assert "Traceback" not in self.err
        faults = self.err.splitlines()
        assert all(fault.isprintable() for fault in faults)
        return faults


Score = Callable[..., Result]


def runner(capfd: Any) -> Score:
    """Return what runs the command with JSON lines as its output."""

    def run(*arguments: object) -> Result:
        code = triage.main(["score", *map(str, arguments), "--format", "jsonl"])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def event(name: str = "external-cross-account-kms") -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())
