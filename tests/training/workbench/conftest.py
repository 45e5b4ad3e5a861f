"""A log with eight alerts, and the page on it as a client sees it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

from embedded import EmbeddedAws
from scoring.aws.connection import Options, connect_as
from scoring.cli.faults import Faults
from scoring.cli.options import access_analyzer
from scoring.decision.settings import load_settings
from scoring.decision_log.log import DecisionLog
from scoring.review.answer import Reviewer
from tests.live_aws import enforcing, make_key, runner, share_key
from training.workbench.held import from_log
from training.workbench.pages import Workbench
from training.workbench.safety import Keys
from training.workbench.verdicts import Desk

PORT = 8000
ADDRESS = f"http://127.0.0.1:{PORT}"
STRANGERS = ("*", *(f"{number}" * 4 for number in (222, 333, 444)), *["555566667777"] * 4)


class Site(NamedTuple):
    aws: EmbeddedAws
    bench: Workbench
    log: DecisionLog
    client: TestClient


@pytest.fixture
def site(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Site]:
    """Eight alerts of a log that may be written to: one is public, four are alike."""
    with EmbeddedAws() as aws:
        for principal in STRANGERS:
            share_key(aws, make_key(aws, {}), principal)
        policy, file = enforcing(tmp_path / "policy.toml"), tmp_path / "log.sqlite"
        arn = aws.findings.analyzer_for("external")
        scanned = runner(capfd)(
            *("scan", "--analyzer-arn", arn, "--policy", policy, "--log", file, "--apply", "--yes")
        )
        assert (scanned.code, "8 recorded" in scanned.err) == (0, True)
        log = DecisionLog.in_file(file)
        held = from_log(log, load_settings(policy=str(policy)), Faults(), datetime.now(UTC))
        bench = Workbench(held, Keys(PORT))
        analyzers = access_analyzer(connect_as(Options()))
        bench.desk = Desk(held, log, analyzers, lambda: Reviewer("arn:aws:iam::1:user/a"), clock)
        with TestClient(bench.app(), base_url=ADDRESS) as client:
            yield Site(aws, bench, log, client)
        log.close()


def clock() -> datetime:
    return datetime.now(UTC)


def enter(site: Site) -> None:
    """Open the link that the command prints."""
    assert site.client.get(f"/?token={site.bench.keys.token}").status_code == 200
