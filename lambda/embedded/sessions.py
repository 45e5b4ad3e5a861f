"""boto3 sessions in the accounts of the box, by assuming a role in each as one does in AWS."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

ROLE = "OrganizationAccountAccessRole"


class Sessions:
    """The sessions of one box, made when they are first asked for.

    All share one cache of botocore's service models: reading those is most of what making a client takes.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._credentials: dict[str, dict[str, str]] = {}
        self._sessions: dict[tuple[str, str], boto3.Session] = {}

    def get(self, account: str, region: str) -> boto3.Session:
        """The session in an account and region."""
        if (account, region) not in self._sessions:
            given = self.credentials(account)
            self._sessions[account, region] = _session(
                aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=given["AWS_SESSION_TOKEN"],
                region_name=region,
            )
        return self._sessions[account, region]

    def credentials(self, account: str) -> dict[str, str]:
        """Credentials of an account by the names of their environment variables."""
        if account not in self._credentials:
            sts = _session(region_name=self._region).client("sts")
            role = f"arn:aws:iam::{account}:role/{ROLE}"
            given = sts.assume_role(RoleArn=role, RoleSessionName="embedded")["Credentials"]
            self._credentials[account] = {
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
            }
        return dict(self._credentials[account])


def _session(**how: str) -> boto3.Session:
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core, **how)


@functools.cache
def _loader() -> Any:
    from botocore.loaders import Loader

    return Loader()
