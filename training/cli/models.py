"""The commands `triage models ...`: the registry of model versions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring.cli.faults import Faults
from scoring.cli.options import ListFormat, ReportFormat

if TYPE_CHECKING:
    from training.registry.registry import Registry as ModelRegistry

models = typer.Typer(
    help="The model registry: a local folder, or s3://bucket/prefix.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Registry = Annotated[
    str, typer.Argument(metavar="REGISTRY", help="A folder, or s3://bucket/prefix.", show_default=False)
]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Name of a version.", show_default=False)]

_SHOWN = {
    "kind": "kind",
    "threshold": "threshold",
    "archived_share": "archived",
    "roc_auc": "ROC AUC",
    "n": "n",
    "positives": "unintended",
}
"""What the list shows of a version, and its headings."""


@models.command("list")
def list_versions(registry: Registry, output_format: ListFormat = "table") -> None:
    """List the versions; the current one is marked."""
    from scoring.cli.output.console import print_columns, print_records
    from scoring.files.errors import BadInput

    found, faults = _open(registry), Faults()
    current, promoted = found.current(), found.promotions()
    rows = []
    for version in found.versions():
        try:
            metrics = found.metrics(version)
        except BadInput as error:
            faults(error)
            continue
        rows.append(
            {
                "version": version,
                "current": version == current,
                "promoted": version in promoted,
                "kind": metrics["model"]["kind"],
                "threshold": metrics["threshold"]["value"],
                "archived_share": metrics["threshold"]["archived_share"],
                **{name: metrics[name] for name in ("roc_auc", "n", "positives")},
            }
        )
    if output_format != "table":
        print_records(rows, output_format)
    elif rows:
        headings = ("", "version", *_SHOWN.values())
        print_columns(headings, map(_cells, rows), numbers=headings[2:], unbroken=["version"])
    elif not faults.count:
        typer.echo(f"{found.store.name}: no versions")
    raise faults.exit()


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return "*" if row["current"] else "", row["version"], *(_cell(row[name]) for name in _SHOWN)


def _cell(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@models.command()
def show(
    registry: Registry,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Default: the current one.", show_default=False),
    ] = None,
    output_format: ReportFormat = "table",
) -> None:
    """Show a version: its model card, or its metrics as JSON."""
    from scoring.files.errors import BadInput
    from training.registry.models import certified
    from training.registry.registry import METRICS
    from training.registry.version import CARD

    found = _open(registry)
    version = version or found.current()
    if version is None:
        raise BadInput("expected a version, since none is current", where=found.store.name)
    found.verify(version)
    name = METRICS if output_format == "json" else CARD
    typer.echo(found.read(version, name).decode("utf-8", "replace"), nl=False)
    if name == CARD and (says := certified(found, version)):
        typer.echo(f"\n**Certified on drawn findings**: {says}.")


@models.command()
def promote(
    registry: Registry,
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it whatever speaks against it, and say what did.")
    ] = False,
) -> None:
    """Make a version the current one.

    Refused, with exit code 1, is one that breaks its guarantee on its test part, or ranks findings worse than
    the current one on the test part of either.
    """
    from training.registry.promotion import notes, objections

    found = _open(registry)
    found.verify(version)
    for note in notes(found, version):
        typer.echo(f"{version}: {note}", err=True)
    before = found.current()
    against = objections(found, version)
    for objection in against:
        typer.echo(f"{version}: {objection}", err=True)
    if against and not force:
        typer.echo(f"{version} is not promoted; --force promotes it all the same", err=True)
        raise typer.Exit(1)
    found.promote(version, instead_of=before)
    typer.echo(f"{version} is current" + (f", {before} before" if before not in (None, version) else ""))


@models.command()
def rollback(registry: Registry) -> None:
    """Go back to the version that was current before this one."""
    left, current = _open(registry).rollback()
    typer.echo(f"{current} is current, {left} no longer")


def _open(where: str) -> "ModelRegistry":
    from training.registry.registry import Registry
    from training.registry.stores import open_store

    return Registry(open_store(where))
