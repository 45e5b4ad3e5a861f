"""What starts the work: events of findings, and the clock."""

from typing import Any

from aws_cdk import Aws, CfnResource, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.functions import Function
from infra.components.intake import Intake
from infra.components.queues import dead_letters
from infra.parameters import Parameters
from infra.permissions import allow

FINDINGS: dict[str, Any] = {
    "source": ["aws.access-analyzer"],
    "detail-type": [
        "Access Analyzer Finding",
        "Internal Access Finding",
        "Unused Access Finding for IAM entities",
    ],
}
"""The pattern of the events of findings, of all three families; those that end a finding are among them."""

CALLS = ("ApplyArchiveRule", "CreateArchiveRule", "DeleteAnalyzer", "UpdateArchiveRule", "UpdateFindings")
"""The calls that `scoring.pipeline.suppression.suspicions` looks at (a test compares them)."""

RETRIES = {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185}
"""How long EventBridge tries to hand an event over: a day."""


class FindingsRule(Construct):
    """Puts each event into the one queue, from which the wiring that is deployed takes it.

    Attributes
    ----------
    rule : CfnRule
    dead_letters : Queue
        Of events that could not be handed over.
    """

    def __init__(self, scope: Construct, id: str, intake: Intake) -> None:
        super().__init__(scope, id)
        self.dead_letters = dead_letters(self)
        self.rule = events.CfnRule(
            self,
            "Rule",
            description="Findings of IAM Access Analyzer: new ones, changed ones, and ends",
            event_pattern=FINDINGS,
            targets=[
                {
                    "id": "triage",
                    "arn": intake.queue.queue_arn,
                    "deadLetterConfig": {"arn": self.dead_letters.queue_arn},
                    "retryPolicy": RETRIES,
                }
            ],
        )
        for queue in (self.dead_letters, intake.queue):
            queue.add_to_resource_policy(
                allow(
                    ("sqs:SendMessage",),
                    [queue.queue_arn],
                    principals=[iam.ServicePrincipal("events.amazonaws.com")],
                    conditions={"ArnEquals": {"aws:SourceArn": self.rule.attr_arn}},
                )
            )


class CallsRule(Construct):
    """Hands calls to Access Analyzer that can hide findings to the watch, where a trail records them.

    Attributes
    ----------
    dead_letters : Queue
        Of calls that could not be handled.
    """

    def __init__(self, scope: Construct, id: str, watch: Function) -> None:
        super().__init__(scope, id)
        self.dead_letters: sqs.Queue = dead_letters(self)
        watch.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.dead_letters), retry_attempts=2
        )
        events.Rule(
            self,
            "Rule",
            description="Calls to IAM Access Analyzer that can hide findings",
            event_pattern=events.EventPattern(
                source=["aws.access-analyzer"],
                detail_type=["AWS API Call via CloudTrail"],
                detail={"eventName": list(CALLS)},
            ),
            targets=[targets.LambdaFunction(watch.function, dead_letter_queue=self.dead_letters)],
        )


class Schedule(Construct):
    """Starts the reconcile every few minutes.

    Attributes
    ----------
    dead_letters : Queue
        Of starts that failed.
    """

    def __init__(self, scope: Construct, id: str, reconcile: Function, every: Duration) -> None:
        super().__init__(scope, id)
        self.dead_letters: sqs.Queue = dead_letters(self)
        events.Rule(
            self,
            "Rule",
            description="Sends what waits, and finds what no event has told of",
            schedule=events.Schedule.rate(every),
            targets=[
                targets.LambdaFunction(
                    reconcile.function,
                    dead_letter_queue=self.dead_letters,
                    max_event_age=every,
                    retry_attempts=2,
                )
            ],
        )


class HomeBus(Construct):
    """Lets member accounts hand on what Access Analyzer tells them: no account can forge that source.

    Attributes
    ----------
    arn : str
    """

    def __init__(self, scope: Construct, id: str, parameters: Parameters) -> None:
        super().__init__(scope, id)
        self.arn = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": self.arn,
            "Condition": {
                "StringEquals": {
                    "aws:PrincipalOrgID": parameters.organization.value_as_string,
                    "events:source": "aws.access-analyzer",
                }
            },
        }
        # the library's own class warns of a deprecated property whether or not it is used
        policy = CfnResource(
            self,
            "Policy",
            type="AWS::Events::EventBusPolicy",
            properties={
                "EventBusName": "default",
                "StatementId": f"{Aws.STACK_NAME}-findings",
                "Statement": statement,
            },
        )
        policy.cfn_options.condition = parameters.has_organization
