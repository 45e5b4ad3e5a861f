"""The command `triage demo`: the whole main job on an embedded AWS, for whoever has no account at hand."""

from pathlib import Path
from typing import Annotated

import typer

MOST = 5000

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where the report, the emails and the decisions go.")] = Path(
        "demo-out"
    ),
    findings: Annotated[int, typer.Option(min=1, max=MOST, help="How many findings arrive.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same findings.")] = 0,
) -> None:
    """Let findings arrive on an embedded AWS, and see what becomes of them."""
    from scoring.files.errors import BadInput

    if out.exists() and not out.is_dir():
        raise BadInput("expected a directory", field="--out", value=str(out))
    import jsonpath_ng  # noqa: F401 - moto's EventBridge needs it; say so before anything is done
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from embedded.demo import files
    from embedded.demo import results as demo_results
    from embedded.demo import run as demo_run
    from embedded.demo import terminal as demo_print
    from scoring.cli.output.console import make_console

    console = make_console()
    files.prepare(out)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Building the organization", total=findings)

        def progress(handled: int) -> None:
            bar.update(task, advance=handled, description="Handling findings")

        outcome = demo_run.run(out, findings=findings, seed=seed, progress=progress)
        bar.update(task, description="Writing the report")
        results = demo_results.read(outcome)
        files.write(results, out)
    demo_print.show(results, out, console)
