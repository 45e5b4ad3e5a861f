"""Rollouts: what was decided together has one vote, and is never torn apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.histories import STRANGER, record, write
from training.dataset.dataset import Dataset, read_dataset
from training.dataset.rollouts import one_each, rollouts, time_blocks, votes


def dataset_of(path: Path, records: list[dict[str, Any]]) -> Dataset:
    return read_dataset([str(write(path / "history.jsonl", records))], report=pytest.fail)


def test_same_principal_actions_account_and_day_are_one_rollout(tmp_path: Path) -> None:
    bulk = [record(n, n / 100) for n in range(5)]
    others = [
        record(10, 0.2, principal=STRANGER),
        record(11, 0.2, account="222233334444"),
        record(12, 0.2, finding={"action": ["sqs:SendMessage"]}),
        record(13, 1.2),
    ]
    dataset = dataset_of(tmp_path, [*bulk, *others])
    number = dict(zip(dataset.about["finding_id"], rollouts(dataset), strict=True))
    assert len({number[f"finding-{n}"] for n in range(5)}) == 1
    assert len(set(number.values())) == 5


def test_where_nobody_is_known_each_finding_is_its_own(tmp_path: Path) -> None:
    unused = {
        "findingType": "UnusedIAMRole",
        "principal": None,
        "action": None,
        "resourceType": "AWS::IAM::Role",
    }
    dataset = dataset_of(tmp_path, [record(n, n / 100, finding=unused) for n in range(4)])
    assert len(set(rollouts(dataset))) == 4


def test_one_of_each_is_drawn_by_the_same_hash_each_time(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, [record(n, n % 5) for n in range(60)])
    number, rows = rollouts(dataset), np.arange(60)
    drawn = one_each(dataset, number, rows)
    assert sorted(number[drawn]) == sorted(set(number))
    assert drawn.tolist() == one_each(dataset, number, rows[::-1]).tolist()
    # Not simply the first, which the one who rolls out could choose.
    assert drawn.tolist() != np.unique(number, return_index=True)[1].tolist()


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 6))
def test_blocks_never_cut_a_rollout_and_follow_time(rollout: list[int], blocks: int) -> None:
    number, rows = np.array(rollout), np.arange(len(rollout))
    block = time_blocks(number, rows, blocks)
    assert all(len(set(block[number == one])) == 1 for one in set(rollout))
    first = [int(block[number == one][0]) for one in dict.fromkeys(rollout)]
    assert first == sorted(first)
    assert (block >= 0).all()
    assert (block < blocks).all()
    assert votes(number, rows).sum() == pytest.approx(len(set(rollout)))
