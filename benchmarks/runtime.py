"""How fast the runtime is: deciding, explaining, importing. Run by `make bench`; medians of several rounds.

Findings come from the simulator, so that principals, tags and conditions vary as they do in an organization.
Times are of the processor: other work on the machine does not count.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from scoring.decision.decide import decide
from scoring.explanation.explain import explain
from scoring.findings.finding import Finding
from scoring.findings.record import read_case
from scoring.policy import policy
from scoring.scorecard import formats
from training.simulate import simulate

ROUNDS = 9
FINDINGS = 4000
MAILS = 500

_CLOCK = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
IMPORTS = {
    "boto3": "import boto3",
    "boto3, then scoring and all that the handler needs to decide": (
        "import boto3, handlers.single; from scoring.policy import policy; "
        "from scoring.scorecard import formats; policy.load(); formats.load()"
    ),
}


def main() -> None:
    """Print the table."""
    table = Table("what", "median", title="runtime, on one core", title_justify="left")
    for what, median in (*_deciding(), *_importing()):
        table.add_row(what, median)
    Console().print(table)


def _deciding() -> Iterator[tuple[str, str]]:
    card, rules = formats.load(), policy.load()
    records = [
        record.record
        for record in simulate(FINDINGS, seed=1)
        if isinstance(read_case(record.record).finding, Finding)
    ]
    cases = [read_case(record) for record in records]
    findings = [(case.finding, case.context) for case in cases if isinstance(case.finding, Finding)]
    decisions = [decide(finding, context, card, rules) for finding, context in findings]

    def mail(record: object) -> None:
        case = read_case(record)
        if isinstance(case.finding, Finding):
            explain(case, decide(case.finding, case.context, card, rules), rules)

    yield (
        "score and explain a parsed finding",
        _microseconds(lambda pair: decide(pair[0], pair[1], card, rules), findings),
    )
    yield "event to rendered text email", _microseconds(mail, records[:MAILS])
    yield "read a decoded record", _microseconds(read_case, records)
    yield "write a decision as JSON", _microseconds(msgspec.json.encode, decisions)


def _importing() -> Iterator[tuple[str, str]]:
    # The first round compiles what has changed, and keeps it; whoever runs Python a second time has that.
    compiling = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for what, code in IMPORTS.items():
        command = [sys.executable, "-c", _CLOCK.format(code)]
        times = [
            float(subprocess.run(command, check=True, capture_output=True, env=compiling).stdout)
            for _ in range(ROUNDS + 1)
        ][1:]
        yield f"import {what}", f"{statistics.median(times) * 1e3:.0f} ms"


def _microseconds(work: Callable[[Any], object], items: list[Any]) -> str:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for item in items:
            work(item)
        times.append(time.process_time() - start)
    return f"{statistics.median(times) / len(items) * 1e6:.1f} us"


if __name__ == "__main__":
    main()
