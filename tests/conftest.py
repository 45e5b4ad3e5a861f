"""What all tests share: no way to a real AWS account, and tests that need a tool which may not be there."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from embedded.sessions import shared_loader

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_EC2_METADATA_DISABLED="true",
    MOTO_EC2_LOAD_DEFAULT_AMIS="false",
)
for _name in list(os.environ):
    if _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN") or _name.startswith("TRIAGE_"):
        del os.environ[_name]

# How fast the machine is decides nothing.
settings.register_profile(
    "shared machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("shared machine")

# Service models are read once in a process and not once a session: that halves what a test with AWS takes.
botocore.session.create_loader = shared_loader


@pytest.fixture(autouse=True, scope="session")
def patience() -> Iterator[None]:
    """Let enrichment take as long as it takes: on a busy machine it does, and that proves nothing."""
    from handlers.runtime import settings

    with patch.object(settings, "_MOST_FOR_ENRICHMENT", 600.0):
        yield


@pytest.fixture(autouse=True)
def unsampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no finding be drawn into the audit sample, but in the tests of that."""
    from scoring.decision import audit_sample

    monkeypatch.setattr(audit_sample, "uniform", lambda *_: 1.0)


class Tool(NamedTuple):
    """A program that some tests need, under any of its names, and how to get it."""

    programs: tuple[str, ...]
    how_to_get_it: str


TOOLS = {
    "node": Tool(("node",), "install Node.js 20 or newer"),
    "deploy": Tool((".venv-deploy/bin/cfn-lint",), "run make deploy-tools, which needs Node.js 20 or newer"),
    "rie": Tool((".venv-rie/bin/rie",), "run make rie-tools, on Linux"),
    "chromium": Tool(("chromium", "chromium-browser", "google-chrome"), "install the package chromium"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test marked ``needs("node")`` where there is no Node; in CI it runs, and fails."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if "CI" not in os.environ and not any(map(shutil.which, TOOLS[name].programs)):
                item.user_properties.append(("needs", name))
                pytest.skip(f"needs {name}")


_SLOW = pytest.StashKey[int]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count the slow tests that nobody asked for."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.config.stash[_SLOW] = item.config.stash.get(_SLOW, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the count to the process that shows the summary, where tests run in several."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["slow"] = session.config.stash.get(_SLOW, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count of a process that has ended; all of them have the same."""
    node.config.stash[_SLOW] = getattr(node, "workeroutput", {}).get("slow", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was left out and how to get it."""
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = Counter(name for report in skipped for key, name in report.user_properties if key == "needs")
    for name, count in left_out.items():
        tests = "1 test needs" if count == 1 else f"{count} tests need"
        terminalreporter.write_line(f"Left out: {tests} {name}; to run them, {TOOLS[name].how_to_get_it}.")
    if slow := config.stash.get(_SLOW, 0):
        tests = "1 slow test" if slow == 1 else f"{slow} slow tests"
        terminalreporter.write_line(f"Left out: {tests}; to run them, run make test-all.")
