"""Where model versions are kept: a local folder, or a bucket under a prefix."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final, Protocol

from scoring.aws.errors import as_bad_input
from scoring.files.errors import BadInput

SCHEME: Final = "s3://"


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

        bucket, _, prefix = where.removeprefix(SCHEME).partition("/")
        if not bucket:
            raise BadInput("expected s3://bucket or s3://bucket/prefix", value=where)
        return BucketStore(boto3.client("s3"), bucket, prefix)
    if Path(where).is_file():
        raise BadInput("expected a folder, got a file", where=where)
    return FolderStore(Path(where))


class FolderStore:
    """A local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, str(folder)

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None where there is none."""
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

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
    """A bucket of S3, which should keep old versions of its objects.

    Parameters
    ----------
    client : S3 client
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self.client, self.bucket = client, bucket
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self.name = f"{SCHEME}{bucket}/{self.prefix}".rstrip("/")

    def read(self, path: str) -> bytes | None:
        """Return an object's content; None where there is none."""
        with as_bad_input(f"read {self.name}/{path}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + path)
            except self.client.exceptions.NoSuchKey:
                return None
            content: bytes = answer["Body"].read()
            return content

    def write(self, path: str, content: bytes) -> None:
        """Write an object."""
        with as_bad_input(f"write {self.name}/{path}"):
            self.client.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=content)

    def folders(self) -> list[str]:
        """Return the names of the folders, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
        )
        with as_bad_input(f"list {self.name}"):
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
        return sorted(prefix[len(self.prefix) :].rstrip("/") for prefix in found)
