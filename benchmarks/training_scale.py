"""How `triage train` grows with the history: time, memory of all its processes, size of the scorecard.

Run by `make bench`; `make bench-large` adds a million records. Each run is the whole command, from reading
the gzipped history to the report, in processes of its own, on histories of the simulator. Wall time is the
machine's just then; processor time, of all processes, is the fairer measure beside other work. Growth is the
exponent by which processor time grows from the size before: 1 is linear. Memory is proportional set size,
so that what processes share counts once.
"""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.history.record_files import write_records
from training.simulate import simulate

SIZES, LARGE = (3_000, 30_000, 100_000), 1_000_000
# The machine that the limits are meant for.
CORES = 2
BETWEEN_LOOKS = 0.25
COMMAND = "import sys, triage; sys.exit(triage.main(sys.argv[1:]))"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true", help=f"{LARGE:,} records too")
    sizes = (*SIZES, LARGE) if options.parse_args().large else SIZES
    headings = ("records", "wall", "processor", "growth", "memory", "scorecard")
    table = Table(*headings, title=f"triage train --jobs {CORES}", title_justify="left")
    for heading in table.columns:
        heading.justify = "right"
    before: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            history = Path(folder) / f"{size}.jsonl.gz"
            write_records((one.record for one in simulate(size, seed=1)), str(history))
            out = Path(folder) / f"models-{size}"
            wall, processor, memory = _run("train", str(history), "--out", str(out), "--jobs", str(CORES))
            history.unlink()
            (scorecard,) = out.glob("*/scorecard.json")
            growth = "" if before is None else f"{_exponent(before, (size, processor)):.2f}"
            before = (size, processor)
            table.add_row(
                f"{size:,}",
                f"{wall:.1f} s",
                f"{processor:.1f} s",
                growth,
                f"{memory / 1024:,.0f} MiB",
                f"{scorecard.stat().st_size / 1e6:.2f} MB",
            )
    console = Console()
    console.print(table)
    console.print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _exponent(before: tuple[int, float], after: tuple[int, float]) -> float:
    return math.log(after[1] / before[1]) / math.log(after[0] / before[0])


def _run(*arguments: str) -> tuple[float, float, int]:
    """Return wall time and processor time in seconds, and the largest memory in KiB, of a command."""
    before, begin, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    command = [sys.executable, "-c", COMMAND, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_memory, _tree(process.pid))))
            time.sleep(BETWEEN_LOOKS)
    if process.returncode:
        raise SystemExit(f"triage {' '.join(arguments)} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, processor, most


def _tree(pid: int) -> list[int]:
    """Return a process and all below it; those that have just ended are no matter."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = children.read_text().split()
        except OSError:
            continue
        for child in below:
            found += _tree(int(child))
    return found


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
