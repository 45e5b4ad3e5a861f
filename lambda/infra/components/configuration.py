"""What is changed without a deploy: mode, policy and threshold as parameters, the model in a bucket."""

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

MODELS = "models"  # prefix in the bucket


class Configuration(Construct):
    """The live configuration.

    The stack makes no ``policy``: what it made it might also take back at an update, and a policy that people
    wrote must not go that way. Until there is one, the built-in policy holds.

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
        ssm.StringParameter(
            self,
            "Mode",
            parameter_name=f"{self.path}/mode",
            simple_name=False,
            string_value="shadow",
            allowed_pattern="^(shadow|enforce)$",
            description="shadow: decides and reports, never touches a finding; enforce: archives",
        )
        ssm.StringParameter(
            self,
            "Threshold",
            parameter_name=f"{self.path}/threshold",
            simple_name=False,
            string_value="none",
            description='none, or {"value": 25.0, "model_sha256": "..."}, for that model alone',
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
