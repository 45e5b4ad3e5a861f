"""The one reader of model versions: their names, their manifests, and the promoted one.

A registry is a folder or a bucket::

    current                   the name of the promoted version
    <version>/manifest.json   {"version": "<version>", "sha256": {"scorecard.json": "<digest>", ...}}
    <version>/scorecard.json  and further files, each with its digest in the manifest

A version without its manifest is not whole: the manifest is written last.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from scoring.files.errors import BadInput

SCORECARD: Final = "scorecard.json"
MANIFEST: Final = "manifest.json"
CURRENT: Final = "current"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)

Read: TypeAlias = Callable[[str], bytes | None]
"""Returns the content of a file by its path, None where there is no such file."""


class _Manifest(msgspec.Struct):
    sha256: dict[str, str]


class VersionFolder:
    """The files of one version, each checked against the manifest.

    Parameters
    ----------
    read : callable
        Takes the name of a file of this version; see `Read`.
    where : str
        What the version is called in errors.

    Examples
    --------
    >>> files = {"scorecard.json": b"{}"}
    >>> files["manifest.json"] = manifest_of("v1", files)
    >>> VersionFolder(files.get, "models/v1").read("scorecard.json")
    b'{}'
    >>> files["scorecard.json"] = b"[]"
    >>> VersionFolder(files.get, "models/v1").read("scorecard.json")
    Traceback (most recent call last):
    scoring.files.errors.BadInput: models/v1: scorecard.json is not what was written: its digest differs from
    manifest.json
    """

    def __init__(self, read: Read, where: str) -> None:
        self._read, self.where = read, where

    @cached_property
    def is_whole(self) -> bool:
        """Whether there is a manifest."""
        return self._manifest is not None

    @cached_property
    def _manifest(self) -> bytes | None:
        return self._read(MANIFEST)

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each file, by its name.

        Raises
        ------
        BadInput
            There is no manifest, or it is damaged.
        """
        if self._manifest is None:
            raise BadInput(f"expected a version of a model, with its {MANIFEST}", where=self.where)
        try:
            text = self._manifest.removeprefix(codecs.BOM_UTF8)
            return msgspec.json.decode(text, type=_Manifest).sha256
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = f"{MANIFEST} is damaged: expected a digest of each file"
            raise BadInput(problem, where=self.where) from None

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        BadInput
            The version has no such file, or the file has changed since it was written.
        """
        content = self._read(name) if name in self.digests else None
        if content is None:
            raise BadInput(f"expected a file {name} of this version", where=self.where)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise BadInput(
                f"{name} is not what was written: its digest differs from {MANIFEST}", where=self.where
            )
        return content


def version_in(read: Read, version: str, registry: str) -> VersionFolder:
    """Return a version of a registry by its name.

    Parameters
    ----------
    read : callable
        Takes a path below the registry; see `Read`.
    registry : str
        What the registry is called in errors.

    Raises
    ------
    BadInput
        A version cannot have this name.
    """
    checked = check_name(version, registry)
    return VersionFolder(lambda name: read(f"{checked}/{name}"), f"{registry}/{checked}")


def current_version(content: bytes, registry: str) -> str:
    r"""Return the name of the promoted version.

    Parameters
    ----------
    content : bytes
        Of the file `CURRENT`.
    registry : str
        What the registry is called in errors.

    Raises
    ------
    BadInput
        It is no name of a version.

    Examples
    --------
    >>> current_version(b"2026-11-02-1a2b3c4d\n", "models")
    '2026-11-02-1a2b3c4d'
    """
    return check_name(content.decode("utf-8-sig", "replace").strip(), f"{registry}/{CURRENT}")


def check_name(version: str, where: str) -> str:
    """Return the name of a version if it is one: up to 128 ASCII letters, digits and ``-_.``.

    Parameters
    ----------
    where : str
        Where the name stands, for errors.

    Raises
    ------
    BadInput
        It is none, or does not begin with a letter or a digit.

    Examples
    --------
    >>> check_name("../v1", "m")
    Traceback (most recent call last):
    scoring.files.errors.BadInput: m: expected the name of a version (letters, digits, - _ .), got '../v1'
    """
    if not _NAME.fullmatch(version):
        raise BadInput("expected the name of a version (letters, digits, - _ .)", value=version, where=where)
    return version


def manifest_of(version: str, files: Mapping[str, bytes]) -> bytes:
    """Return the manifest of a version with these files."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    return (json.dumps({"version": version, "sha256": digests}, indent=2) + "\n").encode()


def find_version(path: Path) -> VersionFolder | None:
    """Return the version that a local path names; None where it names a file that belongs to no version.

    Parameters
    ----------
    path : Path
        Of a version's folder, of a registry's folder (its current version), or of a scorecard.json that has
        its manifest beside it.

    Raises
    ------
    BadInput
        A folder is neither a version's nor a registry's with a current version, or cannot be read.
    """
    if not _is_folder(path):
        beside = VersionFolder(folder_reader(path.parent), str(path.parent))
        return beside if path.name == SCORECARD and beside.is_whole else None
    read = folder_reader(path)
    if (path / MANIFEST).is_file() or (path / SCORECARD).is_file():
        check_name(path.resolve().name, str(path))
        return VersionFolder(read, str(path))
    current = read(CURRENT)
    if current is None:
        expected = f"expected a {SCORECARD} with its {MANIFEST}, or a file named {CURRENT}, in the folder"
        raise BadInput(expected, where=str(path))
    return version_in(read, current_version(current, str(path)), str(path))


def folder_reader(folder: Path) -> Read:
    """Return what reads the files of a local folder by their paths below it."""

    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            raise BadInput(problem, where=str(folder / path)) from None

    return read


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # said better where it is read as a file
