"""The real Lambda runtime on this machine: AWS's Runtime Interface Emulator with its runtime for Python.

aws-sam-cli brings the emulator along (for Linux); `make rie-tools` installs it into .venv-rie.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".venv-rie"
EMULATOR = TOOLS / "bin/rie"
PATIENCE = 600.0
_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")


class Function:
    """A function that has not been started yet: the first event starts it."""

    def __init__(self, port: int, log: Path) -> None:
        self._port, self._log = port, log

    def answer(self, event: object) -> Any:
        """Return the function's answer to an event."""
        address = f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations"
        request = urllib.request.Request(address, json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def log(self) -> str:
        """Return what emulator and function have written so far."""
        return self._log.read_text(encoding="utf-8")

    def init_milliseconds(self) -> float:
        """Return how long the runtime said that the initialization took."""
        found = _INIT.search(self.log())
        if found is None:
            raise RuntimeError(self.log()[-2000:])
        return float(found[1])


@contextmanager
def function(handler: str, code: Path, environment: Mapping[str, str] | None = None) -> Iterator[Function]:
    """Let the emulator wait for the first event of a function.

    Parameters
    ----------
    handler : str
        ``module.function``, with the module below `code`.
    """
    site = next(TOOLS.glob("lib/python*/site-packages"))
    port, inner = _free_port(), _free_port()
    with TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [
            *(str(EMULATOR), "--log-level", "info"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{inner}"),
            *(sys.executable, "-m", "awslambdaric", handler),
        ]
        variables = {
            **{n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "TRIAGE_"))},
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": "triage",
            "LAMBDA_TASK_ROOT": str(code),
            "PYTHONPATH": f"{code}:{site}",
            **(environment or {}),
        }
        with log.open("wb") as out:
            started = subprocess.Popen(command, cwd=code, env=variables, stdout=out, stderr=out)
        try:
            _wait_for(port, started)
            yield Function(port, log)
        finally:
            started.terminate()
            started.wait(PATIENCE)


def _wait_for(port: int, started: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and started.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the emulator did not start")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
