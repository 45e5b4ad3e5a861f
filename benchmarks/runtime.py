"""How fast the runtime is: deciding, explaining, importing. Run by `make bench`; medians of several rounds.

Findings come from the simulator, so that principals, tags and conditions vary as they do in an organization.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import msgspec
from rich.console import Console
from rich.table import Table

from scoring import policy, scorecard_files
from scoring.decide import decide
from scoring.finding import Finding
from scoring.records import Case, read_case
from training.simulate import simulate

ROUNDS = 9
FINDINGS = 4000
IMPORTS = {
    "boto3": "import boto3",
    "boto3 and all that decides": "import boto3, scoring.pipeline, scoring.scorecard_files, scoring.policy; "
    "scoring.scorecard_files.load(); scoring.policy.load()",
}


def main() -> None:
    """Print the table."""
    table = Table("what", "median", "per", title="runtime", title_justify="left")
    for what, median, per in (*_deciding(), *_importing()):
        table.add_row(what, median, per)
    Console().print(table)


def _deciding() -> Iterator[tuple[str, str, str]]:
    card, rules = scorecard_files.load(), policy.load()
    records = [record.record for record in simulate(FINDINGS, seed=1)]
    cases = [case for case in map(read_case, records) if isinstance(case.finding, Finding)]
    findings = [(case.finding, case.context) for case in cases if isinstance(case.finding, Finding)]

    def deciding() -> None:
        for finding, context in findings:
            decide(finding, context, card, rules)

    def reading() -> None:
        for record in records:
            read_case(record)

    decisions = [decide(finding, context, card, rules) for finding, context in findings]

    def writing() -> None:
        for decision in decisions:
            msgspec.json.encode(decision)

    yield "score and explain a parsed finding", _microseconds(deciding, len(findings)), "finding"
    yield "read a decoded record", _microseconds(reading, len(records)), "finding"
    yield "write a decision as JSON", _microseconds(writing, len(decisions)), "finding"
    yield "event to text email", _microseconds(lambda: _explaining(records, cases), 500), "finding"


def _explaining(records: list[dict[str, object]], cases: list[Case]) -> None:
    from scoring.explain import explain

    card, rules = _CARD, _POLICY
    for record in records[:500]:
        case = read_case(record)
        assert isinstance(case.finding, Finding)
        message = explain(case, decide(case.finding, case.context, card, rules), rules)
        assert message.text


_CARD, _POLICY = scorecard_files.load(), policy.load()


def _importing() -> Iterator[tuple[str, str, str]]:
    for what, code in IMPORTS.items():
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        yield f"import {what}", f"{statistics.median(times) * 1e3:.0f} ms", "process"


def _microseconds(work: Callable[[], object], count: int) -> str:
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return f"{statistics.median(times) / count * 1e6:.1f} us"


if __name__ == "__main__":
    main()
