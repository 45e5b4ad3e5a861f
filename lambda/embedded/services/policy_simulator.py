"""IAM's policy simulator for moto, which has none: what the policies of a user or role allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from embedded.sessions import ROLE
from scoring.findings.arn import Arn

if TYPE_CHECKING:
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse

_ADMINISTRATOR = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


@contextmanager
def simulating() -> Iterator[None]:
    """Let moto answer SimulatePrincipalPolicy inside the block.

    Inline and attached policies of roles and users count; groups, boundaries, resource policies and
    conditions do not.

    Examples
    --------
    >>> import json
    >>> from embedded import EmbeddedAws
    >>> allowed = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    >>> with EmbeddedAws() as aws:
    ...     iam = aws.client("iam")
    ...     role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")["Role"]
    ...     made = iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=json.dumps(
    ...         {"Version": "2012-10-17", "Statement": [allowed]}))
    ...     asked = iam.simulate_principal_policy(
    ...         PolicySourceArn=role["Arn"], ActionNames=["s3:GetObject", "s3:PutObject"])
    ...     [result["EvalDecision"] for result in asked["EvaluationResults"]]
    ['allowed', 'implicitDeny']
    """
    from moto.iam.responses import IamResponse

    with patch.object(IamResponse, "simulate_principal_policy", _simulate, create=True):
        yield


def _simulate(response: IamResponse) -> ActionResult:
    from moto.core.responses import ActionResult

    policies = _policies(response.backend, response._get_param("PolicySourceArn"))
    resources = response._get_param("ResourceArns") or ["*"]
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _decision(policies, action, resource),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in response._get_param("ActionNames")
        for resource in resources
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies(backend: Any, arn: str) -> list[Any]:
    kind, _, path = Arn.parse(arn).resource.partition("/")
    name = path.rpartition("/")[2]
    if name == ROLE:  # Organizations makes it, with all rights
        return [_ADMINISTRATOR]
    owner = backend.get_role(name) if kind == "role" else backend.get_user(name)
    inline = owner.policies.values() if isinstance(owner.policies, dict) else ()
    return [*inline, *owner.managed_policies.values()]


def _decision(policies: list[Any], action: str, resource: str) -> str:
    from moto.iam.access_control import IAMPolicy, PermissionResult

    answers = {IAMPolicy(policy).is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in answers:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in answers else "implicitDeny"
