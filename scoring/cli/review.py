"""The command `triage review`: open alerts, and a person's verdicts on them, one by one or many at once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import (
    ListFormat,
    LogFile,
    LogTable,
    OutputFormat,
    PolicyFile,
    Profile,
    Region,
    access_analyzer,
    decision_log,
    named_log,
)
from scoring.cli.progress import progress

if TYPE_CHECKING:
    from scoring.aws.enrich import Aws
    from scoring.decision_log.decisions import LoggedDecision
    from scoring.decision_log.log import DecisionLog
    from scoring.review.answer import Reviewer
    from scoring.review.bulk import Wish
    from scoring.review.verdict import Verdict

_LONGEST_NOTE = 2000


def review(
    finding: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of findings.", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the open alerts, the worst first.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Those since then: a date, or 24h, 7d ago.", show_default=False),
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FIELD=PATTERN",
            help="Only alerts like this: account=111122223333, resource=*logs*, severity=low. Repeatable; "
            "with --verdict all of them get it.",
            show_default=False,
        ),
    ] = None,
    verdict: Annotated[
        Literal["expected", "unintended"] | None,
        typer.Option(help="Expected archives the finding, unintended keeps it active.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option(metavar="N", help="Why; kept with the verdict.")] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the verdicts back: of IDs, or of an --import.")
    ] = False,
    import_: Annotated[
        str | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Give the verdicts of a CSV file: finding_id, verdict, note, by.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the open alerts as CSV, with an empty verdict to fill in; - is standard output.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what many verdicts would do; write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before many verdicts are given.")] = False,
    table: LogTable = None,
    log_file: LogFile = None,
    policy: PolicyFile = None,
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Give verdicts on findings, or go through the open alerts.

    Without an ID, on a terminal, one open alert after the other is explained, and a key decides. The verdict
    goes into the decision log, with the caller's ARN: it is what the next model learns from. In shadow mode
    the finding itself stays as it is. An ID alone shows the explanation again.

    Many at once: several IDs, a --where, or a file. --export writes a file to fill in, --import reads it
    back; who imports is who gives the verdict, and "by" in the file is kept as a report. --dry-run shows what
    would happen, --undo takes back.
    """
    from datetime import UTC, datetime
    from functools import partial

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.cli.moments import read_moment
    from scoring.decision_log.entries import stamp
    from scoring.review.bulk import wish, wishes_of
    from scoring.review.filters import read_filters
    from scoring.review.queue import most_urgent_first
    from scoring.review.sheet import read_sheet
    from scoring.review.verdict import find, open_alerts

    ids = list(dict.fromkeys(finding or ()))
    chosen, is_filter = read_filters(filter_ or ()), bool(filter_ or since)
    _check_usage(
        ids, verdict, note, is_list=list_, is_undo=undo, is_filter=is_filter, files=(import_, export)
    )
    first = stamp(read_moment(since, datetime.now(UTC), "--since")) if since else ""
    aws = connect_as(Options(profile=profile, region=region))
    log = decision_log(table, aws, log_file)
    is_local = named_log(table, log_file)[0] is None
    faults = Faults()

    def alerts() -> "list[LoggedDecision]":
        with progress("alerts") as bar:
            found = list(bar.each(open_alerts(log, since=first)))
        return most_urgent_first(one for one in found if chosen(one))

    many = partial(
        _many, log=log, aws=aws, faults=faults, undo=undo, dry_run=dry_run, yes=yes, local=is_local
    )
    with as_bad_input(f"review in {log.name}"):
        if import_ is not None:
            many(wishes_of(read_sheet(import_, faults).verdicts, log, faults), "import", by_filter=False)
        elif export is not None:
            _export(alerts(), export)
        elif list_:
            _list(alerts(), output_format)
        elif len(ids) > 1 or (verdict and not ids):
            found = [find(log, one) for one in ids] if ids else alerts()
            wishes = [wish(one, verdict or _given(one), note=note) for one in found]
            many(wishes, "cli", by_filter=not ids)
        elif not ids:
            _queue(alerts(), log, aws, policy, is_local=is_local)
        elif verdict is None and not undo:
            _explain(find(log, ids[0]), log, policy)
        else:
            who = reviewer(aws, is_local=is_local)
            typer.echo(_decide(find(log, ids[0]), log, aws, who, verdict, note))
    raise faults.exit()


def _given(decision: "LoggedDecision") -> "Verdict":
    """Return the verdict that is there and can be taken back."""
    label = decision.verdict
    return "expected" if label is None else label.verdict


def _check_usage(
    ids: Sequence[str],
    verdict: str | None,
    note: str,
    *,
    is_list: bool,
    is_undo: bool,
    is_filter: bool,
    files: tuple[str | None, str | None],
) -> None:
    import sys

    from scoring.files.errors import BadInput

    import_, export = files
    is_queue = not ids and not is_list and not verdict and import_ is None and export is None
    if (import_ is not None or export is not None) and (ids or verdict or is_list):
        raise BadInput("expected it alone, without ids, --list and --verdict", field="--import/--export")
    if import_ is not None and export is not None:
        raise BadInput("expected one of --import and --export")
    if is_list and (ids or verdict or is_undo):
        raise BadInput("expected --list, or the id of a finding with --verdict or --undo")
    if verdict and not ids and not is_filter:
        raise BadInput("expected the id of a finding, or a --where, beside it", field="--verdict")
    if is_queue and (is_undo or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise BadInput(
            "expected --list, or the id of a finding; neither is for a terminal, where keys decide"
        )
    if verdict and is_undo:
        raise BadInput("expected --verdict or --undo, not both")
    if len(ids) > 1 and not (verdict or is_undo):
        raise BadInput("expected --verdict or --undo beside several ids")
    if ids and is_filter:
        raise BadInput("expected ids, or --since and --where to choose open alerts")
    if note and not verdict:
        raise BadInput("expected a --verdict beside it", field="--note")
    if len(note) > _LONGEST_NOTE:
        raise BadInput(f"expected at most {_LONGEST_NOTE} characters", field="--note")


def reviewer(aws: "Aws", *, is_local: bool) -> "Reviewer":
    """Return who the credentials say it is; a local log also takes the name of this computer's account.

    Raises
    ------
    BadInput
        There are no credentials, and the log is not local.
    """
    import getpass

    from botocore.exceptions import BotoCoreError, ClientError

    from scoring.review.answer import Reviewer

    try:
        return Reviewer(str(aws.sessions.client("sts").get_caller_identity()["Arn"]))
    except (BotoCoreError, ClientError):
        if not is_local:
            raise
        return Reviewer(f"{getpass.getuser()} (without AWS credentials)", is_verified=False)


def _decide(
    reviewed: "LoggedDecision",
    log: "DecisionLog",
    aws: "Aws",
    who: "Reviewer",
    verdict: "Verdict | None",
    note: str,
) -> str:
    """Give a verdict, or take it back where there is none to give; say what came of it."""
    from datetime import UTC, datetime

    from scoring.findings.record import Label
    from scoring.review.verdict import act, give, take_back

    now = datetime.now(UTC)
    if verdict is None:
        return f"Taken back: {take_back(reviewed, log, access_analyzer(aws), who.name, now)}."
    label = Label(verdict, by=who.name, at=now, source="cli", note=note, verified=who.is_verified)
    return f"{verdict.capitalize()}: {act(give(reviewed, label, log), log, access_analyzer(aws), now)}."


def _many(
    wishes: "list[Wish]",
    source: str,
    *,
    log: "DecisionLog",
    aws: "Aws",
    faults: Faults,
    undo: bool,
    dry_run: bool,
    yes: bool,
    local: bool,
    by_filter: bool,
) -> None:
    """Say what many verdicts do, ask where somebody can be asked, do it, and count what came of it."""
    import sys
    from datetime import UTC, datetime

    from scoring.explanation.safe_text import visible
    from scoring.files.errors import BadInput
    from scoring.review import bulk

    def now() -> datetime:
        return datetime.now(UTC)

    given = [one for one in wishes if one.state == "given" and _may_take_back(one, source)]
    for line in [f"{len(given):,} verdicts to take back"] if undo else bulk.preview(wishes):
        typer.echo(visible(line, 400))
    is_terminal = sys.stdin.isatty()
    if by_filter and not (yes or dry_run or is_terminal):
        raise BadInput("expected --yes where nobody can be asked, or --dry-run", field="--where")
    if dry_run or not (yes or not is_terminal or typer.confirm("Go on?", err=True)):
        typer.echo("Nothing was written.")
        return
    analyzers, who = access_analyzer(aws), reviewer(aws, is_local=local)
    done: Counter[str] = Counter()
    if undo:
        steps = bulk.take_back(given, who, log, analyzers, now, faults)
    else:
        steps = bulk.give(wishes, who, source, log, analyzers, now, faults)
    try:
        with progress("verdicts") as bar:
            _count(bar.each(steps), done)
    finally:
        for said, count in done.most_common():
            typer.echo(f"{count:>6,} {'taken back' if undo else 'given'}: {visible(said)}")
    if source == bulk.IMPORT and done and not undo:
        typer.echo("The same command with --undo takes them back.")


def _may_take_back(one: "Wish", source: str) -> bool:
    from scoring.review.bulk import IMPORT

    label = one.decision.verdict
    return label is not None and (source != IMPORT or label.source == IMPORT)


def _count(steps: Iterator[str], done: Counter[str]) -> None:
    for said in steps:
        done[said] += 1


def _export(alerts: "list[LoggedDecision]", path: str) -> None:
    import io

    from scoring.files.output_file import STANDARD, destination
    from scoring.review.sheet import write_sheet

    with destination(None if path == STANDARD else path) as out:
        text = io.TextIOWrapper(out, encoding="utf-8", errors="backslashreplace", newline="")
        count = write_sheet(alerts, text)
        text.detach()
    if path != STANDARD:
        typer.echo(f"{count:,} open alerts in {path}: fill in the verdict (expected or unintended),")
        typer.echo(f"then: triage review --import {path}")


def _list(found: "list[LoggedDecision]", output_format: OutputFormat) -> None:
    from scoring.cli.output.console import print_columns, print_records
    from scoring.decision.audit_sample import record_as_reviewed

    if output_format != "table":
        print_records((record_as_reviewed(reviewed.record) for reviewed in found), output_format)
        return
    if found:
        headings = ("Severity", "Points", "Age", "Finding", "Resource", "Reason")
        print_columns(headings, map(_row, found), numbers=["Points"], unbroken=["Severity", "Age", "Finding"])
        typer.echo()
    typer.echo("1 open alert" if len(found) == 1 else f"{len(found)} open alerts")


def _row(reviewed: "LoggedDecision") -> tuple[str, ...]:
    from datetime import UTC, datetime

    from scoring.decision.audit_sample import as_reviewed
    from scoring.decision.decide import read_decision
    from scoring.explanation.severity import known_and_not, severity_of
    from scoring.review.queue import age

    decision = as_reviewed(read_decision(reviewed.record["decision"]))
    since = age(reviewed.decided_at, datetime.now(UTC))
    severity, points = severity_of(decision), known_and_not(decision)
    return severity, points, since, reviewed.finding_id, decision.resource, decision.reason


def _queue(
    alerts: "list[LoggedDecision]",
    log: "DecisionLog",
    aws: "Aws",
    policy: str | None,
    *,
    is_local: bool,
) -> None:
    """Go through open alerts with the keys of a terminal."""
    import os
    import shutil
    from datetime import UTC, datetime

    from scoring.aws.errors import as_bad_input
    from scoring.policy import policy as policies
    from scoring.review.queue import ReviewSession, run
    from scoring.review.screen import Console

    if not alerts:
        typer.echo("0 open alerts")
        return

    def attempt(call: Callable[[], str]) -> str:
        with as_bad_input("review"):
            return call()

    session = ReviewSession(
        log=log,
        analyzers=access_analyzer(aws),
        who=reviewer(aws, is_local=is_local),
        policy=policies.load(policy or policies.DEFAULT),
        now=lambda: datetime.now(UTC),
        attempt=attempt,
    )
    is_plain = os.environ.get("TERM", "dumb") == "dumb"
    console = Console(typer.echo, typer.getchar, _ask, shutil.get_terminal_size, not is_plain)
    run(alerts, session, console)


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
        whose = f", for {visible(label.reported_by)} as the file says" if label.reported_by else ""
        said = f" ({visible(label.note)})" if label.note else ""
        typer.echo(f"{label.verdict.capitalize()}, says {who}{whose} on {moment(label.at)}{said}")
