"""The keys that sign review links: the current version of a secret and the one before it."""

import logging
import time
from typing import Any

import msgspec

from scoring.aws.errors import code
from scoring.files.errors import BadInput
from scoring.review.links import LEAST_KEY, Links

_STAGES = ("AWSPREVIOUS", "AWSCURRENT")  # the last one signs
_KEPT_SECONDS = 300.0
_AGAIN_SECONDS = 20.0

logger = logging.getLogger(__name__)


class ReviewKeys(msgspec.Struct):
    """Reads the keys when they are needed, and again from time to time.

    Parameters
    ----------
    client : Secrets Manager client
    secret : str
        ARN of the secret; its text is the key.
    url, table : str
        See `scoring.review.links.Links`.
    """

    client: Any
    secret: str
    url: str
    table: str
    _links: Links | None = None
    _read_at: float = 0.0

    def links(self) -> Links:
        """Return what signs and reads links.

        Raises
        ------
        BadInput
            The secret is no key.
        botocore.exceptions.ClientError
            AWS refuses to tell.
        """
        if self._links is None or time.monotonic() - self._read_at > _KEPT_SECONDS:
            return self._read()
        return self._links

    def newer(self) -> Links | None:
        """Read the keys again, for a token that does not hold: they may have been changed.

        Returns
        -------
        Links or None
            None where they are as they were, or were read a moment ago.
        """
        before = self._links
        if time.monotonic() - self._read_at < _AGAIN_SECONDS:
            return None
        links = self._read()
        return None if links == before else links

    def links_if_any(self) -> Links | None:
        """Return what `links` does, and None where the keys cannot be had: no alert waits for its links."""
        try:
            return self.links()
        except Exception:
            logger.warning("alerts go out without review links", exc_info=True)
            return None

    def _read(self) -> Links:
        keys = [key for stage in _STAGES if (key := self._key(stage))]
        self._links = Links(url=self.url, table=self.table, keys=tuple(keys))
        self._read_at = time.monotonic()
        return self._links

    def _key(self, stage: str) -> str | None:
        try:
            found = self.client.get_secret_value(SecretId=self.secret, VersionStage=stage)
        except Exception as error:
            if stage == "AWSPREVIOUS" and code(error) == "ResourceNotFoundException":
                return None
            raise
        key = str(found.get("SecretString", ""))
        if len(key) < LEAST_KEY:
            raise BadInput(f"expected a secret text of at least {LEAST_KEY} characters", field=self.secret)
        return key
