"""Queues: encrypted, over TLS only."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

LONGEST = Duration.days(14)


def dead_letters(scope: Construct, id: str = "DeadLetters") -> sqs.Queue:
    """Make a queue of what could not be handled; it waits there for two weeks, and an alarm says so."""
    return queue(scope, id, retention_period=LONGEST)


def queue(scope: Construct, id: str, **settings: object) -> sqs.Queue:
    """Make a queue."""
    return sqs.Queue(scope, id, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, **settings)
