"""The command `triage train`."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import PolicyFile, ReportFormat
from scoring.cli.progress import progress
from training.cli.options import Alpha, Delta, History, Jobs, Scheduler, cores, open_executor, read_history

if TYPE_CHECKING:
    from training.registry.registry import Registry


def train(
    history: History,
    out: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Registry to write the version to; s3://bucket/prefix too.",
            show_default=False,
        ),
    ],
    alpha: Alpha = 0.05,
    delta: Delta = 0.05,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="CARD", help="Scorecard to start from. Default: the built-in card.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        Literal["all", "none"],
        typer.Option(help="Which verdicts are used. none: the prior card and what was seen how often."),
    ] = "all",
    calibration_share: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Of the labelled findings, for the threshold alone; 0: no threshold. Default: every label "
            "fits, and calibrates out of fold.",
            show_default=False,
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            metavar="Y",
            help="Of the labelled findings, the latest, to measure by. Default: a fifth.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the folds.")] = 0,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    policy: PolicyFile = None,
    settling_days: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=0,
            help="Findings younger than that are no precedent, unless somebody has reviewed them.",
        ),
    ] = 14.0,
    unverified_verdicts: Annotated[
        bool, typer.Option(help="Whether verdicts count that were given by a review link alone.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A gate of the guarantee that may be shut; goes into the model card. Repeatable.",
            show_default=False,
        ),
    ] = None,
    strict_delta: Annotated[
        bool,
        typer.Option(
            "--strict-delta",
            help="Spend delta on all uses of the year in this registry (a half, a sixth, a twelfth ...), so "
            "that each version keeps the promise by itself. Default: the year's findings together keep it.",
        ),
    ] = False,
    output_format: ReportFormat = "table",
) -> None:
    """Train a scorecard on past decisions, with a threshold that carries a guarantee.

    Findings without a verdict count as precedent only. The first version of a registry is promoted; later
    ones by `triage models promote`. The same records, options and seed give the same bytes.

    Every label fits; the threshold is calibrated by cards that were fitted without the findings they score.
    It is left out where a gate of its guarantee is shut: the command names the gate and says what to do.
    """
    from dataclasses import asdict, replace
    from datetime import UTC, datetime

    from scoring.scorecard import formats
    from training.evaluation.metrics import measure
    from training.registry import uses
    from training.registry.models import load
    from training.registry.registry import Registry
    from training.registry.stores import open_store
    from training.registry.version import version_files
    from training.report.sentences import sentences
    from training.train import Request
    from training.train import train as run

    registry = Registry(open_store(out))
    card = load(prior or formats.DEFAULT)
    request = Request(
        alpha=alpha,
        delta=delta,
        labels=labels,
        calibration_share=calibration_share,
        test_share=test_share,
        seed=seed,
        settling_days=settling_days,
        accept=tuple(sorted(set(accept or ()))),
        strict_delta=strict_delta,
    )
    faults = Faults()
    with progress("records") as bar, open_executor(jobs, scheduler) as executor:
        bar.left_behind = "no version was written"
        dataset, _ = read_history(
            history, policy, jobs, bar, faults, [card], executor, unverified=unverified_verdicts
        )
        now, asked = datetime.now(UTC), {**asdict(request), "prior": card.sha256}
        key = uses.key_of("train", dataset.digest, asked)
        number = uses.number_of(registry, key, now)
        spent = uses.delta_of(number, delta) if strict_delta else delta
        request = replace(request, use=number, delta=spent)
        trained = run(dataset, card, request, jobs=cores(jobs), progress=bar.begin)
        bar.begin("measuring")
        metrics = measure(trained, jobs=cores(jobs))
        bar.begin("writing")
        registry.add(trained.card.version, version_files(trained, metrics))
        if trained.threshold is not None:
            version, value = trained.card.version, metrics["threshold"]["value"]
            uses.keep(registry, key, "train", number, now, version=version, threshold=value, delta=spent)
    version = trained.card.version
    mostly_bad = faults.count > len(dataset)
    where, says = f"{registry.store.name}/{version}", _promoted(registry, version, mostly_bad=mostly_bad)
    if output_format == "json":
        found = {"version": version, "where": where, "current": registry.current(), "metrics": metrics}
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(_became(metrics["data"]))
        typer.echo("\n".join(sentences(metrics)))
        typer.echo(f"\n{where}: {says}")
    raise faults.exit()


def _became(data: Mapping[str, Any]) -> str:
    """Say what became of the records, given what `measure` said of the data."""
    records, parts = data["records"], data["parts"]
    lines = [f"{data['findings']:,} findings from {str(data['from'])[:10]} to {str(data['to'])[:10]}"]
    lines += [f"  {count:>9,} {reason}" for reason, count in records.items()]
    for name, word in (("fit", "fitted on"), ("calibration", "calibrated on"), ("test", "tested on")):
        part = parts[name]
        span = f", {part['from'][:10]} to {part['to'][:10]}" if part["n"] else ""
        lines.append(f"  {part['labelled']:>9,} {word}, {part['unintended']:,} of them unintended{span}")
    lines.append(f"  {parts['backlog']['n']:>9,} more count as precedent")
    if parts["backlog"]["too_young"]:
        lines.append(f"  {parts['backlog']['too_young']:>9,} too young to be precedent, and not reviewed")
    if parts["backlog"]["unearned"]:
        why = "no precedent: of outsiders and not reviewed, or archived automatically"
        lines.append(f"  {parts['backlog']['unearned']:>9,} {why}")
    return "\n".join(lines) + "\n"


def _promoted(registry: "Registry", version: str, *, mostly_bad: bool) -> str:
    """Promote the first version, if nothing speaks against it; say what was done."""
    from training.registry.promotion import objections

    current = registry.current()
    if current == version:
        return "this is the current version"
    if current is not None:
        return f"the current version is {current}; triage models promote makes this one current"
    if mostly_bad:
        return "not promoted: most records could not be read; triage models promote does it"
    against = objections(registry, version)
    if against:
        return "not promoted: " + "; ".join(against)
    registry.promote(version)
    return "promoted, since it is the first version"
