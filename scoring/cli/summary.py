"""The command `triage summary`: what was done in a period, out of the decision log."""

from typing import Annotated

import typer

from scoring.cli.options import (
    LogFile,
    LogTable,
    OutputFile,
    PolicyFile,
    Profile,
    Region,
    TextFormat,
    decision_log,
)


def summary(
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="Of so many days, until now.")] = 7,
    table: LogTable = None,
    log_file: LogFile = None,
    policy: PolicyFile = None,
    output_format: TextFormat = "text",
    output: OutputFile = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Summarise a period: archived and why, the audit sample, misses, teams, drift, what expires.

    The same is mailed daily or weekly, as the policy says. Nothing is changed in AWS.
    """
    from datetime import UTC, datetime, timedelta

    import msgspec

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.explanation.safe_text import shown_json
    from scoring.files.output_file import destination
    from scoring.pipeline.scheduled.summary_mail import read_summary
    from scoring.policy import policy as policies

    rules = policies.load(policy or policies.DEFAULT)
    aws = connect_as(Options(profile=profile, region=region))
    log = decision_log(table, aws, log_file)
    with as_bad_input(f"summary of {log.name}"):
        found = read_summary(
            log,
            rules,
            datetime.now(UTC),
            timedelta(days=days),
        )
    if output_format == "json":
        plain = {name: getattr(found, name) for name in ("title", "notes", "tiles", "tables", "sections")}
        written = (
            shown_json(msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(plain)), indent=1)) + b"\n"
        )
    else:
        written = (found.html if output_format == "html" else found.text).encode()
    with destination(output) as stream:
        stream.write(written)
