"""Reduce the records of each finding to one row, with the verdict that counts.

The rules, in this order:

1. A verdict given before its finding existed is no verdict.
2. Of several verdicts on one finding the last one by time counts; one that a person gave counts before one
   that was concluded from the finding being resolved.
   What a person called unintended is expected only after two people have said so since: one who overlooks
   what looks harmless does not undo what another one saw.
3. The features are those of the last record up to the verdict in which the context was looked up; where there
   is none, those of the last record.
4. A finding without any time gets the time of its verdict; without a verdict it is left out.
5. Between records that these rules leave equal, the later one counts, in the order of the files as they were
   given. Findings of the same moment are in the order of their ids.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from training.arrays import Bools, Ints
from training.dataset.rows import NONE, Rows

UNVERIFIED = "verdict by a link alone: not counted"
BEFORE_FINDING = "verdict older than its finding: not counted"
REPEATED = "further records of the same finding"
CONFLICTING = "findings with two verdicts: the last person's counts"
UNCONFIRMED = "of these called expected after unintended by one person alone: still unintended"
TIMELESS = "findings without any time: left out"


def settle(rows: Rows, *, unverified: bool = True) -> tuple[Ints, pd.DataFrame, Counter[str]]:
    """Choose one row for each finding, and the verdict that counts.

    Parameters
    ----------
    unverified : bool
        Whether verdicts count of which it is not certain who gave them.

    Returns
    -------
    chosen : array of shape (findings,)
        The row that each finding's features come from, in the order of time.
    about : DataFrame of shape (findings, ...)
        `row` (as in `chosen`), `has_context` (whether its context was looked up), `time` (seconds;
        never after the verdict), `verdict` (0 expected, 1 unintended, -1 none), its `verdict_at` and
        `is_explicit` and `selected`, whether two people gave one (`repeated`) and `agreed`, and `effect`,
        `would_archive`, `audit_share`, `audit_chosen` and `audit_by_week` of the last decision before it.
    counts : Counter
        What became of records, by reason.
    """
    records = _records(rows)
    counts: Counter[str] = Counter()
    if not unverified:
        left_out = (records["verdict"] != NONE) & (records["is_verified"] == 0)
        counts[UNVERIFIED] = int(left_out.sum())
        records.loc[left_out, ["verdict", "verdict_at"]] = [NONE, np.nan]
    early = records["verdict_at"] < records["created"]
    counts[BEFORE_FINDING] = int((early & (records["verdict"] != NONE)).sum())
    records.loc[early, "verdict"] = NONE

    verdicts = records[records["verdict"] != NONE]
    counts[CONFLICTING] = int((verdicts.groupby("finding")["verdict"].nunique() > 1).sum())
    final = _last(verdicts, ["is_explicit", "verdict_at", "row"])[_VERDICT]
    alone = _reversed_by_one(verdicts, final)
    counts[UNCONFIRMED] = len(alone)
    final.loc[alone.index] = alone
    agreed, repeated = _repeated(verdicts)

    until = records["finding"].map(final["verdict_at"]).fillna(np.inf)
    records["in_time"] = ~(records["seen"] > until)
    decided = _last(records[records["has_decision"]], ["in_time", "seen", "row"])[_DECISION]
    chosen = _last(records, ["in_time", "has_context", "seen", "row"])[["row", "seen", "has_context"]]

    about = chosen.join(final).join(decided)
    about["repeated"] = repeated.reindex(about.index).fillna(0).astype(int)
    about["agreed"] = agreed.reindex(about.index).fillna(0).astype(int)
    integers = ["verdict", "effect", "would_archive", "selected"]
    about[integers] = about[integers].fillna(NONE).astype(int)
    truths = ["has_context", "is_explicit", "is_imported", "audit_chosen", "audit_by_week"]
    about[truths] = about[truths].fillna(0).astype(bool)
    about["time"] = np.fmin(about.pop("seen"), about["verdict_at"])
    timeless = about["time"].isna()
    counts[TIMELESS] = int(timeless.sum())
    counts[REPEATED] = len(records) - len(about)
    about = about[~timeless].reset_index()
    about = about.iloc[_in_time_order(about, rows)].drop(columns="finding").reset_index(drop=True)
    return about["row"].to_numpy(), about, +counts


_VOICES = 2
_VERDICT = ["verdict", "verdict_at", "is_explicit", "is_imported", "selected"]
_DECISION = ["effect", "would_archive", "audit_share", "audit_chosen", "audit_by_week"]


def _reversed_by_one(verdicts: pd.DataFrame, final: pd.DataFrame) -> pd.DataFrame:
    """Return the last "unintended" of findings that fewer than two people have called expected since."""
    people = verdicts[verdicts["is_explicit"] == 1]
    unintended = _last(people[people["verdict"] == 1], ["verdict_at", "row"])[_VERDICT]
    expected = people[people["verdict"] == 0]
    since = expected["finding"].map(unintended["verdict_at"])
    later = expected[expected["verdict_at"] >= since]
    voices = later.groupby("finding")["reviewer"].nunique()
    is_reversed = final["verdict"].reindex(unintended.index) == 0
    return unintended[is_reversed & (voices.reindex(unintended.index).fillna(0) < _VOICES)]


def _repeated(verdicts: pd.DataFrame) -> tuple[pd.Series[int], pd.Series[int]]:
    """Return, by finding, whether its first two reviewers agreed, and whether there were two.

    Two different people who each gave a verdict; more of one person are no second opinion.
    """
    people = verdicts[verdicts["is_explicit"] == 1].sort_values(["verdict_at", "row"], kind="stable")
    first = people.drop_duplicates(["finding", "reviewer"])
    number = first.groupby("finding").cumcount()
    one = first[number == 0].set_index("finding")["verdict"]
    two = first[number == 1].set_index("finding")["verdict"]
    return (one.reindex(two.index) == two).astype(int), pd.Series(1, index=two.index)


def _in_time_order(about: pd.DataFrame, rows: Rows) -> Ints:
    """Return the order of time; the same whatever the order of the records was."""
    ranked = np.argsort(about["time"].to_numpy(), kind="stable")
    time = about["time"].to_numpy()[ranked]
    if not len(time):
        return ranked
    texts, finding = rows.identities["finding_id"].values, about["finding"].to_numpy()
    starts = np.flatnonzero(np.diff(time, prepend=np.nan) != 0)
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(time)], strict=True):
        if end - start > 1:
            ranked[start:end] = sorted(ranked[start:end].tolist(), key=lambda i: texts[finding[i]])
    return ranked


def _last(records: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the last record of each finding in some order, under the finding's number."""
    ranked = records.sort_values(by, kind="stable", na_position="first")
    return ranked.drop_duplicates("finding", keep="last").set_index("finding")


def _records(rows: Rows) -> pd.DataFrame:
    numbers = pd.DataFrame(rows.numbers)
    numbers["finding"] = rows.identities["finding_id"].codes
    numbers["reviewer"] = rows.identities["reviewer"].codes
    numbers["row"] = np.arange(len(numbers))
    numbers["seen"] = _seen(numbers)
    numbers["has_decision"] = (numbers["effect"] != NONE) | (numbers["would_archive"] != NONE)
    return numbers


def _seen(numbers: pd.DataFrame) -> pd.Series[float]:
    """When the record's version of a finding came up.

    While a finding is active, its last update; afterwards the last update is the archiving itself, and only
    the creation lies before the decision for certain.
    """
    is_active: Bools = numbers["is_active"].to_numpy(dtype=bool)
    updated, created = numbers["updated"], numbers["created"]
    return updated.where(is_active, created).fillna(created).fillna(updated)
