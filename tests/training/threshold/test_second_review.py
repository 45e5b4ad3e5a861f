"""Verdicts to review again, what reversing them takes, and what unreviewed outsiders are worth."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from scoring.findings.record import read_case
from scoring.policy import policy
from tests.training.histories import STRANGER, Record, record
from training.dataset.dataset import Dataset, assemble
from training.dataset.rows import encode_cases
from training.dataset.split import everything_fits
from training.dataset.verdicts import UNCONFIRMED
from training.registry import uses
from training.registry.registry import Registry
from training.registry.stores import FolderStore
from training.threshold.bounds import allowed_misses
from training.threshold.second_review import as_csv, verdicts_again, wrong_verdicts


def read(records: list[Record]) -> Dataset:
    return assemble(encode_cases([read_case(one) for one in records], policy.load()).rows)


def said(*verdicts: tuple[str, str]) -> list[Record]:
    """Verdicts on one finding, one a day, each by somebody."""
    return [
        record(1, verdict=verdict, decided=day + 1.0, by=by) for day, (verdict, by) in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "is_unintended"),
    [
        ((("unintended", "ada"), ("expected", "bob")), True),
        ((("unintended", "ada"), ("expected", "bob"), ("expected", "bob")), True),
        ((("unintended", "ada"), ("expected", "bob"), ("expected", "cyd")), False),
        ((("expected", "ada"), ("expected", "bob"), ("unintended", "cyd"), ("expected", "ada")), True),
        ((("expected", "ada"), ("unintended", "bob")), True),
    ],
)
def test_reversing_unintended_takes_two_people(
    verdicts: tuple[tuple[str, str], ...], is_unintended: bool
) -> None:
    dataset = read(said(*verdicts))
    assert dataset.unintended.tolist() == [is_unintended]
    is_alone = is_unintended and verdicts[-1][0] == "expected"
    assert dataset.counts[UNCONFIRMED] == int(is_alone)


def test_the_lowest_verdicts_are_listed_until_enough_are_confirmed() -> None:
    rng = np.random.default_rng(5)
    dataset = read([record(n, n / 50, verdict="unintended", decided=n / 50 + 1) for n in range(300)])
    rows = np.arange(300)
    scores = np.rint(rng.normal(500, 100, 300)).astype(np.int64)
    scores[:9] = 100  # harmless ones that somebody called unintended
    population = np.rint(rng.normal(200, 150, 2_000)).astype(np.int64)
    risk = np.where(scores < 200, 0.02, 0.9)
    again = verdicts_again(dataset, rows, scores, population, risk, 0.05, 0.05)
    k = allowed_misses(300, 0.05, 0.05)
    assert set(range(9)) <= set(again.rows.tolist())
    assert k < len(again.rows) <= k + 1 + 9 + 1
    assert again.share_after > again.share
    assert "points of archived share" in again.sentence
    assert len(again.checks) == 40
    assert not set(again.checks.tolist()) & set(again.rows.tolist())
    listed = list(csv.DictReader(io.StringIO(as_csv(dataset, again, scores).decode())))
    assert [row["why"] for row in listed] == ["again"] * len(again.rows) + ["check"] * 40
    assert {"finding_id", "verdict", "note", "by"} <= listed[0].keys()
    assert all(row["verdict"] == "" for row in listed), "a person is to say it"


def test_with_too_few_labels_nothing_is_listed() -> None:
    dataset = read([record(1, verdict="unintended", decided=1.0)])
    some = np.array([300])
    again = verdicts_again(dataset, np.array([0]), some, some, np.array([0.5]), 0.05, 0.05)
    assert not len(again.rows)


def test_wrong_verdicts_are_estimated_from_two_people_and_only_from_them() -> None:
    dataset = read([*said(("expected", "ada"), ("unintended", "bob")), record(2, verdict="expected")])
    about = dataset.about
    found = wrong_verdicts(about["repeated"].to_numpy() == 1, about["agreed"].to_numpy() == 1)
    assert (found["repeated"], found["disagreed"]) == (1, 1)
    alone = read(said(("expected", "ada"), ("unintended", "ada"))).about
    assert wrong_verdicts(alone["repeated"].to_numpy() == 1, alone["agreed"].to_numpy() == 1)["share"] is None


def test_an_outsider_is_no_precedent_until_reviewed_whatever_the_age() -> None:
    stranger = {"principal_account": {"id": STRANGER, "in_org": False}, "tags": {}}
    own = {"principal_account": {"id": "444455556666", "in_org": True}, "tags": {}}
    archived = {"decision": {"outcome": "archive"}, "effect": "archive"}

    def made(number: int, context: Record, principal: str, **more: object) -> Record:
        return {**record(number, number / 10, principal=principal), "context": context, **more}

    dataset = read(
        [
            *(made(n, stranger, STRANGER) for n in range(100)),
            *(made(n, own, "444455556666") for n in range(100, 110)),
            *(made(n, own, "444455556666", **archived) for n in range(110, 120)),
            record(500, 400.0, verdict="expected", decided=401.0),
        ]
    )
    split = everything_fits(dataset, calibrates=False)
    names = dataset.about["finding_id"].astype(str).to_numpy()[split.backlog]
    assert set(names) == {f"finding-{n}" for n in range(100, 110)}
    assert split.unearned == 110


def test_the_ledger_counts_uses_of_the_year_and_the_same_one_once(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    registry = Registry(FolderStore(tmp_path))
    now = datetime(2026, 11, 1, tzinfo=UTC)
    for number, digest in enumerate(("a", "b", "a"), 1):
        key = uses.key_of("train", digest, {"alpha": 0.05})
        found = uses.number_of(registry, key, now)
        assert found == (number if number < 3 else 1)
        uses.keep(registry, key, "train", found, now, version="v")
    assert [line["use"] for line in registry.lines(uses.USES)] == [1, 2]
    later = now + timedelta(days=400)
    assert uses.number_of(registry, uses.key_of("tune", "c", {}), later) == 1
    assert sum(uses.delta_of(n, 0.05) for n in range(1, 500)) < 0.05
