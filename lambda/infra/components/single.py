"""The second wiring: one function that does all steps, one after the other."""

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.components.alerts import Alerts
from infra.components.functions import Function, Shared
from infra.components.steps import whole


class Single(Construct):
    """The function that takes findings from the queue.

    Attributes
    ----------
    function : Function
    """

    def __init__(
        self, scope: Construct, id: str, shared: Shared, alerts: Alerts, secret: secretsmanager.CfnSecret
    ) -> None:
        super().__init__(scope, id)
        shared = shared.only_if(shared.parameters.is_single)
        self.function: Function = whole(
            self, "Single", shared, alerts, secret, description="Takes findings from beginning to end"
        )
