"""Hands the findings' events of a region on to the home region, where they are decided on."""

from typing import Any

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.components.events import FINDINGS, RETRIES
from infra.components.queues import dead_letters
from infra.permissions import allow


class ForwardingStack(Stack):
    """The template for each region other than the home region, where an analyzer is on."""

    def __init__(self, scope: Construct, id: str, **settings: Any) -> None:
        super().__init__(scope, id, **settings)
        self.template_options.description = "Hands findings of IAM Access Analyzer on to access-triage"
        bus = CfnParameter(
            self,
            "HomeBusArn",
            allowed_pattern=r"arn:aws[\w-]*:events:[\w-]+:\d{12}:event-bus/.+",
            description="Output of the stack AccessTriage.",
        ).value_as_string
        unhandled = dead_letters(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
            inline_policies={"put": iam.PolicyDocument(statements=[allow(("events:PutEvents",), [bus])])},
        )
        rule = events.CfnRule(
            self,
            "Rule",
            description="Findings of IAM Access Analyzer, for the home region",
            event_pattern=FINDINGS,
            targets=[
                events.CfnRule.TargetProperty(
                    id="home",
                    arn=bus,
                    role_arn=role.role_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=unhandled.queue_arn),
                    retry_policy=RETRIES,
                )
            ],
        )
        unhandled.add_to_resource_policy(
            allow(
                ("sqs:SendMessage",),
                [unhandled.queue_arn],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )
