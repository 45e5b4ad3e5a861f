"""Strings that try to break whatever shows them, for a few names, tags, aliases and conditions."""

from random import Random
from typing import Any

STRINGS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>Approved by security</h1>",
    "{{7*7}}{% raw %}",
    '=HYPERLINK("https://example.org","invoice")',
    "+1+1|' /C calc'!A0",
    "@SUM(1+1)",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\",
    "[bold red]markup[/bold red]",
    "gnp.\u202egpj.exe",
    "\u2066hidden\u2069",
    "line one\r\nSubject: second line",
    "tab\tand\x00nul",
    "\u200bprod",
    "pr\u043ed",  # a Cyrillic letter
    "e\u0301" * 40,
    "\U0001f512 safe",
    "a" * 4000,
    "",
)

_SHARE = 0.05


def spoil(record: dict[str, Any], rng: Random) -> None:
    """Put one hostile string into a small share of the records, in place; its shape stays."""
    if rng.random() >= _SHARE:
        return
    text = STRINGS[int(len(STRINGS) * rng.random())]
    place = int(6 * rng.random())
    context = record.get("context", {})
    finding = record["finding"].get("detail", record["finding"])
    if place == 0 and context.get("tags") is not None:
        context["tags"][text or "empty"] = "x"
    elif place == 1 and context.get("tags"):
        context["tags"][next(iter(context["tags"]))] = text
    elif place == 2 and context.get("aliases"):
        context["aliases"].append("alias/" + text)
    elif place == 3 and context.get("resource_account"):
        context["resource_account"]["name"] = text
    elif place == 4 and (context.get("principal_account") or {}).get("vendor"):
        context["principal_account"]["vendor"] = text
    elif place == 5 and finding.get("condition"):
        key = next(iter(finding["condition"]))
        finding["condition"][key] = text
    elif context.get("tags") is not None:
        context["tags"]["Name"] = text
