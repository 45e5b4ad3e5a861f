"""From findings that were alerted on, archived and fixed to records, and from these to a model."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from embedded import EmbeddedAws
from handlers.runtime import settings
from tests.lambda_.deployment import TABLE, Clock, Deployment
from tests.live_aws import Run
from training.dataset.dataset import read_dataset
from training.history import pull

ADA = "arn:aws:sts::111122223333:assumed-role/analyst/ada"
OURS = "arn:aws:sts::111122223333:assumed-role/triage/run"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    """The deployed handler behind the event bus, at the time that it is."""
    with EmbeddedAws() as aws:
        settings.clients.cache_clear()
        yield Deployment(aws, Clock(), monkeypatch, tmp_path / "policy.toml")
        settings.clients.cache_clear()


class CloudTrail:
    """Keeps who changed which findings, which the embedded AWS does not, and tells of it."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.calls = BaseClient._make_api_call
        self.by, self.agent = OURS, "Boto3/1.44 exec-env/AWS_Lambda_python3.13 access-triage"

    def __call__(self, client: Any, name: str, parameters: Any) -> Any:
        if name == "LookupEvents":
            return {"Events": self.events}
        answer = self.calls(client, name, parameters)
        if name == "UpdateFindings":
            self.keep(parameters)
        return answer

    def keep(self, parameters: Any) -> None:
        event = {
            "eventSource": "access-analyzer.amazonaws.com",
            # Later than what it follows on, though all of it happens within a second.
            "eventTime": (datetime.now(UTC) + timedelta(seconds=len(self.events))).isoformat(),
            "userAgent": self.agent,
            "userIdentity": {"type": "AssumedRole", "arn": self.by},
            "requestParameters": parameters,
        }
        self.events.append({"EventName": "UpdateFindings", "CloudTrailEvent": json.dumps(event)})


@pytest.fixture
def cloudtrail() -> Iterator[CloudTrail]:
    keeping = CloudTrail()
    with patch.object(BaseClient, "_make_api_call", lambda *call: keeping(*call)):
        yield keeping


def test_from_findings_to_records_and_a_model(
    here: Deployment, cloudtrail: CloudTrail, run: Run, tmp_path: Path
) -> None:
    here.policy("[archives]\naudit_share = 0.1\n")
    archived = here.share(here.development_key())
    ids = {name: here.share(here.key({"Environment": "prod"})) for name in ("said", "fixed", "gone", "open")}
    people = {name: here.share(here.key({})) for name in ("console", "back")}
    assert here.status(archived) == "ARCHIVED"
    assert run("review", ids["said"], "--table", TABLE, "--verdict", "unintended").code == 0
    here.aws.findings.resolve(ids["fixed"])
    here.aws.findings.delete(ids["gone"])

    cloudtrail.by, cloudtrail.agent = ADA, "Mozilla/5.0"
    console = here.aws.client("accessanalyzer")
    for status, names in (("ARCHIVED", ["console", "back"]), ("ACTIVE", ["back"])):
        chosen = [people[name] for name in names]
        console.update_findings(analyzerArn=here.analyzer_arn, ids=chosen, status=status)
    cloudtrail.by, cloudtrail.agent = ADA, "Boto3/1.44 access-triage"
    console.update_findings(analyzerArn=here.analyzer_arn, ids=[people["back"]], status="ARCHIVED")

    out = tmp_path / "h.jsonl"
    options = ("--analyzer-arn", here.analyzer_arn, "--table", TABLE, "--out", out)
    result = run("history", "pull", *options)
    assert (result.code, result.err) == (0, "")
    lines = [line.split(maxsplit=1) for line in result.out.splitlines()]
    counted = {reason: int(count) for count, reason in lines}
    for reason in (pull.REVIEWED, pull.EXPECTED, pull.FIXED, pull.OURS, pull.BACK):
        assert counted[reason] == 1
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert counted.pop(f"records in {out}") == len(records)
    assert sum(counted.values()) == len(records), "each record has its reason"

    dataset = read_dataset([str(out)], report=pytest.fail)
    about = dataset.about.set_index(dataset.about["finding_id"].astype(str))
    verdicts = about["verdict"].to_dict()
    assert verdicts[archived] == -1, "our own decisions are never labels"
    assert verdicts[ids["said"]] == verdicts[ids["fixed"]] == 1
    assert verdicts[ids["gone"]] == verdicts[ids["open"]] == -1
    assert verdicts[people["console"]] == 0
    assert verdicts[people["back"]] == -1
    # With a sample of what it archives, enforcing calibrates; what was concluded never does.
    calibrates = about["for_threshold"].to_dict()
    assert {name for name in ids if calibrates[ids[name]]} == {"said"}
    assert calibrates[people["console"]]
    assert not calibrates[archived]
    surroundings = dict(zip(about.index, dataset.X["environment"], strict=True))
    assert surroundings[archived] == "development"
    assert surroundings[ids["said"]] == "production"

    trained = run("train", out, "--out", tmp_path / "m")
    assert (trained.code, trained.err) == (0, "")
    # Each of the sample stands for ten: it takes more than the 58 that would do without one.
    (needed,) = re.findall(r"this history has 1: it takes (\d+) more", trained.out)
    assert int(needed) > 58
    scored = run("score", out, "--model", tmp_path / "m", "--format", "jsonl")
    assert scored.code == 0
    assert len(scored.out.splitlines()) == len(records)


def test_what_was_decided_in_shadow_mode_calibrates(here: Deployment, run: Run, tmp_path: Path) -> None:
    here.set(MODE="shadow")
    finding = here.share(here.development_key())
    assert here.status(finding) == "ACTIVE"
    out = tmp_path / "h.jsonl"
    assert run("history", "pull", "--table", TABLE, "--out", out).code == 0
    record = json.loads(out.read_text())
    assert record["decision"]["outcome"] == "archive"
    assert record["effect"] == "none"
    moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    record["label"] = {"verdict": "expected", "by": "ada", "at": moment, "source": "cli"}
    out.write_text(json.dumps(record))
    assert read_dataset([str(out)], report=pytest.fail).for_threshold.tolist() == [True]
