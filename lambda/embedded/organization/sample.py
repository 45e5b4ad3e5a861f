"""A small organization to begin with: what the demo and our own tests build on."""

from __future__ import annotations

from embedded.organization.organization import Account, Organization
from embedded.organization.resources import Resource

GITHUB = "token.actions.githubusercontent.com"


def small_organization() -> Organization:
    """Six accounts in four organizational units, with a few resources of each kind that matters.

    Examples
    --------
    >>> [f"{account.ou}: {account.name}" for account in small_organization().accounts]
    ['Security: security', 'Workloads/Prod: payments-prod', 'Workloads/Prod: analytics-prod',
     'Workloads/Dev: payments-dev', 'Sandbox: sandbox']
    """
    return Organization(
        management=Account("management", "999900001111", tags={"owner": "platform"}),
        accounts=(
            Account("security", "111122223333", "Security", {"owner": "security"}),
            Account(
                "payments-prod",
                "222233334444",
                "Workloads/Prod",
                {"owner": "payments", "environment": "prod"},
                (
                    Resource("AWS::S3::Bucket", "cardholder-data", {"Data Classification": "Confidential"}),
                    Resource(
                        "AWS::KMS::Key", "payments-key", {"Environment": "prod"}, aliases=("PaymentsKey",)
                    ),
                    Resource("AWS::SQS::Queue", "orders", {"Environment": "prod"}),
                    Resource("AWS::SecretsManager::Secret", "db/prod", {"Environment": "prod"}),
                    _deploy_role("222233334444"),
                ),
            ),
            Account(
                "analytics-prod",
                "777788889999",
                "Workloads/Prod",
                {"owner": "analytics", "environment": "prod"},
                (
                    Resource("AWS::S3::Bucket", "marketing-site-assets", {"purpose": "public website"}),
                    Resource("AWS::IAM::Role", "reader", {"team": "analytics"}, path="/analytics/"),
                    Resource("AWS::DynamoDB::Table", "sessions", {"Environment": "prod"}),
                ),
            ),
            Account(
                "payments-dev",
                "333344445555",
                "Workloads/Dev",
                {"owner": "payments", "environment": "dev"},
                (
                    Resource(
                        "AWS::KMS::Key",
                        "development-key",
                        {"IsAllowedToShare": "true", "Environment": "development"},
                        aliases=("DevelopmentKey",),
                    ),
                    Resource("AWS::SQS::Queue", "orders-dev", {"Environment": "development"}),
                ),
            ),
            Account(
                "sandbox",
                "555566667777",
                "Sandbox",
                {"environment": "sandbox"},
                (
                    Resource("AWS::S3::Bucket", "scratch-space"),
                    Resource("AWS::IAM::User", "jenkins"),
                ),
            ),
        ),
        security="security",
    )


def _deploy_role(account: str) -> Resource:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                    "StringLike": {f"{GITHUB}:sub": "repo:acme/*:*"},
                },
            }
        ],
    }
    return Resource("AWS::IAM::Role", "deploy", {"team": "payments"}, path="/ci/", trust=trust)
