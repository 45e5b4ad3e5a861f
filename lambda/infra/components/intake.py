"""The queue that every finding's event waits in, for both wirings, and what takes from it."""

from dataclasses import replace

from aws_cdk import ArnFormat, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.functions import Function, Shared
from infra.components.queues import queue
from infra.components.steps import TIMEOUT
from infra.components.workflow import Workflow
from infra.conditional import resource_of
from infra.parameters import Parameters, value_if
from infra.permissions import allow

# A finding that fails in the single function is a dead letter soon. A start of the workflow fails only while
# AWS or others of the account are in the way, for hours maybe.
_TRIES, _STARTS = 5, 50
# The names that the wiring `single` gave them, so that what waits in the queue stays. With other names
# CloudFormation would make policy and mapping anew, and then delete the queue's policy with the old one.
_QUEUE = "SingleFunctionQueue8DBA8B36"
_QUEUE_POLICY = "SingleFunctionQueuePolicy7437317F"
_MAPPING = "SingleFunctionSingleFunctionSqsEventSourceAccessTriageSingleFunctionQueue26F44E9E93DE45D5"


class Intake(Construct):
    """The queue; a burst waits in it, and messages that fail come again, each by itself.

    Attributes
    ----------
    queue : Queue
    """

    def __init__(
        self, scope: Construct, id: str, *, dead_letters: sqs.IQueue, parameters: Parameters
    ) -> None:
        super().__init__(scope, id)
        self.queue: sqs.Queue = queue(
            self,
            "Queue",
            # six times the functions' limit, as AWS advises; longer than the lease on a finding, too
            visibility_timeout=Duration.seconds(6 * TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_TRIES),
            retention_period=Duration.days(14),
        )
        resource = resource_of(self.queue, sqs.CfnQueue)
        resource.override_logical_id(_QUEUE)
        policy = self.queue.node.find_child("Policy")
        resource_of(policy, sqs.CfnQueuePolicy).override_logical_id(_QUEUE_POLICY)
        tries = value_if(parameters.is_workflow, _STARTS, _TRIES)
        resource.add_property_override("RedrivePolicy.maxReceiveCount", tries)

    def hand_to_single(self, function: Function, at_once: CfnParameter) -> None:
        """Let the single function take several messages at a time."""
        self._hand_to(function, 10, at_once).override_logical_id(_MAPPING)

    def hand_to_dispatcher(self, function: Function, at_once: CfnParameter) -> None:
        """Let the function before the workflow take one message at a time."""
        self._hand_to(function, 1, at_once)

    def _hand_to(
        self, function: Function, batch: int, at_once: CfnParameter
    ) -> lambda_.CfnEventSourceMapping:
        self.queue.grant_consume_messages(function.function)
        return lambda_.CfnEventSourceMapping(
            function,
            "FromQueue",
            function_name=function.function.function_name,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=at_once.value_as_number
            ),
        )


class Dispatcher(Construct):
    """Runs the workflow for one message after the other.

    Attributes
    ----------
    function : Function
    """

    def __init__(self, scope: Construct, id: str, shared: Shared, workflow: Workflow) -> None:
        super().__init__(scope, id)
        machine = workflow.machine.state_machine_arn
        version = {name: value for name, value in shared.environment.items() if name == "TRIAGE_VERSION"}
        shared = replace(shared, statements=[], environment=version)
        self.function: Function = Function(
            self,
            "Dispatch",
            shared.only_if(shared.parameters.is_workflow),
            handler="handlers.dispatch.handler",
            description="Hands findings to the workflow, so many at once",
            timeout=TIMEOUT,
            memory_size=256,
            environment={"TRIAGE_STATE_MACHINE": machine},
            statements=[
                allow(("states:StartExecution",), [machine]),
                allow(("states:DescribeExecution",), [_executions(self, machine)]),
            ],
        )


def _executions(scope: Construct, machine: str) -> str:
    name = Stack.of(scope).split_arn(machine, ArnFormat.COLON_RESOURCE_NAME).resource_name
    arn: str = Fn.sub(
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${Name}:*", {"Name": name}
    )
    return arn
