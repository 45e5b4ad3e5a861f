"""What a history may hold that is wrong: a clear error in one line, or a stated rule; never a wrong model."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from scoring.features import features
from scoring.scorecard import formats
from tests.live_aws import Run
from tests.training.histories import Record, at, record, write
from training.dataset import verdicts
from training.dataset.dataset import BROKEN
from training.history.record_files import write_records

GOOD = [record(n, n, verdict="unintended" if n % 4 == 0 else "expected") for n in range(30)]


def train(run: Run, folder: Path, source: object, *options: object) -> Any:
    return run("train", source, "--out", folder / "m", *options)


def one_line(text: str) -> str:
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


# Records.


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"finding": {"id": "x"}}, "line 31: finding.resource: "),
        (record(1, 0) | {"label": {"verdict": "maybe", "by": "ada", "at": at(1)}}, "line 31: label.verdict"),
        (record(1, 0) | {"label": {"verdict": "expected", "by": "ada"}}, "line 31: label"),
        (record(1, 0) | {"label": {"verdict": "expected", "by": "ada", "at": "noon"}}, "line 31: label.at"),
        (record(1, 0) | {"effect": "archived"}, "line 31: effect"),
        (record(1, 0) | {"audit": {"share": 0}}, "line 31: audit.share"),
        (record(1, 0, finding={"createdAt": "yesterday"}), "line 31: finding.createdAt"),
        (record(1, 0) | {"context": {"tags": 5}}, "line 31: context.tags"),
        (record(1, 0, tags={"Project": "\ud800"}), "line 31: a string holds half a surrogate"),
        (record(1, 0, tags={"Project": "\0"}), "line 31"),
        (None, "line 31"),
        ([1], "list on line 31: record 1"),
    ],
)
def test_a_broken_record_is_named_and_the_others_are_used(
    run: Run, tmp_path: Path, broken: Any, says: str
) -> None:
    path = write(tmp_path / "h.jsonl", [*GOOD, broken])
    result = train(run, tmp_path, path)
    assert result.code == 2
    assert f"{path}: {says}" in one_line(result.err)
    assert f"1 {BROKEN}" in result.out
    assert "30 with a verdict" in result.out
    assert formats.load(tmp_path / "m").kind == "trained"


def test_events_that_are_no_finding_are_passed_over_and_counted(run: Run, tmp_path: Path) -> None:
    preview = json.loads(Path("tests/events/access-preview.json").read_text())
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", [*GOOD, preview]))
    assert (result.code, result.err) == (0, "")
    assert "1 events that are no finding" in result.out


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]", b'{"findings": []}'])
def test_without_findings_there_is_nothing_to_train_on(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "h.jsonl").write_bytes(content)
    result = train(run, tmp_path, tmp_path / "h.jsonl")
    assert result.code == 2
    assert "expected" in one_line(result.err)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b"\x1f\x8b\x08\x00broken", "gzip"),
        (b"PAR1 and nothing of the kind", "Parquet"),
        (b"a,b\n1,2\n", "not valid JSON"),
    ],
)
def test_a_file_of_another_kind_is_named(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "h.bin").write_bytes(content)
    result = train(run, tmp_path, tmp_path / "h.bin")
    assert result.code == 2
    assert says in result.err
    assert all(str(tmp_path / "h.bin") in line or "triage" in line for line in result.err.splitlines())
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    result = train(run, tmp_path, path)
    assert result.code == 2
    assert str(path) in one_line(result.err)


# Parquet.


def test_parquet_and_json_lines_give_the_same_version(run: Run, tmp_path: Path) -> None:
    names = []
    for name in ("h.jsonl", "h.jsonl.gz", "h.parquet"):
        write_records(GOOD, str(tmp_path / name))
        result = train(run, tmp_path / name.replace(".", "-"), tmp_path / name)
        assert (result.code, result.err) == (0, "")
        names.append(next((tmp_path / name.replace(".", "-") / "m").glob("*/")).name)
    assert len(set(names)) == 1


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"finding_id": ["f"], "verdict": ["expected"]}, "expected a column record"),
        ({"record": [json.dumps(GOOD[0]), None]}, "line 2"),
        ({"record": [json.dumps(GOOD[0]), "{"]}, "line 2"),
        ({"record": [1, 2]}, "expected a column record that holds each record as JSON, got 'record: int64'"),
    ],
)
def test_parquet_that_lacks_something(run: Run, tmp_path: Path, table: dict[str, Any], says: str) -> None:
    parquet.write_table(pa.table(table), tmp_path / "h.parquet")
    result = train(run, tmp_path, tmp_path / "h.parquet")
    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err


# Labels.


@pytest.mark.parametrize("labels", ["all", "none"])
def test_no_labels(run: Run, tmp_path: Path, labels: str) -> None:
    result = train(
        run, tmp_path, write(tmp_path / "h.jsonl", [record(n, n) for n in range(30)]), "--labels", labels
    )
    assert (result.code, result.err) == (0, "")
    assert "0 fitted on" in result.out


@pytest.mark.parametrize("only", ["expected", "unintended"])
@pytest.mark.parametrize("n", [1, 2, 30, 200])
def test_one_class_only(run: Run, tmp_path: Path, only: str, n: int) -> None:
    path = write(tmp_path / "h.jsonl", [record(k, k, verdict=only) for k in range(n)])
    result = train(run, tmp_path, path)
    assert (result.code, result.err) == (0, "")
    version = next((tmp_path / "m").glob("*/"))
    metrics = json.loads((version / "metrics.json").read_text())
    assert metrics["roc_auc"] is None
    # One class proves nothing about telling the two apart: nothing may be archived.
    assert metrics["threshold"]["value"] is None
    assert "risk" in (version / "scorecard.json").read_text()
    assert formats.load(version).risk == ()


def test_labels_before_findings_are_no_labels(run: Run, tmp_path: Path) -> None:
    made = [record(n, n, verdict="unintended", decided=n - 1) for n in range(100)]
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", made))
    assert result.code == 0
    assert f"100 {verdicts.BEFORE_FINDING}" in result.out
    assert "this history has 0" in result.out


def test_two_verdicts_on_one_finding(run: Run, tmp_path: Path) -> None:
    again = [record(n, n, verdict="unintended", decided=n + 2) for n in range(1, 4)]
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", [*GOOD, *again]))
    assert result.code == 0
    assert f"3 {verdicts.CONFLICTING}" in result.out
    assert f"3 {verdicts.REPEATED}" in result.out


def test_times_that_are_missing_or_out_of_order(run: Run, tmp_path: Path) -> None:
    mixed = [*GOOD[::-1], record(100, None), record(101, None, verdict="expected", decided=3)]
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", mixed))
    assert result.code == 0
    assert f"1 {verdicts.TIMELESS}" in result.out
    assert "31 with a verdict" in result.out


def test_no_times_at_all(run: Run, tmp_path: Path) -> None:
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", [record(n, None) for n in range(5)]))
    assert result.code == 2
    assert "expected at least one finding with a time" in one_line(result.err)


# Tags and other texts.


@pytest.mark.parametrize(
    "tags",
    [
        {"Project": ""},
        {"": "x"},
        {"k" * 10_000: "v" * 10_000},
        {"Project": "a\x1b[2J\u202eb\n"},
        {"<script>": "<script>alert(1)</script>"},
        {"unknown": "unknown"},
        {"Project": "unknown"},
        {"Owner": "not applicable"},
    ],
)
def test_any_tag_gives_a_model_that_can_be_read(run: Run, tmp_path: Path, tags: dict[str, str]) -> None:
    made = [
        record(n, n, verdict="unintended" if n % 4 == 0 else "expected", tags=tags if n % 2 else {})
        for n in range(80)
    ]
    path = write(tmp_path / "h.jsonl", made)
    result = train(run, tmp_path, path)
    assert (result.code, result.err) == (0, "")
    scored = run("score", path, "--model", tmp_path / "m", "--format", "jsonl")
    assert scored.code == 0
    assert len(scored.out.splitlines()) == 80
    version = next((tmp_path / "m").glob("*/"))
    pages = (version / "report.html").read_text() + (version / "card.md").read_text()
    assert "<script" not in pages
    assert "\x1b" not in pages


def test_a_principal_of_any_text_is_only_text_in_the_pages(run: Run, tmp_path: Path) -> None:
    hostile = 'arn:aws:iam::999988887777:role/"><img src=x onerror=alert(1)>|`$(x)`'
    made: list[Record] = [record(n, n, verdict="expected", principal=hostile) for n in range(40)]
    assert train(run, tmp_path, write(tmp_path / "h.jsonl", made)).code == 0
    version = next((tmp_path / "m").glob("*/"))
    assert "<img" not in (version / "report.html").read_text()
    assert "<img" not in (version / "card.md").read_text()


# Options, models, registries.


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--alpha", 0), "--alpha"),
        (("--alpha", 1.5), "--alpha"),
        (("--alpha", "nan"), "--alpha"),
        (("--delta", 1), "--delta"),
        (("--test-share", -0.1), "--test-share"),
        (("--test-share", "nan"), "--test-share"),
        (("--test-share", 0.6, "--calibration-share", 0.6), "--test-share"),
        (("--calibration-share", 2), "--calibration-share"),
        (("--labels", "some"), "--labels"),
        (("--settling-days", "nan"), "--settling-days"),
        (("--settling-days", "inf"), "--settling-days"),
        (("--jobs", 0), "--jobs"),
        (("--seed", -1), "--seed"),
        (("--prior", "nowhere.json"), "nowhere.json"),
        (("--policy", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_options_that_make_no_sense(run: Run, tmp_path: Path, options: tuple[object, ...], says: str) -> None:
    result = train(run, tmp_path, write(tmp_path / "h.jsonl", GOOD), *options)
    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "m").exists()


def test_a_model_of_another_feature_version(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", GOOD)
    assert train(run, tmp_path, path).code == 0
    card = json.loads((next((tmp_path / "m").glob("*/")) / "scorecard.json").read_text())
    old = tmp_path / "old.json"
    old.write_text(json.dumps(card | {"feature_version": features.VERSION - 1}))
    for command in (
        ("train", path, "--out", tmp_path / "n", "--prior", old),
        ("backtest", path, "--model", old),
        ("backtest", path, "--model", tmp_path / "m", "--against", old),
        ("tune", path, "--model", old),
        ("score", path, "--model", old),
    ):
        result = run(*command)
        assert result.code == 2
        assert f"{old}: feature_version: expected {features.VERSION}; train again" in one_line(result.err)


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_registry_that_cannot_be_written_to(run: Run, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    result = run("train", write(tmp_path / "h.jsonl", GOOD), "--out", tmp_path / out)
    assert result.code == 2
    assert str(tmp_path / "file") in one_line(result.err)


def test_no_version_promotes_itself_from_a_file_of_mostly_bad_records(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", [*GOOD, *[{"finding": {}}] * 40])
    result = train(run, tmp_path, path)
    assert result.code == 2
    assert "not promoted: most records could not be read" in result.out
    assert not (tmp_path / "m" / "current").exists()
