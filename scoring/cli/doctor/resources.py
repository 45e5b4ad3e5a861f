"""The analyzers, the table of the decision log, and the topic of the alerts."""

from collections.abc import Iterator, Sequence

from scoring.aws.analyzers import Analyzer
from scoring.aws.errors import AwsError, code
from scoring.cli.doctor.result import CheckResult, Target, note, ok, problem
from scoring.decision_log import table as decision_table
from scoring.explanation.safe_text import visible
from scoring.findings.arn import Arn

# https://aws.amazon.com/iam/access-analyzer/pricing/; the Security Hub User Guide on unused access findings.
_PRICE = "$0.20 a month for each role and user, by the price list of November 2026"
_CREATE = "create one: aws accessanalyzer create-analyzer --analyzer-name org --type ORGANIZATION"


def check_analyzers(target: Target) -> Iterator[CheckResult]:
    """Say which analyzers there are, whether they work, and whether their findings can be listed."""
    arns = target.analyzer_arns
    if not arns and target.region:
        arns = tuple(analyzer.arn for analyzer in target.analyzers.all_in(target.region))
        if not arns:
            yield problem(f"no analyzer in {target.region}", _CREATE)
    found: list[Analyzer] = []
    for arn in arns:
        try:
            analyzer = target.analyzers.look_up(arn)
        except AwsError as error:
            yield problem(str(error), "name another with --analyzer-arn, or " + _CREATE)
            continue
        found.append(analyzer)
        yield from _analyzer(analyzer, target)
    yield from _managed(found, target)


def _managed(analyzers: Sequence[Analyzer], target: Target) -> Iterator[CheckResult]:
    """Name analyzers that an AWS service made: those of the customer's find the same, and cost."""
    regions = dict.fromkeys([*(analyzer.region for analyzer in analyzers), target.region or ""])
    there: dict[str, Analyzer] = {}
    for region in filter(None, regions):
        try:
            there |= {analyzer.arn: analyzer for analyzer in target.analyzers.all_in(region)}
        except AwsError as error:
            yield note(f"whether an AWS service has an analyzer in {region} too is not known: {error}")
    own = [analyzer for analyzer in (*there.values(), *analyzers) if not analyzer.managed_by]
    for managed in (analyzer for analyzer in there.values() if analyzer.managed_by):
        same = sorted({one.arn for one in own if one.family == managed.family})
        text = f"{managed.arn} is managed by {visible(managed.managed_by)}, at no cost of its own"
        if not same:
            yield note(text)
            continue
        price = f", for which AWS charges {_PRICE}" if managed.family == "unused" else ""
        yield note(
            f"{text}; it finds what {', '.join(same)} finds{price}",
            "triage scan reports such findings once; keep your own where you need another period, or rules",
        )


def _analyzer(analyzer: Analyzer, target: Target) -> Iterator[CheckResult]:
    if analyzer.status != "ACTIVE":
        yield problem(
            f"{analyzer.arn} is {analyzer.status}",
            "aws accessanalyzer get-analyzer tells why; often the service-linked role is missing",
        )
        return
    next(target.analyzers.rows(analyzer, most=1), None)
    whose = f", managed by {visible(analyzer.managed_by)}" if analyzer.managed_by else ""
    yield ok(f"{analyzer.arn}: {analyzer.family} access, {analyzer.type}{whose}, its findings can be listed")


def check_table(target: Target) -> Iterator[CheckResult]:
    """Compare the table with what the decision log needs."""
    name = target.table
    if name is None:
        yield note("no --table: archiving by triage scan needs the decision log's")
        return
    client = target.aws.sessions.client("dynamodb")
    wanted = decision_table.definition(name)
    try:
        found = client.describe_table(TableName=name)["Table"]
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        yield problem(
            f"there is no table {name} in {target.region}", "cdk deploy makes it; or check --region"
        )
        return
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", ())}
    index = wanted["GlobalSecondaryIndexes"][0]
    there = indexes.get(index["IndexName"])
    problems = []
    if found["KeySchema"] != wanted["KeySchema"]:
        problems.append(f"keys {_keys(found)} instead of {_keys(wanted)}")
    if there is None or there["KeySchema"] != index["KeySchema"]:
        problems.append(f"no index {index['IndexName']} with the keys {_keys(index)}")
    elif there["Projection"].get("ProjectionType") != "ALL":
        problems.append(f"the index {index['IndexName']} does not hold all attributes")
    if problems:
        yield problem(f"table {name}: {'; '.join(problems)}", "make a table by cdk deploy, and name that one")
    elif found["TableStatus"] != "ACTIVE":
        yield problem(f"table {name} is {found['TableStatus']}", "wait until it is ACTIVE")
    else:
        yield ok(f"table {name}: keys and index as needed")
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl.get("AttributeName") != decision_table.EXPIRES_AT:
        yield note(
            "items of the table never expire",
            f"turn time to live on, for the attribute {decision_table.EXPIRES_AT}, if they should",
        )


def _keys(table: "dict[str, list[dict[str, str]]]") -> str:
    return ", ".join(key["AttributeName"] for key in table["KeySchema"])


def check_topic(target: Target) -> Iterator[CheckResult]:
    """Say who receives alerts."""
    arn = target.topic_arn
    if arn is None:
        yield note("no --topic-arn: who receives the alerts was not checked")
        return
    topic = Arn.try_parse(arn)
    if topic is None or topic.service != "sns" or ":" in topic.resource:
        yield problem(f"{arn} is no ARN of a topic", "give it as arn:aws:sns:<region>:<account>:<name>")
        return
    client = target.aws.sessions.client("sns", region=topic.region)
    try:
        pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
        found = [subscription["SubscriptionArn"] for page in pages for subscription in page["Subscriptions"]]
    except Exception as error:
        if code(error) not in ("NotFound", "NotFoundException"):
            raise
        yield problem(f"there is no topic {arn}", "cdk deploy makes it; or check the region in the ARN")
        return
    pending = found.count("PendingConfirmation")
    confirmed = len(found) - pending
    if confirmed:
        yield ok(f"{confirmed} confirmed subscription{'' if confirmed == 1 else 's'}")
    else:
        yield problem(
            "nobody receives the alerts: the topic has no confirmed subscription",
            f"aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint ADDRESS",
        )
    if pending:
        yield note(f"{pending} waiting to be confirmed", "open the link in the mail that AWS has sent")
