"""Links by which an alert is answered: signed, bound to one decision, and usable once.

A token says which decision it is about, what is to be done, and how many verdicts on that decision had been
given and taken back when it was made. Every verdict raises that number, so what the log says is what uses a
token up. All of it is signed; nothing else is in it, and nothing of it is read before the signature holds.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes

from scoring.explanation.content import Answers
from scoring.explanation.words import moment

LinkAction = Literal["expected", "unintended", "take back"]

VALID: Final = timedelta(days=14)
"""How long a link is good for; keys may be changed as often, and links of both keys hold."""
LEAST_KEY: Final = 32
"""Characters of a key."""

_PURPOSE: Final = "access-triage review link 1"
_ITEM: Final = "decision#"
_ACTIONS: Final[tuple[LinkAction, ...]] = ("expected", "unintended", "take back")
_LONGEST: Final = 4000


class Forged(Exception):
    """A token that was not signed here, or not for this."""


class Expired(Exception):
    """A token that was signed here, too long ago.

    Attributes
    ----------
    link : Link
        What it said.
    """

    def __init__(self, link: "Link") -> None:
        self.link = link
        super().__init__("expired")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says.

    Attributes
    ----------
    item : str
        The decision's key in the log beside the finding's id.
    revision : int
        How many verdicts had been given on the decision and taken back.
    issued_at : datetime
        When the alert was sent, in whole seconds; links that follow from it expire with it.
    """

    finding_id: str
    item: str
    action: LinkAction
    revision: int = 0
    issued_at: datetime

    @property
    def digest(self) -> str:
        """Name of the decision that it is about, for counting."""
        return hashlib.sha256(f"{self.finding_id}\n{self.item}".encode()).hexdigest()[:16]

    @property
    def until(self) -> datetime:
        """Until when it is good."""
        return self.issued_at + VALID


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Makes links and reads their tokens.

    Parameters
    ----------
    url : str
        Address of the page.
    table : str
        The decision log's table: tokens are good for no other.
    keys : sequence of str
        The oldest first; the last one signs.
    """

    url: str
    table: str
    keys: Sequence[str]

    def answers(self, finding_id: str, item: str, now: datetime) -> Answers:
        """Return the links of an alert."""
        link = Link(finding_id=finding_id, item=item, action="expected", issued_at=now)
        other = msgspec.structs.replace(link, action="unintended")
        return Answers(self.address(link), self.address(other), moment(link.until))

    def address(self, link: Link) -> str:
        """Return the address of the page behind a link."""
        return f"{self.url.rstrip('/')}/{self.token(link)}"

    def token(self, link: Link) -> str:
        """Sign what a link says; the same link and key give the same token."""
        content = [
            link.finding_id,
            link.item.removeprefix(_ITEM),
            _ACTIONS.index(link.action),
            link.revision,
        ]
        signed: str | bytes = self._serializer(int(link.issued_at.timestamp())).dumps(content)
        return signed if isinstance(signed, str) else signed.decode("ascii")

    def read(self, token: str, now: datetime) -> Link:
        """Read a token.

        Raises
        ------
        Forged
            It was not signed with one of the keys for this table and purpose, or has been changed.
        Expired
        """
        if len(token) > _LONGEST or not token.isascii():
            raise Forged
        try:
            content, issued_at = self._serializer().loads(token, return_timestamp=True)
            finding_id, item, action, revision = msgspec.convert(content, tuple[str, str, int, int])
            link = Link(
                finding_id=finding_id,
                item=_ITEM + item,
                action=_ACTIONS[action],
                revision=revision,
                issued_at=issued_at.astimezone(UTC),
            )
        except (BadData, msgspec.ValidationError, IndexError) as error:
            raise Forged from error
        if now > link.until:
            raise Expired(link)
        return link

    def _serializer(self, moment: int = 0) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            list(self.keys),
            salt=f"{_PURPOSE}, {self.table}",
            signer=_Signer,
            signer_kwargs={"moment": moment, "key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


class _Signer(TimestampSigner):
    """Signs as of a given moment, and takes a signature in its one spelling only."""

    def __init__(self, *given: Any, moment: int, **named: Any) -> None:
        super().__init__(*given, **named)
        self._moment = moment

    def get_timestamp(self) -> int:
        """Return the moment of signing, in seconds since 1970."""
        return self._moment

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Check a signature; Base64 has several spellings of the same bytes, of which ours is one."""
        try:
            is_ours = base64_encode(base64_decode(sig)) == want_bytes(sig)
        except BadData:
            return False
        return is_ours and super().verify_signature(value, sig)
