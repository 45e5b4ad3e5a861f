"""The single handler in AWS's own runtime for Python: the article's two tests."""

from pathlib import Path

import pytest

from benchmarks.emulator import ROOT, function
from embedded import EmbeddedAws
from tests.lambda_.deployment import event_of
from tests.live_aws import DEVELOPMENT, TABLE, make_key, make_table, share_key

pytestmark = pytest.mark.needs("rie")


def test_an_event_is_handled_in_the_real_runtime(tmp_path: Path) -> None:
    (tmp_path / "handlers").symlink_to(ROOT / "lambda/handlers")
    (tmp_path / "scoring").symlink_to(ROOT / "scoring")
    with EmbeddedAws() as aws, aws.serve() as endpoint:
        make_table(aws)
        inbox = aws.create_topic("alerts")
        development = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey")).id
        other = share_key(aws, make_key(aws, {})).id
        environment = {
            **aws.credentials(),
            "AWS_ENDPOINT_URL": endpoint,
            "TRIAGE_TOPIC_ARN": inbox.topic_arn,
            "TRIAGE_TABLE": TABLE,
            "TRIAGE_MODE": "enforce",
        }
        with function("handlers.single.handler", tmp_path, environment) as started:
            answers = [started.answer(event_of(aws, finding)) for finding in (development, other)]

        assert [answer["done"][0]["effect"] for answer in answers] == ["archive", "alert"], started.log()
        assert aws.findings.get(development).status == "ARCHIVED"
        assert aws.findings.get(other).status == "ACTIVE"
        (mail,) = inbox.messages()
        assert other in mail.text
