"""What the demo prints."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.demo import words
from embedded.demo.files import DECISIONS, EMAILS, REPORT
from embedded.demo.results import TYPES, Decided, Results

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_RULE = "-" * 78
_NARROWEST, _WIDEST = 50, 100
_COLORS = {"Archived": "blue", "Alerts": "bold red", "Skipped": "dim"}


def show(results: Results, directory: Path, console: Console) -> None:
    """Print what happened, what it took, one alert in full, and where the rest is."""
    width = max(_NARROWEST, min(console.width, _WIDEST))

    def section(title: str, rows: Iterable[Sequence[str]]) -> None:
        console.print(title, style="bold")
        console.print(_pairs(rows, width), "", sep="\n", soft_wrap=True)

    console.print(textwrap.fill(words.lead(results), width), "", sep="\n", soft_wrap=True)
    console.print(_outcomes(results), "", sep="\n")
    section("Put to the test", words.promises(results))
    section("What it took", _cost(results))
    shown = best(results)
    if shown is not None:
        console.print("One alert as it was sent", style="bold")
        console.print(_RULE, shown.message.text.rstrip("\n"), _RULE, "", sep="\n", soft_wrap=True)
    section("Files", _files(results, directory))
    typed = shlex.quote(str(directory))
    section("Next", [(f"triage ui {typed}", "the same in the browser: filter, search, move the threshold")])


def best(results: Results) -> Decided | None:
    """The alert that makes the best example: tags known, vendor named, no line out of the ordinary."""

    def worth(one: Decided) -> tuple[bool, bool, bool, float]:
        context = one.record["context"]
        tags, vendor = context.get("tags") or {}, (context.get("principal_account") or {}).get("vendor")
        plain = all(
            text.isascii() and text.isprintable() and len(text) < 40 for text in map(str, tags.values())
        )
        return bool(vendor) and bool(tags) and plain, bool(one.decision.guardrails), plain, one.decision.score

    return max(results.alerts, key=worth, default=None)


def _outcomes(results: Results) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold", show_footer=True)
    counts = results.counts
    table.add_column("Finding", "All", footer_style="bold")
    for name, total in (
        ("Count", counts.total()),
        ("Archived", counts["archive"]),
        ("Alerts", counts["alert"]),
        ("Skipped", counts["skip"]),
    ):
        table.add_column(name, str(total), justify="right", style=_COLORS.get(name), footer_style="bold")
    for name, found in results.by_type.items():
        numbers = (found.total(), found["archive"], found["alert"], found["skip"])
        table.add_row(TYPES.get(name, name), *map(str, numbers))
    return table


def _cost(results: Results) -> list[tuple[str, str]]:
    outcome = results.outcome
    by_service = words.calls(results)
    total = sum(times for _, times in by_service)
    each = outcome.seconds_handling / max(1, len(results.decided))
    services = ", ".join(f"{service} {times}" for service, times in by_service)
    return [
        ("AWS calls", f"{total} by the handler: {services}"),
        (
            "Time",
            f"{outcome.seconds_building:.1f} s to build the organization, {outcome.seconds_handling:.1f} s to"
            f" handle {words.count(outcome.happened.events, 'event')} ({1000 * each:.0f} ms a finding)",
        ),
    ]


def _files(results: Results, directory: Path) -> list[tuple[str, str]]:
    return [
        (str(directory / REPORT), "open it in a browser: scores, guardrails, every alert explained"),
        (
            str(directory / EMAILS) + "/",
            f"{words.count(len(results.alerts), 'alert')}, each as text and HTML",
        ),
        (str(directory / DECISIONS), "finding, context and decision, one record a line"),
        (str(results.outcome.policy), "triage score and explain take it with --policy"),
    ]


def _pairs(rows: Iterable[Sequence[str]], width: int) -> str:
    """Put names on the left and what is said of them on the right, or below where a name is too long."""
    rows = list(rows)
    widest = max(len(row[0]) for row in rows)
    is_beside = widest <= width // 2
    indent = " " * (widest + 4 if is_beside else 6)
    return "\n".join(
        ("" if is_beside else f"  {name}\n")
        + textwrap.fill(
            says,
            width,
            initial_indent=f"  {name:<{widest}}  " if is_beside else indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, says, *_ in rows
    )
