"""A model by where it lies: a file, a version's or registry's folder, or the same in a bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scoring.files.errors import BadInput
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from training.registry.registry import CURRENT, METRICS, Registry
from training.registry.stores import SCHEME, open_store


def load(where: str | Path) -> Scorecard:
    """Read a scorecard; ``s3://bucket/prefix`` is a registry's current version or, by its name, another.

    Raises
    ------
    BadInput
        There is none, or it is not what its manifest says.
    """
    if not str(where).startswith(SCHEME):
        return formats.load(where)
    registry, version = _in_bucket(str(where))
    return registry.scorecard(version)


def metrics_beside(where: str | Path) -> dict[str, Any] | None:
    """Return the metrics that a version was written with; None where a scorecard stands alone."""
    if str(where).startswith(SCHEME):
        registry, version = _in_bucket(str(where))
        return registry.metrics(version)
    path = Path(where)
    if path.is_dir() and not (path / METRICS).exists() and (path / CURRENT).is_file():
        path = path / (path / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    try:
        found = json.loads(((path if path.is_dir() else path.parent) / METRICS).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _in_bucket(where: str) -> tuple[Registry, str]:
    registry = Registry(open_store(where))
    current = registry.current()
    if current is not None:
        return registry, current
    above, _, version = where.rstrip("/").rpartition("/")
    if not above.startswith(SCHEME):
        raise BadInput("expected a registry with a current version", where=where)
    return Registry(open_store(above)), version
