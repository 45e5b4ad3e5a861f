"""The promotion gate: what speaks against making a version the current one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score

from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Floats, Ints
from training.registry.registry import Registry
from training.registry.version import HeldOut, needs_columns, read_held_out
from training.report.sentences import accepted_gates, percent, shut_gates
from training.threshold.bounds import share_upper
from training.threshold.scores import card_scores

_REDRAWN: Final = 200


def objections(registry: Registry, candidate: str) -> list[str]:
    """Return what speaks against promoting a version; nothing: it may be promoted.

    A candidate may not break its guarantee on its test part, nor rank worse than the current version on the
    findings that either of them was tested on, by more than chance explains; there each version is judged by
    its cards that were not fitted on these findings. On at least one of the two test
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
    for version, other in ((candidate, current), (current, candidate)):
        held_out = read_held_out(registry, version)
        held_out, is_fair = fair_part(registry, version, other, held_out)
        reason = _incomparable(new, old, held_out)
        if reason:
            reasons.append(f"{reason} on the test part of {version}")
            continue
        scores = [card_scores(card, held_out.X.astype("category"))[0] for card in (new, old)]
        if not is_fair and held_out.scores is not None:
            scores[0 if version == candidate else 1] = held_out.scores
        found += worse(scores[0], scores[1], held_out, f"the test part of {version}")
    if len(reasons) == 2:
        found.append(f"it cannot be compared with {current}: {' and '.join(reasons)}")
    return found


def notes(registry: Registry, candidate: str) -> list[str]:
    """Say which gates of a version are shut: those that take its threshold, and those that were accepted."""
    metrics = registry.metrics(candidate)
    closed = [
        f"nothing is archived by score: {one['text']} (gate {one['name']})" for one in shut_gates(metrics)
    ]
    return [*closed, *accepted_gates(metrics)]


def fair_part(registry: Registry, version: str, other: str, held_out: HeldOut) -> tuple[HeldOut, bool]:
    """Return the findings of a version's test part on which another one can be compared with it.

    Where both cards were fitted on a finding, or neither was, they are compared by their own scores. Where
    only the version's was, which every label fits, its card that was not fitted on it stands in. What only
    the other one's was fitted on is left out.

    Returns
    -------
    held_out : HeldOut
        The findings that neither of the versions, or only this one, has learned from; if there are none,
        those that both have.
    is_fair : bool
        Whether the versions' own cards are compared.
    """
    if held_out.time is None or held_out.scores is None:
        return held_out, True
    learned, others = (held_out.time <= _learned(registry, name) for name in (version, other))
    if (~others).any():
        later = ~others
        return held_out.some(later), not learned[later].any()
    return held_out.some(learned), True


def _learned(registry: Registry, version: str) -> float:
    """Return until when a version has learned, in seconds since 1970."""
    data = registry.metrics(version).get("data")
    until = data.get("learned_until") if isinstance(data, dict) else None
    # Times of findings have fractions of a second, that of the file has none.
    return datetime.fromisoformat(until).timestamp() + 1 if until else -np.inf


def _incomparable(new: Scorecard, old: Scorecard, held_out: HeldOut) -> str:
    """Return why two scorecards cannot be compared on some findings; empty where they can."""
    unintended = held_out.unintended
    if not 0 < unintended.sum() < len(unintended):
        return "too few labels"
    lacking = [name for card in (new, old) for name in needs_columns(card, held_out.X)]
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


def worse(ours: Ints, theirs: Ints, held_out: HeldOut, where: str) -> list[str]:
    """Return whether one scorecard ranks findings worse than another, by more than a standard error.

    Parameters
    ----------
    ours, theirs : arrays of shape (findings,)
        Scores of the one and of the other.
    """
    unintended, weight = held_out.unintended, held_out.weight
    area = _auc(ours, unintended, weight), _auc(theirs, unintended, weight)
    error = _standard_error([ours, theirs], unintended, weight)
    if area[0] >= area[1] - error:
        return []
    return [
        f"it ranks worse than the current version on {where}: ROC AUC {area[0]:.3f} against {area[1]:.3f}"
    ]


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
