"""What keeps the page to the person who started it: loopback, one link, one cookie, forms of our own.

Another page in the same browser can reach a server on loopback, be it by a name of its own that it lets point
there (DNS rebinding). So each request has to name our address, carry the cookie, and, where a browser says
where it comes from, come from us.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

MOST_BYTES: Final = 1_000_000
"""Of a form, at most."""
_OURS: Final = ("same-origin", "none")


class Refused(Exception):
    """A request that is not answered, in words for a person."""


@dataclass
class Keys:
    """The secrets of one run.

    Attributes
    ----------
    token : str or None
        Of the link that the command prints; None once it was used.
    session : str
        What the cookie holds.
    """

    port: int
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Name of the cookie; a browser sends cookies to every port, so each run has its own name."""
        return f"triage-ui-{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the page may be asked for."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def form_token(self) -> str:
        """What each of our forms carries; it follows from the cookie, and does not tell it."""
        return hmac.digest(self.session.encode(), b"form", hashlib.sha256).hex()

    def check(self, request: Request) -> Response | None:
        """Let a request pass, or answer it.

        Returns
        -------
        Response or None
            None where it may go on; otherwise what is sent instead.

        Raises
        ------
        Refused
            It is not from the page's own user.
        """
        host = request.headers.get("host", "")
        if host not in self.hosts:
            raise Refused("This page is only there under its own address on this computer.")
        origin = request.headers.get("origin")
        if origin is not None and origin not in [f"http://{name}" for name in self.hosts]:
            raise Refused("This request comes from another page.")
        if request.headers.get("sec-fetch-site", "none") not in _OURS:
            raise Refused("This request comes from another page.")
        given = request.cookies.get(self.cookie, "")
        is_known = hmac.compare_digest(given.encode(), self.session.encode())
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            return self._swap(token, is_known=is_known)
        if not is_known:
            raise Refused(
                "Open the link that triage ui has printed. It is good once: start it again for another."
            )
        if request.method not in ("GET", "HEAD", "POST"):
            raise Refused("There is nothing to do this with.")
        if request.method == "POST" and origin is None:
            raise Refused("This request does not say which page it comes from.")
        return None

    def _swap(self, token: str, *, is_known: bool) -> Response:
        is_ours = self.token is not None and hmac.compare_digest(token.encode(), self.token.encode())
        if not (is_ours or is_known):
            raise Refused(
                "This link was used, or is none. It is good once: start triage ui again for another."
            )
        response = RedirectResponse("/", status_code=303)
        if is_ours:
            self.token = None
            response.set_cookie(self.cookie, self.session, httponly=True, samesite="strict", path="/")
        return response

    async def read_form(self, request: Request) -> list[tuple[str, str]]:
        """Read a form of ours.

        Raises
        ------
        Refused
            It is too long, or none of ours.
        """
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Refused("The form is too long.")
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        if not hmac.compare_digest(dict(pairs).get("form_token", "").encode(), self.form_token.encode()):
            raise Refused("The form is not from this run of triage ui: load the page again.")
        return [pair for pair in pairs if pair[0] != "form_token"]


def headers(style: str, script: str) -> Mapping[str, str]:
    """Return the headers of each answer: one style sheet and one script, by their digests, and no more."""
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",  # with no-referrer a form of ours would send the origin "null"
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def refusal(error: Refused) -> Response:
    """Say why a request is not answered; the words are ours."""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not answered</title>'
        f"<main><h1>Not answered</h1><p>{error}</p></main></html>"
    )
    return HTMLResponse(text, status_code=403)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
