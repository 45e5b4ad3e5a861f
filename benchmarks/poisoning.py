"""What a stranger gains who shares a hundred harmless things with himself before the dangerous one.

Each draw is a history of the simulator. A stranger's shares that no person reviews are put into it; the same
number of somebody else's is the comparison. `triage train` makes a model of each, and `triage score` scores
the stranger's later, dangerous findings: points that he bought, and how many of them are archived.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.commands import score, train, write
from training.simulate import simulate

FINDINGS, SHARES, LATER = 1_500, 100, 4
STRANGER, OTHER = "999988887777", "999988886666"
Record = dict[str, Any]


def main() -> None:
    """Print the table; exit 1 where shares that nobody reviewed buy points."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=3)
    given = options.parse_args()
    table = Table("draw", "points bought", "by another's", "archived", title=f"{SHARES} unreviewed shares")
    bought = []
    for seed in range(given.draws):
        plain, other, own = (_points(seed, whose) for whose in (None, OTHER, STRANGER))
        bought.append(mean(b["score"] - a["score"] for a, b in zip(own, plain, strict=True)))
        others = mean(b["score"] - a["score"] for a, b in zip(other, plain, strict=True))
        archived = sum(one["outcome"] == "archive" for one in own)
        table.add_row(str(seed), f"{bought[-1]:+.1f}", f"{others:+.1f}", f"{archived} of {len(own)}")
    Console(width=100).print(table)
    if max(bought) > 1.0:
        raise SystemExit(1)


def _points(seed: int, whose: str | None) -> list[dict[str, Any]]:
    """Return the decisions on the stranger's later findings, after a history with somebody's shares."""
    made = [one.record for one in simulate(FINDINGS, seed=seed, labelled=0.5, noise=0.0, drift=0.0)]
    outsiders = [one for one in made if _is_share(one)]
    shares = [] if whose is None else [_shared(outsiders[0], whose, n) for n in range(SHARES)]
    later = [_shared(one, STRANGER, 1000 + n) for n, one in enumerate(outsiders[1 : 1 + LATER])]
    with tempfile.TemporaryDirectory() as folder:
        history = write(Path(folder) / "history.jsonl", [*made, *shares])
        findings = write(Path(folder) / "later.jsonl", later)
        return score(findings, train(history, Path(folder) / "models").registry)


def _is_share(record: Record) -> bool:
    """Say whether a finding lets one account of nobody's in, on one day of the history's first half."""
    detail = record["finding"].get("detail") or {}
    account = (record.get("context") or {}).get("principal_account") or {}
    stranger = account.get("in_org") is False and not account.get("vendor")
    return stranger and "AWS" in (detail.get("principal") or {}) and detail.get("isPublic") is False


def _shared(record: Record, account: str, number: int) -> Record:
    """Return a finding like this one that lets another account in, without a verdict."""
    made = {name: copy.deepcopy(value) for name, value in record.items() if name != "label"}
    detail = made["finding"]["detail"]
    detail["id"] = f"share-{account}-{number}"
    detail["principal"] = {"AWS": account}
    detail["resource"] = f"{detail['resource']}-{number}"
    made["context"]["principal_account"] = {"id": account, "in_org": False}
    return made


if __name__ == "__main__":
    main()
