"""The commands of training; each imports what it needs when it runs."""

import typer

from training import cli_train

app = typer.Typer()
app.command()(cli_train.train)
