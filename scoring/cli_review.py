"""The command `triage review`: open alerts, and a person's verdict on one of them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli_scan import Profile, Region, Table
from scoring.cli_score import PolicyFile

if TYPE_CHECKING:
    from scoring.decision_log import DecisionLog
    from scoring.enrich import Aws
    from scoring.review import Reviewed

_LONGEST_NOTE = 2000


class Verdict(StrEnum):
    """What a person says of a finding."""

    expected = "expected"
    unintended = "unintended"


class Form(StrEnum):
    """How open alerts are written."""

    table = "table"
    jsonl = "jsonl"


def review(
    finding: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A finding's id.", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the open alerts, oldest first.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="List those since then: a date, or 24h, 7d ago.", show_default=False),
    ] = None,
    verdict: Annotated[
        Verdict | None,
        typer.Option(help="Expected archives the finding, unintended keeps it active.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option(metavar="N", help="Why; kept with the verdict.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the verdict back.")] = False,
    table: Table = None,
    policy: PolicyFile = None,
    format: Annotated[Form, typer.Option(help="Of the list.")] = Form.table,  # noqa: A002 - the option's name
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Give a verdict on a finding, or list open alerts.

    The verdict goes into the decision log, with the caller's ARN: it is what the next model learns from. In
    shadow mode the finding itself stays as it is. An ID alone shows the explanation again.
    """
    from datetime import UTC, datetime

    from scoring.errors import BadInput
    from scoring.live.connection import Options, connect_as, decision_log
    from scoring.live.session import told_in_one_line
    from scoring.live.times import read_moment
    from scoring.log_entries import stamp
    from scoring.review import find, open_alerts

    _check_usage(finding, verdict, note, is_list=list_, is_undo=undo)
    if since and not list_:
        raise BadInput("expected --list beside it", field="--since")
    if not table:
        raise BadInput("expected the decision log's table (or TRIAGE_TABLE)", field="--table")
    first = stamp(read_moment(since, datetime.now(UTC), "--since")) if since else ""
    aws = connect_as(Options(profile=profile, region=region))
    with told_in_one_line(f"review in {table}"):
        log = decision_log(table, aws)
        if finding is None:
            _list(list(open_alerts(log, since=first)), format)
        elif verdict is None and not undo:
            _explain(find(log, finding), policy)
        else:
            typer.echo(_decide(find(log, finding), log, aws, verdict, note))


def _check_usage(
    finding: str | None, verdict: Verdict | None, note: str, *, is_list: bool, is_undo: bool
) -> None:
    from scoring.errors import BadInput

    if is_list == (finding is not None) or (is_list and (verdict or is_undo)):
        raise BadInput("expected --list, or the id of a finding with --verdict or --undo")
    if verdict and is_undo:
        raise BadInput("expected --verdict or --undo, not both")
    if note and not verdict:
        raise BadInput("expected a --verdict beside it", field="--note")
    if len(note) > _LONGEST_NOTE:
        raise BadInput(f"expected at most {_LONGEST_NOTE} characters", field="--note")


def _decide(reviewed: "Reviewed", log: "DecisionLog", aws: "Aws", verdict: Verdict | None, note: str) -> str:
    """Give a verdict, or take it back where there is none to give; say what came of it."""
    from datetime import UTC, datetime

    from scoring.live.connection import writers
    from scoring.records import Label
    from scoring.review import act, give, take_back

    now = datetime.now(UTC)
    by = str(aws.sessions.client("sts").get_caller_identity()["Arn"])
    if verdict is None:
        return f"Taken back: {take_back(reviewed, log, writers(aws), by, now)}."
    label = Label(verdict.value, by=by, at=now, source="cli", note=note)
    return f"{verdict.value.capitalize()}: {act(give(reviewed, label, log), log, writers(aws), now)}."


def _list(found: "list[Reviewed]", form: Form) -> None:
    import msgspec

    from scoring.live.columns import columns

    if form is Form.jsonl:
        for reviewed in found:
            typer.echo(msgspec.json.encode(reviewed.record))
        return
    if found:
        headings = ("Decided", "Finding", "Score", "Resource", "Reason")
        typer.echo(columns(headings, [_row(reviewed) for reviewed in found]))
        typer.echo("")
    typer.echo("1 open alert" if len(found) == 1 else f"{len(found)} open alerts")


def _row(reviewed: "Reviewed") -> tuple[str, ...]:
    decision = reviewed.record["decision"]
    when, score = reviewed.decided_at[:16] + "Z", f"{decision['score']:.1f}"
    return when, reviewed.finding_id, score, decision["resource"], decision["reason"]


def _explain(reviewed: "Reviewed", policy: str | None) -> None:
    """Show the explanation that the alert showed."""
    import msgspec

    from scoring import policy as policies
    from scoring.decide import Decision
    from scoring.explain import explain
    from scoring.sanitize import visible

    decision = msgspec.convert(reviewed.record["decision"], Decision)
    typer.echo(explain(reviewed.case, decision, policies.load(policy or policies.DEFAULT)).text)
    label = reviewed.label
    if label is not None:
        said = f" ({visible(label.note)})" if label.note else ""
        typer.echo(
            f"{label.verdict.capitalize()}, says {visible(label.by)} on {label.at:%Y-%m-%d %H:%M}Z{said}"
        )
