"""Find a model by its path or address: a scorecard's file, a version or a registry, local or in a bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from scoring.aws.bucket import SCHEME
from scoring.decision_log.certificates import Certificate
from scoring.files.errors import BadInput
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.version_folder import VersionFolder, find_version
from training.registry.registry import CERTIFICATES, MEASURING, METRICS, Registry
from training.registry.stores import open_store


def load(where: str | Path) -> Scorecard:
    """Read a scorecard; ``s3://bucket/prefix`` is a registry's current version or, by its name, another.

    Raises
    ------
    BadInput
        There is none, or it is not what its manifest says.
    """
    version = find(where)
    return formats.load(where) if version is None else formats.load_version(version)


@dataclass(frozen=True)
class LearnedUntil:
    """How recent the findings are that a model rests on: time of the latest, in seconds since 1970.

    Attributes
    ----------
    is_known : bool
        Whether the metrics of the model's version say it.
    learned, calibrated : float or None
        Of the findings that the scorecard was fitted on, and that the threshold was chosen on; None where
        there were none.
    """

    is_known: bool
    learned: float | None
    calibrated: float | None


def learned_until(model: str | Path) -> LearnedUntil:
    """Return how recent the findings are that a model rests on."""
    data = (metrics_beside(model) or {}).get("data")
    data = data if isinstance(data, dict) else {}
    return LearnedUntil(
        bool(data), _seconds(data.get("learned_until")), _seconds(data.get("calibrated_until"))
    )


def measuring(model: str | Path) -> tuple[Scorecard, LearnedUntil] | None:
    """Return the card that a version was measured with, and how recent the findings are that it rests on.

    It is what the same training made of all but the latest labels: every label fits the version's own card,
    which therefore says nothing reliable of any of them. None where a version has none.
    """
    version = find(model)
    if version is None or MEASURING not in version.digests:
        return None
    data = (metrics_beside(model) or {}).get("data")
    until = _seconds(data.get("measured_after")) if isinstance(data, dict) else None
    card = formats.from_json(version.read(MEASURING).decode("utf-8", "surrogatepass"))
    return card, LearnedUntil(until is not None, until, until if card.threshold is not None else None)


def _seconds(text: Any) -> float | None:
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError):
        return None


def metrics_beside(where: str | Path) -> dict[str, Any] | None:
    """Return the metrics that a version was written with; None where a scorecard stands alone."""
    version = find(where)
    if version is None or METRICS not in version.digests:
        return None
    metrics: dict[str, Any] = json.loads(version.read(METRICS))
    return metrics


def registry_of(where: str | Path) -> tuple[Registry, str] | None:
    """Return the registry that a model is in, and its version there; None where a scorecard stands alone."""
    version = find(where)
    if version is None:
        return None
    above, _, name = version.where.rstrip("/").rpartition("/")
    if not str(where).startswith(SCHEME):
        folder = Path(version.where).resolve()
        above, name = str(folder.parent), folder.name
    return Registry(open_store(above)), name


def keep_certificate(where: str | Path, certificate: Certificate) -> None:
    """Write a certificate beside the versions of its model's registry; a lone scorecard has none."""
    found = registry_of(where)
    if found is not None:
        found[0].append(CERTIFICATES, {"version": found[1], **msgspec.to_builtins(certificate)})


def certified(registry: Registry, version: str) -> str:
    """Say what the latest certificate of a version says; empty where it has none."""
    of_version = [line for line in registry.lines(CERTIFICATES) if line.get("version") == version]
    if not of_version:
        return ""
    return msgspec.convert(of_version[-1], Certificate).sentence


def find(where: str | Path) -> VersionFolder | None:
    """Return the version that a path or an address names; None where a scorecard stands alone."""
    if not str(where).startswith(SCHEME):
        return find_version(Path(where))
    registry = Registry(open_store(str(where)))
    current = registry.current()
    if current is not None:
        return registry.version(current)
    above, _, version = str(where).rstrip("/").rpartition("/")
    if not above.startswith(SCHEME):
        raise BadInput("expected a registry with a current version", where=str(where))
    return Registry(open_store(above)).version(version)
