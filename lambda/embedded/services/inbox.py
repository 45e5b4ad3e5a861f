"""What was published to an SNS topic, read the way moto offers: through an SQS queue subscribed to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    """One message as a subscriber of the topic gets it; an email shows subject and text."""

    subject: str | None
    text: str
    attributes: dict[str, str] = field(default_factory=dict)


class Inbox:
    """A subscriber of an SNS topic that keeps all it receives.

    Parameters
    ----------
    session
        A boto3 session in the topic's account and region.
    topic_arn
        The topic. What was published before the inbox was made is not in it.
    """

    def __init__(self, session: Any, topic_arn: str) -> None:
        self.topic_arn = topic_arn
        self._sqs = session.client("sqs")
        self._received: list[Message] = []
        name = f"inbox-{topic_arn.rpartition(':')[2]}"
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        queue_arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        session.client("sns").subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn["Attributes"]["QueueArn"]
        )

    def messages(self) -> list[Message]:
        """All messages so far, oldest first."""
        while found := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in found:
                self._received.append(_read(json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return list(self._received)


def _read(body: dict[str, Any]) -> Message:
    attributes = {name: value["Value"] for name, value in body.get("MessageAttributes", {}).items()}
    return Message(body.get("Subject"), body["Message"], attributes)
