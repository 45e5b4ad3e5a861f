"""Objects in a bucket under a prefix; what has not changed is not sent again."""

from typing import Any, NamedTuple

from scoring.aws.errors import code
from scoring.files.errors import BadInput

SCHEME = "s3://"
_LARGEST = 20_000_000
_UNCHANGED = ("304", "NotModified")
_MISSING = ("NoSuchKey", "404")


class Read(NamedTuple):
    """What an object holds, and which version of it that is."""

    content: bytes
    version: str


class Bucket:
    """Reads the objects below an address.

    Parameters
    ----------
    client : S3 client
    address : str
        ``s3://bucket/prefix``.
    """

    def __init__(self, client: Any, address: str) -> None:
        name, _, prefix = address.removeprefix(SCHEME).partition("/")
        self._client, self._name = client, name
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._known: dict[str, Read] = {}

    def read(self, path: str) -> Read:
        """Read an object; with a condition, so that one that is known is not sent again.

        Parameters
        ----------
        path : str
            Below the prefix; or an address of its own.

        Raises
        ------
        BadInput
            There is no such object, or it is too large to be one of ours.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            It cannot be read.
        """
        name, key = self._name, self._prefix + path
        if path.startswith(SCHEME):
            name, _, key = path.removeprefix(SCHEME).partition("/")
        where = f"{SCHEME}{name}/{key}"
        known = self._known.get(where)
        condition = {"IfNoneMatch": known.version} if known else {}
        try:
            answer = self._client.get_object(Bucket=name, Key=key, **condition)
        except Exception as error:
            if known is not None and code(error) in _UNCHANGED:
                return known
            if code(error) in _MISSING:
                raise BadInput("there is no such object", where=where) from None
            raise
        if answer["ContentLength"] > _LARGEST:
            raise BadInput(f"expected at most {_LARGEST} bytes", where=where, value=answer["ContentLength"])
        self._known[where] = Read(answer["Body"].read(), answer["ETag"])
        return self._known[where]
