"""What a function URL hands over and takes back (payload format 2.0), as far as the review page needs it."""

import base64
import binascii
import hashlib
import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from scoring.explanation.safe_text import visible
from scoring.findings.record import Origin
from scoring.review.answer import Reviewer
from scoring.review.page_content import style

SOMEBODY = "somebody with the link"

_LONGEST_BODY = 40_000
_LONGEST_AGENT = 160
_LONGEST_NAME = 300


class TooLong(Exception):
    """The body of a request is longer than any form of ours."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Attributes
    ----------
    token : str
        The last part of the path.
    headers : dict
        Names in lower case.
    origin : str
        The page's own, as a browser says it: scheme and host.
    signed_in : str
        ARN of the principal that AWS has signed in; empty for none.
    """

    method: str
    token: str
    headers: dict[str, str]
    address: str
    origin: str
    signed_in: str
    body: str
    is_encoded: bool

    @property
    def is_same_origin(self) -> bool:
        """Whether a browser says that the request comes from a page of ours.

        Browsers say so in ``Sec-Fetch-Site``; older ones only name the page's origin.
        """
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return self.headers.get("origin") == self.origin

    @property
    def who(self) -> Reviewer:
        """Who asks, from where, and with what."""
        agent = visible(self.headers.get("user-agent", ""), _LONGEST_AGENT)[:_LONGEST_AGENT]
        origin = Origin(self.address, agent)
        if self.signed_in:
            return Reviewer(self.signed_in, is_verified=True, origin=origin)
        return Reviewer(SOMEBODY, is_verified=False, origin=origin)

    def field(self, name: str) -> str:
        """Return a field of the form, on one line.

        Raises
        ------
        TooLong
        """
        if len(self.body) > _LONGEST_BODY:
            raise TooLong
        text = self.body
        if self.is_encoded:
            try:
                text = base64.b64decode(text, validate=True).decode("utf-8", errors="replace")
            except (binascii.Error, ValueError):
                return ""
        try:
            found = parse_qs(text, max_num_fields=20, errors="replace").get(name, [""])
        except ValueError as error:
            raise TooLong from error
        return " ".join(found[0].split())


def read(event: Mapping[str, Any], auth: Literal["NONE", "AWS_IAM"], url: str | None) -> Request:
    """Read an event; whatever is missing or of the wrong type in it counts as empty.

    Parameters
    ----------
    auth : str
        How the function URL lets people in. Without sign-in nobody is taken at their word.
    url : str or None
        The page's public address, where it is another than the function URL.
    """
    context = _mapping(event.get("requestContext"))
    http = _mapping(context.get("http"))
    path = _text(event.get("rawPath")) or _text(http.get("path"))
    place = urlsplit(url) if url else urlsplit(f"https://{_text(context.get('domainName'))}")
    headers = _mapping(event.get("headers"))
    return Request(
        method=_text(http.get("method")).upper(),
        token=path.rsplit("/", 1)[-1],
        headers={name.lower(): value for name, value in headers.items() if isinstance(value, str)},
        address=_address(_text(http.get("sourceIp"))),
        origin=f"{place.scheme}://{place.netloc}".lower(),
        signed_in=_principal(context) if auth == "AWS_IAM" else "",
        body=_text(event.get("body")),
        is_encoded=event.get("isBase64Encoded") is True,
    )


def response(status: int, page: str, *, is_head: bool = False) -> dict[str, Any]:
    """Return a page as the function URL wants it."""
    headers = {**_headers(), "Content-Type": "text/html; charset=utf-8"}
    return {"statusCode": status, "headers": headers, "body": "" if is_head else page}


def see_other(token: str) -> dict[str, Any]:
    """Send the browser to another page of ours, so that loading it again does nothing again."""
    return {"statusCode": 303, "headers": {**_headers(), "Location": f"./{token}"}, "body": ""}


@lru_cache(maxsize=1)
def _headers() -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style().encode("utf-8")).digest()).decode("ascii")
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Strict-Transport-Security": "max-age=31536000",
    }


def _principal(context: Mapping[str, Any]) -> str:
    iam = _mapping(_mapping(context.get("authorizer")).get("iam"))
    arn = _text(iam.get("userArn"))
    return arn[:_LONGEST_NAME] if arn.startswith("arn:") else ""


def _address(text: str) -> str:
    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))  # a zone may be any text
    except ValueError:
        return ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
