"""`triage scan` as people run it, on the embedded AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded import EmbeddedAws
from tests.live_aws import (
    DEVELOPMENT,
    STRANGER,
    TABLE,
    Run,
    enforcing,
    make_key,
    make_table,
    runner,
    share_key,
    status,
)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def arn(aws) -> str:
    return aws.findings.analyzer_for("external")


def decisions(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


def test_live_findings_are_enriched_and_decided_on(aws, run, arn):
    expected = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey"))
    stranger = share_key(aws, make_key(aws, {}))
    result = run("scan", "--analyzer-arn", arn, "--format", "jsonl")
    assert (result.code, result.err) == (0, "")
    found = decisions(result.out)
    assert [(d["finding_id"], d["outcome"]) for d in found] == [(expected.id, "archive"), (stranger.id, "alert")]
    assert found[0]["reason"] == "expected by the policy's rule: tagged development key"
    assert found[0]["analyzer_arn"] == arn
    assert status(aws, expected.id) == "ACTIVE", "a scan writes nothing"
    table = run("scan", "--analyzer-arn", arn)
    assert table.out.splitlines()[-1] == "2 findings: 1 alert, 1 archive"
