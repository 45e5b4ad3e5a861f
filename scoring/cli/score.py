"""The commands `triage score` and `triage explain`: findings from a file, without touching AWS."""

from typing import Annotated

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import DecisionFormat, File, ModelFile, OutputFile, PolicyFile, TextFormat, Threshold
from scoring.cli.progress import progress


def score(
    file: File,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    output_format: DecisionFormat = "table",
    output: OutputFile = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad record, and leave no output file behind.")
    ] = False,
) -> None:
    """Score findings from a file: one decision each, in their order.

    A record that cannot be read is named on standard error; the others are still scored, and the exit code is
    then 2. AWS is not asked and not told anything.
    """
    from scoring.cli.output.decisions import WRITERS
    from scoring.decision.settings import decide_all, load_settings
    from scoring.files.json_file import check
    from scoring.files.output_file import destination
    from scoring.findings.cases import Cases

    settings = load_settings(model, policy, threshold)
    check(file)
    faults = Faults()
    cases = Cases(file, faults, is_strict=strict)
    with (
        progress("findings", is_printing=output is None) as bar,
        destination(output, (file, model, policy)) as out,
    ):
        bar.left_behind = f"nothing was written to {output}" if output else ""
        WRITERS[output_format](decide_all(bar.each(cases), settings), out, settings.policy)
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
            help="Only the finding with this id. Default: all, one after the other.",
            show_default=False,
        ),
    ] = None,
    model: ModelFile = None,
    policy: PolicyFile = None,
    threshold: Threshold = None,
    output_format: TextFormat = "text",
) -> None:
    """Explain decisions as the alerts do.

    As JSON a line for each: the decision, with the finding's facts.
    """
    import sys

    from scoring.cli.output.explanations import WRITERS
    from scoring.decision.settings import decide_all, load_settings
    from scoring.files.errors import BadInput
    from scoring.findings.cases import Cases

    settings = load_settings(model, policy, threshold)
    faults = Faults()
    cases = Cases(file, faults)
    chosen = (case for case in cases if finding_id is None or case.finding.id == finding_id)
    found = WRITERS[output_format](decide_all(chosen, settings), sys.stdout, settings.policy)
    if finding_id is not None and not found:
        raise BadInput(
            "expected the id of a finding in this file", field="--id", value=finding_id, where=file
        )
    raise faults.exit()
