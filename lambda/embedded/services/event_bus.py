"""What moto's EventBridge leaves open between an event and what the target of a rule receives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedded.clock import iso

if TYPE_CHECKING:
    from moto.events.models import Rule

Event = dict[str, Any]


def put_on_default_bus(event: Event) -> str:
    """Put an event, as a service sends it, on the default bus of the event's account and region.

    Returns
    -------
    str
        The id under which the bus delivers it.
    """
    from moto.events.models import events_backends

    sent = datetime.fromisoformat(event["time"]).timestamp()
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
        "Time": sent,
    }
    [accepted] = events_backends[event["account"]][event["region"]].put_events([entry])
    return str(accepted["EventId"])


def is_for_events(rule: Rule) -> bool:
    """Whether a rule is for events at all; moto also hands them to disabled and to merely scheduled rules."""
    return rule.state == "ENABLED" and bool(rule.event_pattern.get_pattern())


def received(target: Mapping[str, Any], message: Mapping[str, Any]) -> Any:
    """What the target of a rule receives: the event as AWS writes it, or what the target makes of it."""
    from moto.events.utils import EventTemplateParser

    event = json.loads(json.dumps({key: value for key, value in message.items() if key != "ingestion-time"}))
    if isinstance(event["time"], int | float):
        event["time"] = iso(datetime.fromtimestamp(event["time"], UTC))
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        from jsonpath_ng.parser import parse

        found = parse(target["InputPath"]).find(event)
        return found[0].value if found else None
    if "InputTransformer" in target:
        how = target["InputTransformer"]
        whole: Any = {**event, "ingestion-time": message["ingestion-time"]}
        return EventTemplateParser.parse(how["InputTemplate"], how.get("InputPathsMap", {}), whole)
    return event
