"""What cdk-nag finds and we leave as it is, each with the reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from infra.permissions import named_resources

_ANY_RESOURCE = (
    "a finding may be about any resource of the account, and reading tags and settings shows no content"
)
_WILDCARDS = {
    "Resource::*": "X-Ray, log delivery, and the actions that IAM ties to no resource (infra/permissions.py)",
    "Resource::arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/<AWS::StackName>/*": (
        "the stack's own parameters, read by their prefix"
    ),
    "Resource::<ConfigurationModelsEE011D0C.Arn>/models/*": "versions of the model that are yet to come",
    'Resource::{"Fn::If":["HasAnalyzers",{"Ref":"AnalyzerArns"},[{"Fn::Join":["",["arn:",{"Ref":"AWS::'
    'Partition"},":access-analyzer:*:",{"Ref":"AWS::AccountId"},":analyzer/*"]]}]]}': (
        "reading only: of the analyzers given, or of all of this account"
    ),
    "Resource::arn:<AWS::Partition>:access-analyzer:*:<AWS::AccountId>:analyzer/*": (
        "reading only: archive rules of the account's analyzers"
    ),
    "Resource::arn:<AWS::Partition>:sns:<AWS::Region>:<AWS::AccountId>:access-triage-*": (
        "topics of teams, which the policy's routes name"
    ),
    "Resource::arn:<AWS::Partition>:iam::*:role/<MemberRoleName>": (
        "one role in each account of the organization, which a condition names"
    ),
    "Resource::arn:<AWS::Partition>:securityhub:*:<AWS::AccountId>:hub/default": (
        "the one hub of the account in each region: a finding is updated in its own"
    ),
    "Resource::arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:identity/*": (
        "whichever identity the sender was verified by; a condition names the sender"
    ),
    'Resource::["arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${Name}:*",{"Name":'
    '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"WorkflowMachine0C2E3460"}]}]}}]': (
        "executions of the one workflow, which are yet to be started"
    ),
    "Resource::<StepsArchiveFunction0AC1FD5F.Arn>:*": "versions of the one function, as CDK grants it",
    "Resource::<StepsEnrichFunctionD5756CCB.Arn>:*": "versions of the one function, as CDK grants it",
    "Resource::<StepsEvaluateFunctionF9F81481.Arn>:*": "versions of the one function, as CDK grants it",
    "Resource::<StepsNotifyFunction8E16D98F.Arn>:*": "versions of the one function, as CDK grants it",
    **{
        f"Resource::arn:<AWS::Partition>:{place.format(account='<AWS::AccountId>')}": _ANY_RESOURCE
        for place in named_resources()
    },
}

ACKNOWLEDGED: dict[str, str] = {
    "CloudFormation-Validate::W1001": "the wirings exclude each other, which is not seen in an output",
    **{f"AwsSolutions-IAM5[{found}]": why for found, why in _WILDCARDS.items()},
    "AwsSolutions-L1": "the locked packages are built for Python 3.13",
    "AwsSolutions-SMG4": "a change of the key makes open links invalid; docs/deploy.md says how to change it",
    "AwsSolutions-SQS3": "these are dead-letter queues: EventBridge and the workflow put into them",
}


def acknowledge(scope: IConstruct) -> None:
    """Acknowledge what is found in a scope."""
    Validations.of(scope).acknowledge(
        *(Acknowledgment(id=found, reason=why) for found, why in ACKNOWLEDGED.items())
    )
