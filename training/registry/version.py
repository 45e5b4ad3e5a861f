"""The files of a model version; the same training gives the same bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from copy import copy
from typing import Any, Final, NamedTuple

import joblib
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from scoring.files.errors import BadInput
from scoring.scorecard.formats import from_json, to_json
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.version_folder import SCORECARD
from training.arrays import Bools, Floats, Ints
from training.estimator.estimator import AdditiveScorecardClassifier
from training.evaluation.metrics import measured
from training.registry.registry import HELD_OUT, MEASURING, METRICS, TRAINING, Registry
from training.report.report import render
from training.threshold.second_review import as_csv
from training.train import Trained

CARD: Final = "card.md"
REPORT: Final = "report.html"
REVIEW_AGAIN: Final = "review-again.csv"
TRAINING_FORMAT: Final = 2
"""Of training.joblib; raised with every change of the classes in it."""
_VERDICT: Final = "_unintended"
_WEIGHT: Final = "_weight"
_SCORE: Final = "_score"
_TIME: Final = "_time"


def version_files(trained: Trained, metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a version by name."""
    report, card = render(trained, metrics)
    measuring = trained.measuring
    return {
        SCORECARD: _encoded(trained.card),
        METRICS: (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode(),
        CARD: card.encode(),
        REPORT: report.encode(),
        TRAINING: _for_notebooks(trained),
        HELD_OUT: _held_out(trained),
        **(
            {REVIEW_AGAIN: as_csv(trained.dataset, trained.again, trained.out_of_fold_scores)}
            if trained.again is not None
            else {}
        ),
        **({MEASURING: _encoded(measuring)} if measuring is not None else {}),
    }


def _encoded(card: Scorecard) -> bytes:
    return to_json(card).encode("utf-8", "surrogatepass")


def _for_notebooks(trained: Trained) -> bytes:
    """Pickle the estimator and the labelled findings with their part and score."""
    dataset = trained.dataset
    part = np.full(len(dataset), "", dtype=object)
    for name in ("fit", "calibration", "test"):
        part[getattr(trained.split, name)] = name
    rows = np.flatnonzero(dataset.labelled)
    about = dataset.about.iloc[rows].drop(columns="row").assign(part=part[rows], score=trained.scores[rows])
    content = {
        "format": TRAINING_FORMAT,
        "estimator": _for_any_machine(trained),
        "X": _with_plain_categories(dataset.X.iloc[rows]),
        "about": about.astype({"finding_id": str, "resource": str}),
        "version": trained.card.version,
    }
    out = io.BytesIO()
    joblib.dump(content, out, compress=("zlib", 3))
    return out.getvalue()


def _with_plain_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return rows with arrays of text as categories: pickled objects tell which of them are the same."""
    return X.assign(
        **{str(name): X[name].cat.rename_categories(X[name].cat.categories.astype(str)) for name in X.columns}
    )


def _for_any_machine(trained: Trained) -> AdditiveScorecardClassifier:
    """Return the fitted estimator as any number of threads would have left it.

    A pickle also tells which equal texts are one object, and threads change that: tables read back from
    their file are always the same.
    """
    fitted: AdditiveScorecardClassifier = copy(trained.estimator).set_params(n_jobs=None)
    fitted.tables_ = from_json(to_json(msgspec.structs.replace(trained.card, tables=fitted.tables_))).tables
    return fitted


def load_training(registry: Registry, version: str) -> dict[str, Any]:
    """Load a version's training.joblib: `estimator`, and `X` and `about` of the labelled findings.

    A pickle can run any code when it is read: take versions only from a registry that you trust.

    Raises
    ------
    BadInput
        Its digest is not the one of the manifest: it is not read then. Or another release of access-triage
        wrote it: the pickled classes may have changed since. The scorecard is not affected.
    """
    packed = io.BytesIO(registry.read(version, TRAINING))
    where = f"{registry.store.name}/{version}/{TRAINING}"
    problem = "was written by another release of access-triage: train again to open it"
    other_release = BadInput(f"{problem}; the scorecard still works", where=where)
    try:
        content: dict[str, Any] = joblib.load(packed)
    except (ImportError, AttributeError, TypeError) as error:
        raise other_release from error
    if content.get("format") != TRAINING_FORMAT:
        raise other_release
    return content


def _held_out(trained: Trained) -> bytes:
    """Write the findings that quality was measured on; they are what a later candidate is compared by."""
    _, rows = measured(trained)
    table = trained.dataset.X.iloc[rows].astype(str)
    table[_VERDICT] = trained.dataset.unintended[rows]
    table[_WEIGHT] = trained.dataset.weight[rows]
    table[_SCORE] = trained.out_of_fold_scores[rows]
    table[_TIME] = trained.dataset.time[rows]
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), out, compression="zstd")
    return out.getvalue()


class HeldOut(NamedTuple):
    """The findings that a version was measured on.

    Attributes
    ----------
    X : DataFrame of texts
    unintended, weight : arrays of shape (findings,)
    scores : array of shape (findings,) or None
        By a card of that version that was not fitted on them; None: the version's own was not.
    time : array of shape (findings,) or None
        In seconds since 1970.
    """

    X: pd.DataFrame
    unintended: Bools
    weight: Floats
    scores: Ints | None = None
    time: Floats | None = None

    def some(self, rows: Bools) -> HeldOut:
        """Return some of the findings."""
        return HeldOut(
            self.X[rows],
            self.unintended[rows],
            self.weight[rows],
            None if self.scores is None else self.scores[rows],
            None if self.time is None else self.time[rows],
        )


def read_held_out(registry: Registry, version: str) -> HeldOut:
    """Return the findings that a version was measured on."""
    try:
        table = parquet.read_table(io.BytesIO(registry.read(version, HELD_OUT))).to_pandas()
        unintended, weight = table.pop(_VERDICT), table.pop(_WEIGHT)
        scores = table.pop(_SCORE).to_numpy(dtype=np.int64) if _SCORE in table else None
        time = table.pop(_TIME).to_numpy(dtype=np.float64) if _TIME in table else None
    except (pa.ArrowException, KeyError, OSError) as error:
        where = f"{registry.store.name}/{version}/{HELD_OUT}"
        raise BadInput(f"is not what a training wrote: {error}", where=where) from None
    return HeldOut(table, unintended.to_numpy(dtype=bool), weight.to_numpy(dtype=np.float64), scores, time)


def needs_columns(card: Scorecard, X: pd.DataFrame) -> list[str]:
    """Return the features of a scorecard that rows lack."""
    return [feature.name for feature in card.features if feature.name not in X.columns]
