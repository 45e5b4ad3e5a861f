"""The command `triage demo`: the whole main job on an embedded AWS, for whoever has no account at hand."""

from pathlib import Path
from typing import Annotated

import typer

MOST = 5000

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report, the emails and the decisions go.")
    ] = Path("demo-out"),
    findings: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST, help="How many findings arrive.")
    ] = 300,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed gives the same findings.")] = 0,
) -> None:
    """Let findings arrive on an embedded AWS, and see what becomes of them."""
    from scoring.files.errors import BadInput

    if out.exists() and not out.is_dir():
        raise BadInput("expected a directory", field="--out", value=str(out))
    import jsonpath_ng  # noqa: F401 - moto's EventBridge needs it; say so before anything is done

    from embedded.demo import files
    from embedded.demo import results as demo_results
    from embedded.demo import run as demo_run
    from embedded.demo import terminal as demo_print
    from scoring.cli.output.console import make_console
    from scoring.cli.progress import progress

    files.prepare(out)
    with progress("findings", total=findings) as bar:
        bar.begin("building the organization")

        def handled(count: int) -> None:
            bar.begin("arriving")
            bar.add(count)

        outcome = demo_run.run(out, findings=findings, seed=seed, progress=handled)
        bar.begin("writing the report")
        results = demo_results.read(outcome)
        files.write(results, out)
    demo_print.show(results, out, make_console())
