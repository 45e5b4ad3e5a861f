"""One finding in every form in which AWS hands it out, and in the envelopes that carry it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE
from tests.scoring.wire import as_json

ANALYZER = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"
_PRODUCT = "arn:aws:securityhub:eu-west-1::product/aws/access-analyzer"
_PREFIX = "Software and Configuration Checks/AWS Security Best Practices"
_TYPES = {
    "ExternalAccess": "External Access Granted",
    "UnusedIAMRole": "Unused IAM Role",
    "UnusedIAMUserAccessKey": "Unused IAM User Access Key",
    "UnusedIAMUserPassword": "Unused IAM User Password",
    "UnusedPermission": "Unused Permission",
}


def event(finding: Finding) -> dict[str, Any]:
    """An event of EventBridge."""
    sent = as_json(finding, "event")
    if finding.unused_actions is not None:
        sent["detail"]["numberOfUnusedActions"] = finding.unused_actions
    return sent


def v1(finding: Finding) -> dict[str, Any]:
    """As ``get-finding`` gives it; of external access only."""
    sent = as_json(finding, "v1")
    sent.pop("findingType")
    return {"finding": sent}


def v2(finding: Finding) -> dict[str, Any]:
    """As ``get-finding-v2`` gives it: of unused permissions a union for each service."""
    sent = as_json(finding, "v2")
    if finding.finding_type == "UnusedPermission":
        services = [{"serviceNamespace": f"s{n}"} for n in range(finding.unused_services or 0)]
        actions = [{"action": f"a{n}"} for n in range(finding.unused_actions or 0)]
        used = [{"serviceNamespace": "s3", "actions": actions}] if actions else []
        sent["findingDetails"] = [{"unusedPermissionDetails": one} for one in [*services, *used]]
    elif finding.is_unused_access:
        sent["findingDetails"] = []
    return sent


def preview(finding: Finding) -> dict[str, Any]:
    """As ``list-access-preview-findings`` gives it; of external access only."""
    sent = v1(finding)["finding"]
    return {"findings": [sent | {"changeType": "NEW", "existingFindingStatus": None}], "nextToken": None}


def asff(finding: Finding) -> dict[str, Any]:
    """As the older Security Hub passes it on."""
    [principal, *_] = finding.principals or [("", "")]
    other = {
        "External Principal Type": principal[0],
        "External Principal": principal[1],
        "Action Granted": ",".join(finding.actions),
        "Condition": "none",
    }
    row = TABLE[finding.resource_type]
    counts = {
        name: str(count)
        for name, count in (
            ("numberOfUnusedServices", finding.unused_services),
            ("numberOfUnusedActions", finding.unused_actions),
        )
        if count is not None
    }
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{ANALYZER}/{finding.resource}",
        "ProductArn": _PRODUCT,
        "Title": _title(finding),
        "Description": f"{finding.resource_type}/{finding.resource}/ x",
        "Types": [_type(finding)],
        "RecordState": "ACTIVE",
        "ProductFields": {"ResourceOwnerAccount": finding.account, "findingId": finding.id, **counts},
        "Resources": [
            {
                "Type": row.security_hub or "Other",
                "Id": finding.resource,
                **({} if finding.is_unused_access else {"Details": {"Other": other}}),
            }
        ],
    }


def ocsf(finding: Finding) -> dict[str, Any]:
    """As Security Hub of today passes it on."""
    sent: dict[str, Any] = {
        "class_uid": 2003,
        "metadata": {"product": {"uid": _PRODUCT, "name": "IAM Access Analyzer", "vendor_name": "AWS"}},
        "finding_info": {
            "uid": finding.id,
            "title": _title(finding),
            "types": [_type(finding)],
            "created_time_dt": "2026-03-02T07:00:00Z",
            "modified_time": 1772435400000,
        },
        "cloud": {"account": {"uid": "999900001111"}, "region": "eu-west-1"},
        "resources": [
            {
                "type": finding.resource_type,
                "uid": finding.resource,
                "owner": {"account": {"uid": finding.account}},
            }
        ],
        "status_id": 1,
    }
    if finding.unused_services is not None:
        counts = {
            "unused_services_count": finding.unused_services,
            "unused_privileges_count": finding.unused_actions,
        }
        sent["permission_analysis_results"] = [counts]
    return sent


def of_security_hub(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The event in which Security Hub sends a finding of either form."""
    family = "Findings Imported V2" if "class_uid" in sent else "Security Hub Findings - Imported"
    return {
        "version": "0",
        "detail-type": family,
        "source": "aws.securityhub",
        "region": "eu-west-1",
        "resources": [],
        "detail": {"findings": [dict(sent)]},
    }


def sns(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A notification of SNS."""
    topic = "arn:aws:sns:eu-west-1:111122223333:findings"
    return {"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": json.dumps(sent)}


def sqs(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A message as ``receive-message`` gives it; of SNS, it holds the notification or is raw."""
    return {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": json.dumps(sent)}]}


def lambda_of_sqs(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What Lambda gets of SQS."""
    return {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(sent)}]}


def lambda_of_sns(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What Lambda gets of SNS."""
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns(sent)}]}


ENVELOPES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "bare": dict,
    "SNS": sns,
    "SQS, raw": sqs,
    "SNS in SQS": lambda sent: sqs(sns(sent)),
    "Lambda of SNS": lambda_of_sns,
    "Lambda of SQS, raw": lambda_of_sqs,
    "SNS in SQS to Lambda": lambda sent: lambda_of_sqs(sns(sent)),
}


def _type(finding: Finding) -> str:
    if finding.is_public:
        return "Effects/Data Exposure/External Access Granted"
    return f"{_PREFIX}/{_TYPES[finding.finding_type]}"


def _title(finding: Finding) -> str:
    kind = TABLE[finding.resource_type].security_hub or "Other"
    what = "public" if finding.is_public else "cross-account"
    return f"{kind}/{finding.resource}/ allows {what} access"
