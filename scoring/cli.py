"""The commands of the runtime; each imports what it needs when it runs."""

import typer

from scoring import cli_doctor, cli_review, cli_rules, cli_scan, cli_score, cli_summary, cli_undo

app = typer.Typer()
app.command()(cli_score.score)
app.command()(cli_score.explain)
app.command()(cli_scan.scan)
app.command()(cli_undo.undo)
app.command()(cli_review.review)
app.command()(cli_summary.summary)
app.add_typer(cli_rules.app, name="rules")
app.command()(cli_doctor.doctor)
