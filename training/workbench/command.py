"""The command `triage ui`: the local page."""

from typing import Annotated

import typer

from scoring.cli.options import (
    AccountsFile,
    LogFile,
    LogTable,
    ModelFile,
    PolicyFile,
    Profile,
    Region,
    Threshold,
)

app = typer.Typer()


@app.command()
def ui(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Findings, records, or a folder that triage demo has left.",
            show_default=False,
        ),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="What triage demo has left in demo-out.")] = False,
    log_file: LogFile = None,
    table: LogTable = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Let the page give verdicts, in a log; without this it only reads."),
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="0: one that is free.")
    ] = 0,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    accounts: AccountsFile = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Work in the browser: a queue to filter and decide in, a threshold to move, an overview.

    The page is for this computer alone: it listens on 127.0.0.1, and the link that is printed is good once.
    It only reads, unless --write is given beside a log; then verdicts go the way of triage review. Ctrl-C
    ends it.
    """
    import gc
    import socket
    from datetime import UTC, datetime
    from functools import partial
    from pathlib import Path

    import uvicorn

    from scoring.aws.connection import Options, connect_as
    from scoring.aws.errors import as_bad_input
    from scoring.cli.configuration import configured, say_sources
    from scoring.cli.faults import MOST_FAULTS, Faults
    from scoring.cli.options import access_analyzer, decision_log, named_log
    from scoring.cli.review import reviewer
    from scoring.decision.settings import load_settings
    from scoring.files.errors import BadInput
    from training.workbench.held import from_files, from_log
    from training.workbench.pages import Workbench
    from training.workbench.safety import Keys
    from training.workbench.verdicts import Desk

    named = [*(files or ()), *(["demo-out"] if demo else ())]
    log_table, log_path = (None, None) if named else named_log(table, log_file)
    if not named and not log_table and not log_path:
        raise BadInput("expected a file with findings, --log FILE, --table NAME, or --demo", field="FILE")
    if write and named:
        raise BadInput("expected --log or --table beside it: a file takes no verdicts", field="--write")
    if not write:
        model, policy, accounts = configured(model, policy, accounts)
    if policy is None and len(named) == 1 and (own := Path(named[0]) / "policy.toml").is_file():
        policy = str(own)  # the one that the demo decided with
    if write:
        say_sources(model, policy)
    settings, faults, now = (
        load_settings(model, policy, threshold),
        Faults(most=MOST_FAULTS),
        datetime.now(UTC),
    )
    aws = connect_as(Options(profile=profile, region=region))
    if named:
        held = from_files(named, settings, faults, accounts=accounts, now=now)
    else:
        log = decision_log(log_table, aws, log_path)
        with as_bad_input(f"ui from {log.name}"):
            held = from_log(log, settings, faults, now)
    listening = socket.create_server(("127.0.0.1", port))
    keys = Keys(listening.getsockname()[1])
    bench = Workbench(held, keys)
    if write and held.log is not None:
        who = partial(reviewer, aws, is_local=log_path is not None)
        bench.desk = Desk(held, held.log, access_analyzer(aws), who, lambda: datetime.now(UTC))
    gc.freeze()  # what is held stays: looking through all of it for garbage takes longer than a click
    address = f"http://127.0.0.1:{keys.port}/?token={keys.token}"
    typer.echo(f"{len(held.findings):,} findings of {held.name}. Ctrl-C ends it. The link is good once:")
    typer.echo(address)
    if open_:
        import webbrowser

        webbrowser.open(address)
    config = uvicorn.Config(
        bench.app(), log_level="warning", access_log=False, server_header=False, ws="none"
    )
    uvicorn.Server(config).run(sockets=[listening])
    raise faults.exit()
