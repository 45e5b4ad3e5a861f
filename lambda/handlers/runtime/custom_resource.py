"""A custom resource of CloudFormation, answered: the stack waits until it is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

_MOST = 1000  # characters of a reason
_SECONDS = 20


def is_request(event: Mapping[str, Any]) -> bool:
    """Say whether CloudFormation asks for a custom resource."""
    return "RequestType" in event and "ResponseURL" in event


def answer(event: Mapping[str, Any], work: Callable[[], Any]) -> dict[str, Any]:
    """Do the work of a custom resource when it is created or updated, and tell CloudFormation.

    Nothing is done where it is deleted: what operators have set outlives the stack. Work that fails lets the
    update fail, before CloudFormation takes anything away.
    """
    said: dict[str, Any] = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        if event["RequestType"] != "Delete":
            work()
    except Exception as error:
        said |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_MOST]}
    _send(event["ResponseURL"], said)
    return {"status": said["Status"]}


def _send(url: str, said: Mapping[str, Any]) -> None:
    from urllib.request import Request, urlopen

    # a presigned address of S3: the signature is for no content type
    request = Request(url, json.dumps(said).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310 - below
    if request.type not in ("http", "https"):
        raise ValueError(f"expected an address of CloudFormation, got {request.type}:")
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - the scheme is checked
        pass
