"""StackSets: one template for many accounts or regions, from the management or a delegated account."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnParameter, CfnStackSet, Stack
from constructs import Construct

_PLACES = {
    "OrganizationalUnitIds": "Units (or the root, r-...) of the organization.",
    "Regions": "Regions; the first one is done first.",
}


class StackSetStack(Stack):
    """A StackSet that AWS Organizations manages: accounts that join later get their stack by themselves.

    The template's own parameters become parameters of this stack.

    Parameters
    ----------
    template : dict
        The synthesized template.
    in_one_account : bool
        Whether the stacks are for one account of the units, in many regions.
    in_one_region : bool
        Whether one region is enough, as for what is global.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        template: Mapping[str, Any],
        in_one_account: bool = False,
        in_one_region: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(scope, id, **settings)
        self.template_options.description = f"StackSet: {template['Description']}"
        call_as = CfnParameter(
            self,
            "CallAs",
            default="SELF",
            allowed_values=["SELF", "DELEGATED_ADMIN"],
            description="SELF in the management account, DELEGATED_ADMIN in one registered for StackSets.",
        )
        units = self._list("OrganizationalUnitIds", r"(ou-[a-z0-9-]+|r-[a-z0-9]+)")
        targets = CfnStackSet.DeploymentTargetsProperty(organizational_unit_ids=units)
        if in_one_account:
            account = CfnParameter(
                self, "AccountId", allowed_pattern=r"\d{12}", description="The account, within the units."
            )
            targets = CfnStackSet.DeploymentTargetsProperty(
                organizational_unit_ids=units,
                accounts=[account.value_as_string],
                account_filter_type="INTERSECTION",
            )
        regions = [self.region] if in_one_region else self._list("Regions", r"[a-z]{2}(-[a-z]+)+-\d")
        CfnStackSet(
            self,
            "StackSet",
            stack_set_name=f"{id}-stacks",
            permission_model="SERVICE_MANAGED",
            call_as=call_as.value_as_string,
            auto_deployment=CfnStackSet.AutoDeploymentProperty(
                enabled=not in_one_account, retain_stacks_on_account_removal=None if in_one_account else False
            ),
            managed_execution={"Active": True},
            capabilities=["CAPABILITY_NAMED_IAM"],
            operation_preferences=CfnStackSet.OperationPreferencesProperty(
                failure_tolerance_percentage=10,
                max_concurrent_percentage=25,
                region_concurrency_type="PARALLEL",
            ),
            parameters=[
                CfnStackSet.ParameterProperty(
                    parameter_key=name, parameter_value=self._given(name, described)
                )
                for name, described in template["Parameters"].items()
            ],
            stack_instances_group=[
                CfnStackSet.StackInstancesProperty(deployment_targets=targets, regions=regions)
            ],
            template_body=json.dumps(template, separators=(",", ":"), sort_keys=True),
        )

    def _list(self, name: str, pattern: str) -> list[str]:
        made = CfnParameter(
            self, name, type="CommaDelimitedList", allowed_pattern=pattern, description=_PLACES[name]
        )
        return list(made.value_as_list)

    def _given(self, name: str, described: Mapping[str, Any]) -> str:
        """Take a parameter of the template over, as text: lists are handed on as they are given."""
        made = CfnParameter(
            self,
            name,
            default=described.get("Default"),
            allowed_values=described.get("AllowedValues"),
            description=described.get("Description"),
        )
        return str(made.value_as_string)
