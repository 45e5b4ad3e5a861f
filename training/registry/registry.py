"""The model registry: versions with the digests of their files, the promoted one, and the way back.

<store>/<version>/scorecard.json metrics.json card.md report.html training.joblib test.parquet manifest.json
<store>/current      the name of the promoted version
<store>/promotions   the names of all versions that were promoted, one a line, the latest last
<store>/uses.jsonl           each use of calibration data; see `training.registry.uses`
<store>/certificates.jsonl   what `triage certify` has stated, one run a line
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from scoring.files.errors import BadInput
from scoring.scorecard.formats import load_version
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.version_folder import (
    CURRENT,
    MANIFEST,
    VersionFolder,
    check_name,
    current_version,
    manifest_of,
    version_in,
)
from training.registry.stores import Store

PROMOTIONS: Final = "promotions"
METRICS: Final = "metrics.json"
TRAINING: Final = "training.joblib"
HELD_OUT: Final = "test.parquet"
MEASURING: Final = "measured.json"
ANY: Final = "*"
CERTIFICATES: Final = "certificates.jsonl"


class Registry:
    """The versions in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def add(self, version: str, files: Mapping[str, bytes]) -> None:
        """Write a version; its manifest comes last, so that a version without one is not whole."""
        check_name(version, self.store.name)
        for name, content in files.items():
            self.store.write(f"{version}/{name}", content)
        self.store.write(f"{version}/{MANIFEST}", manifest_of(version, files))

    def versions(self) -> list[str]:
        """Return the names of all whole versions, oldest data first."""
        return [name for name in self.store.folders() if self.store.read(f"{name}/{MANIFEST}") is not None]

    def current(self) -> str | None:
        """Return the promoted version, if there is one."""
        content = self.store.read(CURRENT)
        return None if content is None else current_version(content, self.store.name)

    def promotions(self) -> list[str]:
        """Return every version that was promoted, the latest last."""
        return (self.store.read(PROMOTIONS) or b"").decode("utf-8", "replace").split()

    def promote(self, version: str, *, instead_of: str | None = ANY) -> None:
        """Make a version the current one.

        Parameters
        ----------
        instead_of : str or None
            The version that was current when this one was compared with it; by default any.

        Raises
        ------
        BadInput
            There is no such version, or one of its files is not what its manifest says; or somebody else has
            promoted another one meanwhile.
        """
        self.verify(version)
        current = self.current()
        if instead_of not in (ANY, current):
            expected = f"{current} was promoted meanwhile: compare with it, and promote again"
            raise BadInput(expected, where=self.store.name)
        if current != version:
            self._set([*self.promotions(), version])

    def rollback(self) -> tuple[str, str]:
        """Go back to the version that was promoted before; return the one left and the one that is current.

        Raises
        ------
        BadInput
            No other version was promoted before, or it is damaged.
        """
        left, promoted = self.current(), self.promotions()
        # A promotion that was cut off stands in the list, but never became the current version.
        while left in promoted and promoted[-1] != left:
            promoted.pop()
        while promoted and promoted[-1] == left:
            promoted.pop()
        if left is None or not promoted:
            raise BadInput("no version was promoted before the current one", where=self.store.name)
        self.verify(promoted[-1])
        self._set(promoted)
        return left, promoted[-1]

    def _set(self, promoted: list[str]) -> None:
        self.store.write(PROMOTIONS, "".join(f"{name}\n" for name in promoted).encode())
        self.store.write(CURRENT, f"{promoted[-1]}\n".encode())

    def version(self, name: str) -> VersionFolder:
        """Return a version.

        Raises
        ------
        BadInput
            There is no such version, or it is not whole.
        """
        found = version_in(self.store.read, name, self.store.name)
        if not found.is_whole:
            known = ", ".join(self.versions()) or "none"
            raise BadInput(f"expected a version of the registry (there are: {known})", where=found.where)
        return found

    def read(self, version: str, name: str) -> bytes:
        """Return a file of a version, as its manifest says it must be.

        Raises
        ------
        BadInput
            There is no such version or file, or it has changed since it was written.
        """
        return self.version(version).read(name)

    def verify(self, version: str) -> None:
        """Check all files of a version against its manifest."""
        found = self.version(version)
        for name in found.digests:
            found.read(name)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a file of the registry, the oldest first.

        Raises
        ------
        BadInput
            A line is no JSON object.
        """
        found: list[dict[str, Any]] = []
        for number, line in enumerate((self.store.read(name) or b"").splitlines(), 1):
            try:
                read = json.loads(line)
            except ValueError:
                read = None
            if not isinstance(read, dict):
                raise BadInput("expected a JSON object", where=f"{self.store.name}/{name}:{number}")
            found.append(read)
        return found

    def append(self, name: str, line: Mapping[str, Any]) -> None:
        """Add a line to a file of the registry."""
        before = self.store.read(name) or b""
        self.store.write(name, before + json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def scorecard(self, version: str) -> Scorecard:
        """Return a version's scorecard."""
        return load_version(self.version(version))

    def metrics(self, version: str) -> dict[str, Any]:
        """Return a version's metrics."""
        metrics: dict[str, Any] = json.loads(self.read(version, METRICS))
        return metrics
