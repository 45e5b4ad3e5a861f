"""How many findings a second `triage score` takes on one core, and whether its memory stays flat.

Run by `make bench`. Two kinds of lines: events as they come, and records with all that enrichment finds; from
the simulator, so that principals, tags and conditions vary as they do in an organization. Each run is the
whole command in a process of its own. A second is one of processor time, start and end included; what else
the machine does counts only as far as it slows the processor down.
"""

import json
import resource
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.simulate import simulate

MANY, FEW = 100_000, 10_000
FORMATS = ("jsonl", "csv", "table", "json")
DIFFERENT = 5_000
# Linux alone says how large a process has been, and not how large its parent was.
COMMAND = """
import sys, triage
code = triage.main(sys.argv[1:])
with open("/proc/self/status") as status:
    print(*(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


def main() -> None:
    """Print the table."""
    headings = ("input", "format", "lines", "findings a second", "memory")
    table = Table(*headings, title="triage score", title_justify="left")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "findings.jsonl"
        for kind, lines in _kinds().items():
            for format_ in FORMATS:
                for count in (FEW, MANY) if format_ == "jsonl" else (MANY,):
                    with path.open("w", encoding="utf-8") as file:
                        file.writelines(islice(cycle(lines), count))
                    seconds, memory = _run(path, format_)
                    speed = f"{count / seconds:,.0f}" if count == MANY else ""
                    table.add_row(kind, format_, f"{count:,}", speed, f"{memory:.0f} MB")
    Console().print(table)


def _kinds() -> dict[str, list[str]]:
    records = [one.record for one in simulate(DIFFERENT, seed=1)]
    enriched = [{key: record[key] for key in ("finding", "context") if key in record} for record in records]
    return {
        "events": [json.dumps(record["finding"]) + "\n" for record in records],
        "records": [json.dumps(record) + "\n" for record in enriched],
    }


def _run(path: Path, format_: str) -> tuple[float, float]:
    """Return the processor time in seconds and the largest memory in MB of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", COMMAND, "score", str(path), "--format", format_]
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(run.stderr) / 1024


if __name__ == "__main__":
    main()
