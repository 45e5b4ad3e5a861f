"""The commands of training; each imports what it needs when it runs."""

import typer

from training import cli_backtest, cli_history, cli_models, cli_rules, cli_simulate, cli_train

app = typer.Typer()
app.add_typer(cli_history.history, name="history")
app.command()(cli_train.train)
app.command()(cli_backtest.backtest)
app.command()(cli_backtest.tune)
app.add_typer(cli_models.models, name="models")
app.add_typer(cli_rules.rules, name="rules")
app.command()(cli_simulate.simulate)
