"""The commands `triage models ...`: the registry of model versions."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from training.cli.options import BAD_INPUT, Format, OutputFormat, complain

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

_SHOWN = ("kind", "threshold", "archived_share", "roc_auc", "n", "positives")


@models.command("list")
def list_versions(registry: Registry, format: OutputFormat = Format.table) -> None:  # noqa: A002
    """List the versions; the current one is marked."""
    from scoring.files.errors import BadInput

    found = _open(registry)
    current, promoted, damaged = found.current(), found.promotions(), 0
    rows = []
    for version in found.versions():
        try:
            metrics = found.metrics(version)
        except BadInput as error:
            complain(str(error))
            damaged += 1
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
    if format is Format.json:
        typer.echo(json.dumps(rows, indent=2))
    elif not rows and not damaged:
        typer.echo(f"{found.store.name}: no versions")
    elif rows:
        width = max(len("version"), *(len(row["version"]) for row in rows))
        typer.echo(f"  {'version':<{width}}  " + "  ".join(f"{name:>14}" for name in _SHOWN))
        for row in rows:
            cells = "  ".join(f"{_cell(row[name]):>14}" for name in _SHOWN)
            typer.echo(f"{'*' if row['current'] else ' '} {row['version']:<{width}}  {cells}")
    if damaged:
        raise typer.Exit(BAD_INPUT)


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
    format: OutputFormat = Format.table,  # noqa: A002
) -> None:
    """Show a version: its model card, or its metrics as JSON."""
    from scoring.files.errors import BadInput
    from training.registry.registry import METRICS
    from training.registry.version import CARD

    found = _open(registry)
    version = version or found.current()
    if version is None:
        raise BadInput("expected a version, since none is current", where=found.store.name)
    found.verify(version)
    name = METRICS if format is Format.json else CARD
    typer.echo(found.read(version, name).decode("utf-8", "replace"), nl=False)


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
    from training.registry.promotion import objections

    found = _open(registry)
    found.verify(version)
    against = objections(found, version)
    for objection in against:
        typer.echo(f"{version}: {objection}", err=True)
    if against and not force:
        typer.echo(f"{version} is not promoted; --force promotes it all the same", err=True)
        raise typer.Exit(1)
    before = found.current()
    found.promote(version)
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
