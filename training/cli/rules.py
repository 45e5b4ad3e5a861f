"""The command `triage rules suggest`, beside those of the runtime: native archive rules, out of history."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import PolicyFile
from scoring.cli.progress import progress
from training.cli.options import History, Jobs, read_history

if TYPE_CHECKING:
    from training.rules.suggest import Suggestion

rules = typer.Typer(rich_markup_mode=None)


@rules.callback()
def _group() -> None:
    """Native archive rules of an analyzer."""


@rules.command()
def suggest(
    history: History,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, max=100, help="Rules at most.")] = 10,
    support: Annotated[
        int, typer.Option("--min-support", metavar="N", min=1, help="Expected findings that a rule must add.")
    ] = 10,
    precision: Annotated[
        float,
        typer.Option(
            "--min-precision", metavar="X", min=0, max=1, help="Least lower bound on its precision."
        ),
    ] = 0.5,
    delta: Annotated[
        float,
        typer.Option(metavar="D", min=1e-6, max=0.5, help="All bounds hold with confidence 1 - delta."),
    ] = 0.05,
    test_share: Annotated[
        float, typer.Option(metavar="Y", min=0.05, max=0.9, help="Latest share, to check rules on.")
    ] = 0.3,
    output_format: Annotated[
        Literal["text", "terraform", "cli", "cdk", "cloudformation", "json"],
        typer.Option("--format", help="Text for people; the others to create the rules with."),
    ] = "text",
    policy: PolicyFile = None,
    jobs: Jobs = None,
) -> None:
    """Suggest native archive rules that would have archived expected findings only.

    Found in the earlier part of the history, checked on the later one; never one that touches public access.
    Nothing is changed in AWS: triage rules create does, after showing what matches now.
    """
    from scoring.files.errors import BadInput
    from training.rules import forms
    from training.rules.suggest import Requirements, no_evidence, read_past
    from training.rules.suggest import suggest as find

    if "-" in history:
        raise BadInput("expected files, since they are read twice", value="-")
    faults = Faults()
    with progress("records") as bar:
        dataset, _ = read_history(history, policy, jobs, bar, faults)
        bar.begin("looking for rules")
        why, found = no_evidence(dataset), []
        if not why:
            wanted = Requirements(most, support, precision, delta, test_share)
            found = find(read_past(history, dataset), wanted)
    if why:
        typer.echo(f"{why}: no rule can be checked; review findings of all scores", err=True)
    write: dict[str, Callable[[Sequence[Suggestion]], str]] = {
        "text": partial(forms.as_text, confidence=1 - delta),
        "terraform": forms.as_terraform,
        "cli": forms.as_commands,
        "cdk": forms.as_cdk,
        "cloudformation": forms.as_cloudformation,
        "json": forms.as_json,
    }
    typer.echo(write[output_format](found))
    raise faults.exit()
