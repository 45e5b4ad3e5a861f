"""The decision log: one DynamoDB item a decision, and one per finding that says where it stands.

An effect and its record cannot disagree: the intent is written before the effect and the outcome after it, so
that whatever crashed in between is found, and finished, by the next delivery of the same event.

The table has the keys ``finding_id`` and ``item``. Items are ``latest`` and ``decision#<time>#<digest>``; the
index `BY_EFFECT` (``effect``, ``decided_at``) finds every archive again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scoring.context import Context, to_json
from scoring.finding import Finding

BY_EFFECT = "by_effect"
_LATEST = "latest"
_TIMELESS = ("created_at", "analyzed_at", "updated_at", "analyzer_arn", "region", "last_accessed")


class Taken(Exception):
    """Another invocation is working on the same finding; try again later."""


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a finding stands.

    Attributes
    ----------
    digest : str
        Of what decided; see `digest_of`.
    state : str
        ``intent`` (an effect was about to happen) or ``done``.
    effect : str
        ``archive``, ``alert`` or ``none``.
    lease_until : str
        Until then whoever wrote the intent may still be at work (ISO 8601, UTC).
    updated_at : str
        The finding's own time of the version that was decided on, or an empty string.
    status : str
        The finding's status in that version.
    reactivated : str
        Who brought the finding back after it was archived: ``person``, ``undo``, ``expiry``, or empty.
    """

    finding_id: str
    digest: str
    state: str
    effect: str
    outcome: str
    decided_at: str
    lease_until: str
    updated_at: str = ""
    status: str = ""
    reactivated: str = ""
    decision_item: str = ""


class DecisionLog(msgspec.Struct, frozen=True):
    """The table and how long its items live.

    Parameters
    ----------
    client : DynamoDB client
    table : str
    keep_days : int or None
        Time to live of a decision, in days; None keeps it for good.
    lease_seconds : int
        How long one invocation may take; longer than the Lambda's own limit.
    """

    client: Any
    table: str
    keep_days: int | None = None
    lease_seconds: int = 120

    def latest(self, finding_id: str) -> Latest | None:
        """Read where a finding stands; one consistent read."""
        found = self.client.get_item(TableName=self.table, Key=_key(finding_id, _LATEST), ConsistentRead=True)
        return _latest_from(found["Item"]) if "Item" in found else None

    def intend(
        self,
        record: Mapping[str, Any],
        *,
        digest: str,
        effect: str,
        policy_sha256: str,
        before: Latest | None,
        updated_at: str,
        reactivated: str,
        now: datetime,
    ) -> Latest:
        """Write that an effect is about to happen; nothing else may have happened since `before` was read.

        Raises
        ------
        Taken
            Another invocation was faster.
        """
        decision = record["decision"]
        finding_id = decision["finding_id"]
        decided_at = stamp(now)
        mark = Latest(
            finding_id=finding_id,
            digest=digest,
            state="intent",
            effect=effect,
            outcome=decision["outcome"],
            decided_at=decided_at,
            lease_until=stamp(now + timedelta(seconds=self.lease_seconds)),
            updated_at=updated_at,
            status=decision["status"],
            reactivated=reactivated,
            decision_item=f"decision#{decided_at}#{digest[:16]}",
        )
        item: dict[str, Any] = {
            "finding_id": finding_id,
            "item": mark.decision_item,
            "decided_at": decided_at,
            "effect": effect,
            "state": "intent",
            "outcome": decision["outcome"],
            "model_version": decision["model"]["version"],
            "model_sha256": decision["model"]["sha256"],
            "policy_sha256": policy_sha256,
            "record": msgspec.json.encode(record).decode(),
        }
        if self.keep_days is not None:
            item["expires_at"] = int((now + timedelta(days=self.keep_days)).timestamp())
        try:
            self.client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": self.table, "Item": _to_item(item), **_ABSENT}},
                    {"Put": {"TableName": self.table, "Item": _latest_item(mark), **_unchanged(before)}},
                ]
            )
        except self.client.exceptions.TransactionCanceledException as error:
            raise Taken(finding_id) from error
        return mark

    def finish(self, mark: Latest, *, now: datetime) -> Latest:
        """Write that the effect has happened."""
        done = msgspec.structs.replace(mark, state="done")
        self.client.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": self.table,
                        "Key": _key(mark.finding_id, mark.decision_item),
                        "UpdateExpression": "SET #state = :done, done_at = :now",
                        "ExpressionAttributeNames": {"#state": "state"},
                        "ExpressionAttributeValues": _to_item({":done": "done", ":now": stamp(now)}),
                    }
                },
                {"Put": {"TableName": self.table, "Item": _latest_item(done), **_unchanged(mark)}},
            ]
        )
        return done

    def seen_again(self, mark: Latest, updated_at: str) -> None:
        """Note a newer version of a finding in which nothing changed that matters."""
        newer = msgspec.structs.replace(mark, updated_at=updated_at)
        try:
            self.client.put_item(TableName=self.table, Item=_latest_item(newer), **_unchanged(mark))
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise Taken(mark.finding_id) from error


def digest_of(finding: Finding, context: Context) -> str:
    """Digest what decides on a finding: all it says but its times, and what is known of its surroundings."""
    said = {k: v for k, v in msgspec.structs.asdict(finding).items() if k not in _TIMELESS}
    known = {k: v for k, v in to_json(context).items() if k != "unknown"}
    content = msgspec.json.encode([said, known], order="deterministic")
    return hashlib.sha256(content).hexdigest()


_ABSENT: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(finding_id)"}


def _unchanged(before: Latest | None) -> dict[str, Any]:
    if before is None:
        return _ABSENT
    return {
        "ConditionExpression": "decided_at = :decided_at AND #state = :state AND updated_at = :updated_at",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": _to_item(
            {":decided_at": before.decided_at, ":state": before.state, ":updated_at": before.updated_at}
        ),
    }


def _key(finding_id: str, item: str) -> dict[str, Any]:
    return _to_item({"finding_id": finding_id, "item": item})


def _latest_item(mark: Latest) -> dict[str, Any]:
    return _to_item({"item": _LATEST, **msgspec.structs.asdict(mark)})


def _latest_from(item: Mapping[str, Any]) -> Latest:
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    return msgspec.convert({name: read(value) for name, value in item.items()}, Latest)


def _to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeSerializer

    write = TypeSerializer().serialize
    return {name: write(value) for name, value in values.items()}


def stamp(moment: datetime) -> str:
    """Write a moment so that text order is time order."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
