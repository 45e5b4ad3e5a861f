"""The role in a member account: reads what surrounds a finding, and nothing else."""

from typing import Any

from aws_cdk import Aws, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import permissions


class MemberRoleStack(Stack):
    """The template of the role: for a StackSet, and for the management account, which no StackSet reaches."""

    def __init__(self, scope: Construct, id: str, **settings: Any) -> None:
        super().__init__(scope, id, **settings)
        self.template_options.description = "The role that access-triage assumes to read tags and settings"
        roles = CfnParameter(
            self,
            "EnrichmentRoleArns",
            type="CommaDelimitedList",
            allowed_pattern=r"arn:aws[\w-]*:iam::\d{12}:role/.+",
            description="Output of the stack AccessTriage: the only roles that may assume this one.",
        )
        organization = CfnParameter(
            self, "OrganizationId", allowed_pattern=r"o-[a-z0-9]{10,32}", description="Yours."
        )
        external_id = CfnParameter(
            self,
            "ExternalId",
            allowed_pattern=r"[\w+=,.@:/-]{2,200}",
            description="The same as in the stack AccessTriage.",
        )
        name = CfnParameter(
            self,
            "MemberRoleName",
            default="access-triage-member",
            allowed_pattern=r"[\w+=,.@-]{1,64}",
            description="The same as in the stack AccessTriage.",
        )
        account = Fn.select(4, Fn.split(":", Fn.select(0, roles.value_as_list)))
        # The account is trusted, and of it the roles that a condition names: a role that a principal names
        # would have to be there already, and would lose its trust when it is made anew.
        trusted = iam.ArnPrincipal(f"arn:{Aws.PARTITION}:iam::{account}:root").with_conditions(
            {
                "ArnEquals": {"aws:PrincipalArn": roles.value_as_list},
                "StringEquals": {
                    "aws:PrincipalOrgID": organization.value_as_string,
                    "sts:ExternalId": external_id.value_as_string,
                },
            }
        )
        iam.Role(
            self,
            "Role",
            role_name=name.value_as_string,
            assumed_by=trusted,
            description="Lets access-triage read what surrounds a finding",
            max_session_duration=Duration.hours(1),
            inline_policies={
                "read": iam.PolicyDocument(statements=permissions.member_enrichment(), minimize=True)
            },
        )
