"""The command `triage certify`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.options import LogFile, LogTable, PolicyFile, Profile, Region, ReportFormat
from training.cli.options import Alpha, Delta, Model

if TYPE_CHECKING:
    from scoring.decision_log.certificates import Certificate
    from scoring.decision_log.log import DecisionLog
    from training.threshold.certify import Tally


def certify(
    model: Model,
    table: LogTable = None,
    log_file: LogFile = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DAY",
            help="A Monday. Default: the model's first week, at most 13 weeks before --to.",
            show_default=False,
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="DAY",
            help="The Monday after the last week. Default: this week's.",
            show_default=False,
        ),
    ] = None,
    alpha: Alpha = 0.05,
    delta: Delta = 0.05,
    policy: PolicyFile = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what waits for review; state nothing and spend no error."),
    ] = False,
    output_format: ReportFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """State what is missed at most, from findings drawn by lot among those that would be archived.

    Each week that is over is drawn from (archives.draws_per_week in the policy): the findings wait on the
    queue of `triage review`, where nothing tells them from alerts. A drawn finding that nobody has reviewed
    counts as unintended. Each window that is certified spends a part of the year's error, whatever comes out;
    certifying the same window again spends none.

    Exit code 1: more may be missed than --alpha.
    """
    from datetime import UTC, datetime

    from scoring.aws.errors import as_bad_input
    from scoring.cli.moments import read_moment
    from scoring.decision_log import draws
    from scoring.files.errors import BadInput
    from scoring.policy import policy as policies
    from training.registry.models import keep_certificate, load
    from training.threshold import certify as job

    for name, value in (("--alpha", alpha), ("--delta", delta)):
        if not 0 < value < 1:
            raise BadInput("expected a number between 0 and 1", field=name, value=value)
    now = datetime.now(UTC)
    start = read_moment(first, now, "--from") if first else None
    end = read_moment(last, now, "--to") if last else None
    rules, card = policies.load(policy or policies.DEFAULT), load(model)
    if not rules.archives.draws_per_week:
        raise BadInput(
            "expected more than 0: without a draw nothing can be certified", field="archives.draws_per_week"
        )
    log = _log(table, log_file, profile, region)
    with as_bad_input(f"certificate from {log.name}"):
        windows = draws.close_due(log, rules.archives, now)
        start, end = job.window_of(windows, card.sha256, start, end, now)
        found = job.tally(log, windows, card.sha256, start, end)
        if dry_run:
            _say_waiting(found, output_format)
            return
        made = job.certify(log, found, card.sha256, alpha=alpha, delta=delta, now=now)
        keep_certificate(model, made)
    _say(made, found, output_format)
    raise typer.Exit(0 if made.holds else 1)


def _log(table: str | None, file: str | None, profile: str | None, region: str | None) -> "DecisionLog":
    from scoring.aws.connection import Options, connect_as
    from scoring.cli.options import decision_log

    return decision_log(table, connect_as(Options(profile=profile, region=region)), file)


def _say_waiting(found: "Tally", output_format: str) -> None:
    plain = {
        "from": f"{found.start:%Y-%m-%d}",
        "to": f"{found.end:%Y-%m-%d}",
        "archived": found.archived,
        "drawn": found.drawn,
        "waiting": found.waiting,
    }
    if output_format == "json":
        typer.echo(json.dumps(plain, indent=2))
        return
    typer.echo(
        f"{plain['from']} to {plain['to']}: {found.drawn:,} drawn of {found.archived:,};"
        f" {found.waiting:,} wait for a verdict (triage review). Nothing was certified."
    )


def _say(made: "Certificate", found: "Tally", output_format: str) -> None:
    import msgspec

    if output_format == "json":
        plain = {**msgspec.to_builtins(made), "holds": made.holds, "waiting": found.waiting}
        typer.echo(json.dumps(plain, indent=2))
        return
    typer.echo(f"Certified on drawn findings, {made.sentence}.")
    if found.waiting:
        typer.echo(
            f"{found.waiting:,} of {found.drawn:,} drawn findings have no verdict, and count as unintended:"
            " review them (triage review), and certify the same weeks again; that spends no more error."
        )
    if found.undrawn:
        typer.echo(
            f"From {found.undrawn:,} findings none was drawn, since draws were switched on later: all of them"
            " count as unintended. Choose later weeks with --from."
        )
    verdict = "holds" if made.holds else "does not hold"
    typer.echo(f"The promise of at most {100 * made.alpha:.1f} % {verdict} in this window.")
