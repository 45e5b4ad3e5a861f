"""The commands as a user types them, in processes of their own, for what measures them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = "import sys, triage; sys.exit(triage.main(sys.argv[1:]))"


class Model(NamedTuple):
    """A version that `triage train` wrote."""

    registry: Path
    metrics: dict[str, Any]


def triage(*arguments: object) -> str:
    """Run a command and return what it prints; end where it fails."""
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"triage {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def train(history: Path, registry: Path, *options: object) -> Model:
    """Run `triage train` into a new registry."""
    found = json.loads(triage("train", history, "--out", registry, "--jobs", 1, "--format", "json", *options))
    return Model(registry, found["metrics"])


def score(findings: Path, model: Path) -> list[dict[str, Any]]:
    """Run `triage score` and return its decisions, in the order of the findings."""
    lines = triage("score", findings, "--model", model, "--format", "jsonl").splitlines()
    return [json.loads(line) for line in lines]


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """Write records, one a line."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
