"""What a month costs, computed from the synthesized template: the table of docs/costs.md."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from handlers.runtime.metrics import METRICS

PRICES_OF: Final = "November 2026"
PRICES: Final = {
    "transition": (25e-6, "https://aws.amazon.com/step-functions/pricing/"),
    "GB-second": (13.3334e-6, "https://aws.amazon.com/lambda/pricing/"),
    "invocation": (0.2e-6, "https://aws.amazon.com/lambda/pricing/"),
    "queue request": (0.4e-6, "https://aws.amazon.com/sqs/pricing/"),
    "write unit": (0.625e-6, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    "GB stored and recoverable": (0.45, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    "mail": (20e-6, "https://aws.amazon.com/sns/pricing/"),
    "key": (1.0, "https://aws.amazon.com/kms/pricing/"),
    "key request": (3e-6, "https://aws.amazon.com/kms/pricing/"),
    "secret": (0.4, "https://aws.amazon.com/secrets-manager/pricing/"),
    "GB of logs": (0.5, "https://aws.amazon.com/cloudwatch/pricing/"),
    "custom metric": (0.3, "https://aws.amazon.com/cloudwatch/pricing/"),
    "metric alarmed on": (0.1, "https://aws.amazon.com/cloudwatch/pricing/"),
    "dashboard": (3.0, "https://aws.amazon.com/cloudwatch/pricing/"),
}
"""Dollars in us-east-1 for a unit, and the page that says so."""

SECONDS: Final = 0.4  # of a step, assumed
WAITING: Final = 2.1  # of the function that waits for a workflow: its first three looks
POLLERS, POLL_SECONDS = 5, 20  # of Lambda at a queue in which nothing is
ARCHIVED: Final = 0.8
SIZES: Final = (1_000, 100_000)
MINUTES: Final = 30 * 24 * 60

Template = Mapping[str, Any]


class Line(NamedTuple):
    """A row: what it is, how it is worked out, dollars for so many events."""

    what: str
    formula: str
    price: str
    dollars: Callable[[int], float]


def lines(template: Template) -> list[Line]:
    """Work the rows out, for the wiring `workflow` with the review page."""
    resources = _of_the_workflow(template)
    functions = {name: one for name, one in resources.items() if one["Type"] == "AWS::Lambda::Function"}
    transitions, invocations = _a_finding(resources)
    step, dispatch = (_gigabytes(functions, part) for part in ("StepsEnrich", "Dispatch"))
    scheduled = _gigabytes(functions, "Reconcile")
    polls = POLLERS * MINUTES * 60 / POLL_SECONDS
    runs = MINUTES / _minutes(resources)
    alarms = sum(
        len([one for one in properties["Metrics"] if "MetricStat" in one]) if "Metrics" in properties else 1
        for properties in _properties(resources, "AWS::CloudWatch::Alarm")
    )
    dimensions = 2 if all("TRIAGE_VERSION" in _variables(one) for one in functions.values()) else 1
    metrics, dashboards = dimensions * len(METRICS), _count(resources, "AWS::CloudWatch::Dashboard")
    keys, secrets = (_count(resources, f"AWS::{one}") for one in ("KMS::Key", "SecretsManager::Secret"))
    months = template["Parameters"]["KeepDays"]["Default"] / 30.4
    compute = invocations * SECONDS * step + _events() * WAITING * dispatch

    def price(unit: str) -> float:
        return PRICES[unit][0]

    return [
        Line(
            "Step Functions (standard)",
            f"*n* × {transitions:.1f} transitions",
            "$25 per million",
            lambda n: n * transitions * price("transition"),
        ),
        Line(
            "Lambda, `workflow`",
            f"*n* × ({invocations:.1f} × {SECONDS} s × {step:g} GB"
            f" + {_events():.1f} × {WAITING} s × {dispatch:g} GB), arm64",
            "$13.33 per million GB-s",
            lambda n: n * compute * price("GB-second"),
        ),
        Line(
            "Lambda requests",
            f"*n* × {invocations + _events():.1f}",
            "$0.20 per million",
            lambda n: n * (invocations + _events()) * price("invocation"),
        ),
        Line(
            "Lambda, schedule",
            f"{runs:,.0f} runs × 2 s × {scheduled:g} GB",
            "$13.33 per million GB-s",
            lambda n: runs * 2 * scheduled * price("GB-second"),
        ),
        Line(
            "SQS",
            f"*n* × {_events():.1f} × 3 requests, and {polls:,.0f} that find nothing",
            "$0.40 per million",
            lambda n: (3 * _events() * n + polls) * price("queue request"),
        ),
        Line(
            "DynamoDB, on demand",
            "*n* × 4 transactional writes × 3 units × 2",
            "$0.625 per million",
            lambda n: n * 24 * price("write unit"),
        ),
        Line(
            "DynamoDB storage and recovery",
            f"*n* × {months:.0f} months × 6 KB",
            "$0.45 per GB",
            lambda n: n * months * 6e-6 * price("GB stored and recoverable"),
        ),
        Line("EventBridge", "events of AWS services", "free", lambda n: 0.0),
        Line(
            "SNS email",
            f"{1 - ARCHIVED:.1f} *n*, capped by `mails_per_hour`",
            "$2 per 100,000",
            lambda n: min((1 - ARCHIVED) * n, 14_400) * price("mail"),
        ),
        Line(
            "KMS",
            f"{keys} key + *n* × 10 requests",
            "$1 + $3 per million",
            lambda n: keys * price("key") + 10 * n * price("key request"),
        ),
        Line(
            "Secrets Manager",
            f"{secrets} secret, with the review page",
            "$0.40",
            lambda n: secrets * price("secret"),
        ),
        Line(
            "CloudWatch logs",
            "*n* × 4 KB + 20 MB",
            "$0.50 per GB",
            lambda n: (n * 4e-6 + 0.02) * price("GB of logs"),
        ),
        Line(
            "CloudWatch metrics and alarms",
            f"{metrics} metrics ({len(METRICS)} in {dimensions} dimensions),"
            f" alarms on {alarms} metrics, {dashboards} dashboard",
            "$0.30, $0.10, $3",
            lambda n: (
                metrics * price("custom metric")
                + alarms * price("metric alarmed on")
                + dashboards * price("dashboard")
            ),
        ),
        Line("S3, SSM Parameter Store", "a few requests a minute", "", lambda n: 0.1),
    ]


def page(template: Template, template_bytes: int, zip_bytes: int) -> str:
    """Write what docs/costs.md says of the template, from the table to the sizes."""
    found = lines(template)
    rows = [
        "| what | formula | price | " + " | ".join(f"{n:,}" for n in SIZES) + " |",
        "|---|---|---|" + "---|" * len(SIZES),
        *(
            f"| {one.what} | {one.formula} | {one.price} | "
            + " | ".join(f"${one.dollars(n):.2f}" for n in SIZES)
            + " |"
            for one in found
        ),
    ]
    together = [f"**about ${sum(one.dollars(n) for one in found):.0f}**" for n in SIZES]
    rows.append("| **together, `workflow`** | | | " + " | ".join(together) + " |")
    pages = "\n".join(f"- <{url}>" for url in sorted({url for _, url in PRICES.values()}))
    return (
        "\n".join(rows)
        + f"\n\nPrices of us-east-1 as we knew them in {PRICES_OF}, without free tiers; these pages say them:"
        + f"\n\n{pages}\n\n"
        + f"The template has {len(template['Resources'])} resources and {template_bytes / 1000:.0f} kB"
        + " (CloudFormation takes 500 resources and 1 MB);\n"
        + f"the functions' zip has {zip_bytes / 1e6:.1f} MB.\n"
    )


def _events() -> float:
    """An event of each finding, and one more of each that we archive: the archive comes back."""
    return 1 + ARCHIVED


def _a_finding(resources: Template) -> tuple[float, float]:
    """Return state transitions and invocations of a finding, and of the event of its own archive."""
    (machine,) = _properties(resources, "AWS::StepFunctions::StateMachine")
    separator, parts = machine["DefinitionString"]["Fn::Join"]
    text = separator.join(part if isinstance(part, str) else "x" for part in parts)
    definition = json.loads(text)

    def walk(**says: str) -> tuple[int, int]:
        name, entered, invoked = definition["StartAt"], 0, 0
        while True:
            state = definition["States"][name]
            entered += 1
            invoked += state["Type"] == "Task"
            if state["Type"] == "Succeed":
                return entered, invoked
            if state["Type"] == "Choice":
                (name,) = (
                    one["Next"]
                    for one in state["Choices"]
                    if one.get("StringEquals") == says.get(one.get("Variable", ".").split(".")[1])
                    and "StringEquals" in one
                )
            else:
                name = state["Next"]

    archived = walk(enriched="EVALUATE", evaluated="ARCHIVE", archived="DONE")
    alerted = walk(enriched="EVALUATE", evaluated="NOTIFY")
    own = walk(enriched="DONE")
    entered, invoked = (
        ARCHIVED * (one + again) + (1 - ARCHIVED) * other
        for one, other, again in zip(archived, alerted, own, strict=True)
    )
    return entered, invoked


def _of_the_workflow(template: Template) -> dict[str, Any]:
    return {
        name: one
        for name, one in template["Resources"].items()
        if not str(one.get("Condition", "")).startswith("IsSingle")
    }


def _properties(resources: Template, kind: str) -> list[Any]:
    return [one["Properties"] for one in resources.values() if one["Type"] == kind]


def _count(resources: Template, kind: str) -> int:
    return len(_properties(resources, kind))


def _gigabytes(functions: Template, part: str) -> float:
    (found,) = (one["Properties"]["MemorySize"] for name, one in functions.items() if part in name)
    return float(found) / 1024


def _variables(function: Template) -> Mapping[str, Any]:
    found: Mapping[str, Any] = function["Properties"]["Environment"]["Variables"]
    return found


def _minutes(resources: Template) -> int:
    (rate,) = (
        one["ScheduleExpression"]
        for one in _properties(resources, "AWS::Events::Rule")
        if "ScheduleExpression" in one
    )
    match = re.fullmatch(r"rate\((\d+) minutes?\)", rate)
    assert match is not None, rate
    return int(match[1])
