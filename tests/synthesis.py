"""The synthesized templates: made once, by make, whoever asks first."""

import fcntl
import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "lambda/cdk.out"


@lru_cache(maxsize=1)
def synthesized() -> Path:
    """Return the folder of the assembly, made of the sources of now; several processes share it."""
    lock = ROOT / "build/synth.lock"
    lock.parent.mkdir(exist_ok=True)
    # what is installed stays as it is: tests install nothing
    command = ["make", "--silent", "--assume-old=.venv-deploy/.installed", "synth"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return OUT


def template(name: str = "AccessTriage") -> dict[str, Any]:
    """Return a template by the name of its stack; in a stage, ``Stage/Name``."""
    stage, _, stack = name.rpartition("/")
    folder = synthesized() / f"assembly-{stage}" if stage else synthesized()
    (file,) = folder.glob(f"{stage}{stack}*.template.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
