"""The workflow as one function: the handlers of the four steps, and between them what the state machine does.

Waiting and trying again are left to whoever calls it, as they are with the single handler. The state machine
itself is run by moto, in test_deployed.py.
"""

import json
from typing import Any

import pytest

from embedded.services.lambda_context import LambdaContext
from handlers import archive, enrich, evaluate, notify, single

STEPS: dict[str, tuple[str, Any]] = {
    "ENRICH": ("enriched", enrich.handler),
    "EVALUATE": ("evaluated", evaluate.handler),
    "ARCHIVE": ("archived", archive.handler),
    "NOTIFY": ("notified", notify.handler),
}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an event from step to step; the state between them is JSON."""
    state, name = dict(event), "ENRICH"
    while name != "DONE":
        key, step = STEPS[name]
        part = json.loads(json.dumps(step(json.loads(json.dumps(state)), context)))
        assert key not in state
        state[key], name = part, part["next"]
    return {"done": [told(state)], "state": state}


def told(state: dict[str, Any]) -> dict[str, Any]:
    """What the single handler says of the same finding."""
    parts = [state[key] for key, _ in STEPS.values() if key in state]
    decisions = [part["decision"] for part in parts if part.get("decision")]
    return {
        "finding_id": parts[-1]["finding_id"],
        "effect": parts[-1]["effect"],
        "outcome": decisions[-1]["outcome"] if decisions else None,
        "score": decisions[-1]["score"] if decisions else None,
        "note": parts[-1]["note"],
    }


both_wirings = pytest.mark.parametrize("wiring", [single.handler, handler], ids=["single", "workflow"])
"""For what has to hold whether one function does all or four do it."""
