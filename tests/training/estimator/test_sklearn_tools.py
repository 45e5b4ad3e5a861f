"""scikit-learn's own tools work on the estimator."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.inspection import permutation_importance
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_val_score

from scoring.scorecard import formats
from training.dataset.dataset import read_dataset
from training.estimator.estimator import AdditiveScorecardClassifier
from training.history.record_files import write_records
from training.simulate import simulate


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, np.ndarray]:
    path = str(tmp_path_factory.mktemp("history") / "history.jsonl")
    write_records((one.record for one in simulate(900, seed=5, labelled=1.0)), path)
    dataset = read_dataset([path], report=pytest.fail)
    return dataset.X, dataset.unintended.astype(int)


@pytest.fixture
def model() -> AdditiveScorecardClassifier:
    return AdditiveScorecardClassifier(formats.load(), largest_key=1, max_tables=26)


def test_a_threshold_is_tuned_by_cross_validation(labelled, model) -> None:
    X, y = labelled
    tuned = TunedThresholdClassifierCV(model, scoring="balanced_accuracy", cv=3).fit(X, y)
    untuned = model.fit(X, y)

    assert 0 < tuned.best_threshold_ < 1
    assert recall_score(y, tuned.predict(X)) > recall_score(y, untuned.predict(X))


def test_a_calibration_curve_is_drawn(labelled, model) -> None:
    X, y = labelled
    display = CalibrationDisplay.from_estimator(model.fit(X, y), X, y, n_bins=5, strategy="quantile")
    assert np.abs(display.prob_true - display.prob_pred).max() < 0.2


def test_it_is_calibrated_searched_and_inspected(labelled, model) -> None:
    X, y = labelled
    calibrated = CalibratedClassifierCV(model, cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(X), 2)

    search = GridSearchCV(model, {"max_tables": [25, 26]}, cv=2, scoring="roc_auc").fit(X, y)
    assert search.best_score_ > 0.6

    found = permutation_importance(
        search.best_estimator_, X, y, scoring="roc_auc", n_repeats=2, random_state=0
    )
    assert X.columns[np.argmax(found.importances_mean)] in (
        "trust",
        "access_level",
        "principal_account",
        "principal",
    )


def test_cross_validated_scores_are_better_than_chance(labelled, model) -> None:
    X, y = labelled
    assert cross_val_score(model, X, y, cv=3, scoring="roc_auc").mean() > 0.65
    assert cross_val_score(model, X, y, cv=3, scoring=make_scorer(recall_score)).shape == (3,)
