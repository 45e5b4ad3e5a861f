"""The review page as a browser reaches it: requests as events of the function URL, and a server."""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import urlencode

from handlers import review_page
from handlers.review import settings
from tests.lambda_.deployment import Deployment

URL = "https://review.example"
SAME = {"sec-fetch-site": "same-origin"}
AGENT = "Mozilla/5.0 (test)"


class Answer(NamedTuple):
    """A response, with what its heading says."""

    status: int
    heading: str
    html: str
    headers: dict[str, str]

    @property
    def token(self) -> str:
        """Where a redirection leads."""
        return self.headers["Location"].removeprefix("./")


def event(
    method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None, **context: Any
) -> dict[str, Any]:
    """A request as a function URL hands it over (payload format 2.0)."""
    encoded = None if body is None else base64.b64encode(body.encode("utf-8", "surrogateescape")).decode()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"user-agent": AGENT, **(headers or {})},
        "requestContext": {
            "domainName": "review.example",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9", "userAgent": AGENT},
            **context,
        },
        "body": encoded,
        "isBase64Encoded": encoded is not None,
    }


def answer_to(given: Any) -> Answer:
    made = review_page.handler(given, None)
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", made["body"])
    return Answer(made["statusCode"], heading[1] if heading else "", made["body"], made["headers"])


def get(token: str, **context: Any) -> Answer:
    return answer_to(event("GET", f"/{token}", **context))


def post(token: str, note: str = "", headers: dict[str, str] | None = None, **context: Any) -> Answer:
    form = {"content-type": "application/x-www-form-urlencoded"}
    sent = {**form, **(SAME if headers is None else headers)}
    return answer_to(event("POST", f"/{token}", sent, urlencode({"note": note}), **context))


def tokens(mail: str) -> dict[str, str]:
    """The links of a mail's text, by verdict."""
    found = re.findall(r"^ +(Expected|Unintended): +\S+/(\S+)$", mail, re.M)
    return {verdict.lower(): token for verdict, token in found}


@contextmanager
def site(here: Deployment, url: str = URL, auth: str = "NONE") -> Iterator[None]:
    """Let alerts carry links, and the page know the time of the box."""
    secrets = here.aws.client("secretsmanager")
    arn = secrets.create_secret(Name="review", SecretString="a secret of the tests, long enough")["ARN"]
    here.set(REVIEW_URL=url, REVIEW_SECRET=arn, REVIEW_AUTH=auth)
    told = SimpleNamespace(now=lambda zone: here.clock().astimezone(zone))
    settings.clients.cache_clear()
    with patch.object(review_page, "datetime", told):
        yield
    settings.clients.cache_clear()


@contextmanager
def server() -> Iterator[str]:
    """Serve the real handler over HTTP; gives the address, which alerts then carry."""

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"] or 0)).decode())

        def _answer(self, body: str | None) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                made = review_page.handler(event(self.command, self.path, headers, body), None)
            self.send_response(made["statusCode"])
            for name, value in made["headers"].items():
                self.send_header(name, value)
            content = made["body"].encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    lock = threading.Lock()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
