"""Deployed functions, each in a process of its own, with the code of its zip and its own environment."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

OURS = ("handlers/", "scoring/")
"""What of the zip is run; its packages are built for another processor, so those of this environment are."""

_TRIES = 5

_WORKER = Path(__file__).parent / "worker.py"


class Functions:
    """Runs the functions that moto has; entered, moto's own way to call them is replaced.

    Parameters
    ----------
    endpoint : str
        Address at which the box is served.
    credentials : callable
        Account to the credentials of the role that a function has, as environment variables.

    Attributes
    ----------
    invocations : list of (name, event, answer)
        All that happened, oldest first.
    """

    def __init__(self, endpoint: str, credentials: Callable[[str], Mapping[str, str]]) -> None:
        self._endpoint, self._credentials = endpoint, credentials
        self._processes: list[_Process] = []
        self._idle: defaultdict[str, list[_Process]] = defaultdict(list)
        self._code: dict[str, Path] = {}
        self._inside = ExitStack()
        self._lock = threading.Lock()
        self._batches: queue.Queue[tuple[LambdaFunction, list[dict[str, Any]]] | None] = queue.Queue()
        self.invocations: list[tuple[str, Any, Any]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run functions inside the block; their processes end with it."""
        from moto.awslambda.models import LambdaBackend, LambdaFunction

        def invoke(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
            answer = self.invoke(function, event)
            return json.dumps(answer.get("error", answer.get("result"))), "error" in answer, ""

        def take(backend: LambdaBackend, arn: str, messages: Any, queue_arn: str) -> bool:
            if messages:
                self._batches.put((backend.get_function(arn), _records(messages, queue_arn)))
            return True

        poller = threading.Thread(target=self._poll, daemon=True)
        with (
            self._inside,
            patch.object(LambdaFunction, "_invoke_lambda", invoke),
            patch.object(LambdaBackend, "send_sqs_batch", take),
        ):
            poller.start()
            yield
            self._batches.put(None)
            poller.join()

    def settle(self) -> None:
        """Wait until no message of a queue is left to be handed to its function."""
        self._batches.join()

    def invoke(self, function: LambdaFunction, event: Any) -> dict[str, Any]:
        """Let a function answer an event: with a ``result``, or with an ``error``.

        As in Lambda an environment that is busy is left alone: another one is started.
        """
        idle = self._idle[function.function_arn]
        with self._lock:
            process = idle.pop() if idle else self._start(function)
        answer = process.ask(event)
        idle.append(process)
        self.invocations.append((function.function_name, event, answer))
        return answer

    def log(self, function_name: str) -> str:
        """Return what a function has written to its log so far."""
        return "".join(
            process.log.read_text() for process in self._processes if process.name == function_name
        )

    def _start(self, function: LambdaFunction) -> _Process:
        account, region = function.function_arn.split(":")[4], function.region
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRIAGE_"))},
            **self._credentials(account),
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_RUNTIME_API": "embedded",
            "PYTHONPATH": str(self._unpacked(function)),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: str(value) for name, value in function.environment_vars.items()},
        }
        folder = Path(self._inside.enter_context(tempfile.TemporaryDirectory()))
        process = _Process(function, environment, folder / "log")
        self._inside.callback(process.end)
        self._processes.append(process)
        return process

    def _unpacked(self, function: LambdaFunction) -> Path:
        digest = function.code_sha_256
        if digest not in self._code:
            folder = Path(self._inside.enter_context(tempfile.TemporaryDirectory()))
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                ours = [name for name in archive.namelist() if name.startswith(OURS)]
                archive.extractall(folder, members=ours)
            self._code[digest] = folder
        return self._code[digest]

    def _poll(self) -> None:
        """Hand batches to their functions one by one, as Lambda's pollers do: whoever sends does not wait.

        What a function could not take comes again, a few times.
        """
        while batch := self._batches.get():
            function, records = batch
            for _ in range(_TRIES):
                answer = self.invoke(function, {"Records": records})
                failed = answer.get("result", {}).get("batchItemFailures", [])
                left = {one["itemIdentifier"] for one in failed}
                records = [one for one in records if "error" in answer or one["messageId"] in left]
                if not records:
                    break
            self._batches.task_done()


def _records(messages: Any, queue_arn: str) -> list[dict[str, Any]]:
    return [
        {
            "messageId": message.id,
            "body": message.body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
        }
        for message in messages
    ]


class _Process:
    """One environment of one function: it answers one event at a time."""

    def __init__(self, function: LambdaFunction, environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = function.function_name, log
        command = [sys.executable, "-P", str(_WORKER), str(function.handler), str(function.timeout)]
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [*command, str(function.function_arn)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, event: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            told = self.log.read_text()[-2000:]
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": told, "stackTrace": []}}
        return dict(json.loads(line))

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
