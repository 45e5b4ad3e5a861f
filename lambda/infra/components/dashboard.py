"""The dashboard: what happens to findings, how long it takes, and what goes wrong."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.components.alarms import Watched
from infra.components.metrics import METRICS, metric


class Dashboard(Construct):
    """One page: what happens to findings, how long it takes, and what goes wrong."""

    def __init__(self, scope: Construct, id: str, watched: Watched) -> None:
        super().__init__(scope, id)
        percentiles = [metric("Latency", statistic) for statistic in ("p50", "p90", "p99")]
        scores = [metric("Score", statistic) for statistic in ("p10", "p50", "p90", "p99")]
        waiting = [
            queue.metric_approximate_number_of_messages_visible(label=name)
            for name, queue in watched.dead_letters.items()
        ]
        rows = [
            [
                ("Findings a day", [metric(name, period=Duration.days(1)) for name in METRICS[:3]]),
                ("Score of findings", scores),
            ],
            [
                ("Latency of a finding, ms", percentiles),
                ("Circuit breaker, configuration", [metric(name, "Maximum") for name in METRICS[-2:]]),
            ],
            [
                ("Errors", [metric("Errors"), _of_functions("Errors", "Sum")]),
                ("Duration of the functions", [_of_functions("Duration", "p90")]),
            ],
            [
                ("Dead letters", waiting),
                ("Workflow", [_of_workflows("Started"), _of_workflows("Succeeded"), _of_workflows("Failed")]),
            ],
        ]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            default_interval=Duration.days(14),
            widgets=[
                [cloudwatch.GraphWidget(title=title, left=shown, width=12, height=6) for title, shown in row]
                for row in rows
            ],
        )


def _of_functions(name: str, statistic: str) -> cloudwatch.MathExpression:
    """Return a metric of all functions of the stack; those of the other wiring are not there to be named."""
    return _search("AWS/Lambda,FunctionName", name, statistic)


def _of_workflows(name: str) -> cloudwatch.MathExpression:
    return _search("AWS/States,StateMachineArn", f"Executions{name}", "Sum")


def _search(schema: str, name: str, statistic: str) -> cloudwatch.MathExpression:
    expression = f"SEARCH('{{{schema}}} MetricName=\"{name}\" {Aws.STACK_NAME}', '{statistic}', 300)"
    return cloudwatch.MathExpression(expression=expression, label="", using_metrics={})
