"""The decision log in a file: whose file it is, what is wrong with it, and several at once."""

import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from scoring.decision_log.log import DecisionLog
from scoring.decision_log.sqlite import APPLICATION_ID, Sqlite
from scoring.decision_log.storage import IS_NEW, Change, ConditionFailed, Put, write_each
from scoring.files.errors import BadInput

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


def opened(path: Path, **more: Any) -> Sqlite:
    return Sqlite(path, create=True, **more)


def fill(path: Path, count: int = 400) -> None:
    storage = opened(path)
    write_each(
        storage,
        [Put(item={"finding_id": f"f-{n}", "item": "latest", "pad": "x" * 500}) for n in range(count)],
    )
    storage.close()


def refusal(path: Path, **more: Any) -> str:
    with pytest.raises(BadInput) as refused:
        Sqlite(path, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(str(path)).removeprefix(": ")


def test_it_is_there_for_the_next_process_and_for_its_owner_alone(path: Path) -> None:
    log = DecisionLog.in_file(path, create=True)
    log.storage.write([Put(item={"finding_id": "a", "item": "latest"})])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    log.close()
    assert [file.name for file in path.parent.iterdir()] == ["log.sqlite"], "one file, to be copied"
    again = DecisionLog.in_file(path)
    assert again.storage.get(("a", "latest")) is not None
    assert again.name == str(path)
    again.close()


def test_a_file_that_is_not_there_is_not_made_by_whoever_reads(path: Path) -> None:
    assert refusal(path) == "expected a decision log: there is no such file"
    assert not path.exists()
    assert refusal(path.parent) == "expected a decision log: there is no such file"
    assert refusal(path.parent / "gone" / "log", create=True) == "cannot be made: No such file or directory"
    assert refusal(path.parent, create=True) in ("cannot be opened", "is not a decision log")


@pytest.mark.parametrize(
    "content", [b"x", b"hello\n", b'{"finding": {}}\n' * 100, b"SQLite format 3\0", b"\0" * 200]
)
@pytest.mark.parametrize("create", [False, True])
def test_a_file_of_somebody_else_stays_as_it_is(path: Path, content: bytes, create: bool) -> None:
    path.write_bytes(content)
    assert refusal(path, create=create) == "is not a decision log"
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["log.sqlite"]


@pytest.mark.parametrize("statement", ["create table item (x)", "pragma user_version = 1"])
def test_a_database_of_somebody_else_stays_as_it_is(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    content = path.read_bytes()
    assert refusal(path, create=True) == "is not a decision log"
    assert path.read_bytes() == content


def test_an_empty_file_becomes_one(path: Path) -> None:
    path.touch()
    opened(path).close()
    assert int.from_bytes(path.read_bytes()[68:72]) == APPLICATION_ID


def test_a_newer_version_is_left_alone(path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("pragma user_version = 2")
    newer.close()
    assert refusal(path) == "was written by a newer version of access-triage"


def test_a_damaged_file_is_named(path: Path) -> None:
    fill(path)
    whole = path.read_bytes()
    for start in range(4096, len(whole) - 4096, 16384):
        path.write_bytes(whole[:start] + b"\xff" * 8192 + whole[start + 8192 :])
        with pytest.raises(BadInput) as refused:
            list(opened(path).with_prefix(""))
        assert str(refused.value).startswith(f"{path}: is damaged")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput) as refused:
        list(opened(path).with_prefix(""))
    assert str(refused.value) == f"{path}: is damaged"


@pytest.mark.parametrize(
    "attributes", ["", "[]", "7", "{", '{"a": NaN}', '{"a": {"$bytes": 7}}', '{"a": {"$bytes": "%"}}']
)
def test_a_damaged_item_is_named(path: Path, attributes: str) -> None:
    fill(path, 3)
    with sqlite3.connect(path) as broken:
        broken.execute("update item set attributes = ? where finding_id = 'f-1'", [attributes])
    broken.close()
    storage = opened(path)
    with pytest.raises(BadInput, match="is damaged: expected the attributes of an item"):
        storage.get(("f-1", "latest"))
    assert storage.get(("f-2", "latest")) is not None
    storage.close()


def test_what_cannot_be_written_is_named(path: Path) -> None:
    fill(path, 3)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin immediate")
    storage = opened(path, wait_seconds=0.01)
    put = Put(item={"finding_id": "b", "item": "latest"})
    with pytest.raises(BadInput, match="is in use by another process: try again"):
        storage.write([put])
    assert storage.get(("f-1", "latest")) is not None, "readers wait for nobody"
    holder.execute("rollback")
    holder.close()
    storage.write([put])
    storage.close()


def test_what_has_expired_is_deleted_when_it_is_opened(path: Path) -> None:
    storage = opened(path)
    ends = {"old": 100, "new": 300}
    storage.write(
        [Put(item={"finding_id": name, "item": "decision#1", "expires_at": at}) for name, at in ends.items()]
    )
    storage.write([Put(item={"finding_id": "ever", "item": "decision#1"})])
    storage.close()
    later = opened(path, clock=lambda: 200.0)
    assert [item["finding_id"] for item in later.with_prefix("")] == ["new", "ever"]
    later.close()


def test_a_name_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory", "a b?c#d%20.db"):
        opened(Path(name)).close()
        assert (tmp_path / name).stat().st_size > 0


def test_half_a_character_is_refused_in_one_line(path: Path) -> None:
    storage = opened(path)
    for refused in (
        lambda: storage.get(("\udcff", "latest")),
        lambda: list(storage.of_finding("\udcff", "latest")),
        lambda: storage.write([Put(item={"finding_id": "a", "item": "latest", "note": "\ud800"})]),
    ):
        with pytest.raises(BadInput, match="expected text that can be written as UTF-8"):
            refused()
    assert storage.get(("a", "latest")) is None
    storage.close()


def test_reading_goes_on_while_it_is_written(path: Path) -> None:
    fill(path, 1200)
    storage = opened(path)
    seen = 0
    for item in storage.with_prefix("latest"):
        seen += 1
        storage.write([Put(item={**item, "seen": seen})])
    assert seen == 1200
    storage.close()


COUNTING = """
import sys
from scoring.decision_log.sqlite import Sqlite
from scoring.decision_log.storage import IS_NEW, Change, ConditionFailed, Put
storage = Sqlite(sys.argv[1], create=True)
won = 0
for number in range(50):
    storage.write([Change(key=("count", "all"), add={"number": 1}, prepend={"list": [number]})])
    try:
        storage.write([Put(item={"finding_id": f"f-{number}", "item": "latest"}, only_if=(IS_NEW,))])
        won += 1
    except ConditionFailed:
        pass
print(won)
"""


def test_processes_at_once_lose_nothing_and_win_once(path: Path) -> None:
    """They make the file, too, all at once."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    won = [int(process.communicate()[0]) for process in running]
    storage = opened(path)
    counted = storage.get(("count", "all"))
    assert counted is not None
    assert (counted["number"], len(counted["list"]), sum(won)) == (200, 200, 50)
    storage.close()


def test_threads_at_once(path: Path) -> None:
    storage = opened(path)
    won: list[int] = []

    def work() -> None:
        for number in range(25):
            storage.write([Change(key=("count", "all"), add={"number": 1})])
            try:
                storage.write([Put(item={"finding_id": f"f-{number}", "item": "x"}, only_if=(IS_NEW,))])
            except ConditionFailed:
                continue
            won.append(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = storage.get(("count", "all"))
    assert counted is not None
    assert (counted["number"], sorted(won)) == (100, list(range(25)))
    storage.close()


DYING = """
import os, sys
from scoring.decision_log import sqlite
from scoring.decision_log.storage import Put
storage = sqlite.Sqlite(sys.argv[1], create=True)
written = []
to_json = sqlite._to_json
def die(item):
    if written:
        os._exit(1)
    written.append(item)
    return to_json(item)
sqlite._to_json = die
storage.write([Put(item={"finding_id": name, "item": "latest"}) for name in "ab"])
"""


def test_a_process_that_dies_between_two_writes_has_made_neither(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", DYING, str(path)], cwd=ROOT, check=False).returncode == 1
    storage = opened(path)
    assert list(storage.with_prefix("")) == []
    storage.write([Put(item={"finding_id": "c", "item": "latest"})])
    storage.close()


FULL = """
import resource, sys
from scoring.decision_log.sqlite import Sqlite
from scoring.decision_log.storage import Put
from scoring.files.errors import BadInput
storage = Sqlite(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    storage.write([Put(item={"finding_id": name, "item": "latest", "pad": "x" * 80_000}) for name in "ab"])
except BadInput as error:
    print(error)
"""


def test_a_disk_that_is_full_is_named_and_nothing_is_written_in_part(path: Path) -> None:
    fill(path, 3)
    typed = [sys.executable, "-c", FULL, str(path)]
    said = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=True)
    whys = ("the disk is full", "cannot be read or written")
    assert said.stdout.strip() in {f"{path}: {why}" for why in whys}
    storage = opened(path)
    assert len(list(storage.with_prefix(""))) == 3
    storage.close()
