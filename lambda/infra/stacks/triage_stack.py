"""The stack for the account and region where findings are decided on."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Fn, Stack, Tags
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import permissions
from infra.components.alarms import Alarms, Watched
from infra.components.alerts import Alerts
from infra.components.configuration import MODELS, Configuration, OperatorState
from infra.components.dashboard import Dashboard
from infra.components.decision_log import BY_EFFECT, DecisionLog
from infra.components.events import CallsRule, FindingsRule, HomeBus, Schedule
from infra.components.functions import Shared
from infra.components.intake import Dispatcher, Intake
from infra.components.queues import dead_letters
from infra.components.review_page import ReviewKey, ReviewPage
from infra.components.single import Single
from infra.components.steps import Steps, whole
from infra.components.workflow import Workflow
from infra.conditional import only_if
from infra.parameters import Parameters, value_if
from infra.version import TAG, version

_PERIOD = Duration.minutes(5)


class TriageStack(Stack):
    """The whole system: both wirings, of which a parameter chooses one.

    Parameters
    ----------
    code : callable
        Scope to the functions' code.
    """

    def __init__(self, scope: Construct, id: str, *, code: Any, **settings: Any) -> None:
        super().__init__(scope, id, **settings)
        self.template_options.description = "Decides what happens to findings of IAM Access Analyzer"
        parameters = Parameters(self, "Parameters")
        log = DecisionLog(self, "DecisionLog")
        configuration = Configuration(self, "Configuration")
        alerts = Alerts(self, "Alerts", parameters)
        shared = _shared(code(self), parameters, log, configuration, alerts)
        key = ReviewKey(self, "ReviewKey", parameters)
        page = ReviewPage(self, "Review", shared, key.secret)
        shared = shared.with_settings(
            REVIEW_URL=value_if(parameters.has_review, page.url),
            REVIEW_SECRET=value_if(parameters.has_review, key.secret.ref),
        )
        steps = Steps(self, "Steps", shared, alerts, key.secret)
        unhandled = dead_letters(self, "DeadLetters")
        workflow = Workflow(self, "Workflow", steps=steps, dead_letters=unhandled, parameters=parameters)
        watch = whole(
            self,
            "Watch",
            shared,
            alerts,
            key.secret,
            handler="single",
            description="Looks at calls that may hide findings",
        )
        single = Single(self, "SingleFunction", shared, alerts, key.secret)
        intake = Intake(self, "Intake", dead_letters=unhandled, parameters=parameters)
        dispatcher = Dispatcher(self, "Dispatcher", shared, workflow)
        intake.hand_to_dispatcher(dispatcher.function, parameters.at_once)
        intake.hand_to_single(single.function, parameters.at_once)
        reconcile = whole(
            self,
            "Reconcile",
            shared,
            alerts,
            key.secret,
            description="Sends what waits, and finds what no event has told of",
            timeout=_PERIOD,
        )
        only_if(parameters.is_workflow, workflow, dispatcher)
        only_if(parameters.is_single, single)
        OperatorState(self, "OperatorState", configuration, reconcile)
        rule = FindingsRule(self, "Findings", intake)
        schedule = Schedule(self, "Schedule", reconcile, _PERIOD)
        calls = CallsRule(self, "Calls", watch)
        home = HomeBus(self, "HomeBus", parameters)

        queues = {
            "Events": rule.dead_letters,
            "Findings": unhandled,
            "Schedule": schedule.dead_letters,
            "Calls": calls.dead_letters,
        }
        watched = Watched(
            rule=rule,
            workflow=workflow,
            steps=steps,
            single=single,
            intake=intake,
            dispatcher=dispatcher,
            reconcile=reconcile,
            watch=watch,
            table=log.table,
            dead_letters=queues,
        )
        Alarms(self, "Alarms", watched, alerts, parameters)
        Dashboard(self, "Dashboard", watched)
        self._tell(
            Version=version(),
            DecisionLogTable=log.table.table_name,
            AlertTopicArn=alerts.topic.topic_arn,
            ModelRegistry=configuration.model,
            ParameterPrefix=configuration.path,
            HomeBusArn=home.arn,
            DeadLetterQueueUrl=unhandled.queue_url,
            DeadLetterQueues=Fn.join(
                ",", [Fn.join("=", [name, queue.queue_url]) for name, queue in queues.items()]
            ),
            FindingsTargetArn=intake.queue.queue_arn,
            WatchFunctionArn=watch.function.function_arn,
            OperationsTopicArn=alerts.operations.topic_arn,
            FindingsQueueUrl=intake.queue.queue_url,
            EnrichmentRoleArns=value_if(
                parameters.is_workflow,
                *(
                    Fn.join(",", [function.role.role_arn, reconcile.role.role_arn])
                    for function in (steps.enrich, single.function)
                ),
            ),
        )
        machine = workflow.machine.state_machine_arn
        CfnOutput(self, "WorkflowArn", value=machine, condition=parameters.is_workflow)
        CfnOutput(self, "ReviewPageUrl", value=page.url, condition=parameters.has_review)
        # The resources alone: a tag of the stack would be handed on to what it does not know.
        Tags.of(self).add(TAG, version(), exclude_resource_types=["aws:cdk:stack"])

    def _tell(self, **outputs: str) -> None:
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _shared(
    code: lambda_.Code,
    parameters: Parameters,
    log: DecisionLog,
    configuration: Configuration,
    alerts: Alerts,
) -> Shared:
    """Say what all functions are told and may do: read the configuration, use the decision log."""
    bucket, table = configuration.bucket.bucket_arn, log.table.table_arn
    return Shared(
        code=code,
        parameters=parameters,
        environment={},
        statements=[
            *permissions.use_of_log(table, f"{table}/index/{BY_EFFECT}"),
            permissions.allow(("ssm:GetParameters",), [f"{configuration.parameters_arn}/*"]),
            permissions.allow(("s3:GetObject",), [f"{bucket}/{MODELS}/*"]),
            # without it an object that is not there looks like one that may not be read
            permissions.allow(("s3:ListBucket",), [bucket]),
        ],
    ).with_settings(
        TOPIC_ARN=alerts.topic.topic_arn,
        TABLE=log.table.table_name,
        PARAMETERS=configuration.path,
        MODEL=configuration.model,
        KEEP_DAYS=parameters.keep_days.value_as_string,
        PERIOD_MINUTES=str(int(_PERIOD.to_minutes())),
        ANALYZER_ARNS=Fn.join(",", parameters.analyzers.value_as_list),
        MEMBER_ROLE=value_if(parameters.has_organization, parameters.member_role.value_as_string),
        EXTERNAL_ID=value_if(parameters.has_organization, parameters.external_id.value_as_string),
        MAIL_FROM=value_if(parameters.has_mail, parameters.mail_from.value_as_string),
        # An older deployment goes on as it did: see scoring.decision_log.certificates.
        ENFORCE_NEEDS="certificate",
        CHAT_TOPIC_ARN=value_if(parameters.has_chat, alerts.chat.topic_arn),
        VERSION=version(),
    )
