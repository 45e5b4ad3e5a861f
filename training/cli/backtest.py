"""The commands `triage backtest` and `triage tune`: what a scorecard would do, and its best threshold."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import PolicyFile, ReportFormat, Threshold
from scoring.cli.progress import progress
from training.cli.options import Alpha, Delta, History, Jobs, Model, Scheduler, open_executor, read_history

MEASURED = (
    " The model has learned from all of them: they are scored by the card that it was measured with, made in"
    " the same way of the labels before."
)

if TYPE_CHECKING:
    from scoring.scorecard.scorecard import Scorecard
    from training.arrays import Ints
    from training.dataset.dataset import Dataset
    from training.evaluation.tune import Goals
    from training.registry.models import LearnedUntil

All = Annotated[
    bool,
    typer.Option("--all", help="Take findings too that the model has learned from: too good to be true."),
]


def backtest(
    history: History,
    model: Model,
    against: Annotated[
        str | None,
        typer.Option(metavar="M2", help="Another model to compare with.", show_default=False),
    ] = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    delta: Delta = 0.05,
    everything: All = False,
    output_format: ReportFormat = "table",
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Replay a history in the order of time: archived share, what is missed, alerts a day.

    Guardrails and rules of the policy take part. Of a trained model's own history only what came after the
    findings that it has learned from is replayed; where that is not known, everything.
    """
    from scoring.decision.settings import read_threshold
    from scoring.files.errors import BadInput
    from training.evaluation.backtest import replay, summarise
    from training.registry.models import learned_until, load, measuring

    if "-" in history:
        raise BadInput("expected files, since they are read twice", value="-")
    if not 0 < delta < 1:
        raise BadInput("expected a number between 0 and 1", field="--delta", value=delta)
    tenths = None if threshold is None else read_threshold(threshold)
    models = [model, *([against] if against else [])]
    cards = [load(one) for one in models]
    faults = Faults()
    with progress("records") as bar, open_executor(jobs, scheduler) as executor:
        dataset, rules = read_history(history, policy, jobs, bar, faults, executor=executor)
        rows, note = _later(dataset, [learned_until(one) for one in models], everything)
        if not len(rows) and (measured := [measuring(one) for one in models]) != [None] * len(models):
            # Every label has fitted these cards; those that measured them are as good, and have not seen all.
            cards = [one[0] if one else card for one, card in zip(measured, cards, strict=True)]
            reached = [one[1] if one else learned_until(m) for one, m in zip(measured, models, strict=True)]
            rows, note = _later(dataset, reached, everything)
            note += MEASURED
        bar.begin("replaying")
        replayed = replay(history, dataset, cards, rules, tenths)
    found = [summarise(one, dataset, rows, delta) for one in replayed]
    if output_format == "json":
        typer.echo(json.dumps({"note": note, "models": found}, indent=2))
    else:
        typer.echo(note)
        _print_side_by_side(found)
    raise faults.exit()


def tune(
    history: History,
    model: Model,
    alpha: Alpha = 0.05,
    delta: Delta = 0.05,
    cost_miss: Annotated[
        float | None,
        typer.Option(metavar="C", help="Cost of a missed unintended finding ...", show_default=False),
    ] = None,
    cost_alert: Annotated[
        float | None,
        typer.Option(metavar="C", help="... and of an alert, in the same unit.", show_default=False),
    ] = None,
    alerts_per_day: Annotated[
        float | None,
        typer.Option(metavar="N", help="As many alerts a day as people can look at.", show_default=False),
    ] = None,
    policy: PolicyFile = None,
    everything: All = False,
    output_format: ReportFormat = "table",
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Find the threshold for a guarantee, a cost, or a budget of alerts, and show the curve behind it.

    By score alone, but for --alerts-per-day, which counts guardrails and rules of the policy in. Without
    unintended verdicts that were given whatever the score there is no answer to a guarantee or a cost. Of a
    trained model's own history only what came after the findings that it has learned from is taken.
    """
    from scoring.files.errors import BadInput
    from training.evaluation.backtest import turning_points
    from training.evaluation.tune import Goals
    from training.evaluation.tune import tune as run
    from training.registry.models import learned_until, load, measuring

    goals = Goals(alpha, delta, cost_miss, cost_alert, alerts_per_day)
    goals.check()
    if alerts_per_day is not None and "-" in history:
        raise BadInput("expected files, since with --alerts-per-day they are read twice", value="-")
    card = load(model)
    faults = Faults()
    with progress("records") as bar, open_executor(jobs, scheduler) as executor:
        dataset, rules = read_history(history, policy, jobs, bar, faults, [card], executor)
        rows, note = _later(dataset, [learned_until(model)], everything)
        judge = None
        if not len(rows) and (measured := measuring(model)) is not None:
            judge, reached = measured
            rows, note = _later(dataset, [reached], everything)
            note += MEASURED
        bar.begin("scoring")
        turning = None
        if alerts_per_day is not None:
            turning = turning_points(history, dataset, judge or card, rules)
        found = run(dataset, rows, card, goals, judge, turning)
        _keep_use(model, dataset, goals, found)
    if output_format == "json":
        typer.echo(json.dumps({"note": note, "model": card.sha256, **found}, indent=2))
    else:
        typer.echo(note)
        _print_readings(found)
        typer.echo(
            f"\nTo use threshold T with this model: --threshold T, or as an override {_override(card)}"
        )
    raise faults.exit()


def _keep_use(model: str, dataset: "Dataset", goals: "Goals", found: "dict[str, Any]") -> None:
    """Write into the registry's ledger that its model's threshold was looked for by these findings."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from scoring.files.errors import BadInput
    from training.registry import uses
    from training.registry.models import registry_of

    there = registry_of(model)
    if there is None:
        return
    registry, version = there
    now, key = datetime.now(UTC), uses.key_of("tune", dataset.digest, asdict(goals))
    number, value = uses.number_of(registry, key, now), found["guarantee"]["threshold"]
    try:
        uses.keep(registry, key, "tune", number, now, version=version, threshold=value, delta=goals.delta)
    except (BadInput, OSError) as error:
        typer.echo(f"not in the registry's ledger of uses: {error}", err=True)


def _override(card: "Scorecard") -> str:
    """Write the override that a deployment takes; it names the model that it is for."""
    return f'{{"value": T, "model_sha256": "{card.sha256}"}}'


def _later(dataset: "Dataset", reached: "list[LearnedUntil]", everything: bool) -> "tuple[Ints, str]":
    """Return the findings that none of the models has learned from, and what to say of them."""
    import numpy as np

    from scoring.explanation.words import moment
    from training.evaluation.backtest import later_than
    from training.evaluation.metrics import day

    learned = [one.learned for one in reached if one.learned is not None]
    calibrated = [one.calibrated for one in reached if one.calibrated is not None]
    rows: Ints = np.arange(len(dataset))
    n = f"{len(dataset):,}"
    said = f"All {n} findings."
    if learned and not everything:
        rows = later_than(dataset, max(learned))
        said = f"The {len(rows):,} of {n} findings that came after {moment(day(max(learned)))}."
    elif not everything and not all(one.is_known for one in reached):
        said += " Whether a model has learned from them is not known."
    if calibrated and (count := len(np.setdiff1d(rows, later_than(dataset, max(calibrated))))):
        said += (
            f" A threshold was chosen on {count:,} of them, up to {moment(day(max(calibrated)))}: what it"
            " misses there does not prove what it will miss."
        )
    return rows, said


def _print_side_by_side(found: list[dict[str, Any]]) -> None:
    from scoring.cli.output.console import print_columns
    from training.report.sentences import percent

    def missed(one: dict[str, Any]) -> str:
        if one["miss_rate"] is None:
            return "not known"
        return f"{one['misses']} of {one['positives']} (at most {percent(one['miss_rate_upper'])})"

    names = [f"{one['model']['name']} {one['model']['version']}" for one in found]
    print_columns(
        ["", *names],
        [
            ("threshold", *("none" if one["threshold"] is None else str(one["threshold"]) for one in found)),
            ("archived", *(f"{one['archived']:,} ({percent(one['archived_share'])})" for one in found)),
            ("by score alone", *(percent(one["by_score"]["archived_share"]) for one in found)),
            ("missed", *(missed(one) for one in found)),
            ("by score alone", *(missed(one["by_score"]) for one in found)),
            ("alerts a day", *(str(one["alerts_per_day"]["mean"]) for one in found)),
            ("on the busiest day", *(f"{one['alerts_per_day']['busiest']:.0f}" for one in found)),
            ("ROC AUC", *(_three_digits(one["roc_auc"]) for one in found)),
        ],
        numbers=names,
    )
    for name, one in zip(names, found, strict=True):
        typer.echo(f"\n{name}")
        headings = ("month", "findings", "archived", "alerts", "unintended", "missed")
        rows = [(month["month"], *(f"{n:,}" for n in list(month.values())[1:])) for month in one["months"]]
        print_columns(headings, rows, numbers=headings[1:])


def _three_digits(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _print_readings(found: dict[str, Any]) -> None:
    from scoring.cli.output.console import print_columns
    from training.report.sentences import percent

    def cells(name: str, reading: dict[str, Any]) -> tuple[str, ...]:
        threshold = "none" if reading["threshold"] is None else f"{reading['threshold']:.1f}"
        names = ("archived_share", "miss_rate", "miss_rate_upper")
        rates = ["cannot say" if reading[name] is None else percent(reading[name]) for name in names]
        return name, threshold, *rates, f"{reading['alerts_per_day']:.1f}"

    headings = ("", "threshold", "archived", "missed", "at most", "alerts a day")
    readings = [name for name in ("guarantee", "cost", "budget", "current") if found[name]]
    print_columns(headings, [cells(name, found[name]) for name in readings], numbers=headings[1:])
    if found["cannot_say"]:
        typer.echo(f"What is missed and what that costs: {found['cannot_say']}.")
    closed = [gate for gate in found["gates"] if not gate["passed"]]
    for gate in closed:
        typer.echo(f"The guarantee is not made: {gate['text']} (gate {gate['name']}).")
    more = found["guarantee"]["more_labels"]
    if found["guarantee"]["threshold"] is None and more:
        typer.echo(f"The guarantee takes {more} more findings labelled unintended.")
    typer.echo()
    print_columns(headings[1:], [cells("", one)[1:] for one in found["curve"]], numbers=headings)
