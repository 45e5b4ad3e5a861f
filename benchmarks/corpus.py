"""The corpus of public findings: what is decided on each, and what its explanation says, as a table by kind.

Each case goes the way of `triage score` and `triage explain`. The command exits 1 where one is wrong, 2 where
the corpus itself is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from scoring.decision.decide import Decision
from scoring.decision.settings import Settings, load_settings
from scoring.explanation.explain import explain
from scoring.files.errors import BadInput
from scoring.files.json_file import read
from scoring.findings.record import Case, read_value

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is right; `at_least` names the case whose score this one may not be below."""

    outcome: Literal["archive", "alert", "any"]
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    at_least: str = ""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case of the corpus."""

    name: str
    kind: str
    source: str
    why: str
    expect: Expected
    record: dict[str, Any]


class Judged(msgspec.Struct, frozen=True):
    """A case, what was decided on it, and the texts of its explanation in small letters."""

    entry: Entry
    decision: Decision
    text: str


def load(path: Path = CORPUS / "findings.jsonl") -> list[Entry]:
    """Read a corpus.

    Raises
    ------
    BadInput
        One line that names file, line and field: an outcome that there is not, a case that is listed already
        or not at all, a source that is no address, a record that holds no finding.
    """
    entries: dict[str, Entry] = {}
    located = [(one.where, _entry(one.where, one.value, one.error)) for one in read(str(path))]
    for where, entry in located:
        if entry.name in entries:
            raise BadInput("the case is listed already", field="name", value=entry.name, where=where)
        entries[entry.name] = entry
    for where, entry in located:
        if entry.expect.at_least and entry.expect.at_least not in entries:
            expected = "expected the name of a case of this corpus"
            raise BadInput(expected, field="expect.at_least", value=entry.expect.at_least, where=where)
    return list(entries.values())


def _entry(where: str, value: object, error: BadInput | None) -> Entry:
    if error is not None:
        raise error.at(where)
    try:
        entry = msgspec.convert(value, Entry)
    except msgspec.ValidationError as invalid:
        choices = {"expect.outcome": "archive, alert or any"}
        keys = (*Entry.__struct_fields__, *Expected.__struct_fields__)
        raise BadInput.from_validation(invalid, keys=keys, choices=choices).at(where) from None
    if not entry.source.startswith("https://"):
        raise BadInput("expected the address of a page", field="source", value=entry.source, where=where)
    try:
        _case(entry)
    except BadInput as bad:
        raise BadInput(f"record: {bad}", where=where) from None
    return entry


def _case(entry: Entry) -> Case:
    found = list(read_value(entry.record))
    if len(found) != 1:
        raise BadInput(f"expected one finding, got {len(found)}")
    if found[0].error is not None:
        raise found[0].error
    assert found[0].case is not None
    return found[0].case


def judge(entries: Iterable[Entry], settings: Settings) -> Iterator[Judged]:
    """Decide on each case and explain it."""
    for entry in entries:
        case = _case(entry)
        decision = settings.decide(case)
        message = explain(case, decision, settings.policy)
        yield Judged(entry, decision, f"{message.text}\n{message.html}".lower())


def faults(judged: Judged, scores: Mapping[str, float]) -> list[str]:
    """Say what is wrong with a case; scores are by name."""
    expect, decision = judged.entry.expect, judged.decision
    found = []
    if expect.outcome not in ("any", decision.outcome):
        found.append(f"{decision.outcome}, not {expect.outcome}: {decision.reason}")
    found += [f"says {text!r}" for text in expect.never_says if text.lower() in judged.text]
    found += [f"does not say {text!r}" for text in expect.says if not _says(judged.text, text)]
    if expect.at_least and decision.score < scores[expect.at_least]:
        found.append(f"{decision.score} is below the {scores[expect.at_least]} of {expect.at_least}")
    return found


def _says(texts: str, text: str) -> bool:
    return text.lower() in texts or text.lower().replace('"', "&#34;") in texts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", nargs="?", type=Path, default=CORPUS / "findings.jsonl")
    parser.add_argument("--policy", default=str(CORPUS / "policy.toml"))
    parser.add_argument("--model")
    given = parser.parse_args()
    try:
        judged = list(judge(load(given.file), load_settings(given.model, given.policy)))
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    wrong = _print(judged)
    sys.exit(1 if wrong else 0)


def _print(judged: list[Judged]) -> int:
    scores = {one.entry.name: one.decision.score for one in judged}
    found = {one.entry.name: faults(one, scores) for one in judged}
    cases = Counter(one.entry.kind for one in judged)
    outcomes = Counter((one.entry.kind, one.decision.outcome) for one in judged)
    wrong = Counter(one.entry.kind for one in judged if found[one.entry.name])
    table = Table(title=f"Corpus: {len(judged)} public findings")
    for heading in ("kind", "cases", "archived", "alerts", "wrong"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, count in cases.items():
        archived, alerts = outcomes[kind, "archive"], outcomes[kind, "alert"]
        table.add_row(kind, str(count), str(archived), str(alerts), str(wrong[kind]))
    console = Console()
    console.print(table)
    for name, said in found.items():
        if said:
            console.print(f"{name}: {'; '.join(said)}", markup=False, soft_wrap=True)
    return wrong.total()


if __name__ == "__main__":
    main()
