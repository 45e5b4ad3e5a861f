"""Where alerts and alarms go: the analysts' topic, one for chats, and the operators'."""

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.conditional import only_if
from infra.parameters import Parameters, value_if


class Alerts(Construct):
    """The topics, encrypted with a key of their own: CloudWatch may not use the one that AWS manages.

    Attributes
    ----------
    topic : Topic
        Of the alerts: analysts read it.
    operations : Topic
        Of the alarms: whoever keeps the system running reads it.
    chat : Topic
        That Amazon Q Developer in chat applications is subscribed to; there under a condition.
    key : Key
    """

    def __init__(self, scope: Construct, id: str, parameters: Parameters) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self, "Key", enable_key_rotation=True, description="Encrypts the topics of access-triage"
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # a key's policy speaks of that key alone
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self.topic = self._topic("Topic")
        self.topic.add_subscription(subscriptions.EmailSubscription(parameters.email.value_as_string))
        self.operations = self._topic("Operations")
        self.operations.add_subscription(
            subscriptions.EmailSubscription(
                value_if(
                    parameters.has_operations_email,
                    parameters.operations_email.value_as_string,
                    parameters.email.value_as_string,
                )
            )
        )
        self.operations.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.operations.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self.action = actions.SnsAction(self.operations)
        self.chat = self._topic("Chat")
        only_if(parameters.has_chat, self.chat)

    def _topic(self, name: str) -> sns.Topic:
        return sns.Topic(self, name, master_key=self.key, enforce_ssl=True)
