"""How fast the review page answers, warm, and how large it is. Run by `make bench`; medians of many requests.

The handler is the deployed one and the AWS behind it the embedded one, in this process: its work counts too.
So what a request costs without it is shown beside, and how many calls of AWS it makes: each of them takes
some milliseconds in AWS. Times are of the processor: other work on the machine does not count.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from rich.console import Console
from rich.table import Table

from embedded import EmbeddedAws
from embedded.services.lambda_context import LambdaContext
from handlers import review_page, single
from handlers.runtime import settings
from scoring.decision_log import table as decision_table
from scoring.decision_log.log import DecisionLog
from scoring.review import answer as answering
from scoring.review.links import Links

REQUESTS = 100
TABLE, KEY = "log", "k" * 64
CONTEXT = LambdaContext("review", "arn:aws:lambda:eu-west-1:111122223333:function:review", "1")


def main() -> None:
    """Print the table."""
    columns = ("what", "median", "95th percentile", "without AWS", "calls")
    table = Table(*columns, title="review page, warm, with the embedded AWS", title_justify="left")
    with _deployed() as (aws, links):
        spent = _timed_calls()
        with spent[0]:
            for what, answers, size in _requests(aws, links, spent[1]):
                whole, own, calls = zip(*answers, strict=True)
                high = statistics.quantiles(whole, n=20)[-1]
                medians = _ms(statistics.median(whole)), _ms(high), _ms(statistics.median(own))
                table.add_row(what, *medians, str(max(calls)))
                if size:
                    print(f"{what}: {size / 1000:.1f} KB")
    Console().print(table)


def _requests(
    aws: EmbeddedAws, links: Links, spent: list[float]
) -> Iterator[tuple[str, list[tuple[float, float, int]], int]]:
    finding_id = _alert(aws, 0)
    log = DecisionLog.in_table(aws.client("dynamodb"), TABLE)
    for number in range(1, 8):  # something to compare with
        other = _alert(aws, number)
        _ask("POST", _token(links, log, other))
    token = _token(links, log, finding_id)
    size = len(_ask("GET", token)["body"].encode())
    yield "look at an alert", [_time(lambda: _ask("GET", token), spent) for _ in range(REQUESTS)], size
    forged = token[:-2] + "AA"
    yield "a forged token", [_time(lambda: _ask("GET", forged), spent) for _ in range(REQUESTS)], 0
    tokens = [_token(links, log, _alert(aws, number)) for number in range(100, 100 + REQUESTS // 4)]
    aws.delivery.at_once = False  # what the archive sets off is no part of the answer
    yield "confirm: expected", [_time(lambda t=t: _ask("POST", t), spent) for t in tokens], 0  # type: ignore[misc]


def _time(request: Callable[[], Any], spent: list[float]) -> tuple[float, float, int]:
    """Return the seconds that a request took, those without the calls of AWS, and how many these were."""
    spent.clear()
    start = time.process_time()
    request()
    whole = time.process_time() - start
    return whole, whole - sum(spent), len(spent)


def _timed_calls() -> tuple[Any, list[float]]:
    spent: list[float] = []
    call = BaseClient._make_api_call

    def timed(client: Any, name: str, parameters: Any) -> Any:
        start = time.process_time()
        try:
            return call(client, name, parameters)
        finally:
            spent.append(time.process_time() - start)

    return patch.object(BaseClient, "_make_api_call", timed), spent


def _ask(method: str, token: str) -> dict[str, Any]:
    event = {
        "rawPath": f"/{token}",
        "headers": {"sec-fetch-site": "same-origin", "user-agent": "benchmark"},
        "requestContext": {
            "domainName": "review.example",
            "http": {"method": method, "path": f"/{token}", "sourceIp": "203.0.113.9"},
        },
        "body": "note=benchmark" if method == "POST" else None,
        "isBase64Encoded": False,
    }
    answer = review_page.handler(event, CONTEXT)
    assert answer["statusCode"] in (200, 303, 403), answer["body"]
    return answer


def _token(links: Links, log: DecisionLog, finding_id: str) -> str:
    latest = log.latest(finding_id)
    assert latest is not None
    answers = links.answers(finding_id, latest.decision_item, datetime.now(UTC))
    return answers.expected.rsplit("/", 1)[1]


def _alert(aws: EmbeddedAws, number: int) -> str:
    key = aws.client("kms").create_key(Tags=[{"TagKey": "Owner", "TagValue": "payments"}])["KeyMetadata"]
    finding = aws.findings.put(
        {
            "resource": key["Arn"],
            "resourceType": "AWS::KMS::Key",
            "principal": {"AWS": f"arn:aws:iam::{444455556666 + number % 3}:role/r{number}"},
            "action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"],
            "isPublic": False,
            "condition": {},
        }
    )
    return finding.id


@contextmanager
def _deployed() -> Iterator[tuple[EmbeddedAws, Links]]:
    with EmbeddedAws() as aws, tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write('mode = "enforce"\n[alerts]\nwindow_minutes = 0\nmails_per_hour = 1000\n')
        policy.flush()
        decision_table.create(aws.client("dynamodb"), TABLE)
        secret = aws.client("secretsmanager").create_secret(Name="review", SecretString=KEY)["ARN"]
        os.environ.update(
            TRIAGE_TABLE=TABLE,
            TRIAGE_TOPIC_ARN=aws.create_topic("alerts").topic_arn,
            TRIAGE_POLICY=policy.name,
            TRIAGE_REVIEW_URL="https://review.example",
            TRIAGE_REVIEW_SECRET=secret,
            TRIAGE_REVIEW_AUTH="NONE",
        )
        settings.clients.cache_clear()
        aws.deliver_to(single.handler)
        with patch.object(answering, "MOST", 100_000), patch.object(answering, "MOST_PER_LINK", 100_000):
            yield aws, Links(url="https://review.example", table=TABLE, keys=(KEY,))


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


if __name__ == "__main__":
    main()
