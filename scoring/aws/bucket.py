"""Objects in a bucket of S3 under a prefix, as files by their paths."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from scoring.aws.errors import code
from scoring.files.errors import BadInput

SCHEME: Final = "s3://"

_UNCHANGED = ("304", "NotModified")
_MISSING = ("NoSuchKey", "404")


class Stored(NamedTuple):
    """What an object holds, and the tag that S3 gives this version of it."""

    content: bytes
    etag: str


class Bucket:
    """Reads and writes the objects below an address.

    What AWS refuses comes as botocore's exception.

    Parameters
    ----------
    client : S3 client
    address : str
        ``s3://bucket`` or ``s3://bucket/prefix``.
    most_bytes : int, optional
        An object that is larger is not read.

    Raises
    ------
    BadInput
        The bucket has no name.
    """

    def __init__(self, client: Any, address: str, most_bytes: int | None = None) -> None:
        self.client = client
        self.bucket, prefix = _split(address)
        if not self.bucket:
            raise BadInput("expected s3://bucket or s3://bucket/prefix", value=address)
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.address = f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")
        self._most_bytes = most_bytes
        self._known: dict[tuple[str, str], Stored] = {}

    def read(self, path: str) -> bytes | None:
        """Return an object's content; None where there is none.

        Parameters
        ----------
        path : str
            Below the prefix; or an address of its own, ``s3://other-bucket/key``.

        Raises
        ------
        BadInput
            The object is too large.
        """
        stored = self._get(*self._place(path))
        return None if stored is None else stored.content

    def read_again(self, path: str) -> Stored | None:
        """Return the same as `read`; S3 does not send again what has not changed since the last call."""
        place = self._place(path)
        stored = self._get(*place, self._known.get(place))
        if stored is None:
            self._known.pop(place, None)
        else:
            self._known[place] = stored
        return stored

    def write(self, path: str, content: bytes) -> None:
        """Write an object below the prefix."""
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=content)

    def folders(self) -> list[str]:
        """Return the names directly below the prefix that have objects below them, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
        )
        found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
        return sorted(prefix[len(self.prefix) :].rstrip("/") for prefix in found)

    def _place(self, path: str) -> tuple[str, str]:
        return _split(path) if path.startswith(SCHEME) else (self.bucket, self.prefix + path)

    def _get(self, bucket: str, key: str, known: Stored | None = None) -> Stored | None:
        condition = {"IfNoneMatch": known.etag} if known else {}
        try:
            answer = self.client.get_object(Bucket=bucket, Key=key, **condition)
        except Exception as error:
            if known is not None and code(error) in _UNCHANGED:
                return known
            if code(error) in _MISSING:
                return None
            raise
        size = answer["ContentLength"]
        if self._most_bytes is not None and size > self._most_bytes:
            where = f"{SCHEME}{bucket}/{key}"
            raise BadInput(f"expected at most {self._most_bytes} bytes", where=where, value=size)
        return Stored(answer["Body"].read(), answer["ETag"])


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    return bucket, key
