import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from benchmarks.synthetic import MONOTONE, PRECEDENT, Organization
from scoring.scorecard import Table
from training.estimator import AdditiveScorecardClassifier

REPEATED = "folds are drawn over rows, so a row of weight 2 and two rows fall into different folds"
EXPECTED_FAILURES = {"check_sample_weight_equivalence_on_dense_data": REPEATED}


@parametrize_with_checks(
    [AdditiveScorecardClassifier(), AdditiveScorecardClassifier(precedent="all", largest_key=2)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)
