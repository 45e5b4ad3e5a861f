"""Who may do what: every synthesized policy as it was reviewed, and what a reviewer would look for first.

``UPDATE_GOLDEN=1 pytest tests/lambda_/infra/test_policies.py`` writes the golden file anew:
review the difference.
"""

import fnmatch
import json
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from scoring.aws import enrich
from scoring.decision_log import hourly_limit, similar
from scoring.pipeline import security_hub
from scoring.pipeline.suppression import suspicions
from tests.lambda_.infra.conftest import Template
from tests.synthesis import ROOT, template

pytestmark = pytest.mark.needs("deploy")

GOLDEN = Path(__file__).parents[2] / "golden/policies.json"
STEPS = ("Enrich", "Evaluate", "Archive", "Notify")


def readable(value: Any) -> Any:
    """Write what CloudFormation fills in as ``${Name}``."""
    if isinstance(value, list):
        return [readable(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return f"${{{value['Ref']}}}"
    if set(value) == {"Fn::GetAtt"}:
        return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(map(str, map(readable, parts)))
    return {name: readable(one) for name, one in value.items()}


def statements(found: dict[str, Any]) -> dict[str, Any]:
    """All statements of a template: of roles, by role and condition, and of resources."""
    by_owner: dict[str, Any] = defaultdict(dict)
    for name, resource in found["Resources"].items():
        properties = resource.get("Properties", {})
        under = f" if {resource['Condition']}" if "Condition" in resource else ""
        if resource["Type"] == "AWS::IAM::Policy":
            (role,) = properties["Roles"]
            owner = by_owner[role["Ref"]]
            owner[f"{name}{under}"] = readable(properties["PolicyDocument"]["Statement"])
        elif resource["Type"] == "AWS::IAM::Role":
            by_owner[name]["trust"] = readable(properties["AssumeRolePolicyDocument"]["Statement"])
            for policy in properties.get("Policies", ()):
                by_owner[name][policy["PolicyName"]] = readable(policy["PolicyDocument"]["Statement"])
        else:
            for key in ("PolicyDocument", "KeyPolicy", "Statement"):
                if key in properties:
                    document = properties[key]
                    by_owner[f"{resource['Type']} {name}{under}"] = readable(
                        document.get("Statement", document)
                    )
    return by_owner


def allowed(stack: Template, role: str) -> dict[str, list[Any]]:
    """Actions of a role, with the resources that each is allowed on, whatever the conditions."""
    found: dict[str, list[Any]] = defaultdict(list)
    for name, policies in statements(stack.all).items():
        if name.startswith(role):
            some = [one for key, several in policies.items() if key != "trust" for one in several]
            for statement in some:
                for action in as_list(statement["Action"]):
                    found[action] += as_list(statement["Resource"])
    assert found, role
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_policies_are_those_that_were_reviewed() -> None:
    names = ("AccessTriage", "Templates/MemberRole", "Templates/Forwarding")
    found = {name: statements(template(name)) for name in names}
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    if "UPDATE_GOLDEN" in os.environ:
        GOLDEN.write_text(text, encoding="utf-8")

    assert text == GOLDEN.read_text(encoding="utf-8")


def test_no_role_may_do_everything_of_a_service(stack: Template) -> None:
    for name in stack.of_type("AWS::IAM::Role"):
        for action in allowed(stack, name):
            assert not action.endswith(":*"), (name, action)
            assert action != "*", name


def test_only_the_step_that_archives_may_update_findings(stack: Template) -> None:
    for step in STEPS:
        may = "access-analyzer:UpdateFindings" in allowed(stack, f"Steps{step}Role")
        assert may == (step == "Archive")


def test_findings_are_updated_of_the_given_analyzers_alone(stack: Template) -> None:
    for role in stack.of_type("AWS::IAM::Role"):
        on = allowed(stack, role).get("access-analyzer:UpdateFindings", ["${AnalyzerArns}"])
        assert on == ["${AnalyzerArns}"], role
    updates = {
        resource["Condition"]
        for resource in stack.resources.values()
        if resource["Type"] == "AWS::IAM::Policy" and "access-analyzer:UpdateFindings" in str(resource)
    }
    assert all("HasAnalyzers" in condition for condition in updates)


@pytest.mark.parametrize("role", ["StepsEnrichRole", "SingleFunctionSingleRole", "ReconcileRole"])
def test_enrichment_may_do_what_the_enrichers_declare(role: str, stack: Template) -> None:
    assert set(enrich.OWN_ACTIONS) <= set(allowed(stack, role))


def test_other_steps_may_ask_about_no_resource(stack: Template) -> None:
    for step in ("Evaluate", "Archive", "Notify"):
        actions = set(allowed(stack, f"Steps{step}Role"))
        assert not actions & (set(enrich.OWN_ACTIONS) - {"kms:Decrypt"})


def test_member_accounts_let_exactly_what_the_enrichers_declare_there() -> None:
    member = Template(template("Templates/MemberRole"))
    role = member.name_of("AWS::IAM::Role")

    assert set(allowed(member, role)) == set(enrich.MEMBER_ACTIONS)


def test_the_member_role_trusts_the_enrichment_alone() -> None:
    (trust,) = statements(template("Templates/MemberRole"))["Role1ABCC5F0"]["trust"]

    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "${EnrichmentRoleArns}"},
        "StringEquals": {"aws:PrincipalOrgID": "${OrganizationId}", "sts:ExternalId": "${ExternalId}"},
    }


def test_what_the_code_names_is_what_the_roles_have(stack: Template) -> None:
    assert set(security_hub.ACTIONS) <= set(allowed(stack, "StepsArchiveRole"))
    assert set(suspicions.ACTIONS) <= set(allowed(stack, "ReconcileRole"))


def test_whatever_names_no_resource_cannot_name_one(stack: Template) -> None:
    """The rest has at least the account, the service and the kind of resource in its ARN."""
    unnamed = {
        action
        for role in stack.of_type("AWS::IAM::Role")
        if not role.startswith("WorkflowMachine")
        for action, resources in allowed(stack, role).items()
        if "*" in resources
    }

    assert unnamed == {
        "ec2:DescribeSnapshots",
        "kms:ListAliases",
        "lambda:ListFunctionUrlConfigs",
        "lambda:ListLayerVersions",
        "organizations:ListAccounts",
        "tag:GetResources",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_no_function_can_delete_a_decision_or_a_verdict(stack: Template) -> None:
    """Deleted are only copies of verdicts, for comparison, and counts of an hour; so says the code, too."""
    deleting = [
        statement
        for policy in stack.of_type("AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if any(action.startswith("dynamodb:Delete") for action in as_list(statement["Action"]))
    ]
    assert deleting
    allowed = ["similar#*", "limits"]
    for statement in deleting:
        assert statement["Condition"] == {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": allowed},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
    asks = {
        file.stem for file in (ROOT / "scoring").rglob("*.py") if re.search(r"\bDelete\(", file.read_text())
    }
    assert asks == {"storage", "similar", "hourly_limit"}
    partitions = [
        *similar._partitions({"principal": "a", "resource": "b", "public": "c"}),
        hourly_limit._PARTITION,
    ]
    assert len(partitions) == 4
    for partition in partitions:
        assert any(fnmatch.fnmatchcase(partition, pattern) for pattern in allowed), partition
