"""The metrics that the handlers write, by name."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.components.functions import NAMESPACE, SERVICE

METRICS = (
    *("Archived", "Alerted", "Unknown", "Latency", "Score", "Ended", "Errors"),
    *("Received", "DigestDone", "SweepDone", "WatchDone"),
    *("BreakerOpen", "ConfigurationInvalid"),
)
"""The names under which the handlers count (a test compares them with `handlers.runtime.metrics`)."""


def metric(name: str, statistic: str = "Sum", *, period: Duration | None = None) -> cloudwatch.Metric:
    """Return a metric of the handlers."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": SERVICE},
        statistic=statistic,
        period=period or Duration.minutes(5),
    )
