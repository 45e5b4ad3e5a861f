"""Custom resources of a stack in the embedded AWS: their function is asked, and has to answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import patch

from tests.lambda_.deployed.functions import Functions


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give an address at which a custom resource is answered, and the answers that have come."""
    answers: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer", answers
    server.shutdown()
    thread.join()
    server.server_close()


def request(kind: str, url: str) -> dict[str, Any]:
    """Return what CloudFormation sends."""
    return {
        "RequestType": kind,
        "ResponseURL": url,
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/AccessTriage/1",
        "RequestId": "1",
        "LogicalResourceId": "OperatorStateKept",
        "ResourceType": "Custom::OperatorState",
        "ResourceProperties": {},
    }


@contextmanager
def asked(functions: Functions) -> Iterator[None]:
    """Ask the functions of the custom resources that a stack makes, after all its other resources.

    Raises
    ------
    AssertionError
        One did not answer, or failed.
    """
    from moto.awslambda.utils import get_backend
    from moto.cloudformation.custom_model import CustomModel

    waiting: list[Any] = []

    def create(
        kind: type[CustomModel],
        /,
        name: str,
        template: dict[str, Any],
        account: str,
        region: str,
        **more: Any,
    ) -> CustomModel:
        made = kind(region, "1", more["LogicalId"], name)
        made.set_data({})
        waiting.append(get_backend(account, region).get_function(template["Properties"]["ServiceToken"]))
        return made

    with patch.object(CustomModel, "create_from_cloudformation_json", classmethod(create)):
        yield
    with listening() as (url, answers):
        for function in waiting:
            functions.invoke(function, request("Create", url))
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * len(waiting), answers
