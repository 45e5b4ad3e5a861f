"""State machines of CloudFormation, run by moto's interpreter of the Amazon States Language."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


@contextmanager
def running(credentials: Mapping[str, str]) -> Iterator[None]:
    """Inside the block a state machine that CloudFormation creates can be executed; retries follow at once.

    Parameters
    ----------
    credentials : dict
        Of the account in which tasks make their calls, as environment variables.
    """
    import boto3
    from moto.core.config import default_user_config
    from moto.stepfunctions.models import StateMachine
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.utils import boto_client
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    def client(**how: Any) -> Any:
        return boto3.client(**how | {name.lower(): value for name, value in credentials.items()})

    create = StateMachine.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create_both(kind: Any, name: str, template: Any, account: str, region: str, **more: Any) -> Any:
        made = create(kind, name, template, account, region, **more)
        backend = stepfunctions_parser_backends[account][region]
        backend.create_state_machine(made.name, made.definition, made.roleArn)
        return made

    with (
        patch.object(StateMachine, "create_from_cloudformation_json", classmethod(create_both)),  # type: ignore[arg-type]
        patch.object(boto_client, "boto3", SimpleNamespace(client=client)),
        patch.object(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None)),
        patch.dict(default_user_config["stepfunctions"], {"execute_state_machine": True}),
    ):
        yield


def ended(client: Any, execution_arn: str, *, seconds: float = 600) -> dict[str, Any]:
    """Wait for an execution, and return what it says of itself.

    Raises
    ------
    TimeoutError
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told: dict[str, Any] = client.describe_execution(executionArn=execution_arn)
        if told["status"] != "RUNNING":
            return told
        time.sleep(0.05)
    raise TimeoutError(f"{execution_arn} still runs after {seconds} s")
