"""The command `triage rules suggest`, beside those of the runtime: native archive rules, out of history."""

from enum import StrEnum
from typing import Annotated

import typer

from training.cli.options import History, Jobs, PolicyFile, read_history, watch

rules = typer.Typer(rich_markup_mode=None)


class Form(StrEnum):
    """How suggestions are written."""

    text = "text"
    cli = "cli"
    cdk = "cdk"
    cloudformation = "cloudformation"
    json = "json"


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
    format: Annotated[Form, typer.Option(help="For people, or to create them with.")] = Form.text,  # noqa: A002
    policy: PolicyFile = None,
    jobs: Jobs = None,
) -> None:
    """Suggest native archive rules that would have archived expected findings only.

    Found in the earlier part of the history, checked on the later one; never one that touches public access.
    Nothing is changed in AWS: triage rules create does, after showing what matches now.
    """
    from scoring.files.errors import BadInput
    from training.rules import forms
    from training.rules.suggest import Wishes, read_past
    from training.rules.suggest import suggest as find

    if "-" in history:
        raise BadInput("expected files, since they are read twice", value="-")
    with watch() as watching:
        dataset, _, code = read_history(history, policy, jobs, watching)
        watching.stage("looking for rules")
        found = find(read_past(history, dataset), Wishes(most, support, precision, delta, test_share))
    if format is Form.text:
        typer.echo(forms.as_text(found, 1 - delta))
    elif format is Form.json:
        typer.echo(forms.as_json(found))
    elif format is Form.cli:
        typer.echo(forms.as_commands(found))
    elif format is Form.cdk:
        typer.echo(forms.as_cdk(found))
    else:
        typer.echo(forms.as_cloudformation(found))
    raise typer.Exit(code)
