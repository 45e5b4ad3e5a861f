"""Turns IAM Access Analyzer on, in an account or for an organization."""

from typing import Any, Literal

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, Fn, Stack
from aws_cdk import aws_accessanalyzer as accessanalyzer
from constructs import Construct

from infra.parameters import value_if

_TYPES = {
    "External": ("", "yes", "Access from outside; free of charge."),
    "Internal": (
        "_INTERNAL_ACCESS",
        "no",
        "Access from inside, to resources you name later; charged for each.",
    ),
    "Unused": ("_UNUSED_ACCESS", "no", "Access that nobody uses; charged for each role and user."),
}


class AnalyzersStack(Stack):
    """The analyzers of an account, or of the organization it administers.

    Parameters
    ----------
    zone : str
        ``ACCOUNT`` or ``ORGANIZATION``.
    """

    def __init__(
        self, scope: Construct, id: str, *, zone: Literal["ACCOUNT", "ORGANIZATION"], **settings: Any
    ) -> None:
        super().__init__(scope, id, **settings)
        self.template_options.description = f"IAM Access Analyzer: analyzers of type {zone}"
        days = CfnParameter(
            self,
            "UnusedAccessDays",
            type="Number",
            default=90,
            min_value=1,
            max_value=365,
            description="Days after which access counts as unused.",
        )
        rules = self._archive_rules()
        for name, (suffix, default, description) in _TYPES.items():
            chosen = CfnParameter(
                self, name, default=default, allowed_values=["yes", "no"], description=description
            )
            condition = CfnCondition(
                self, f"Has{name}", expression=Fn.condition_equals(chosen.value_as_string, "yes")
            )
            analyzer = accessanalyzer.CfnAnalyzer(self, f"{name}Analyzer", type=f"{zone}{suffix}")
            analyzer.cfn_options.condition = condition
            if name == "External":
                analyzer.add_property_override("ArchiveRules", rules)
            if name == "Unused":
                analyzer.analyzer_configuration = {
                    "unusedAccessConfiguration": {"unusedAccessAge": days.value_as_number}
                }
            CfnOutput(self, f"{name}AnalyzerArn", value=analyzer.attr_arn, condition=condition)

    def _archive_rules(self) -> str:
        """Return the archive rule for an account whose access is expected, where there is such an account."""
        auditor = CfnParameter(
            self,
            "SecurityAuditorAccount",
            default="",
            allowed_pattern=r"^$|\d{12}",
            description="Account whose access is expected: findings on it are archived. Empty: none.",
        ).value_as_string
        condition = CfnCondition(
            self, "HasAuditor", expression=Fn.condition_not(Fn.condition_equals(auditor, ""))
        )
        rule = {
            "RuleName": "security-auditor",
            "Filter": [
                {"Property": "principal.AWS", "Eq": [auditor]},
                {"Property": "isPublic", "Eq": ["false"]},
            ],
        }
        return value_if(condition, [rule])
