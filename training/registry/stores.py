"""Where model versions are kept: a local folder, or a bucket under a prefix."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Protocol

from scoring.aws.bucket import SCHEME, Bucket
from scoring.aws.errors import as_bad_input
from scoring.files.errors import BadInput
from scoring.scorecard.version_folder import folder_reader


class Store(Protocol):
    """Files under names with slashes.

    Attributes
    ----------
    name : str
        What the store is called in messages.
    """

    name: str

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None where there is none."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file; it is there whole or not at all."""

    def folders(self) -> list[str]:
        """Return the names of the folders, sorted."""


def open_store(where: str) -> Store:
    """Open a local folder, or ``s3://bucket/prefix``; nothing is created yet.

    Raises
    ------
    BadInput
        The bucket has no name, or the path is a file.
    """
    if where.startswith(SCHEME):
        import boto3

        return BucketStore(Bucket(boto3.client("s3"), where))
    if Path(where).is_file():
        raise BadInput("expected a folder, got a file", where=where)
    return FolderStore(Path(where))


class FolderStore:
    """A local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, str(folder)

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None where there is none."""
        return folder_reader(self.folder)(path)

    def write(self, path: str, content: bytes) -> None:
        """Write a file beside its place and put it there."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        beside.write_bytes(content)
        beside.replace(target)

    def folders(self) -> list[str]:
        """Return the names of the folders, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())


class BucketStore:
    """A bucket of S3, which should keep old versions of its objects; what AWS refuses is bad input."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.name = bucket, bucket.address

    def read(self, path: str) -> bytes | None:
        """Return an object's content; None where there is none."""
        with as_bad_input(f"read {self.name}/{path}"):
            return self.bucket.read(path)

    def write(self, path: str, content: bytes) -> None:
        """Write an object."""
        with as_bad_input(f"write {self.name}/{path}"):
            self.bucket.write(path, content)

    def folders(self) -> list[str]:
        """Return the names of the folders, sorted."""
        with as_bad_input(f"list {self.name}"):
            return self.bucket.folders()
