"""Split a history by time into fit, calibration and test; unlabelled findings before those are precedent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.files.errors import BadInput
from training.arrays import Ints
from training.dataset.dataset import DAY, Dataset

# Findings of the last days are no precedent until somebody has reviewed them: sharing many resources today
# must not make anyone familiar tomorrow.
SETTLING_DAYS = 14.0

# Of the labels, the latest: what they show is later than all that the card they are shown for learned from.
TEST_SHARE = 0.2


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
        How many findings are too young to be precedent.
    unearned : int
        How many are no precedent at any age: of outsiders and not reviewed, or archived automatically.
    every_label_fits : bool
        Whether the card is fitted on the calibration and the test part too. What is said of these then comes
        from cards that were not: see `training.train`.
    """

    fit: Ints
    backlog: Ints
    calibration: Ints
    test: Ints
    too_young: int
    every_label_fits: bool = False
    unearned: int = 0

    @property
    def unseen(self) -> Ints:
        """The calibration and the test part: all findings with scores by cards not fitted on them."""
        return np.concatenate([self.calibration, self.test])

    @property
    def later(self) -> Ints:
        """All findings that came after what a card was fitted on that scores them."""
        return self.test if self.every_label_fits else self.unseen


def split_by_time(
    dataset: Dataset,
    *,
    calibration_share: float,
    test_share: float | None = None,
    settling_days: float = SETTLING_DAYS,
) -> Split:
    """Split a history by time into fit, calibration and test.

    Parameters
    ----------
    calibration_share, test_share : float
        Of the labelled findings; 0 leaves the part out. A fifth is tested on by default, or what is left.

    Raises
    ------
    BadInput
        The shares are not between 0 and 1, or are more than all together.
    """
    labelled = np.flatnonzero(dataset.labelled)
    if test_share is None:
        test_share = min(TEST_SHARE, max(0.0, 1 - calibration_share))
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
        backlog=np.flatnonzero(before & ~dataset.labelled & is_old & dataset.earns),
        calibration=np.arange(calibration_from, test_from),
        test=np.arange(test_from, len(dataset)),
        too_young=int((before & ~dataset.labelled & ~is_old).sum()),
        unearned=int((before & is_old & ~dataset.earns).sum()),
    )


def everything_fits(
    dataset: Dataset,
    *,
    calibrates: bool,
    test_share: float | None = None,
    settling_days: float = SETTLING_DAYS,
) -> Split:
    """Part a history of which every label fits.

    Parameters
    ----------
    calibrates : bool
        Whether the findings before the test part have scores out of fold.
    test_share : float, optional
        Of the labelled findings, the latest, to measure a card on that is fitted on those before.
    """
    test_share = TEST_SHARE if test_share is None else test_share
    if not 0 <= test_share <= 1:
        raise BadInput("expected a number from 0 to 1", field="--test-share", value=test_share)
    labelled, everything = np.flatnonzero(dataset.labelled), np.arange(len(dataset))
    tested = round(test_share * len(labelled))
    test_from = int(labelled[len(labelled) - tested]) if tested else len(dataset)
    is_old = dataset.time <= (dataset.time[-1] if len(dataset) else 0) - settling_days * DAY
    return Split(
        fit=labelled,
        backlog=np.flatnonzero(~dataset.labelled & is_old & dataset.earns),
        calibration=everything[:test_from] if calibrates else everything[:0],
        test=everything[test_from:],
        too_young=int((~dataset.labelled & ~is_old).sum()),
        unearned=int((is_old & ~dataset.earns).sum()),
        every_label_fits=True,
    )
