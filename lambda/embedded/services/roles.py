"""Roles that are there before they can be assumed; moto itself lets everybody assume any role."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from embedded.sessions import ROLE
from scoring.findings.arn import Arn


@contextmanager
def must_exist() -> Iterator[None]:
    """Refuse, inside the block, to assume a role that is not in its account.

    Organizations makes a role of its own in every account: that one can always be assumed. What a role's
    trust policy says is not looked at.

    Examples
    --------
    >>> from botocore.exceptions import ClientError
    >>> from embedded import EmbeddedAws
    >>> with EmbeddedAws() as aws, must_exist():
    ...     try:
    ...         aws.client("sts").assume_role(
    ...             RoleArn="arn:aws:iam::222233334444:role/audit", RoleSessionName="doctest")
    ...     except ClientError as error:
    ...         print(error.response["Error"]["Code"])
    AccessDenied
    """
    from moto.iam.models import iam_backends
    from moto.sts.exceptions import STSClientError
    from moto.sts.models import STSBackend

    assume = STSBackend.assume_role

    def assume_role(backend: STSBackend, *, role_arn: str, **request: Any) -> Any:
        asked = Arn.parse(role_arn)
        name = asked.resource.rpartition("/")[2]
        roles = iam_backends[asked.account][asked.partition].roles.values()
        if name != ROLE and all(role.arn != role_arn for role in roles):
            raise STSClientError(
                "AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            )
        return assume(backend, role_arn=role_arn, **request)

    with warnings.catch_warnings(), patch.object(STSBackend, "assume_role", assume_role):
        # STS answers so, but botocore's model of it does not say so, and moto remarks on that.
        warnings.filterwarnings("ignore", message=".*AccessDenied does not match an error shape")
        yield
