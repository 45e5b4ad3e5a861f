"""The promotion gate: what speaks against making a version the current one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Floats, Ints
from training.registry.registry import Registry
from training.registry.version import needs_columns, read_held_out
from training.report.sentences import percent
from training.threshold.bounds import share_upper
from training.threshold.scores import card_scores

_REDRAWN: Final = 200
HeldOut = tuple[pd.DataFrame, Bools, Floats]


def objections(registry: Registry, candidate: str) -> list[str]:
    """Return what speaks against promoting a version; nothing: it may be promoted.

    A candidate may not break its guarantee on its test part, nor rank worse than the current version on the
    findings that either of them was tested on, by more than chance explains. On at least one of the two test
    parts they must be comparable.

    Raises
    ------
    BadInput
        There is no such version, or a file of it has changed.
    """
    found = broken_guarantee(registry.metrics(candidate))
    current = registry.current()
    if current is None or current == candidate:
        return found
    new, old = registry.scorecard(candidate), registry.scorecard(current)
    reasons = []
    for version in (candidate, current):
        held_out = read_held_out(registry, version)
        reason = _incomparable(new, old, held_out)
        if reason:
            reasons.append(f"{reason} on the test part of {version}")
        else:
            found += worse(new, old, held_out, f"the test part of {version}")
    if len(reasons) == 2:
        found.append(f"it cannot be compared with {current}: {' and '.join(reasons)}")
    return found


def _incomparable(new: Scorecard, old: Scorecard, held_out: HeldOut) -> str:
    """Return why two scorecards cannot be compared on some findings; empty where they can."""
    X, unintended, _ = held_out
    if not 0 < unintended.sum() < len(unintended):
        return "too few labels"
    lacking = [name for card in (new, old) for name in needs_columns(card, X)]
    return f"no {lacking[0]}" if lacking else ""


def broken_guarantee(metrics: Mapping[str, Any]) -> list[str]:
    """Return whether more unintended findings of the test part are archived than the guarantee explains."""
    threshold, test = metrics["threshold"], metrics["test"]
    alpha, delta = threshold["alpha"], threshold["delta"]
    if threshold["value"] is None or alpha is None or not test["positives"]:
        return []
    kept = test["positives"] - test["misses"]
    at_least = 1 - float(share_upper(kept, test["positives"], delta))
    if at_least <= alpha:
        return []
    return [
        f"it breaks its guarantee: on the test part {test['misses']} of {test['positives']} unintended "
        f"findings are archived, where at most {percent(alpha)} were promised"
    ]


def worse(new: Scorecard, old: Scorecard, held_out: HeldOut, where: str) -> list[str]:
    """Return whether one scorecard ranks findings worse than another, by more than a standard error."""
    X, unintended, weight = held_out
    rows = X.astype("category")
    scores = [card_scores(card, rows)[0] for card in (new, old)]
    ours, theirs = (_auc(score, unintended, weight) for score in scores)
    error = _standard_error(scores, unintended, weight)
    if ours >= theirs - error:
        return []
    return [f"it ranks worse than the current version on {where}: ROC AUC {ours:.3f} against {theirs:.3f}"]


def _auc(scores: Ints, unintended: Bools, weight: Floats) -> float:
    return float(roc_auc_score(unintended, scores, sample_weight=weight))


def _standard_error(scores: Sequence[Ints], unintended: Bools, weight: Floats) -> float:
    """Standard error of the difference of two areas, by drawing the findings again (bootstrap)."""
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(_REDRAWN):
        rows = rng.integers(0, len(unintended), len(unintended))
        if 0 < unintended[rows].sum() < len(rows):
            first, second = (_auc(score[rows], unintended[rows], weight[rows]) for score in scores)
            differences.append(first - second)
    return float(np.std(differences)) if differences else 1.0
