"""What is changed without a deploy: mode, policy and threshold as parameters, the model in a bucket."""

from aws_cdk import Aws, CfnCustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.functions import Function
from infra.permissions import allow
from infra.version import version

MODELS = "models"  # prefix in the bucket


class Configuration(Construct):
    """The live configuration.

    None of the parameters is a resource of the stack: what CloudFormation owns it also sets back, at an
    update of a description or a tag, and takes away. A custom resource writes what is not there.

    Attributes
    ----------
    path : str
        What the names of the parameters begin with.
    parameters_arn : str
        Of all of them.
    bucket : Bucket
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.path = f"/{Aws.STACK_NAME}"
        self.parameters_arn = Stack.of(self).format_arn(
            service="ssm", resource="parameter", resource_name=Aws.STACK_NAME
        )
        logs = self._bucket("AccessLogs", lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))])
        self.bucket = self._bucket(
            "Models", server_access_logs_bucket=logs, server_access_logs_prefix="models/"
        )

    @property
    def model(self) -> str:
        """Where the registry of models is."""
        return f"s3://{self.bucket.bucket_name}/{MODELS}"

    def _bucket(self, name: str, **settings: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.RETAIN,
            **settings,
        )


class OperatorState(Construct):
    """Sees at each deploy that mode and threshold are there; they stay when the stack goes.

    See `handlers.runtime.operator_state`.
    """

    def __init__(self, scope: Construct, id: str, configuration: Configuration, keeper: Function) -> None:
        super().__init__(scope, id)
        names = ("mode", "threshold")
        keeper.also(
            allow(
                ("ssm:PutParameter",),
                [f"{configuration.parameters_arn}/{name}" for name in names],
                conditions={"StringEquals": {"ssm:Overwrite": "false"}},
            )
        )
        resource = CfnCustomResource(self, "Kept", service_token=keeper.function.function_arn)
        resource.add_override("Type", "Custom::OperatorState")
        resource.add_property_override("Version", version())  # so that each release asks anew
        resource.node.add_dependency(keeper.function, keeper.policy)
