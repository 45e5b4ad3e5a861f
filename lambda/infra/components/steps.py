"""The functions of the two wirings, each with the rights that its part of the work needs."""

from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import permissions
from infra.components import functions
from infra.components.alerts import Alerts
from infra.components.functions import Function, Shared
from infra.parameters import Parameters

TIMEOUT = Duration.seconds(60)


class Steps(Construct):
    """The four functions of the workflow.

    Attributes
    ----------
    enrich, evaluate, archive, notify : Function
    """

    def __init__(
        self, scope: Construct, id: str, shared: Shared, alerts: Alerts, secret: secretsmanager.CfnSecret
    ) -> None:
        super().__init__(scope, id)
        parameters = shared.parameters
        shared = shared.only_if(parameters.is_workflow)
        read = permissions.allow(permissions.READ_FINDINGS, parameters.readable_analyzers)
        self.enrich = self._function(
            "Enrich", shared, "Where a finding stands, and what surrounds it", read, *permissions.enrichment()
        )
        self.evaluate = self._function("Evaluate", shared, "What model and policy say of a finding")
        self.archive = self._function("Archive", shared, "Archives a finding", read)
        self.notify = self._function("Notify", shared, "Alerts a person to a finding", read)
        functions.enrichment_in_member_accounts(self.enrich, parameters)
        functions.updates_of_findings(self.archive, parameters)
        for writer in (self.archive, self.notify):
            functions.updates_of_security_hub(writer, parameters)
        sends_alerts(self.notify, alerts, parameters, secret)

    def _function(
        self, name: str, shared: Shared, description: str, *rights: iam.PolicyStatement
    ) -> Function:
        return Function(
            self,
            name,
            shared,
            handler=f"handlers.{name.lower()}.handler",
            description=description,
            timeout=TIMEOUT,
            statements=list(rights),
        )


def whole(
    scope: Construct,
    name: str,
    shared: Shared,
    alerts: Alerts,
    secret: secretsmanager.CfnSecret,
    *,
    description: str,
    handler: str = "",
    timeout: Duration = TIMEOUT,
    **settings: Any,
) -> Function:
    """Make a function that does all steps, one after the other; also what the schedule needs beside them.

    Parameters
    ----------
    handler : str
        The module; as the function is called, unless given.
    """
    parameters = shared.parameters
    any_rule = f"arn:{Aws.PARTITION}:access-analyzer:*:{Aws.ACCOUNT_ID}:analyzer/*"
    made = Function(
        scope,
        name,
        shared,
        handler=f"handlers.{handler or name.lower()}.handler",
        description=description,
        timeout=timeout,
        statements=[
            permissions.allow(
                (*permissions.LIST_FINDINGS, *permissions.READ_FINDINGS), parameters.readable_analyzers
            ),
            permissions.allow(permissions.READ_RULES, [any_rule]),
            *permissions.enrichment(),
        ],
        **settings,
    )
    functions.enrichment_in_member_accounts(made, parameters)
    functions.updates_of_findings(made, parameters)
    functions.updates_of_security_hub(made, parameters)
    sends_alerts(made, alerts, parameters, secret)
    return made


def sends_alerts(
    function: Function, alerts: Alerts, parameters: Parameters, secret: secretsmanager.CfnSecret
) -> None:
    """Let a function publish alerts, send mails and sign the links to the review page."""
    teams = f"arn:{Aws.PARTITION}:sns:{Aws.REGION}:{Aws.ACCOUNT_ID}:access-triage-*"
    function.also(
        # the policy's routes may name topics of teams, which begin like this
        permissions.allow(("sns:Publish",), [alerts.topic.topic_arn, teams]),
        permissions.allow(("kms:Decrypt", "kms:GenerateDataKey"), [alerts.key.key_arn]),
    )
    function.also_if(
        parameters.has_chat, "Chat", permissions.allow(("sns:Publish",), [alerts.chat.topic_arn])
    )
    function.also_if(
        parameters.has_mail,
        "Mail",
        permissions.allow(
            ("ses:SendEmail",),
            [f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:identity/*"],
            conditions={"StringEquals": {"ses:FromAddress": parameters.mail_from.value_as_string}},
        ),
    )
    function.also_if(
        parameters.has_review,
        "ReviewKey",
        permissions.allow(("secretsmanager:GetSecretValue",), [secret.ref]),
    )
