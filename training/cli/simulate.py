"""The command `triage simulate`: a history of a synthetic organization, to try things on."""

from typing import Annotated

import typer


def simulate(
    out: Annotated[
        str,
        typer.Option(
            metavar="F", help="File to write: .jsonl, .jsonl.gz or .parquet by its name.", show_default=False
        ),
    ],
    findings: Annotated[int, typer.Option(metavar="N", min=1, help="How many findings.")] = 10_000,
    labelled: Annotated[
        float, typer.Option(metavar="X", min=0, max=1, help="Share of them that somebody gave a verdict on.")
    ] = 0.6,
    backlog: Annotated[
        int, typer.Option(metavar="N", min=0, help="So many of the first carry no verdict.")
    ] = 0,
    days: Annotated[float, typer.Option(metavar="N", min=1, help="How long it took.")] = 365.0,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Write the past decisions of a synthetic organization, as records.

    For a first look at train, tune and backtest without a history of your own. Every name in it is invented.
    """
    from training.history.record_files import write_records
    from training.simulate import simulate as simulated

    drawn = simulated(findings, seed=seed, labelled=labelled, backlog=backlog, days=days)
    written = write_records((one.record for one in drawn), out)
    typer.echo(f"{written:,} records in {out}")
