"""The page on which alerts are answered: there only where somebody asks for it."""

from aws_cdk import CfnCondition, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import permissions
from infra.components import functions
from infra.components.functions import Function, Shared
from infra.conditional import only_if
from infra.parameters import Parameters, value_if

_AT_ONCE = 5  # people answering at the same moment; also a limit to what a flood of requests costs


class ReviewKey(Construct):
    """The secret that signs the links to the page.

    Attributes
    ----------
    secret : CfnSecret
    """

    def __init__(self, scope: Construct, id: str, parameters: Parameters) -> None:
        super().__init__(scope, id)
        self.secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            description="Signs the review links in the alerts of access-triage",
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                exclude_punctuation=True, password_length=64
            ),
        )
        only_if(parameters.has_review, self)


class ReviewPage(Construct):
    """The page's function, and its address.

    Attributes
    ----------
    url : str
    function : Function
    """

    def __init__(self, scope: Construct, id: str, shared: Shared, secret: secretsmanager.CfnSecret) -> None:
        super().__init__(scope, id)
        parameters = shared.parameters
        auth = value_if(parameters.has_open_review, "NONE", "AWS_IAM")
        self.function = Function(
            self,
            "Page",
            shared.only_if(parameters.has_review),
            handler="handlers.review_page.handler",
            description="The page on which alerts are answered",
            timeout=Duration.seconds(20),
            environment={"TRIAGE_REVIEW_AUTH": auth, "TRIAGE_REVIEW_SECRET": secret.ref},
            statements=[
                permissions.allow(("secretsmanager:GetSecretValue",), [secret.ref]),
                permissions.allow(permissions.READ_FINDINGS, parameters.readable_analyzers),
            ],
            reserved_concurrent_executions=_AT_ONCE,
        )
        functions.updates_of_findings(self.function, parameters)
        address = lambda_.CfnUrl(
            self, "Url", auth_type=auth, target_function_arn=self.function.function.function_arn
        )
        self.url: str = address.attr_function_url
        self._open(parameters.has_open_review)
        only_if(parameters.has_review, self)

    def _open(self, condition: CfnCondition) -> None:
        """Let anybody reach the page where the link is all it takes; AWS asks for both permissions."""
        arn = self.function.function.function_arn
        asking = lambda_.CfnPermission(
            self,
            "AnybodyMayAsk",
            function_name=arn,
            principal="*",
            action="lambda:InvokeFunctionUrl",
            function_url_auth_type="NONE",
        )
        running = lambda_.CfnPermission(
            self,
            "ByTheUrlAlone",
            function_name=arn,
            principal="*",
            action="lambda:InvokeFunction",
            invoked_via_function_url=True,
        )
        for permission in (asking, running):
            permission.cfn_options.condition = condition
