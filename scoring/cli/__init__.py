"""The commands of the runtime; each imports what it needs when it runs."""

import typer

from scoring.cli import check as cli_check
from scoring.cli import dead_letters, rules
from scoring.cli import review as cli_review
from scoring.cli import score as cli_score
from scoring.cli import summary as cli_summary
from scoring.cli import undo as cli_undo
from scoring.cli.doctor import command as cli_doctor
from scoring.cli.scan import command as cli_scan

app = typer.Typer()
app.command()(cli_score.score)
app.command()(cli_score.explain)
app.command()(cli_check.check)
app.command()(cli_scan.scan)
app.command()(cli_undo.undo)
app.command()(cli_review.review)
app.command()(cli_summary.summary)
app.add_typer(rules.app, name="rules")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(cli_doctor.doctor)
