"""What a model version's numbers mean, in sentences: for the terminal, the model card and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from training.dataset.dataset import LABELLED
from training.threshold.bounds import labels_needed


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.1636), percent(None)
    ('16.4 %', 'not known')
    """
    return "not known" if share is None else f"{100 * share:.{digits}f} %"


CERTIFIED = (
    "Certified on drawn findings: not yet. triage certify states it from findings drawn by lot after the "
    "training, and triage models show says what it stated last."
)


class Figure(NamedTuple):
    """A number that counts, its name, and what it is to be read with."""

    value: str
    name: str
    says: str


def figures(metrics: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the numbers that somebody looks for first."""
    threshold, auc, card = metrics["threshold"], metrics["roc_auc"], metrics["prior"]["roc_auc"]
    value = threshold["value"]
    archived = percent(threshold["archived_share"]) if value is not None else "nothing"
    promised = threshold["alpha"] is not None and value is not None
    labels = metrics["data"]["records"].get(LABELLED, 0)
    return (
        Figure("none" if value is None else f"{value:.1f}", "threshold", "points; below it is archived"),
        Figure(archived, "archived", "of all findings, by score alone"),
        Figure(
            f"≤ {percent(threshold['alpha'])}" if promised else "no promise",
            "missed",
            f"of the unintended, with confidence {percent(1 - threshold['delta'], 0)}"
            if promised
            else "it takes a threshold from labelled findings",
        ),
        Figure(
            "not known" if auc is None else f"{auc:.3f}",
            "ROC AUC",
            "no later labels of both kinds" if card is None else f"the prior card alone: {card:.3f}",
        ),
        Figure(f"{labels:,}", "verdicts", f"among {metrics['data']['findings']:,} findings"),
    )


def guarantee(metrics: Mapping[str, Any]) -> str:
    """Say what is archived and what is promised."""
    threshold = metrics["threshold"]
    value, alpha, delta = threshold["value"], threshold["alpha"], threshold["delta"]
    if alpha is None:
        if value is None:
            return "No threshold: the prior card has none. Nothing is archived."
        return f"Threshold {value}: the prior card's own, chosen by hand, without a guarantee."
    if value is None:
        return (
            f"No threshold: nothing is archived. The promise that at most {percent(alpha)} of the unintended "
            f"findings are archived (confidence {percent(1 - delta)}) {_wanting(metrics)}"
        )
    return (
        f"Threshold {value}: {percent(threshold['archived_share'])} of findings are archived. With "
        f"confidence {percent(1 - delta)} at most {percent(alpha)} of the unintended ones are among them "
        f"(calibrated on {threshold['calibration_positives']} unintended findings, {threshold['misses']} of "
        "them below it)."
    )


def _wanting(metrics: Mapping[str, Any]) -> str:
    """Say how many labels there are to calibrate on, and how many more it takes."""
    threshold, more = metrics["threshold"], metrics["threshold"]["more_labels"]
    closed = shut_gates(metrics)
    if not more and closed:
        why = "; ".join(f"{gate['text']} (gate {gate['name']})" for gate in closed)
        return f"is not made: {why}."
    have, where = threshold["usable_positives"], "this history"
    enough = have >= labels_needed(threshold["alpha"], threshold["delta"])
    if metrics["request"]["calibration_share"] is not None:
        have, where = threshold["calibration_positives"], "the calibration part"
    elif enough:
        have, where = threshold["calibration_positives"], "this history, each rollout counted once,"
    return (
        f"takes {have + more} of them labelled by people to calibrate on; {where} has {have}: "
        f"it takes {more} more."
    )


def shut_gates(metrics: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the gates that take the threshold away."""
    return [gate for gate in metrics.get("gates", ()) if not gate["passed"] and not gate["accepted"]]


def accepted_gates(metrics: Mapping[str, Any]) -> list[str]:
    """Say which gates are shut, and were accepted: the promise does not cover what they say."""
    return [
        f"Accepted although shut, by --accept {gate['name']}: {gate['text']}. The promise does not cover it."
        for gate in metrics.get("gates", ())
        if not gate["passed"] and gate["accepted"]
    ]


def ranking(metrics: Mapping[str, Any]) -> str:
    """Say how well it ranks."""
    if not metrics["n"]:
        return "Quality is not known: no labelled finding is later than what it was fitted on."
    part = f"{metrics['n']} labelled findings of the {metrics['measured_on']} part"
    if metrics["roc_auc"] is None:
        return f"Quality is not known: the {part} have all the same verdict."
    card = metrics["prior"]["roc_auc"]
    return (
        f"ROC AUC {metrics['roc_auc']:.3f} (the prior card alone: {card:.3f}), log loss "
        f"{metrics['log_loss']:.3f}, on {part}, {metrics['positives']} of them unintended."
    )


def on_the_test_part(metrics: Mapping[str, Any]) -> str:
    """Say what the threshold did on the test part."""
    test = metrics["test"]
    if metrics["threshold"]["value"] is None:
        return "There is no threshold to test."
    if test["miss_rate"] is None:
        return "The threshold was not tested: no unintended finding is later than the calibration part."
    return (
        f"On the test part it archives {percent(test['archived_share'])} and misses {test['misses']} of "
        f"{test['positives']} unintended findings ({percent(test['miss_rate'])}, at most "
        f"{percent(test['miss_rate_upper'])})."
    )


def among_archived(metrics: Mapping[str, Any]) -> str:
    """Say how many of the archived findings are unintended."""
    archived = metrics["archived"]
    if not archived["reviewed"]:
        return "How many archived findings are unintended is not known: none of them was reviewed."
    return (
        f"Of the findings it would archive an estimated {percent(archived['share'], 2)} are unintended, "
        f"at most {percent(archived['share_upper'], 2)} (by {archived['reviewed']} that were reviewed)."
    )


def new_accounts(metrics: Mapping[str, Any]) -> str:
    """Say what becomes of the guarantee for accounts that were never seen."""
    out = metrics["accounts_left_out"]
    if out is None or out["miss_rate"] is None:
        return "What holds for accounts never seen could not be measured: it takes more labels."
    ruled = out["with_rule"]
    return (
        f"The guarantee does not cover new accounts. Leaving accounts out, "
        f"{percent(out['archived_share'])} of their findings are archived, {out['misses']} of "
        f"{out['positives']} unintended ones among them ({percent(out['miss_rate'])}, at most "
        f"{percent(out['miss_rate_upper'])}). The guardrail never_seen takes those whose principal was never "
        "seen either to a person unless the prior card alone archives them: with it "
        f"{percent(ruled['archived_share'])} are archived, and {ruled['misses']} unintended ones among them."
    )


def without_verdicts(_: Mapping[str, Any]) -> str:
    """Say what the prior card with precedent alone is."""
    return (
        "It is the prior card with how often things were seen. No verdict was used, so nothing of its "
        "quality is measured here; triage backtest measures it where there are verdicts."
    )


def wrong_verdicts(metrics: Mapping[str, Any]) -> str:
    """Say how many verdicts are wrong, as far as repeated ones tell."""
    found = metrics["verdicts"]
    if not found["repeated"]:
        return "How many verdicts are wrong cannot be said: none was given by two people."
    return (
        f"Of the verdicts an estimated {percent(found['share'])} are wrong ({percent(found['lower'])} to "
        f"{percent(found['upper'])}): of {found['repeated']} that two people gave, "
        f"{found['disagreed']} differ."
    )


def unearned(metrics: Mapping[str, Any]) -> str:
    """Say what unreviewed findings of outsiders count for."""
    left_out = metrics["data"]["parts"]["backlog"].get("unearned", 0)
    return (
        f"Precedent is earned by review: {left_out:,} findings that are an outsider's and that no person "
        "reviewed, or that were archived automatically, count for nothing at any age. A stranger's 100 "
        "unreviewed shares buy 0 points."
    )


def sentences(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all of that, in this order."""
    if metrics["request"]["labels"] == "none":
        return guarantee(metrics), without_verdicts(metrics)
    said = [say(metrics) for say in (guarantee, on_the_test_part, ranking, among_archived, new_accounts)]
    again = metrics.get("review_again")
    more: tuple[str, ...] = (unearned(metrics),)
    if again is not None:
        more = (again["text"], wrong_verdicts(metrics), *more)
    forecast = f"Forecast from history: {said[0]}"
    return (forecast, CERTIFIED, *accepted_gates(metrics), *said[1:], *more)
