"""The second wiring: one function that does all steps, behind a queue."""

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.alerts import Alerts
from infra.components.functions import Function, Shared
from infra.components.queues import queue
from infra.components.steps import TIMEOUT, whole

_TRIES = 5


class Single(Construct):
    """The queue, and the function that takes from it; messages that fail come again, each by itself.

    Attributes
    ----------
    queue : Queue
    function : Function
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        shared: Shared,
        alerts: Alerts,
        secret: secretsmanager.CfnSecret,
        *,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.queue = queue(
            self,
            "Queue",
            # six times the function's limit, as AWS advises; longer than the lease on a finding, too
            visibility_timeout=Duration.seconds(6 * TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_TRIES),
        )
        shared = shared.only_if(shared.parameters.is_single)
        self.function: Function = whole(
            self, "Single", shared, alerts, secret, description="Takes findings from beginning to end"
        )
        self.function.function.add_event_source(
            sources.SqsEventSource(
                self.queue, batch_size=10, max_concurrency=10, report_batch_item_failures=True
            )
        )
