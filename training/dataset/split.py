"""Split a history by time into fit, calibration and test; unlabelled findings before those are precedent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.files.errors import BadInput
from training.arrays import Ints
from training.dataset.dataset import DAY, Dataset
from training.threshold.bounds import labels_needed

# Findings of the last days are no precedent until somebody has reviewed them: sharing many resources today
# must not make anyone familiar tomorrow.
SETTLING_DAYS = 14.0

# Few labels fit well, with the card and precedent as prior, while each further unintended one in the
# calibration part tightens the bound: calibration gets most of them (chosen by simulation).
TEST_SHARE = 0.2
LEAST_TEST_SHARE = 0.1
CALIBRATION_SHARE = 0.64
LEAST_CALIBRATION_SHARE = 0.2
# Of the labels that a threshold takes at the least: with ENOUGH times of them it archives something, and
# beyond PLENTY times the bound is so tight that a further label serves the fit better.
ENOUGH, PLENTY = 2.5, 15.0


@dataclass(frozen=True)
class Split:
    """Which findings of a dataset serve for what: row numbers, in the order of time.

    Attributes
    ----------
    fit : array
        Labelled findings that effects are fitted on.
    backlog : array
        Further findings before the calibration part, which count as precedent.
    calibration, test : array
        All findings of these times, labelled or not.
    too_young : int
        How many further findings before the calibration part are too young to count as precedent.
    """

    fit: Ints
    backlog: Ints
    calibration: Ints
    test: Ints
    too_young: int

    @property
    def unseen(self) -> Ints:
        """All findings that nothing was fitted on: the calibration and the test part."""
        return np.concatenate([self.calibration, self.test])


def split_by_time(
    dataset: Dataset,
    *,
    alpha: float,
    delta: float,
    calibration_share: float | None = None,
    test_share: float | None = None,
    settling_days: float = SETTLING_DAYS,
) -> Split:
    """Split a history by time into fit, calibration and test.

    Parameters
    ----------
    calibration_share, test_share : float, optional
        Of the labelled findings; 0 leaves the part out. By default what serves best: see `default_shares`.

    Raises
    ------
    BadInput
        The shares are not between 0 and 1, or are more than all together.
    """
    labelled = np.flatnonzero(dataset.labelled)
    given = (calibration_share, test_share)
    calibration_share, test_share = default_shares(dataset, alpha, delta, *given)
    for name, share in (("--calibration-share", calibration_share), ("--test-share", test_share)):
        if not 0 <= share <= 1:
            raise BadInput("expected a number from 0 to 1", field=name, value=share)
    if calibration_share + test_share > 1:
        expected = "expected no more than 1 together with --calibration-share"
        raise BadInput(expected, field="--test-share", value=test_share)
    n, everything = len(labelled), np.arange(len(dataset))
    tested = round(test_share * n)
    calibrated = min(round(calibration_share * n), n - tested)
    test_from = int(labelled[n - tested]) if tested else len(dataset)
    calibration_from = int(labelled[n - tested - calibrated]) if calibrated else test_from
    before = everything < calibration_from
    is_old = dataset.time <= (dataset.time[-1] if len(dataset) else 0) - settling_days * DAY
    return Split(
        fit=np.flatnonzero(before & dataset.labelled),
        backlog=np.flatnonzero(before & ~dataset.labelled & is_old),
        calibration=np.arange(calibration_from, test_from),
        test=np.arange(test_from, len(dataset)),
        too_young=int((before & ~dataset.labelled & ~is_old).sum()),
    )


def default_shares(
    dataset: Dataset,
    alpha: float,
    delta: float,
    calibration_share: float | None = None,
    test_share: float | None = None,
) -> tuple[float, float]:
    """Return the shares of labelled findings that calibrate and that test, where they are not given.

    Where a threshold with the guarantee is within reach, calibration gets enough unintended findings for it,
    at the cost of the test first and of the fit then; where there are plenty, the fit gets the more. Where it
    is out of reach, calibration gets none, and all labels fit.
    """
    labelled = int(dataset.labelled.sum())
    usable = int((dataset.for_threshold & dataset.unintended).sum())
    needed = labels_needed(alpha, delta)
    if calibration_share is None and usable < needed:
        calibration_share = 0.0
    if test_share is None:
        test_share = TEST_SHARE
        if calibration_share is None:
            spare = 1 - ENOUGH * needed / usable
            least = LEAST_TEST_SHARE if usable * (1 - LEAST_TEST_SHARE) > needed else 0.0
            test_share = min(TEST_SHARE, max(least, spare / 2))
        test_share = min(test_share, 1 - (calibration_share or 0.0)) if labelled * test_share >= 1 else 0.0
    if calibration_share is None:
        served = np.clip(PLENTY * needed / usable, LEAST_CALIBRATION_SHARE, CALIBRATION_SHARE)
        calibration_share = min(max(float(served), ENOUGH * needed / usable), 1 - test_share)
    return calibration_share, test_share
