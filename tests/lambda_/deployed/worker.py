"""The process in which a deployed function runs: ``python -P worker.py handlers.single.handler TIMEOUT ARN``.

It reads an event a line from standard input and answers with a line each; what the function prints goes to
standard error, as its log.
"""

import importlib
import json
import os
import sys
import time
import traceback
from types import SimpleNamespace


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, timeout, arn = sys.argv[1:]
    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    for number, line in enumerate(sys.stdin):
        ends = time.monotonic() + float(timeout)
        context = SimpleNamespace(
            function_name=arn.rsplit(":", 1)[1],
            invoked_function_arn=arn,
            aws_request_id=f"request-{number}",
            get_remaining_time_in_millis=lambda ends=ends: max(0, int((ends - time.monotonic()) * 1000)),
        )
        answers.write(json.dumps(_answer(handler, json.loads(line), context)) + "\n")
        answers.flush()


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
