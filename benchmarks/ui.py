"""The local page on 20,000 findings, as `triage ui` serves it: how long a click takes."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from urllib.parse import urlsplit

from benchmarks.commands import COMMAND, triage

FINDINGS, ROUNDS = 20_000, 4
TARGET = 150.0  # milliseconds, at the 95th percentile
MOST_BYTES = 300_000
CLICKS = (
    "/?all=1",
    "/?severity=high",
    "/?severity=high&type=AWS%3A%3AS3%3A%3ABucket",
    "/?q=prod",
    "/?q=prod+role&sort=score",
    "/?sort=newest&flat=1",
    "/?flat=1&page=200",
    "/?guardrail=public",
    "/?unknown=tags&sort=score",
    "/overview",
    "/threshold?t=20",
    "/threshold?t=40",
)


def main() -> None:
    """Print the time of a first click, and of all others, and the heaviest page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "findings.jsonl"
        triage("simulate", "--out", file, "--findings", FINDINGS, "--seed", 1)
        command = [sys.executable, "-c", COMMAND, "ui", str(file)]
        began = perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                lines = iter(server.stdout or ())
                link = next(line for line in lines if line.startswith("http"))
                print(f"{FINDINGS:,} findings held after {perf_counter() - began:.1f} s")
                measure(link.strip())
            finally:
                server.terminate()


def measure(link: str) -> None:
    """Click through the page; no click is answered from what an earlier one left."""
    address = urlsplit(link)
    connection = HTTPConnection(address.netloc)
    connection.request("GET", f"{address.path}?{address.query}")
    answer = connection.getresponse()
    answer.read()
    cookie = {"Cookie": re.split(";", answer.headers["set-cookie"])[0]}
    times, heaviest = [], 0

    def click(place: str) -> float:
        nonlocal heaviest
        began = perf_counter()
        connection.request("GET", place, headers=cookie)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{place}: {answer.status}")
        heaviest = max(heaviest, len(body))
        return 1000 * (perf_counter() - began)

    print(f"first page: {click('/?all=1'):.0f} ms; first view of thresholds: {click('/threshold'):.0f} ms")
    for number in range(ROUNDS):
        for place in CLICKS:
            # A word that is in every finding makes the query a new one.
            is_plain = place.startswith("/?") and "q=" not in place
            times.append(click(f"{place}&q={'arn:'[: number + 1]}" if is_plain else place))
    worst = quantiles(times, n=20)[-1]
    verdict = "within" if worst <= TARGET and heaviest <= MOST_BYTES else "NOT within"
    print(f"{len(times)} clicks: 95th percentile {worst:.0f} ms, heaviest page {heaviest / 1000:.0f} KB")
    print(f"{verdict} {TARGET:.0f} ms and {MOST_BYTES / 1000:.0f} KB")


if __name__ == "__main__":
    main()
