"""The parameters of the stack: all that may differ between one deployment and another."""

from typing import Any

from aws_cdk import Aws, CfnCondition, CfnParameter, CfnRule, CfnRuleAssertion, Fn, Stack, Token
from constructs import Construct

_ANALYZER = r"arn:aws[\w-]*:access-analyzer:[\w-]+:\d{12}:analyzer/[\w.-]+"
_ADDRESS = r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+"


class Parameters(Construct):
    """The parameters, and the conditions that follow from them.

    They are parameters of CloudFormation, not context of CDK, so that whoever deploys the template from the
    console has the same choices.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.email = self._parameter(
            "EmailSubscriptionParameter",
            description="Who receives the alerts; the address has to be confirmed once.",
            allowed_pattern=_ADDRESS,
            constraint_description="an email address such as you@example.com",
        )
        self.operations_email = self._parameter(
            "OperationsEmail",
            default="",
            description="Who receives the alarms. Empty: the address that receives the alerts.",
            allowed_pattern=f"^$|{_ADDRESS}",
        )
        self.runbook_url = self._parameter(
            "RunbookUrl",
            default="",
            description="Where you publish docs/runbooks as pages, without the last slash: alarms link to it."
            " Empty: they name the file in the repository.",
            allowed_pattern=r"^$|https://[^\s<>]+[^\s<>/]",
        )
        wiring = self._choice(
            "Wiring",
            "How the steps are wired: four functions in a Step Functions workflow, or one behind a queue.",
            "workflow",
            "single",
        )
        self.analyzers = self._parameter(
            "AnalyzerArns",
            type="CommaDelimitedList",
            default="",
            description="ARNs of the analyzers whose findings may be archived, and are swept every hour."
            " Empty: those of this account are read, and nothing can be archived.",
            allowed_pattern=f"^$|{_ANALYZER}",
        )
        self.organization = self._parameter(
            "OrganizationId",
            default="",
            description="Id of the organization whose member accounts are read. Empty: this account alone.",
            allowed_pattern=r"^$|o-[a-z0-9]{10,32}",
        )
        self.external_id = self._parameter(
            "ExternalId",
            default="",
            description="What the role in the member accounts asks for; needed with an organization.",
            allowed_pattern=r"^$|[\w+=,.@:/-]{2,200}",
        )
        self.member_role = self._parameter(
            "MemberRoleName",
            default="access-triage-member",
            description="Name of the role in the member accounts.",
            allowed_pattern=r"[\w+=,.@-]{1,64}",
        )
        self.mail_from = self._parameter(
            "MailFrom",
            default="",
            description="Sender of alerts in HTML, verified with SES. Empty: plain text through SNS alone.",
            allowed_pattern=f"^$|{_ADDRESS}",
        )
        chat = self._choice("ChatTopic", "Whether Amazon Q Developer gets a topic for chats.", "off", "on")
        hub = self._choice(
            "SecurityHub",
            "Whether Security Hub may be written to; the policy turns it on.",
            "off",
            "on",
        )
        review = self._choice(
            "ReviewPage",
            "The page to answer alerts on. NONE: whoever has the link; AWS_IAM: whoever AWS signs in.",
            "off",
            "NONE",
            "AWS_IAM",
        )
        tracing = self._choice("Tracing", "Whether AWS X-Ray traces functions and workflow.", "off", "on")
        self.at_once = self._number(
            "FindingsAtOnce",
            4,
            "Findings that are worked on at once; the wiring `workflow` takes two of the account's concurrent"
            " functions for each, the wiring `single` one.",
            2,
            1000,
        )
        self.keep_days = self._number("KeepDays", 730, "Days for which decisions are kept.", 30)
        self.quiet_days = self._number("QuietDays", 7, "Days without any finding that raise an alarm.", 1, 7)
        self.most_alerts = self._number("MostAlertsPerHour", 100, "Alerts in an hour that raise an alarm.", 1)

        self.is_workflow = self._condition("IsWorkflow", Fn.condition_equals(wiring, "workflow"))
        self.is_single = self._condition("IsSingle", Fn.condition_not(self.is_workflow))
        self.has_analyzers = self._condition(
            "HasAnalyzers",
            _is_not_empty(Fn.join("", self.analyzers.value_as_list)),
        )
        self.has_organization = self._given("HasOrganization", self.organization)
        self.has_operations_email = self._given("HasOperationsEmail", self.operations_email)
        self.has_runbook_url = self._given("HasRunbookUrl", self.runbook_url)
        self.has_mail = self._given("HasMailFrom", self.mail_from)
        self.has_chat = self._condition("HasChatTopic", Fn.condition_equals(chat, "on"))
        self.has_security_hub = self._condition("HasSecurityHub", Fn.condition_equals(hub, "on"))
        self.has_review = self._condition(
            "HasReviewPage", Fn.condition_not(Fn.condition_equals(review, "off"))
        )
        self.has_open_review = self._condition("HasOpenReviewPage", Fn.condition_equals(review, "NONE"))
        self.has_tracing = self._condition("HasTracing", Fn.condition_equals(tracing, "on"))
        self._group()
        CfnRule(
            Stack.of(self),
            "OrganizationNeedsExternalId",
            rule_condition=_is_not_empty(self.organization.value_as_string),
            assertions=[
                CfnRuleAssertion(
                    assert_=_is_not_empty(self.external_id.value_as_string),
                    assert_description="With OrganizationId, give the ExternalId of the member role.",
                )
            ],
        )

    @property
    def readable_analyzers(self) -> list[str]:
        """ARNs of the analyzers whose findings are read: those given, or all of this account."""
        own = f"arn:{Aws.PARTITION}:access-analyzer:*:{Aws.ACCOUNT_ID}:analyzer/*"
        given = self.analyzers.value_as_list
        return list(Token.as_list(Fn.condition_if(self.has_analyzers.logical_id, given, [own])))

    def _parameter(self, name: str, **settings: Any) -> CfnParameter:
        return CfnParameter(Stack.of(self), name, **settings)

    def _choice(self, name: str, description: str, *values: str) -> str:
        """Make a parameter with a fixed set of values; the first one is the default."""
        made = self._parameter(name, default=values[0], allowed_values=list(values), description=description)
        return str(made.value_as_string)

    def _number(
        self, name: str, default: int, description: str, least: int, most: int | None = None
    ) -> CfnParameter:
        return self._parameter(
            name, type="Number", default=default, description=description, min_value=least, max_value=most
        )

    def _condition(self, name: str, expression: Any) -> CfnCondition:
        return CfnCondition(Stack.of(self), name, expression=expression)

    def _given(self, name: str, parameter: CfnParameter) -> CfnCondition:
        return self._condition(name, _is_not_empty(parameter.value_as_string))

    def _group(self) -> None:
        """Lay the parameters out as the console shows them."""
        groups = {
            "Alerts": [
                "EmailSubscriptionParameter",
                "MailFrom",
                "ChatTopic",
                "ReviewPage",
                "MostAlertsPerHour",
            ],
            "Findings": ["AnalyzerArns", "Wiring", "FindingsAtOnce", "SecurityHub", "KeepDays", "QuietDays"],
            "Organization": ["OrganizationId", "ExternalId", "MemberRoleName"],
            "Operation": ["OperationsEmail", "RunbookUrl", "Tracing", "QuietDays", "MostAlertsPerHour"],
        }
        Stack.of(self).template_options.metadata = {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [
                    {"Label": {"default": label}, "Parameters": names} for label, names in groups.items()
                ]
            }
        }


def _is_not_empty(value: str) -> Any:
    return Fn.condition_not(Fn.condition_equals(value, ""))


def value_if(condition: CfnCondition, value: Any, otherwise: Any = None) -> str:
    """Return a value that holds under a condition; otherwise another, or none at all."""
    missing = Aws.NO_VALUE if otherwise is None else otherwise
    return str(Token.as_string(Fn.condition_if(condition.logical_id, value, missing)))
