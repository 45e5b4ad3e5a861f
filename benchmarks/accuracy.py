"""How well the product ranks and how true its probabilities are, beside what other people's models do.

    python -m benchmarks.accuracy [--data FOLDER] [--labels 100,1000,all] [--seeds 3] [--only NAME ...]

Where there are records (the simulator, a second organization with other rules, real access decisions) a row
is what a user gets who types `triage train` and `triage score`; others learn from the same features.
Other real data has no findings: there the estimator learns from the columns, as the others do. The real data
comes from a folder that is given (`benchmarks.columns`). What is not there, and each model that is not
installed, is left out, by name.

A row says the area under the ROC curve, average precision, log loss, the calibration error (fifteen parts of
as many rows each), the share that could be archived at exactly 5 % missed, and what was archived and truly
missed by the threshold. Each is the mean over the seeds, each with its own draw of labels (and fold, or
organization). Differences are paired by seed; the last table pools them over all cells.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from benchmarks.columns import ACCESS, Columns, access_records, read_all
from benchmarks.commands import score, train, write
from benchmarks.partners import partners
from benchmarks.rivals import NAMED, Rival, installed, predicted
from scoring.findings.record import read_case
from scoring.policy import policy
from training.arrays import Bools, Floats, Ints
from training.dataset.dataset import assemble
from training.dataset.rows import encode_cases
from training.estimator.estimator import AdditiveScorecardClassifier
from training.simulate import simulate

LABELS: Final = (100, 300, 1_000, 3_000, 10_000, None)
ALPHA, PARTS, TESTED, BACKLOG = 0.05, 15, 4_000, 5_000
MOST_TABLES: Final = 40
OURS: Final = "access-triage"
METRICS: Final = ("AUC", "AP", "log loss", "ECE", "archivable", "archived", "missed")
# Those that a target is set for, and which way is better.
BETTER: Final = {"AUC": 1, "log loss": -1}

Record = dict[str, Any]
Measured = dict[str, float]


@dataclass(frozen=True)
class Findings:
    """A history with verdicts, findings after it, what these truly are, and findings without a verdict."""

    past: list[Record]
    later: list[Record]
    unintended: Ints
    backlog: list[Record]


def main() -> None:
    """Print the tables."""
    given = _arguments()
    rivals, missing = installed()
    console = Console(width=150)
    sources, absent = _sources(given.data)
    for name in (*missing, *absent):
        console.print(f"left out, since it is not there: {name}")
    cells: dict[tuple[str, str], list[dict[str, Measured]]] = {}
    for source, measure in sources.items():
        if given.only and source not in given.only:
            continue
        for labels in given.labels:
            runs = [run for seed in range(given.seeds) if (run := measure(labels, seed, rivals))]
            if runs:
                cells[source, "all" if labels is None else f"{labels:,}"] = runs
                console.print(_cell(source, labels, runs))
    console.print(_pooled(cells))


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--data", type=Path, metavar="FOLDER", help="real data; see benchmarks/columns.py")
    options.add_argument("--labels", type=_numbers, default=LABELS, metavar="N,N,...", help="numbers, or all")
    options.add_argument("--seeds", type=int, default=3, metavar="N")
    options.add_argument("--only", nargs="*", metavar="NAME", help="of the sources")
    return options.parse_args()


def _numbers(text: str) -> tuple[int | None, ...]:
    return tuple(None if one == "all" else int(one) for one in text.split(","))


Measure = Callable[[int | None, int, dict[str, Rival]], dict[str, Measured] | None]


def _sources(folder: Path | None) -> tuple[dict[str, Measure], list[str]]:
    sources: dict[str, Measure] = {"simulator": _of(_simulated), "second simulator": _of(_partners)}
    if folder is None:
        return sources, ["real data (--data FOLDER)"]
    found, missing = read_all(folder)
    for data in found:
        if data.name == ACCESS:
            sources["access decisions, by the commands"] = _of(_access(data))
        sources[f"{data.name}, columns"] = _on_columns(data)
    return sources, missing


def _of(make: Callable[[int | None, int], Findings | None]) -> Measure:
    """Measure the commands on findings, and the other models on the features of these."""

    def measure(labels: int | None, seed: int, rivals: dict[str, Rival]) -> dict[str, Measured] | None:
        made = make(labels, seed)
        if made is None:
            return None
        found = {OURS: by_commands(made)}
        X, y = features(made.past)
        later, _ = features(made.later)
        shared = [name for name in X if name in later]
        return found | _others(rivals, X[shared], y, later[shared], made.unintended)

    return measure


def _simulated(labels: int | None, seed: int) -> Findings | None:
    if labels is None:
        return None
    made = list(simulate(BACKLOG + labels + TESTED, seed=9_000 + seed, labelled=1.0))
    records, truth = [one.record for one in made], [one.verdict == "unintended" for one in made]
    first, last = BACKLOG, BACKLOG + labels
    return Findings(
        records[first:last], records[last:], np.array(truth[last:], dtype=np.int64), records[:first]
    )


def _partners(labels: int | None, seed: int) -> Findings | None:
    if labels is None:
        return None
    made = list(partners(labels + TESTED // 2, seed=seed))
    records, truth = [one.record for one in made], [one.unintended for one in made]
    return Findings(records[:labels], records[labels:], np.array(truth[labels:], dtype=np.int64), [])


def _access(data: Columns) -> Callable[[int | None, int], Findings | None]:
    records = access_records(data)

    def draw(labels: int | None, fold: int) -> Findings | None:
        rows, test = data.split(labels, fold)
        if labels is not None and labels != len(rows):
            return None
        return Findings([records[i] for i in rows], [records[i] for i in test], data.y[test], [])

    return draw


def _on_columns(data: Columns) -> Measure:
    def measure(labels: int | None, seed: int, rivals: dict[str, Rival]) -> dict[str, Measured] | None:
        rows, test = data.split(labels, seed)
        if labels is not None and labels != len(rows):
            return None
        X, y, later = data.X.iloc[rows], data.y[rows], data.X.iloc[test]
        model = AdditiveScorecardClassifier(max_tables=MOST_TABLES, classes=(0, 1)).fit(X, y)
        found = {OURS: measured(data.y[test], model.predict_proba(later)[:, 1])}
        return found | _others(rivals, X, y, later, data.y[test])

    return measure


def _others(
    rivals: dict[str, Rival], X: pd.DataFrame, y: Ints, later: pd.DataFrame, truth: Ints
) -> dict[str, Measured]:
    """Measure the other models; one that breaks is named, and has no figures."""
    found: dict[str, Measured] = {}
    for name, rival in rivals.items():
        try:
            found[name] = measured(truth, predicted(rival, X, y, later))
        except Exception as error:
            print(f"{name} could not be run: {type(error).__name__}: {error}")
            found[name] = {}
    return found


def by_commands(made: Findings) -> Measured:
    """Type `triage train` and `triage score`, and measure what comes out."""
    with tempfile.TemporaryDirectory() as folder:
        history = write(Path(folder) / "history.jsonl", [*map(bare, made.backlog), *made.past])
        findings = write(Path(folder) / "later.jsonl", map(bare, made.later))
        model = train(history, Path(folder) / "models")
        decisions = score(findings, model.registry)
    points = np.array([one["score"] for one in decisions])
    risks = [one["risk"] for one in decisions]
    below = np.array([one["threshold"] is not None and one["score"] < one["threshold"] for one in decisions])
    risk = None if None in risks else np.array(risks, dtype=np.float64)
    return measured(made.unintended, points, risk, below)


def measured(
    unintended: Ints, scores: Floats, risk: Floats | str | None = "scores", below: Bools | None = None
) -> Measured:
    """Measure scores, and the probabilities that go with them; by default the scores are probabilities.

    What cannot be said is left out: without probabilities there is no log loss.
    """
    found = {
        "AUC": float(roc_auc_score(unintended, scores)),
        "AP": float(average_precision_score(unintended, scores)),
        "archivable": archivable(unintended, scores),
    }
    probability = scores if isinstance(risk, str) else risk
    if probability is not None:
        found["log loss"] = float(log_loss(unintended, np.clip(probability, 1e-6, 1 - 1e-6)))
        found["ECE"] = calibration_error(unintended, probability)
    if below is not None:
        found["archived"] = float(below.mean())
        found["missed"] = float(unintended[below].sum() / unintended.sum())
    return found


def archivable(unintended: Ints, scores: Floats) -> float:
    """Return the largest share that could be archived with at most 5 % of the unintended ones in it.

    Examples
    --------
    >>> archivable(np.array([0, 0, 1, 0]), np.array([0.1, 0.2, 0.3, 0.4]))
    0.5
    """
    most = int(ALPHA * unintended.sum())
    bad = np.sort(scores[unintended == 1])
    return float((scores < bad[most]).mean())


def calibration_error(unintended: Ints, probability: Floats) -> float:
    """Return the mean difference of what is said and what is, over parts of as many rows each.

    Examples
    --------
    >>> calibration_error(np.array([0, 1] * 15), np.full(30, 0.5))
    0.0
    """
    parts = np.array_split(np.argsort(probability, kind="stable"), min(PARTS, len(probability)))
    apart = [abs(probability[part].mean() - unintended[part].mean()) * len(part) for part in parts]
    return float(sum(apart) / len(unintended))


def features(records: Sequence[Record]) -> tuple[pd.DataFrame, Ints]:
    """Return the features of records, columns that never vary left out, and the verdicts."""
    dataset = assemble(encode_cases([read_case(record) for record in records], policy.load()).rows)
    order = np.argsort(dataset.about["row"].to_numpy(), kind="stable")
    X = dataset.X.iloc[order].reset_index(drop=True).astype(str)
    return X[[name for name in X if X[name].nunique() > 1]], dataset.unintended[order].astype(int)


def bare(record: Record) -> Record:
    """Return a record without its verdict."""
    return {name: value for name, value in record.items() if name != "label"}


def _cell(source: str, labels: int | None, runs: Sequence[dict[str, Measured]]) -> Table:
    many = "all" if labels is None else f"{labels:,}"
    title = f"{source}: {many} labels, {len(runs)} seeds"
    table = Table("", *METRICS, title=title, title_justify="left")
    for name in runs[0]:
        table.add_row(name, *(_mean([run[name].get(metric) for run in runs]) for metric in METRICS))
    for metric, name, values in best_differences(runs):
        table.add_row(f"{metric}: better than {name} by", f"{_with_error(values)}")
    return table


def best_differences(runs: Sequence[dict[str, Measured]]) -> Iterator[tuple[str, str, Floats]]:
    """Yield each metric of a target, the best of the models that it names, and by how much ours is better.

    Examples
    --------
    >>> runs = [{"access-triage": {"AUC": 0.9}, "LR": {"AUC": 0.8}, "CatBoost": {"AUC": 0.85}}]
    >>> [(metric, name, values.round(3).tolist()) for metric, name, values in best_differences(runs)]
    [('AUC', 'CatBoost', [0.05])]
    """
    for metric, sign in BETTER.items():
        named = [name for name in NAMED if all(metric in run.get(name, {}) for run in runs)]
        if not named or not all(metric in run[OURS] for run in runs):
            continue
        apart = {
            name: np.array([sign * (run[OURS][metric] - run[name][metric]) for run in runs]) for name in named
        }
        best = min(named, key=lambda name: float(apart[name].mean()))
        yield metric, best, apart[best]


def _pooled(cells: dict[tuple[str, str], list[dict[str, Measured]]]) -> Table:
    table = Table(
        "", "cells", "better by, pooled", "behind by more than two standard errors", title="All cells"
    )
    for metric in BETTER:
        means, behind = [], []
        for (source, labels), runs in cells.items():
            for found, name, values in best_differences(runs):
                if found == metric:
                    means.append(float(values.mean()))
                    if len(values) > 1 and values.mean() < -2 * _error(values):
                        behind.append(f"{source} {labels} ({name})")
        pooled = _with_error(np.array(means)) if means else "cannot say: no model to compare with"
        table.add_row(metric, str(len(means)), pooled, "; ".join(behind) or "none")
    return table


def _mean(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    return f"{np.mean(there):.4f}" if len(there) == len(values) else "-"


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def _with_error(values: Floats) -> str:
    error = f" ± {_error(values):.4f}" if len(values) > 1 else ""
    return f"{values.mean():+.4f}{error}"


if __name__ == "__main__":
    main()
