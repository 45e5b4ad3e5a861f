"""The alarms: what somebody has to act on, each with the page of the docs that says how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.alerts import Alerts
from infra.components.events import FindingsRule
from infra.components.functions import Function
from infra.components.intake import Dispatcher, Intake
from infra.components.metrics import metric
from infra.components.single import Single
from infra.components.steps import Steps
from infra.components.workflow import Workflow
from infra.conditional import only_if, resource_of
from infra.parameters import Parameters, value_if

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_LESS_THAN = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_FINE = cloudwatch.TreatMissingData.NOT_BREACHING


@dataclass(frozen=True)
class Watched:
    """What there is to watch.

    Parameters
    ----------
    dead_letters : dict
        What a queue is for, and the queue.
    """

    rule: FindingsRule
    workflow: Workflow
    steps: Steps
    single: Single
    intake: Intake
    dispatcher: Dispatcher
    reconcile: Function
    watch: Function
    table: dynamodb.ITable
    dead_letters: Mapping[str, sqs.IQueue]


class Alarms(Construct):
    """The alarms; all of them go to the topic of operations, when they rise and when they are over."""

    def __init__(
        self, scope: Construct, id: str, watched: Watched, alerts: Alerts, parameters: Parameters
    ) -> None:
        super().__init__(scope, id)
        self._alerts, self._parameters = alerts, parameters
        for name, queue in watched.dead_letters.items():
            self._alarm(
                f"DeadLetters{name}",
                queue.metric_approximate_number_of_messages_visible(
                    period=Duration.minutes(5), statistic="Maximum"
                ),
                "Something could not be handled and waits in a dead-letter queue",
                page="dead-letters",
            )
        self._alarm("Errors", metric("Errors"), "A finding could not be handled", page="errors")
        self._alarm(
            "BreakerOpen",
            metric("BreakerOpen", "Maximum"),
            "The circuit breaker stopped archives",
            page="breaker-open",
        )
        self._alarm(
            "ConfigurationInvalid",
            metric("ConfigurationInvalid", "Maximum"),
            "Mode, policy, threshold or model is not valid; the last good one holds, or none does",
            page="configuration-invalid",
        )
        self._alarm(
            "ManyAlerts",
            metric("Alerted", period=Duration.hours(1)),
            "More alerts in an hour than people can look at",
            threshold=parameters.most_alerts.value_as_number,
            page="many-alerts",
        )
        self._quiet(parameters)
        self._heartbeats(watched)
        self._throttles(watched, parameters)
        failed = self._alarm(
            "WorkflowFailed",
            watched.workflow.machine.metric_failed(),
            "A workflow failed; its state is kept",
            page="workflow-failed",
        )
        slow = self._alarm(
            "WorkflowTimedOut",
            watched.workflow.machine.metric_timed_out(),
            "A workflow took too long",
            page="workflow-failed",
        )
        for alarm in (failed, slow):
            only_if(parameters.is_workflow, alarm)
        self._alarm(
            "Backlog",
            watched.intake.queue.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            "Findings have waited in the queue for an hour",
            threshold=Duration.hours(1).to_seconds(),
            evaluation_periods=3,
            page="backlog",
        )
        self._alarm(
            "ReconcileFailed",
            watched.reconcile.function.metric_errors(period=Duration.hours(1)),
            "The scheduled work fails again and again",
            threshold=3,
            page="reconcile-failed",
        )

    def _quiet(self, parameters: Parameters) -> None:
        """Access Analyzer that says nothing may be switched off, or its events may no longer arrive.

        The scheduled function counts 0 each time, so that a day without events is a number. Days before the
        first one have none and do not count.
        """
        days = parameters.quiet_days.value_as_number
        alarm = self._alarm(
            "NoFindings",
            metric("Received", period=Duration.days(1)),
            "No finding for days: is Access Analyzer on, and do its events arrive?",
            comparison_operator=_LESS_THAN,
            page="no-findings",
        )
        resource = resource_of(alarm, cloudwatch.CfnAlarm)
        resource.evaluation_periods = days
        resource.datapoints_to_alarm = days

    def _heartbeats(self, watched: Watched) -> None:
        """A job that no longer runs, or never did, tells nobody by itself.

        That the scheduled function runs at all is Lambda's own count. Each of its jobs counts 1 in a run
        after which it is done, and 0 otherwise.
        """
        self._alarm(
            "ReconcileSilent",
            watched.reconcile.function.metric_invocations(period=Duration.minutes(15)),
            "The scheduled function does not run",
            comparison_operator=_LESS_THAN,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            evaluation_periods=2,
            page="reconcile-silent",
        )
        for name, hours, description in (
            ("Digest", 1, "Alerts that wait to be sent together, or the summary, are not sent"),
            ("Sweep", 6, "No sweep over the active findings comes to its end"),
            ("Watch", 6, "The hourly check for hidden access is not done"),
        ):
            self._alarm(
                f"{name}Late",
                metric(f"{name}Done", period=Duration.hours(1)),
                description,
                comparison_operator=_LESS_THAN,
                evaluation_periods=hours,
                page=f"{name.lower()}-late",
            )

    def _throttles(self, watched: Watched, parameters: Parameters) -> None:
        """What is throttled for a while is delivered later; what is throttled for long may be lost."""
        steps = watched.steps
        in_steps = self._throttled(
            "Workflow",
            *(one.function for one in (steps.enrich, steps.evaluate, steps.archive, steps.notify)),
            watched.dispatcher.function.function,
        )
        in_single = self._throttled("Single", watched.single.function.function)
        only_if(parameters.is_workflow, in_steps)
        only_if(parameters.is_single, in_single)
        self._throttled("Schedule", watched.reconcile.function, watched.watch.function)
        on = {"TableName": watched.table.table_name}
        events = {
            f"{kind}s": cloudwatch.Metric(
                namespace="AWS/DynamoDB", metric_name=f"{kind.title()}ThrottleEvents", dimensions_map=on
            )
            for kind in ("read", "write")
        }
        self._throttled_sum("Log", events)

    def _throttled(self, name: str, *functions: lambda_.IFunction) -> cloudwatch.Alarm:
        return self._throttled_sum(
            name, {f"m{n}": function.metric_throttles() for n, function in enumerate(functions)}
        )

    def _throttled_sum(self, name: str, events: dict[str, cloudwatch.Metric]) -> cloudwatch.Alarm:
        return self._alarm(
            f"Throttled{name}",
            cloudwatch.MathExpression(
                expression=f"SUM([{', '.join(events)}])",
                using_metrics={
                    key: one.with_(period=Duration.minutes(5), statistic="Sum") for key, one in events.items()
                },
                period=Duration.minutes(5),
                label="throttled",
            ),
            "AWS has throttled it for a quarter of an hour",
            evaluation_periods=3,
            page="throttled",
        )

    def _alarm(
        self, name: str, watched: cloudwatch.IMetric, description: str, *, page: str, **settings: Any
    ) -> cloudwatch.Alarm:
        """Make an alarm.

        Parameters
        ----------
        page : str
            Name of the page in ``docs/runbooks`` that says what to do.
        """
        given = {
            "threshold": 1,
            "evaluation_periods": 1,
            "comparison_operator": _AT_LEAST,
            "treat_missing_data": _FINE,
            **settings,
        }
        parameters = self._parameters
        published = Fn.join("/", [parameters.runbook_url.value_as_string, f"{page}.html"])
        runbook = value_if(parameters.has_runbook_url, published, f"docs/runbooks/{page}.md")
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=watched,
            alarm_description=Fn.join(" ", [f"{description}. What to do:", runbook]),
            **given,
        )
        alarm.add_alarm_action(self._alerts.action)
        alarm.add_ok_action(self._alerts.action)
        return alarm
