"""The commands of training; each imports what it needs when it runs."""

import typer

from training.cli import backtest as cli_backtest
from training.cli import certify as cli_certify
from training.cli import history as cli_history
from training.cli import models as cli_models
from training.cli import rules as cli_rules
from training.cli import simulate as cli_simulate
from training.cli import train as cli_train

app = typer.Typer()
app.add_typer(cli_history.history, name="history")
app.command()(cli_train.train)
app.command()(cli_backtest.backtest)
app.command()(cli_backtest.tune)
app.command()(cli_certify.certify)
app.add_typer(cli_models.models, name="models")
app.add_typer(cli_rules.rules, name="rules")
app.command()(cli_simulate.simulate)
