"""The process in which a deployed function runs: ``python -P worker.py handlers.single.handler TIMEOUT ARN``.

It reads an event a line from standard input and answers with a line each; what the function prints goes to
standard error, as its log.

A busy machine is slower than Lambda: so the function has much more time than there, and it does not pass.
"""

import importlib
import json
import os
import sys
import traceback
from types import SimpleNamespace
from typing import Any

PATIENCE = 20


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, timeout, arn = sys.argv[1:]
    module, _, function = name.rpartition(".")
    wait_longer()
    handler = getattr(importlib.import_module(module), function)
    for number, line in enumerate(sys.stdin):
        context = SimpleNamespace(
            function_name=arn.rsplit(":", 1)[1],
            invoked_function_arn=arn,
            aws_request_id=f"request-{number}",
            get_remaining_time_in_millis=lambda: int(timeout) * 1000 * PATIENCE,
        )
        answers.write(json.dumps(_answer(handler, json.loads(line), context)) + "\n")
        answers.flush()


def wait_longer() -> None:
    """Raise the limits that the handlers set themselves: of enrichment, and of every request."""
    from botocore.config import Config

    from handlers.runtime import settings

    make = Config.__init__

    def patient(config: Config, *given: Any, **named: Any) -> None:
        limits = {name: seconds * PATIENCE for name, seconds in named.items() if name.endswith("_timeout")}
        make(config, *given, **named | limits)

    Config.__init__ = patient
    settings._MOST_FOR_ENRICHMENT *= PATIENCE


def _answer(handler: object, event: object, context: SimpleNamespace) -> dict[str, object]:
    try:
        assert callable(handler)
        return {"result": handler(event, context)}
    except Exception as error:
        trace = traceback.format_exc().splitlines()
        failed = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}
        return {"error": failed}


if __name__ == "__main__":
    main()
