"""A function of ours: its code, its role, its log."""

from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Aws, CfnCondition, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import permissions
from infra.conditional import both, only_if, resource_of
from infra.parameters import Parameters, value_if

SERVICE = "access-triage"
NAMESPACE = "AccessTriage"
KEPT_LOGS = logs.RetentionDays.THREE_MONTHS


@dataclass(frozen=True)
class Shared:
    """What all functions have in common.

    Parameters
    ----------
    code : Code
        The zip.
    parameters : Parameters
    environment : dict
        Settings of the handlers, ``TRIAGE_...``.
    statements : list
        What every function may do.
    exists : CfnCondition, optional
        Under which the functions are there.
    """

    code: lambda_.Code
    parameters: Parameters
    environment: dict[str, str]
    statements: list[iam.PolicyStatement]
    exists: CfnCondition | None = None

    def only_if(self, condition: CfnCondition) -> "Shared":
        """Return the same for functions that are there under a condition."""
        return replace(self, exists=condition)

    def with_settings(self, **settings: str) -> "Shared":
        """Return the same with more settings of the handlers, named without their prefix."""
        more = {f"TRIAGE_{name}": value for name, value in settings.items()}
        return replace(self, environment=self.environment | more)


class Function(Construct):
    """One Lambda function, with a role and a log group that no other has.

    Attributes
    ----------
    function : Function
    role : Role
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        shared: Shared,
        *,
        handler: str,
        description: str,
        timeout: Duration,
        environment: dict[str, str] | None = None,
        statements: list[iam.PolicyStatement] | None = None,
        memory_size: int = 1024,
        **settings: Any,
    ) -> None:
        super().__init__(scope, id)
        self._exists = shared.exists
        log = logs.LogGroup(self, "Log", retention=KEPT_LOGS, removal_policy=RemovalPolicy.DESTROY)
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
        )
        writing = permissions.allow(("logs:CreateLogStream", "logs:PutLogEvents"), [log.log_group_arn])
        self.policy = iam.Policy(
            self,
            "Policy",
            statements=[writing, *shared.statements, *(statements or ())],
            roles=[self.role],
        )
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=shared.code,
            handler=handler,
            description=description,
            memory_size=memory_size,
            timeout=timeout,
            role=self.role,
            log_group=log,
            environment={
                **shared.environment,
                **(environment or {}),
                "POWERTOOLS_SERVICE_NAME": SERVICE,
                "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            },
            **settings,
        )
        self.function.node.add_dependency(self.policy)
        self._trace(shared.parameters.has_tracing)
        if shared.exists is not None:
            only_if(shared.exists, self)

    def also(self, *statements: iam.PolicyStatement) -> None:
        """Allow more."""
        self.policy.add_statements(*statements)

    def also_if(self, condition: CfnCondition, name: str, *statements: iam.PolicyStatement) -> None:
        """Allow more, under a condition."""
        more = iam.Policy(self, name, statements=list(statements), roles=[self.role])
        resource = resource_of(more, iam.CfnPolicy)
        resource.cfn_options.condition = both(self._exists, condition) if self._exists else condition

    def _trace(self, condition: CfnCondition) -> None:
        resource = resource_of(self.function, lambda_.CfnFunction)
        resource.add_property_override("TracingConfig.Mode", value_if(condition, "Active", "PassThrough"))
        self.also_if(
            condition,
            "Tracing",
            permissions.allow(("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ["*"]),
        )


def enrichment_in_member_accounts(function: Function, parameters: Parameters) -> None:
    """Let a function assume the role in the accounts of the organization."""
    role = f"arn:{Aws.PARTITION}:iam::*:role/{parameters.member_role.value_as_string}"
    function.also_if(
        parameters.has_organization,
        "Members",
        permissions.allow(
            ("sts:AssumeRole",),
            [role],
            conditions={"StringEquals": {"aws:ResourceOrgID": parameters.organization.value_as_string}},
        ),
    )


def updates_of_findings(function: Function, parameters: Parameters) -> None:
    """Let a function change findings, of the analyzers that are given."""
    function.also_if(
        parameters.has_analyzers,
        "Updates",
        permissions.allow(permissions.UPDATE_FINDINGS, parameters.analyzers.value_as_list),
    )


def updates_of_security_hub(function: Function, parameters: Parameters) -> None:
    """Let a function write to Security Hub's findings of this account, in the finding's own region."""
    hub = f"arn:{Aws.PARTITION}:securityhub:*:{Aws.ACCOUNT_ID}:hub/default"
    function.also_if(
        parameters.has_security_hub, "SecurityHub", permissions.allow(permissions.SECURITY_HUB, [hub])
    )
