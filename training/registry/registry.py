"""The model registry: versions with the digests of their files, the promoted one, and the way back.

<store>/<version>/scorecard.json metrics.json card.md report.html training.joblib test.parquet manifest.json
<store>/current      the name of the promoted version
<store>/promotions   the names of all versions that were promoted, one a line, the latest last
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from scoring.files.errors import BadInput
from scoring.scorecard.formats import MANIFEST, SCORECARD, from_json
from scoring.scorecard.scorecard import Scorecard
from training.registry.stores import Store

CURRENT: Final = "current"
PROMOTIONS: Final = "promotions"
METRICS: Final = "metrics.json"
TRAINING: Final = "training.joblib"
HELD_OUT: Final = "test.parquet"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


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
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
        manifest = json.dumps({"version": version, "sha256": digests}, indent=2) + "\n"
        for name, content in files.items():
            self.store.write(f"{_checked(version)}/{name}", content)
        self.store.write(f"{version}/{MANIFEST}", manifest.encode())

    def versions(self) -> list[str]:
        """Return the names of all whole versions, oldest data first."""
        return [name for name in self.store.folders() if self.store.read(f"{name}/{MANIFEST}") is not None]

    def current(self) -> str | None:
        """Return the promoted version, if there is one."""
        content = self.store.read(CURRENT)
        if content is None:
            return None
        try:
            return _checked(content.decode("utf-8", "replace").strip())
        except BadInput as error:
            raise error.at(f"{self.store.name}/{CURRENT}") from None

    def promotions(self) -> list[str]:
        """Return every version that was promoted, the latest last."""
        return (self.store.read(PROMOTIONS) or b"").decode("utf-8", "replace").split()

    def promote(self, version: str) -> None:
        """Make a version the current one.

        Raises
        ------
        BadInput
            There is no such version, or one of its files is not what its manifest says.
        """
        self.verify(version)
        if self.current() != version:
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

    def read(self, version: str, name: str) -> bytes:
        """Return a file of a version, as its manifest says it must be.

        Raises
        ------
        BadInput
            There is no such version or file, or it has changed since it was written.
        """
        where = f"{self.store.name}/{version}"
        content = self.store.read(f"{_checked(version)}/{name}")
        digests = self._digests(version)
        if content is None or name not in digests:
            raise BadInput(f"expected a file {name} of this version", where=where)
        if hashlib.sha256(content).hexdigest() != digests[name]:
            raise BadInput(
                f"{name} is not what was written: its digest differs from the manifest", where=where
            )
        return content

    def verify(self, version: str) -> None:
        """Check all files of a version against its manifest."""
        for name in self._digests(version):
            self.read(version, name)

    def scorecard(self, version: str) -> Scorecard:
        """Return a version's scorecard."""
        try:
            return from_json(self.read(version, SCORECARD))
        except BadInput as error:
            raise error.at(f"{self.store.name}/{version}") from None

    def metrics(self, version: str) -> dict[str, Any]:
        """Return a version's metrics."""
        metrics: dict[str, Any] = json.loads(self.read(version, METRICS))
        return metrics

    def _digests(self, version: str) -> dict[str, str]:
        where = f"{self.store.name}/{version}"
        content = self.store.read(f"{_checked(version)}/{MANIFEST}")
        if content is None:
            known = ", ".join(self.versions()) or "none"
            raise BadInput(f"expected a version of the registry (there are: {known})", where=where)
        try:
            manifest = json.loads(content)
            return {str(name): str(digest) for name, digest in manifest["sha256"].items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadInput(f"{MANIFEST} is damaged", where=where) from None


def _checked(version: str) -> str:
    if not _NAME.fullmatch(version):
        raise BadInput("expected the name of a version", value=version)
    return version
