"""The estimator: past decisions in, the integer scorecard of the runtime out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from scoring.points import TENTH
from scoring.scorecard.order import in_order
from training.arrays import Bools, Floats, Ints
from training.estimator.candidates import crossfit
from training.estimator.crossfit import Weights, folds_of, neutral, weigh
from training.estimator.export import Learned, export, score_rows
from training.estimator.fit_inputs import FitInputs
from training.estimator.inputs import Card, edges_of, texts_of
from training.estimator.key_selection import Choice, Settings, choose
from training.estimator.keys import Key, without_repeats


class AdditiveScorecardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learn an additive integer scorecard over single columns and combinations of two or three.

    A prior card, if any, is where learning starts: without labels the result is that card, with a few they
    add to it, with many they take over. Rows without labels (`backlog`) count as precedent.

    Columns of texts are taken as they are: "unknown" (also None and NaN) is never safe, an empty text is a
    value of its own. Numeric columns are cut into quantile bins.

    Parameters
    ----------
    prior : Scorecard or None
        The card to start from. Its tables name columns of X.
    keys : sequence of tuples of str, or None
        The combinations to choose from; None: all that `largest_key` allows, screened.
    largest_key : int
        The most columns in a key, 1 to 3.
    max_tables : int
        The most tables; those of the prior and of `precedent` are always kept, the others by their worth.
    max_entries : int
        The most entries of all tables together; what matters least gets its table's default.
    max_bytes : int
        About the most bytes that these take in a file.
    precedent : sequence of tuples of str, or "all"
        Keys for which it matters how often a value was seen; "all" takes every key.
    precedent_points : float
        Expected change, in points, for having been seen once, all such keys together; see `precedent.prior`.
    wildcard_values : mapping of column to value, or None
        By which anyone may be meant: precedent of that column alone never saw it.
    monotone : mapping of column to ordered values, or None
        All else equal, a later value never gets less than an earlier one. Columns named like an ordered
        feature (`scoring.features.order`) keep that feature's order in any case, as a reader puts them in it.
    classes : pair or None
        The labels of "expected" and "unintended", where data may hold but one. None: as found, or 0 and 1.
    weights : {"frequency", "sampling"}
        What a sample weight of 2 is: two rows alike, or one row that stands for two. Sampling weights are
        scaled to their effective number (Kish 1965), so that they do not feign evidence. See Notes.
    random_state : int
        Seed of the folds. The same rows and seed give the same tables, whatever `n_jobs` is.
    n_jobs : int or None
        Threads.

    Attributes
    ----------
    base_ : int
        In tenths of points; ten points double the odds.
    tables_ : tuple of scoring.scorecard.scorecard.Table
    calibration_ : float
        Log-odds of a row with score zero: probabilities are ``expit(calibration_ + score x ln 2 / 100)``.
    card_weight_ : float
        What the prior's points were multiplied by.
    settings_ : training.estimator.key_selection.Settings
        What was chosen by evidence, the keys aside; `fit` takes it for other rows.
    classes_ : array of shape (2,)
    n_features_in_, feature_names_in_ : int, array of str

    Notes
    -----
    A frequency weight of 2 gives the same scorecard as the row twice, both in one group of `fit`. Two things
    differ otherwise. Without groups the two rows may fall into different folds, where one tells on the other
    (so scikit-learn's check that weights equal repetition fails, the one that does). And rows, not weights,
    are what was seen: with `precedent`, a row that is there twice counts as two findings.

    Examples
    --------
    >>> X = pd.DataFrame({"trust": ["stranger", "own account"] * 50, "type": ["role", "key"] * 50})
    >>> model = AdditiveScorecardClassifier().fit(X, [1, 0] * 50)
    >>> bool(model.score_tenths(X)[0] > model.score_tenths(X)[1])
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        # What it needs is said by `Card`; a type of its own is not asked for.
        "prior": "no_validation",
        "keys": [list, tuple, None],
        "largest_key": [Interval(Integral, 1, 3, closed="both")],
        "max_tables": [Interval(Integral, 1, None, closed="left")],
        "max_entries": [Interval(Integral, 0, None, closed="left")],
        "max_bytes": [Interval(Integral, 0, None, closed="left")],
        "precedent": [list, tuple, StrOptions({"all"})],
        "precedent_points": [Interval(Real, None, None, closed="neither")],
        "wildcard_values": [Mapping, None],
        "monotone": [Mapping, None],
        "classes": [list, tuple, None],
        "weights": [StrOptions({"frequency", "sampling"})],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        prior: Card | None = None,
        *,
        keys: Sequence[Key] | None = None,
        largest_key: int = 3,
        max_tables: int = 24,
        max_entries: int = 100_000,
        max_bytes: int = 4_000_000,
        precedent: Sequence[Key] | Literal["all"] = (),
        precedent_points: float = -34.0,
        wildcard_values: Mapping[str, str] | None = None,
        monotone: Mapping[str, Sequence[str]] | None = None,
        classes: tuple[Any, Any] | None = None,
        weights: Literal["frequency", "sampling"] = "frequency",
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.prior = prior
        self.keys = keys
        self.largest_key = largest_key
        self.max_tables = max_tables
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.precedent = precedent
        self.precedent_points = precedent_points
        self.wildcard_values = wildcard_values
        self.monotone = monotone
        self.classes = classes
        self.weights = weights
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        backlog: pd.DataFrame | None = None,
        groups: Any = None,
        settings: Settings | None = None,
    ) -> Self:
        """Learn from labelled rows, and from the backlog how often things occur.

        Parameters
        ----------
        X : DataFrame or array of shape (n, columns)
            With a prior n may be 0.
        y : array of shape (n,)
            Two classes; the second of `classes_` is "unintended". One class alone is accepted.
        sample_weight : array of shape (n,), optional
            Rows of weight 0 are left out altogether.
        backlog : DataFrame of the columns of X, optional
            Past rows without labels.
        groups : array of shape (n,), optional
            Rows that go together, such as those of one time: cross-validation leaves them out together.
        settings : Settings, optional
            `settings_` of another fit, which spares the search for them; keys are chosen anew all the same.

        Raises
        ------
        ValueError
            No rows and no prior; more than two classes; a column that is missing.
        """
        self._validate_params()
        frame = self._frame(X, fitting=True)
        target, weight = self._target(y, frame), self._weight(sample_weight, frame)
        used = weight > 0
        frames = [frame[used], *([] if backlog is None else [self._backlog(backlog, frame)])]
        self.edges_ = edges_of(pd.concat(frames, ignore_index=True))
        with threadpool_limits(1, "blas"):
            fold = folds_of(target[used], self.random_state, self._groups(groups, frame, used))
            self._learn(
                [texts_of(f, self.edges_) for f in frames], target[used], weight[used], fold, settings
            )
        return self

    def _learn(
        self,
        frames: list[pd.DataFrame],
        y: Floats,
        weight: Floats,
        fold: Ints,
        settings: Settings | None,
    ) -> None:
        names = list(frames[0].columns)
        prior = [] if self.prior is None else [in_order(table) for table in self.prior.tables]
        counted = () if self.precedent == "all" else tuple(map(tuple, self.precedent))
        kept = without_repeats([*(table.key for table in prior), *counted])
        # The prior may write the same columns in another order.
        same = {frozenset(key): key for key in kept}
        precedents = None if self.precedent == "all" else frozenset(same[frozenset(key)] for key in counted)
        _check_columns(names, {*kept, *map(tuple, self.keys or ())})
        steps = len(names) if precedents is None else max(1, len(precedents))
        step = self.precedent_points * 10 * TENTH / steps
        inputs = FitInputs.of(
            frames, y, weight, fold, prior, self.monotone, precedents, step, self.wildcard_values
        )
        if len(y):
            choice = choose(
                inputs,
                self.keys,
                kept,
                self.largest_key,
                self.max_tables,
                self.max_entries,
                self.random_state,
                self.n_jobs,
                settings,
            )
        else:
            choice = Choice(tuple(kept), np.ones(len(kept)))
        self.settings_ = choice.settings
        self._export(replace(inputs, count_prior=choice.settings.count_prior), choice)

    def _export(self, inputs: FitInputs, choice: Choice) -> None:
        weights, learned = _final_fit(inputs, choice, self.n_jobs)
        self.card_weight_ = weights.card
        self.tables_, centre = export(inputs, learned, weights.card, self.max_entries, self.max_bytes)
        if self.prior is None:
            self.base_ = round((weights.intercept + centre) / TENTH)
            self.calibration_ = 0.0
        else:
            self.base_ = self.prior.base + round((1 - weights.card) * weights.card_mean / TENTH)
            self.calibration_ = weights.intercept + centre - self.prior.base * TENTH
        if not len(inputs.y):
            # Nothing is known of probabilities: without labels "unintended" is what the card alerts on.
            self.calibration_ = -TENTH * (getattr(self.prior, "threshold", None) or 0)

    def score_tenths(self, X: Any) -> Ints:
        """Return the scores that the runtime gives, in integer tenths of points (limits on tags left out)."""
        check_is_fitted(self)
        return score_rows(self.base_, self.tables_, texts_of(self._frame(X, fitting=False), self.edges_))

    def decision_function(self, X: Any) -> Floats:
        """Return the scores in tenths of points, shifted so that even odds are at zero."""
        return np.asarray(self.score_tenths(X) + self.calibration_ / TENTH)

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of both classes, shape (n, 2), as the fit sees them.

        For decisions calibrate on rows that were never fitted on: `training.threshold.threshold`.
        """
        unintended = expit(TENTH * self.decision_function(X))
        return np.column_stack([1 - unintended, unintended])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable class of each row."""
        is_unintended = self.decision_function(X) > 0
        return np.asarray(self.classes_[is_unintended.astype(int)])

    def _frame(self, X: Any, fitting: bool) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=fitting)
            if not X.shape[1]:
                raise ValueError(f"0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
            frame = X.reset_index(drop=True)
        else:
            fewest = 0 if fitting and self.prior is not None else 1
            array = validate_data(
                self, X, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=fewest, reset=fitting
            )
            frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()
        if fitting and not len(frame) and self.prior is None:
            raise ValueError("Found no rows and no prior: there is nothing to make a scorecard from.")
        return frame.set_axis([str(name) for name in frame.columns], axis=1)

    def _backlog(self, backlog: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        missing = [name for name in frame.columns if name not in backlog.columns]
        if missing:
            raise ValueError(f"backlog lacks the column {missing[0]!r}")
        return backlog[list(frame.columns)].reset_index(drop=True)

    def _groups(self, groups: Any, frame: pd.DataFrame, used: Bools) -> Ints | None:
        if groups is None:
            return None
        check_consistent_length(frame, groups)
        return np.unique(np.asarray(groups)[used], return_inverse=True)[1].reshape(-1)

    def _target(self, y: Any, frame: pd.DataFrame) -> Floats:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_consistent_length(frame, labels)
        found = np.unique(labels)
        if len(found):
            kind = type_of_target(labels, input_name="y", raise_unknown=True)
            if kind != "binary":
                raise ValueError(
                    f"Only binary classification is supported. The type of the target is {kind}."
                )
        if self.classes is not None:
            self.classes_ = np.array(self.classes)
        elif len(found) == 2:
            self.classes_ = found
        else:
            both = np.array([0, 1], dtype=found.dtype if len(found) else int)
            self.classes_ = both if np.isin(found, both).all() else found.repeat(2)
        strange = np.setdiff1d(found, self.classes_)
        if len(strange):
            raise ValueError(f"y has the label {strange[0]!r}, which is not one of classes={self.classes!r}")
        return np.asarray(labels == self.classes_[1], dtype=np.float64)

    def _weight(self, sample_weight: Any, frame: pd.DataFrame) -> Floats:
        if not len(frame):
            return np.ones(0)
        weight = _check_sample_weight(sample_weight, frame, dtype=np.float64, ensure_non_negative=True)
        if self.weights == "sampling":
            weight = weight * (weight.sum() / (weight**2).sum())
        return np.asarray(weight, dtype=np.float64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _final_fit(inputs: FitInputs, choice: Choice, n_jobs: int | None) -> tuple[Weights, list[Learned]]:
    """Fit the chosen keys on all rows; how far to trust each comes from cross-fitting."""
    rows = np.arange(len(inputs.y))
    values = [inputs.ordered_values(key) for key in choice.keys]
    design = inputs.design(choice.keys, choice.variances)
    plain = np.ones(len(choice.keys))
    weights = neutral(design)
    effects = design.fit(rows, plain)
    if len(rows):
        weights = weigh(design, crossfit(design, inputs.fold, n_jobs))
    buckets = weights.bucket_effects(design, effects.steps)
    learned = [
        Learned(v, grid, weight * effect, bucket)
        for (v, grid), weight, effect, bucket in zip(values, weights.keys, effects.keys, buckets, strict=True)
    ]
    return weights, learned


def _check_columns(names: Sequence[str], keys: set[Key]) -> None:
    for key in sorted(keys):
        for name in key:
            if name not in names:
                raise ValueError(f"the key {' x '.join(key)} needs the column {name!r}, which X lacks")
