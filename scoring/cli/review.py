"""The command `triage review`: open alerts, and a person's verdict on one of them."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.options import (
    ListFormat,
    LogTable,
    OutputFormat,
    PolicyFile,
    Profile,
    Region,
    access_analyzer,
    decision_log,
)
from scoring.cli.progress import progress

if TYPE_CHECKING:
    from scoring.aws.enrich import Aws
    from scoring.decision_log.decisions import LoggedDecision
    from scoring.decision_log.log import DecisionLog
    from scoring.review.verdict import Verdict

_LONGEST_NOTE = 2000


def review(
    finding: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A finding's id.", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the open alerts, the worst first.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="List those since then: a date, or 24h, 7d ago.", show_default=False),
    ] = None,
    verdict: Annotated[
        Literal["expected", "unintended"] | None,
        typer.Option(help="Expected archives the finding, unintended keeps it active.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option(metavar="N", help="Why; kept with the verdict.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the verdict back.")] = False,
    table: LogTable = None,
    policy: PolicyFile = None,
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Give a verdict on a finding, or go through the open alerts.

    Without an ID, on a terminal, one open alert after the other is explained, and a key decides. The verdict
    goes into the decision log, with the caller's ARN: it is what the next model learns from. In shadow mode
    the finding itself stays as it is. An ID alone shows the explanation again.
    """
    from datetime import UTC, datetime

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.cli.moments import read_moment
    from scoring.decision_log.entries import stamp
    from scoring.files.errors import BadInput
    from scoring.review.queue import most_urgent_first
    from scoring.review.verdict import find, open_alerts

    _check_usage(finding, verdict, note, is_list=list_, is_undo=undo)
    if since and finding is not None:
        raise BadInput("expected --list beside it", field="--since")
    first = stamp(read_moment(since, datetime.now(UTC), "--since")) if since else ""
    aws = connect_as(Options(profile=profile, region=region))
    with as_bad_input(f"review in {table}"):
        log = decision_log(table, aws)
        if finding is None:
            with progress("alerts") as bar:
                alerts = most_urgent_first(bar.each(open_alerts(log, since=first)))
            if list_:
                _list(alerts, output_format)
            else:
                _queue(alerts, log, aws, policy)
        elif verdict is None and not undo:
            _explain(find(log, finding), log, policy)
        else:
            typer.echo(_decide(find(log, finding), log, aws, verdict, note))


def _check_usage(
    finding: str | None, verdict: str | None, note: str, *, is_list: bool, is_undo: bool
) -> None:
    import sys

    from scoring.files.errors import BadInput

    is_queue = finding is None and not is_list
    if is_list and (finding is not None or verdict or is_undo):
        raise BadInput("expected --list, or the id of a finding with --verdict or --undo")
    if is_queue and (verdict or is_undo or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise BadInput(
            "expected --list, or the id of a finding; neither is for a terminal, where keys decide"
        )
    if verdict and is_undo:
        raise BadInput("expected --verdict or --undo, not both")
    if note and not verdict:
        raise BadInput("expected a --verdict beside it", field="--note")
    if len(note) > _LONGEST_NOTE:
        raise BadInput(f"expected at most {_LONGEST_NOTE} characters", field="--note")


def _decide(
    reviewed: "LoggedDecision", log: "DecisionLog", aws: "Aws", verdict: "Verdict | None", note: str
) -> str:
    """Give a verdict, or take it back where there is none to give; say what came of it."""
    from datetime import UTC, datetime

    from scoring.findings.record import Label
    from scoring.review.verdict import act, give, take_back

    now = datetime.now(UTC)
    by = str(aws.sessions.client("sts").get_caller_identity()["Arn"])
    if verdict is None:
        return f"Taken back: {take_back(reviewed, log, access_analyzer(aws), by, now)}."
    label = Label(verdict, by=by, at=now, source="cli", note=note)
    return f"{verdict.capitalize()}: {act(give(reviewed, label, log), log, access_analyzer(aws), now)}."


def _list(found: "list[LoggedDecision]", output_format: OutputFormat) -> None:
    from scoring.cli.output.console import print_columns, print_records
    from scoring.decision.audit_sample import record_as_reviewed

    if output_format != "table":
        print_records((record_as_reviewed(reviewed.record) for reviewed in found), output_format)
        return
    if found:
        headings = ("Severity", "Points", "Decided", "Finding", "Resource", "Reason")
        print_columns(headings, map(_row, found), numbers=["Points"], unbroken=["Severity", "Finding"])
        typer.echo()
    typer.echo("1 open alert" if len(found) == 1 else f"{len(found)} open alerts")


def _row(reviewed: "LoggedDecision") -> tuple[str, ...]:
    from scoring.decision.audit_sample import as_reviewed
    from scoring.decision.decide import read_decision
    from scoring.explanation.severity import known_and_not, severity_of
    from scoring.explanation.words import moment

    decision, when = as_reviewed(read_decision(reviewed.record["decision"])), moment(reviewed.decided_at)
    severity, points = severity_of(decision), known_and_not(decision)
    return severity, points, when, reviewed.finding_id, decision.resource, decision.reason


def _queue(alerts: "list[LoggedDecision]", log: "DecisionLog", aws: "Aws", policy: str | None) -> None:
    """Go through open alerts with the keys of a terminal."""
    from collections.abc import Callable
    from datetime import UTC, datetime

    from scoring.aws.errors import as_bad_input
    from scoring.policy import policy as policies
    from scoring.review.queue import Console, ReviewSession, run

    if not alerts:
        typer.echo("0 open alerts")
        return

    def attempt(call: Callable[[], str]) -> str:
        with as_bad_input("review"):
            return call()

    session = ReviewSession(
        log=log,
        analyzers=access_analyzer(aws),
        by=str(aws.sessions.client("sts").get_caller_identity()["Arn"]),
        policy=policies.load(policy or policies.DEFAULT),
        now=lambda: datetime.now(UTC),
        attempt=attempt,
    )
    run(alerts, session, Console(typer.echo, typer.getchar, _ask))


def _ask(question: str) -> str:
    """Ask for a line; what is too long is cut, and whatever ends the input is no answer."""
    try:
        return input(question).strip()[:_LONGEST_NOTE]
    except (EOFError, KeyboardInterrupt):
        return ""


def _explain(reviewed: "LoggedDecision", log: "DecisionLog", policy: str | None) -> None:
    """Show the explanation that the alert showed, and the verdict if there is one."""
    from scoring.explanation.safe_text import visible
    from scoring.explanation.words import moment
    from scoring.policy import policy as policies
    from scoring.review.queue import explained

    typer.echo(explained(reviewed, log, policies.load(policy or policies.DEFAULT)))
    label = reviewed.verdict
    if label is not None:
        who = visible(label.by) + ("" if label.verified else " (not verified)")
        said = f" ({visible(label.note)})" if label.note else ""
        typer.echo(f"{label.verdict.capitalize()}, says {who} on {moment(label.at)}{said}")
