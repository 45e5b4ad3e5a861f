"""A history of a synthetic organization and a version trained on it, made once for all tests of a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import triage
from embedded import EmbeddedAws
from scoring.aws.bucket import Bucket
from tests.live_aws import Run, runner
from training.history.record_files import write_records
from training.registry.stores import BucketStore
from training.simulate import simulate

FINDINGS = 1500
BUCKET = "models"


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 findings, some 200 of them unintended by people's verdict: enough for a threshold."""
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    made = simulate(FINDINGS, seed=7, labelled=0.95, rate=0.25, backlog=150, noise=0.0)
    write_records((one.record for one in made), str(path))
    return path


@pytest.fixture(scope="session")
def every_label(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one version of default settings, which is current. Tests must not change it."""
    folder = tmp_path_factory.mktemp("models")
    assert triage.main(["train", str(history), "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def registry(every_label: Path) -> Path:
    """The same; a module may have another one."""
    return every_label


@pytest.fixture(scope="session")
def version(registry: Path) -> Path:
    """The folder of the version."""
    return registry / (registry / "current").read_text().strip()


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command as people do."""
    return runner(capfd)


@pytest.fixture
def bucket() -> Iterator[BucketStore]:
    """A registry's place in a bucket of the embedded AWS."""
    with EmbeddedAws() as aws:
        client = aws.client("s3")
        where = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        yield BucketStore(Bucket(client, f"s3://{BUCKET}/team/prod"))
