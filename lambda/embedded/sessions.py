"""boto3 sessions in the accounts of the box, by assuming a role in each as one does in AWS."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

ROLE = "OrganizationAccountAccessRole"


class Sessions:
    """The sessions of one box, made when they are first asked for."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._credentials: dict[str, dict[str, str]] = {}
        self._sessions: dict[tuple[str, str], boto3.Session] = {}

    def get(self, account: str, region: str) -> boto3.Session:
        """The session in an account and region."""
        import boto3

        if (account, region) not in self._sessions:
            given = self.credentials(account)
            self._sessions[account, region] = boto3.Session(
                aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=given["AWS_SESSION_TOKEN"],
                region_name=region,
            )
        return self._sessions[account, region]

    def credentials(self, account: str) -> dict[str, str]:
        """Credentials of an account by the names of their environment variables."""
        import boto3

        if account not in self._credentials:
            sts = boto3.Session(region_name=self._region).client("sts")
            role = f"arn:aws:iam::{account}:role/{ROLE}"
            given = sts.assume_role(RoleArn=role, RoleSessionName="embedded")["Credentials"]
            self._credentials[account] = {
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
            }
        return dict(self._credentials[account])


@functools.cache
def shared_loader(data_path: str | None = None) -> Any:
    """Return botocore's loader of service models, the same for all sessions that get it from here.

    A session has one of its own otherwise, and reads anew what a client needs: most of what making one takes.
    """
    from botocore.loaders import create_loader

    return create_loader(data_path)
