"""Whoever does the work, in whatever parts and order: the same bytes."""

import contextlib
import gzip
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from distributed import LocalCluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import triage
from scoring.files.errors import BadInput
from scoring.policy import policy
from tests.live_aws import Run
from tests.processes import PATIENCE
from tests.training.histories import write
from training.dataset import files, parallel
from training.dataset.dataset import Dataset, read_dataset
from training.dataset.files import files_of, read_cases
from training.dataset.parallel import Executor, Part, in_order, in_parallel, one_by_one
from training.dataset.parquet import RECORD, row_groups
from training.dataset.rows import Batch, encode_lines
from training.history.record_files import write_records
from training.simulate import simulate

SOME = [one.record for one in simulate(150, seed=3, labelled=0.8)]
# One fit, and a threshold by a part of its own: how the records were read is what these tests are about.
SHARES = ("--calibration-share", "0.6", "--test-share", "0.2")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough findings for a threshold."""
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    made = simulate(700, seed=7, labelled=0.95, rate=0.25, backlog=70, noise=0.0)
    write_records((one.record for one in made), str(path))
    return path


@pytest.fixture(scope="module")
def version(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a version that one process has trained."""
    folder = tmp_path_factory.mktemp("models")
    assert triage.main(["train", str(history), "--out", str(folder), *SHARES]) == 0
    return folder / (folder / "current").read_text().strip()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster with two workers."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as here:
        yield here.scheduler_address


@pytest.fixture(scope="module")
def partitions(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history in many files, as tools that write data sets lay them out."""
    folder = tmp_path_factory.mktemp("partitions")
    records = [json.loads(line) for line in history.read_text().splitlines()]
    for number in range(10):
        place = folder / f"year=2026/part={9 - number}"
        place.mkdir(parents=True)
        write_records(records[number::10], str(place / "records.parquet"))
    (folder / "_SUCCESS").touch()
    (folder / "year=2026" / ".records.parquet").write_text("unfinished")
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "records.parquet").write_text("unfinished")
    return folder


def read(*paths: object, by: Executor = one_by_one) -> Dataset:
    def fail(fault: str) -> None:
        raise AssertionError(fault)

    return read_dataset([str(path) for path in paths], report=fail, executor=by)


def threads(number: int = 3, ahead: int | None = None) -> Executor:
    """Threads, which overtake each other."""
    joblib = in_order(n_jobs=number, backend="threading")
    joblib.pre_dispatch = ahead or joblib.pre_dispatch
    return partial(in_parallel, joblib)


@given(
    shuffled=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, len(SOME)), max_size=3),
    endings=st.lists(st.sampled_from(files.ENDINGS[:3]), min_size=4, max_size=4),
    lines=st.integers(1, 60),
    by=st.sampled_from([one_by_one, threads()]),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_files_and_their_order_never_matter(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shuffled: random.Random,
    cuts: list[int],
    endings: list[str],
    lines: int,
    by: Executor,
) -> None:
    records = shuffled.sample(SOME, len(SOME))
    ends = sorted({0, len(SOME), *cuts})
    paths = []
    for number, (start, end) in enumerate(itertools.pairwise(ends)):
        paths.append(tmp_path / f"{number}{endings[number]}")
        write_records(records[start:end], str(paths[-1]))
    with monkeypatch.context() as patch:
        patch.setattr(files, "LINES", lines)
        found = read(*shuffled.sample(paths, len(paths)), by=by)
    kept = read(write(tmp_path / "all.jsonl", SOME))
    assert found.digest == kept.digest
    assert found.X.equals(kept.X)
    assert all((found.X[name].cat.categories == kept.X[name].cat.categories).all() for name in kept.X)


def test_processes_read_what_one_process_reads(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINES", 150)
    assert read(history, by=partial(parallel.in_processes, 2)).digest == read(history).digest


def test_batches_come_in_order_and_parts_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []
    rules, gate = policy.load(), threading.Event()

    def encode(number: int, line: str) -> Batch:
        assert number == 0 or gate.wait(60)
        return encode_lines("f", [line], number, rules)

    def parts() -> Iterator[Part]:
        for number, one in enumerate(SOME):
            taken.append(number)
            yield Part(encode, number, json.dumps(one))

    batches = threads(4, ahead=5)(parts())
    found = [next(batches)]
    # Five at first; then joblib takes one for each thread at a time.
    assert len(taken) <= 5 + 4
    gate.set()
    found += batches
    assert taken == list(range(len(SOME)))
    ids = [batch.rows.identities["finding_id"].values for batch in found]
    assert ids == [
        [one["finding"]["detail"].get("id") or one["finding"]["detail"]["findingId"]] for one in SOME
    ]


def test_a_fault_comes_in_its_turn(tmp_path: Path) -> None:
    """Whatever overtakes what: the faults before it have been reported, and nothing of what comes after."""
    lines = [json.dumps(one) for one in [*SOME[:40], {}]]
    first, second, third = (tmp_path / name for name in ("a.parquet", "b.jsonl.gz", "c.jsonl"))
    parquet.write_table(pa.table({RECORD: lines}), first, row_group_size=5)
    second.write_bytes(gzip.compress("\n".join(lines).encode())[:-20])
    third.write_text("{}\n")
    for by in (one_by_one, threads(), partial(parallel.in_processes, 2)):
        faults: list[str] = []
        with pytest.raises(BadInput, match="the gzip data is damaged or cut off"):
            read_dataset([str(first), str(second), str(third)], report=faults.append, executor=by)
        assert [fault.startswith(f"{first}: line 41: ") for fault in faults] == [True]


def test_a_document_over_many_lines_is_read_as_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines are a stream, which no other process can read; what lies around it keeps its place."""
    monkeypatch.setattr(files, "LINES", 10)
    paths = [tmp_path / f"{number}.json" for number in range(3)]
    for path, some in zip(paths, (SOME[:50], SOME[50:100], SOME[100:]), strict=True):
        write(path, some)
    paths[1].write_text(json.dumps(SOME[50:100], indent=1))
    kept = read(write(tmp_path / "all.jsonl", SOME))
    for by in (one_by_one, threads(), partial(parallel.in_processes, 2)):
        assert read(*paths, by=by).digest == kept.digest


# Folders.


def test_a_folder_stands_for_its_files(partitions: Path, history: Path) -> None:
    found = files_of([str(partitions)])
    assert found == [str(partitions / f"year=2026/part={n}/records.parquet") for n in range(10)]
    assert read(partitions).digest == read(history).digest
    assert len(list(read_cases([str(partitions)]))) == len(list(read_cases([str(history)])))


def test_a_folder_without_records_is_bad_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    result = run("train", tmp_path, "--out", tmp_path / "models")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"triage train: {tmp_path}: expected files ending with .parquet")
    assert result.err.count("\n") == 1


def test_row_groups_are_parts_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    lines = [json.dumps(one) for one in [*SOME[:30], {}]]
    parquet.write_table(pa.table({RECORD: lines}), path, row_group_size=7)
    faults: list[str] = []
    dataset = read_dataset([str(path)], report=faults.append)
    assert row_groups(str(path)) == [7, 7, 7, 7, 3]
    assert len(dataset) == 30
    assert [fault.startswith(f"{path}: line 31: ") for fault in faults] == [True]


# The cluster.


def test_a_cluster_trains_the_same_version(
    run: Run, partitions: Path, version: Path, scheduler: str, tmp_path: Path
) -> None:
    result = run("train", partitions, "--out", tmp_path, "--scheduler", scheduler, *SHARES)
    assert (result.code, result.err) == (0, "")
    again = tmp_path / version.name
    assert {one.name: one.read_bytes() for one in again.iterdir()} == {
        one.name: one.read_bytes() for one in version.iterdir()
    }


def test_a_cluster_reads_lines_too(history: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINES", 40)
    with parallel.executor(scheduler=scheduler) as cluster:
        assert read(history, by=cluster).digest == read(history).digest


def test_backtest_and_tune_read_on_a_cluster(
    run: Run, partitions: Path, history: Path, version: Path, scheduler: str
) -> None:
    for command in ("backtest", "tune"):
        options = ("--model", version, "--format", "json")
        apart = run(command, partitions, *options, "--scheduler", scheduler)
        assert apart == run(command, history, *options)
        assert apart.code == 0


def test_faults_of_a_cluster_are_said(run: Run, tmp_path: Path, scheduler: str) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in [*SOME, {}]))
    result = run("train", path, "--out", tmp_path / "models", "--scheduler", scheduler)
    assert result.code == 2
    assert result.err.startswith(f"{path}: line 151: ")
    assert result.err.count("\n") == 1
    broken = tmp_path / "h.parquet"
    broken.write_bytes(b"PAR1 and no more")
    result = run("train", broken, "--out", tmp_path / "models", "--scheduler", scheduler)
    assert (result.code, result.err.count("\n")) == (2, 1)


@pytest.mark.slow
def test_a_local_cluster_has_processes_of_its_own(
    run: Run, partitions: Path, version: Path, tmp_path: Path
) -> None:
    options = ("--scheduler", "local", "--jobs", 2, *SHARES)
    assert run("train", partitions, "--out", tmp_path, *options).code == 0
    again = tmp_path / version.name
    assert (again / "manifest.json").read_bytes() == (version / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nonsense", "expected an address such as tcp://host:8786, or local, got 'nonsense'"),
        ("", "expected an address such as"),
        ("host:port", "expected an address such as"),
        ("http://127.0.0.1:8786", "expected an address such as"),
        ("tcp://127.0.0.1:99999", "the scheduler cannot be reached"),
        ("tcp://127.0.0.1:1", "the scheduler cannot be reached"),
        ("tcp://scheduler.invalid:8786", "the scheduler cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere(
    run: Run, history: Path, tmp_path: Path, address: str, says: str
) -> None:
    result = run("train", history, "--out", tmp_path, "--scheduler", address)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("triage train: --scheduler: ")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_workers_with_other_features_are_refused(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_version", lambda: "another")
    with pytest.raises(BadInput, match="some have another"), parallel.executor(scheduler=scheduler):
        pass


def test_without_the_extra_one_line_says_so(
    run: Run, history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run("train", history, "--out", tmp_path, "--scheduler", "local")
    assert result.code == 2
    assert "expected the extra scale to be installed" in result.err


def test_dask_is_imported_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", SOME[:20])
    code = f"""
import sys, triage
assert triage.main(["train", {path!r}, "--out", {str(tmp_path / "m")!r}]) == 0
assert not {{"dask", "distributed"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and that these have."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text().split())
    return found + [below for child in found for below in descendants(child)]


def seconds_at_work(pid: int) -> float:
    """Processor time of a process."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--scheduler", "local")])
def test_an_interrupt_ends_all_with_one_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "h.jsonl"
    write_records((one.record for one in simulate(40_000)), str(path))
    # Whoever runs the tests may have had them ignore interrupts.
    code = "import signal, sys, triage; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{code}; sys.exit(triage.main(sys.argv[1:]))"]
    arguments = ["train", str(path), "--out", str(tmp_path / "m"), "--jobs", "2", *options]
    with subprocess.Popen(
        [*command, *arguments], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while sum(seconds_at_work(child) >= 1 for child in descendants(process.pid)) < 2:
            assert process.poll() is None, "it has ended before both processes were at work"
            time.sleep(0.1)
        children = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=PATIENCE)[1]
    assert re.fullmatch("interrupted after [0-9,]+ records.*; no version was written\n", said)
    assert process.returncode == 130
    assert not (tmp_path / "m").exists()
    until = time.monotonic() + PATIENCE
    while any(map(is_alive, children)) and time.monotonic() < until:
        time.sleep(0.1)  # those that tidy up after the others end last
    assert not any(map(is_alive, children))
