"""The commands `triage score` and `triage explain`: findings from a file, without touching AWS."""

from typing import Annotated

import typer

from scoring.cli.configuration import configured
from scoring.cli.faults import MOST_FAULTS, Faults
from scoring.cli.options import (
    AccountsFile,
    DecisionFormat,
    File,
    ModelFile,
    NoGroup,
    OutputFile,
    PolicyFile,
    SortBy,
    TextFormat,
    Threshold,
)
from scoring.cli.progress import progress


def score(
    file: File,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    output_format: DecisionFormat = "table",
    output: OutputFile = None,
    accounts: AccountsFile = None,
    sort: SortBy = "risk",
    no_group: NoGroup = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad record, and leave no output file behind.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", min=1, metavar="J", help="Processes: for a file of JSON lines, as json, jsonl or csv."
        ),
    ] = 1,
) -> None:
    """Score findings from a file without asking AWS anything.

    The table has findings that are alike on one row, the worst first, in no more than a screen; the other
    formats have one decision for each finding, in their order. Points are written as known + not known: a
    fact that nobody looked up counts at its worst. A record that cannot be read is named on standard error;
    the others are still scored, and the exit code is then 2.
    """
    from functools import partial

    from scoring.cli.output.decisions import FORMS, WRITERS, write_table
    from scoring.cli.output.table import View
    from scoring.decision.settings import decide_all, load_settings
    from scoring.files.json_file import check
    from scoring.files.output_file import destination
    from scoring.findings.accounts import described
    from scoring.findings.cases import Cases

    model, policy, accounts = configured(model, policy, accounts)
    settings = load_settings(model, policy, threshold)
    check(file)
    faults = Faults(most=None if strict else MOST_FAULTS)
    cases = described(Cases(file, faults, is_strict=strict), accounts, settings.policy.known_vendors)
    write = WRITERS[output_format]
    if output_format == "table":
        steps = _next_steps(file, has_accounts=accounts is not None)
        view = View(is_grouped=not no_group, sort=sort, next_steps=steps)
        write = partial(write_table, view=view)
    with (
        progress("findings", is_printing=output is None) as bar,
        destination(output, (file, model, policy, accounts)) as out,
    ):
        bar.left_behind = f"nothing was written to {output}" if output else ""
        if jobs > 1 and output_format in FORMS and not strict:
            from scoring.cli.parallel import write_in_parallel

            named = model, policy, threshold, accounts
            write_in_parallel(file, out, faults, bar, jobs=jobs, output_format=output_format, named=named)
        else:
            write(decide_all(bar.each(cases), settings), out, settings.policy)
        if strict and faults.count:
            out.flush()
            raise faults.exit()
    raise faults.exit()


def explain(
    file: File,
    finding_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="Which one: an id or its beginning, a resource's name, or a row of the table that score"
            " prints. Default: all, one after the other.",
            show_default=False,
        ),
    ] = None,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    accounts: AccountsFile = None,
    output_format: TextFormat = "text",
) -> None:
    """Explain decisions as the alerts do.

    As JSON a line for each: the decision, with the finding's facts.
    """
    import sys

    from scoring.cli.choose import choose
    from scoring.cli.output.explanations import WRITERS
    from scoring.decision.settings import decide_all, load_settings
    from scoring.findings.accounts import described
    from scoring.findings.cases import Cases

    model, policy, accounts = configured(model, policy, accounts)
    settings = load_settings(model, policy, threshold)
    faults = Faults(most=MOST_FAULTS)
    decided = decide_all(described(Cases(file, faults), accounts, settings.policy.known_vendors), settings)
    if finding_id is not None:
        decided = iter(choose(decided, finding_id, where=file))
    WRITERS[output_format](decided, sys.stdout, settings)
    raise faults.exit()


def _next_steps(file: str, *, has_accounts: bool) -> tuple[str, ...]:
    """Say what to type after the table."""
    import shlex

    from scoring.files.errors import printable

    typed = shlex.quote(printable(file)) if file != "-" else "FILE"
    more = "" if has_accounts else "; or, for accounts alone, --accounts accounts.csv"
    return (
        f"triage explain {typed} --id 1",
        "    says why, and what to do; 1 is the row: an id, its beginning or a resource's name do as well",
        "triage scan --analyzer-arn ARN",
        f"    looks up tags and accounts, which a file does not tell{more}",
    )
