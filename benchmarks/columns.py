"""Real data sets, from a folder that is given: decisions on access as records, all of them as columns.

Expected in the folder, each of them optional (what is not there is left out, by name):

``access-decisions.csv.gz``
    Column ``refused`` (1 or 0); ``resource``, ``mgr_id`` and the role columns. As records: `mgr_id` is the
    principal's account, inside the organization; the resource a bucket that it may read; the role columns are
    tags; one owning account, one finding every ten minutes in the order of rows.
``claims-2014.csv``
    In the order of time; ``granted`` (1 or 0).
``adult.csv.gz``, ``flights.csv.gz``
    ``y`` (1 or 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.partners import bucket_record
from training.arrays import Ints

ACCESS: Final = "access decisions"
# Name, file, target, columns left out.
_FILES: Final = (
    (ACCESS, "access-decisions.csv.gz", "refused", ()),
    ("claims", "claims-2014.csv", "granted", ("received",)),
    ("adult", "adult.csv.gz", "y", ()),
    ("flights", "flights.csv.gz", "y", ()),
)
IN_TIME: Final = frozenset(("claims",))
TAGS: Final = {
    "role_rollup_1": "Rollup1",
    "role_rollup_2": "Rollup2",
    "role_deptname": "Department",
    "role_title": "Title",
    "role_family_desc": "FamilyDesc",
    "role_family": "Family",
}
FOLDS: Final = 5


@dataclass(frozen=True)
class Columns:
    """A data set as columns of texts, and what is to be foretold.

    Attributes
    ----------
    is_in_time : bool
        Whether rows stand in the order of time: then the last fifth tests, whatever the fold.
    """

    name: str
    X: pd.DataFrame
    y: Ints
    is_in_time: bool

    def split(self, labels: int | None, fold: int) -> tuple[Ints, Ints]:
        """Return rows to learn from (so many at random, or all of them) and rows to test on."""
        rows = np.arange(len(self.y))
        if self.is_in_time:
            first = len(rows) * (FOLDS - 1) // FOLDS
            test, rest = rows[first:], rows[:first]
        else:
            part = np.random.default_rng(0).permutation(len(rows)) % FOLDS
            test, rest = rows[part == fold % FOLDS], rows[part != fold % FOLDS]
        if labels is None or labels >= len(rest):
            return rest, test
        return np.sort(np.random.default_rng(fold).choice(rest, labels, replace=False)), test


def read_all(folder: Path) -> tuple[list[Columns], list[str]]:
    """Read what is there, and return the names of what is not."""
    found, missing = [], []
    for name, file, target, dropped in _FILES:
        if not (folder / file).is_file():
            missing.append(f"{name} ({file})")
            continue
        X = pd.read_csv(folder / file, dtype=str, keep_default_na=False)
        y = X.pop(target).astype(int).to_numpy()
        found.append(Columns(name, X.drop(columns=list(dropped)), y, name in IN_TIME))
    return found, missing


def access_records(data: Columns) -> list[dict[str, Any]]:
    """Return the access decisions as records, in the order of rows."""
    begin = datetime(2010, 1, 1, tzinfo=UTC)
    rows = data.X.to_dict("records")
    return [
        bucket_record(
            number,
            begin + timedelta(minutes=10 * number),
            f"res-{row['resource']}",
            f"{int(row['mgr_id']):012}",
            ("s3:GetObject",),
            {tag: row[column] for column, tag in TAGS.items()},
            unintended=bool(refused),
            in_organization=True,
        )
        for number, (row, refused) in enumerate(zip(rows, data.y.tolist(), strict=True))
    ]
