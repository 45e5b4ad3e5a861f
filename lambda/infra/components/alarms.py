"""The alarms: what somebody has to act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.alerts import Alerts
from infra.components.events import FindingsRule
from infra.components.functions import Function
from infra.components.metrics import metric
from infra.components.workflow import Workflow
from infra.conditional import only_if, resource_of
from infra.parameters import Parameters

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
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
    reconcile: Function
    dead_letters: Mapping[str, sqs.IQueue]


class Alarms(Construct):
    """The alarms; all of them go to the topic of the alerts."""

    def __init__(
        self, scope: Construct, id: str, watched: Watched, alerts: Alerts, parameters: Parameters
    ) -> None:
        super().__init__(scope, id)
        self._alerts = alerts
        for name, queue in watched.dead_letters.items():
            self._alarm(
                f"DeadLetters{name}",
                queue.metric_approximate_number_of_messages_visible(
                    period=Duration.minutes(5), statistic="Maximum"
                ),
                "Something could not be handled and waits in a dead-letter queue",
            )
        self._alarm("Errors", metric("Errors"), "A finding could not be handled")
        self._alarm("BreakerOpen", metric("BreakerOpen", "Maximum"), "The circuit breaker stopped archives")
        self._alarm(
            "ConfigurationInvalid",
            metric("ConfigurationInvalid", "Maximum"),
            "Mode, policy, threshold or model is not valid; the last good one still holds",
        )
        self._alarm(
            "ManyAlerts",
            metric("Alerted", period=Duration.hours(1)),
            "More alerts in an hour than people can look at",
            threshold=parameters.most_alerts.value_as_number,
        )
        self._quiet(watched.rule, parameters)
        failed = self._alarm(
            "WorkflowFailed", watched.workflow.machine.metric_failed(), "A workflow failed; its state is kept"
        )
        slow = self._alarm(
            "WorkflowTimedOut", watched.workflow.machine.metric_timed_out(), "A workflow took too long"
        )
        for alarm in (failed, slow):
            only_if(parameters.is_workflow, alarm)
        self._alarm(
            "ReconcileFailed",
            watched.reconcile.function.metric_errors(period=Duration.hours(1)),
            "The scheduled work fails again and again",
            threshold=3,
        )

    def _quiet(self, rule: FindingsRule, parameters: Parameters) -> None:
        """Access Analyzer that says nothing may be switched off, or its events may no longer arrive."""
        days = parameters.quiet_days.value_as_number
        matched = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="MatchedEvents",
            dimensions_map={"RuleName": rule.rule.ref},
            period=Duration.days(1),
            statistic="Sum",
        )
        alarm = self._alarm(
            "NoFindings",
            matched,
            "No finding for days: is Access Analyzer on, and do its events arrive?",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        resource = resource_of(alarm, cloudwatch.CfnAlarm)
        resource.evaluation_periods = days
        resource.datapoints_to_alarm = days

    def _alarm(
        self, name: str, watched: cloudwatch.Metric, description: str, **settings: Any
    ) -> cloudwatch.Alarm:
        given = {
            "threshold": 1,
            "evaluation_periods": 1,
            "comparison_operator": _AT_LEAST,
            "treat_missing_data": _FINE,
            **settings,
        }
        alarm = cloudwatch.Alarm(self, name, metric=watched, alarm_description=description, **given)
        alarm.add_alarm_action(self._alerts.action)
        return alarm
