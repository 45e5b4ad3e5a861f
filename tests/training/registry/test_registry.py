"""The registry: versions with digests, the promoted one, the gate before it, and the way back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoring.aws.bucket import Bucket
from scoring.files.errors import BadInput
from tests.broken_versions import BROKEN, WHOLE
from tests.live_aws import Run, failing
from tests.training.conftest import BUCKET
from tests.training.histories import copy_of
from training.registry.registry import Registry
from training.registry.stores import BucketStore, FolderStore, Store, open_store
from training.registry.version import load_training

FILES = {"scorecard.json": b"{}", "metrics.json": b'{"n": 1}'}


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "models")
    found: BucketStore = request.getfixturevalue("bucket")
    return found


# Versions, in a folder and in a bucket.


def test_what_was_written_is_read(store: Store) -> None:
    registry = Registry(store)
    assert (registry.versions(), registry.current(), registry.promotions()) == ([], None, [])
    registry.add("b", FILES)
    registry.add("a", FILES)
    assert registry.versions() == ["a", "b"]
    assert registry.read("a", "metrics.json") == b'{"n": 1}'
    assert registry.metrics("a") == {"n": 1}
    registry.verify("a")


def test_promotion_and_the_way_back(store: Store) -> None:
    registry = Registry(store)
    for name in ("a", "b"):
        registry.add(name, FILES)
    registry.promote("a")
    registry.promote("a")
    with pytest.raises(BadInput, match="no version was promoted before"):
        registry.rollback()
    for name in ("b", "a"):
        registry.promote(name)
    assert (registry.current(), registry.promotions()) == ("a", ["a", "b", "a"])
    assert registry.rollback() == ("a", "b")
    assert registry.rollback() == ("b", "a")
    assert registry.current() == "a"
    with pytest.raises(BadInput, match="no version was promoted before"):
        registry.rollback()


def test_a_promotion_that_was_cut_off_is_made_again_and_rolled_back(store: Store) -> None:
    registry = Registry(store)
    for name in ("a", "b"):
        registry.add(name, FILES)
    registry.promote("a")
    store.write("promotions", b"a\nb\n")
    assert registry.current() == "a"
    with pytest.raises(BadInput, match="no version was promoted before"):
        registry.rollback()
    registry.promote("b")
    assert registry.rollback() == ("b", "a")


def test_a_changed_file_is_refused(store: Store) -> None:
    registry = Registry(store)
    registry.add("a", FILES)
    store.write("a/metrics.json", b'{"n": 2}')
    for use in (registry.verify, registry.promote, registry.metrics):
        with pytest.raises(BadInput, match=r"metrics\.json is not what was written"):
            use("a")
    assert registry.current() is None


def test_a_damaged_version_is_no_way_back(store: Store) -> None:
    registry = Registry(store)
    for name in ("a", "b"):
        registry.add(name, FILES)
        registry.promote(name)
    store.write("a/scorecard.json", b"{ }")
    with pytest.raises(BadInput, match="is not what was written"):
        registry.rollback()
    assert registry.current() == "b"


def test_a_version_without_its_manifest_is_not_whole(store: Store) -> None:
    registry = Registry(store)
    store.write("a/scorecard.json", b"{}")
    assert registry.versions() == []
    with pytest.raises(BadInput, match="expected a version of the registry"):
        registry.promote("a")


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", ".hidden", "a\nb", "x" * 200])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, name: str) -> None:
    registry = Registry(store)
    for use in (registry.verify, registry.promote, lambda n: registry.read(n, "metrics.json")):
        with pytest.raises(BadInput, match="expected the name of a version"):
            use(name)
    store.write("current", name.encode())
    with pytest.raises(BadInput, match="expected the name of a version"):
        registry.current()


@pytest.mark.parametrize("fault", BROKEN)
def test_what_the_runtime_and_the_commands_refuse_is_refused(store: Store, fault: str) -> None:
    registry = Registry(store)
    for path, content in WHOLE.items():
        store.write(path, content)
    assert registry.scorecard(registry.current() or "").kind == "weighted"
    for path, content in BROKEN[fault].items():
        store.write(path, content)
    with pytest.raises(BadInput):
        registry.scorecard(registry.current() or "")


def test_registries_under_two_prefixes_do_not_mix(bucket: BucketStore) -> None:
    Registry(bucket).add("a", FILES)
    other = BucketStore(Bucket(bucket.bucket.client, f"s3://{BUCKET}/team/production"))
    assert Registry(other).versions() == []
    assert Registry(open_store("s3://models/team/prod/")).versions() == ["a"]


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "ListObjectsV2"])
def test_what_aws_refuses_is_said_in_one_line(bucket: BucketStore, operation: str) -> None:
    registry = Registry(bucket)
    use: dict[str, Callable[[], Any]] = {
        "GetObject": registry.current,
        "PutObject": lambda: registry.add("a", FILES),
        "ListObjectsV2": registry.versions,
    }
    with failing(operation, "AccessDenied"), pytest.raises(BadInput) as caught:
        use[operation]()
    assert "AccessDenied" in str(caught.value)
    assert "s3://models/team/prod" in str(caught.value)


def test_a_bucket_that_is_not_there(bucket: BucketStore) -> None:
    with pytest.raises(BadInput, match="NoSuchBucket"):
        Registry(BucketStore(Bucket(bucket.bucket.client, "s3://nowhere"))).versions()


# What notebooks load.


def test_training_is_loaded_only_with_its_digest(registry: Path, version: Path, tmp_path: Path) -> None:
    kept = load_training(Registry(FolderStore(registry)), version.name)
    assert kept["version"] == version.name
    assert len(kept["X"]) == len(kept["about"]) > 0
    assert set(kept["about"]["part"]) == {"calibration", "test"}
    copy = copy_of(registry, tmp_path)
    path = copy / version.name / "training.joblib"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BadInput, match=r"training\.joblib is not what was written"):
        load_training(Registry(FolderStore(copy)), version.name)


def test_a_changed_scorecard_is_refused_by_every_command(
    run: Run, registry: Path, version: Path, history: Path, tmp_path: Path
) -> None:
    copy = copy_of(registry, tmp_path)
    path = copy / version.name / "scorecard.json"
    path.write_text(path.read_text().replace('"threshold": ', '"threshold": 9'))
    for command in (
        ("score", history, "--model", copy),
        ("explain", history, "--model", copy / version.name),
        ("tune", history, "--model", path),
        ("models", "show", copy),
        ("models", "promote", copy, version.name),
    ):
        result = run(*command)
        assert result.code == 2
        assert "digest differs" in result.err
        assert result.err.count("\n") == 1
