"""How a history is split by time, and what every label fits."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scoring.files.errors import BadInput
from training.dataset.split import Split, everything_fits, split_by_time

DAY = 86_400.0


def dataset(findings: int = 100) -> Any:
    """Every other finding has a verdict; one comes up each day."""

    class Findings(SimpleNamespace):
        def __len__(self) -> int:
            return findings

    labelled = np.arange(findings) % 2 == 0
    return Findings(labelled=labelled, time=np.arange(findings) * DAY, earns=np.ones(findings, dtype=bool))


def sizes(split: Split) -> tuple[int, int, int, int]:
    return len(split.fit), len(split.backlog), len(split.calibration), len(split.test)


def test_parts_follow_each_other_in_time() -> None:
    split = split_by_time(dataset(), calibration_share=0.6, test_share=0.2)
    assert sizes(split) == (10, 10, 60, 20)
    assert split.fit.max() < split.calibration.min()
    assert split.calibration.max() < split.test.min()
    assert split.later.tolist() == split.unseen.tolist()
    assert len(split_by_time(dataset(), calibration_share=0.9).test) == 10


def test_every_label_fits_and_the_latest_are_measured_on() -> None:
    split = everything_fits(dataset(), calibrates=True)
    assert sizes(split) == (50, 43, 80, 20)
    assert split.too_young == 7
    assert split.later.tolist() == split.test.tolist()
    assert sizes(everything_fits(dataset(), calibrates=False, test_share=0.0)) == (50, 43, 0, 0)


@pytest.mark.parametrize(("calibration", "test"), [(0.6, 0.6), (2.0, 0.0), (0.1, -0.1)])
def test_shares_that_make_no_sense(calibration: float, test: float) -> None:
    with pytest.raises(BadInput):
        split_by_time(dataset(), calibration_share=calibration, test_share=test)


def test_a_share_to_measure_by_is_one() -> None:
    with pytest.raises(BadInput, match="number from 0 to 1"):
        everything_fits(dataset(), calibrates=True, test_share=1.5)
