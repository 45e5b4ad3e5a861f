"""How labels are shared out between fitting, calibrating and testing where nobody says how."""

from types import SimpleNamespace

import numpy as np
import pytest

from training.dataset.split import default_shares
from training.threshold.bounds import labels_needed

NEEDED = labels_needed(0.05, 0.05)


def shares(unintended: int, labels: int, **given: float) -> tuple[float, float]:
    found = np.arange(labels) < unintended
    every = np.ones(labels, dtype=bool)
    dataset = SimpleNamespace(labelled=every, for_threshold=every, unintended=found)
    return default_shares(dataset, 0.05, 0.05, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unintended", "calibrating", "testing"),
    [
        (NEEDED - 1, 0.0, 0.2),  # out of reach: all that is not tested on is fitted on
        (NEEDED, 1.0, 0.0),  # just in reach, and only with all of them
        (5 * NEEDED, 0.64, 0.2),  # each further one tightens the bound
        (40 * NEEDED, 15 / 40, 0.2),  # the bound is tight
        (1000 * NEEDED, 0.2, 0.2),  # and still a fifth of the time
    ],
)
def test_calibration_gets_what_serves(unintended: int, calibrating: float, testing: float) -> None:
    assert shares(unintended, 10 * unintended) == pytest.approx((calibrating, testing))


def test_what_is_given_is_taken() -> None:
    assert shares(500, 5_000, calibration_share=0.3, test_share=0.1) == (0.3, 0.1)
    assert shares(500, 5_000, calibration_share=0.3)[0] == 0.3
