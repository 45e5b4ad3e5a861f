"""The decision log's storage in a local file: a SQLite database with one table of items.

Several processes and threads may use the file at once: writes wait for each other, readers wait for nobody
(write-ahead log; the file has to be on a local disk). What is written survives a loss of power: an intent is
on the disk before its effect happens. Conditions are checked and changes made in one transaction, in Python.

The file holds findings and the secret of the audit sample, and so it is made for its owner alone (mode 0600).
``sqlite3 FILE 'select attributes from item'`` shows what is in it: JSON, in which ``{"$bytes": ...}`` and
``{"$set": ...}`` stand for bytes (Base64) and sets.

References
----------
SQLite, "Write-Ahead Logging", "PRAGMA application_id", "Result and Error Codes".
"""

import base64
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec

from scoring.decision_log.storage import (
    EXPIRES_AT,
    AtMost,
    Change,
    ConditionFailed,
    Delete,
    Equals,
    Exists,
    HasLength,
    Item,
    ItemKey,
    Missing,
    Put,
    Write,
    WriteCondition,
)
from scoring.files.errors import BadInput

APPLICATION_ID: Final = int.from_bytes(b"triL")
"""What tells our files from those of others, at byte 68 of the file."""
VERSION: Final = 1
"""Of the tables in the file; a larger one was written by a newer access-triage."""

_PAGE: Final = 500
_MARKS: Final = {bytes: "$bytes", set: "$set"}
_SCHEMA: Final = (
    """create table item (
        finding_id text not null,
        item text not null,
        effect text,
        decided_at text,
        expires_at integer,
        attributes text not null,
        primary key (finding_id, item)
    )""",
    "create index by_effect on item (effect, decided_at)",
    "create index by_expiry on item (expires_at) where expires_at is not null",
    f"pragma application_id = {APPLICATION_ID}",
    f"pragma user_version = {VERSION}",
)
_OF_FINDING: Final = """select attributes from item
    where finding_id = :id and substr(item, 1, length(:prefix)) = :prefix order by item"""
_NEWEST: Final = _OF_FINDING + " desc limit :newest"
_BY_EFFECT: Final = """select decided_at, rowid, attributes from item
    where effect = :effect and (decided_at, rowid) > (:since, :row) and decided_at <= :until
    order by decided_at, rowid limit :page"""
_WITH_PREFIX: Final = """select rowid, attributes from item
    where rowid > :row and substr(item, 1, length(:prefix)) = :prefix order by rowid limit :page"""
_READ: Final = "select attributes from item where finding_id = ? and item = ?"
_DELETE: Final = "delete from item where finding_id = ? and item = ?"
_PUT: Final = """insert into item (finding_id, item, effect, decided_at, expires_at, attributes)
    values (?, ?, ?, ?, ?, ?)
    on conflict (finding_id, item) do update set effect = excluded.effect, decided_at = excluded.decided_at,
    expires_at = excluded.expires_at, attributes = excluded.attributes"""
_PROBLEMS: Final = {
    sqlite3.SQLITE_BUSY: "is in use by another process: try again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_NOTADB: "is not a decision log",
    sqlite3.SQLITE_PERM: "cannot be opened",
    sqlite3.SQLITE_READONLY: "cannot be written",
}


class Sqlite:
    """A decision log in a file.

    Parameters
    ----------
    path : str or Path
    create : bool
        Whether a file that is not there is made.
    wait_seconds : float
        How long to wait for other processes.
    clock : callable
        Seconds since 1970; what is to live no longer is deleted when the file is opened.

    Raises
    ------
    BadInput
        There is no such file, or it is none of ours, damaged, or cannot be opened; so does every method.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool = False,
        wait_seconds: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = str(path)
        self._lock = threading.RLock()
        if create:
            self._make()
        elif not Path(path).is_file():
            raise BadInput("expected a decision log: there is no such file", where=self.name)
        with self._naming():
            self._db = sqlite3.connect(
                # Not a name that SQLite takes for something else, such as ":memory:".
                Path(path).absolute(),
                timeout=wait_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._naming():
                self._prepare(clock())
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def get(self, key: ItemKey) -> Item | None:
        """Read an item."""
        with self._naming():
            return self._read(key)

    def get_many(self, keys: Sequence[ItemKey]) -> Iterator[Item]:
        """Read items, in the order of the keys."""
        for key in keys:
            if (found := self.get(key)) is not None:
                yield found

    def of_finding(self, finding_id: str, prefix: str, *, newest: int | None = None) -> Iterator[Item]:
        """Read the items of a finding, in the order of ``item``, or the newest first."""
        wanted = {"id": finding_id, "prefix": prefix, "newest": newest}
        for (attributes,) in self._rows(_OF_FINDING if newest is None else _NEWEST, wanted):
            yield self._item(attributes)

    def by_effect(self, effect: str, *, since: str, until: str) -> Iterator[Item]:
        """Read items with a value of ``effect``, oldest first."""
        wanted = {"effect": effect, "since": since, "row": 0, "until": until, "page": _PAGE}
        while rows := self._rows(_BY_EFFECT, wanted):
            for _, _, attributes in rows:
                yield self._item(attributes)
            wanted |= {"since": rows[-1][0], "row": rows[-1][1]}

    def with_prefix(self, prefix: str) -> Iterator[Item]:
        """Read all items whose ``item`` begins so, in the order in which they were written."""
        wanted = {"prefix": prefix, "row": 0, "page": _PAGE}
        while rows := self._rows(_WITH_PREFIX, wanted):
            for _, attributes in rows:
                yield self._item(attributes)
            wanted["row"] = rows[-1][0]

    def write(self, writes: Sequence[Write]) -> None:
        """Write in one transaction.

        Raises
        ------
        ConditionFailed
            A condition did not hold.
        """
        with self._naming(), self._transaction():
            there = [self._read(write.key) for write in writes]
            failed = {
                number: item
                for number, (write, item) in enumerate(zip(writes, there, strict=True))
                if not all(_holds(condition, item or {}) for condition in write.only_if)
            }
            if failed:
                raise ConditionFailed(failed)
            for write, item in zip(writes, there, strict=True):
                self._make_write(write, item)

    def change(self, change: Change) -> Item:
        """Make one change, and return the item after it; raises as `write`."""
        with self._naming(), self._transaction():
            there = self._read(change.key)
            if not all(_holds(condition, there or {}) for condition in change.only_if):
                raise ConditionFailed({0: there})
            return self._make_write(change, there)

    def _make_write(self, write: Write, there: Item | None) -> Item:
        if isinstance(write, Delete):
            self._db.execute(_DELETE, write.key)
            return {}
        after = dict(write.item) if isinstance(write, Put) else _changed(write, there)
        indexed = (after.get("effect"), after.get("decided_at"), after.get(EXPIRES_AT))
        self._db.execute(_PUT, (*write.key, *indexed, _to_json(after)))
        return after

    def _read(self, key: ItemKey) -> Item | None:
        row = self._db.execute(_READ, key).fetchone()
        return None if row is None else self._item(row[0])

    def _rows(self, query: str, wanted: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._naming():
            return self._db.execute(query, wanted).fetchall()

    def _item(self, attributes: str) -> Item:
        try:
            return _from_json(attributes)
        except (msgspec.DecodeError, ValueError, TypeError):
            raise BadInput("is damaged: expected the attributes of an item", where=self.name) from None

    def _make(self) -> None:
        """Make an empty file for its owner alone; the tables follow."""
        try:
            os.close(os.open(self.name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise BadInput(f"cannot be made: {error.strerror}", where=self.name) from None

    def _prepare(self, now: float) -> None:
        """Make the tables of a new file; refuse one that is not ours before anything is changed in it."""
        (application_id,) = self._db.execute("pragma application_id").fetchone()
        if application_id != APPLICATION_ID:
            with self._transaction():  # another process may be making them at this moment
                (application_id,) = self._db.execute("pragma application_id").fetchone()
                (tables,) = self._db.execute("select count(*) from sqlite_master").fetchone()
                if application_id != APPLICATION_ID:
                    if application_id or tables or Path(self.name).stat().st_size:
                        raise BadInput("is not a decision log", where=self.name)
                    for statement in _SCHEMA:
                        self._db.execute(statement)
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version > VERSION:
            raise BadInput("was written by a newer version of access-triage", where=self.name)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        (expired,) = self._db.execute(
            "select count(*) from (select 1 from item where expires_at < ? limit 1)", (int(now),)
        ).fetchone()
        if expired:  # whoever only reads waits for nobody
            self._db.execute("delete from item where expires_at < ?", (int(now),))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:  # SQLite has not rolled it back already
                    self._db.execute("rollback")
                raise

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Turn what SQLite refuses into an error that names the file; threads take turns."""
        try:
            with self._lock:
                yield
        except UnicodeEncodeError:  # half a character, from a command line
            raise BadInput("expected text that can be written as UTF-8", where=self.name) from None
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            problem = _PROBLEMS.get(-1 if code is None else code & 0xFF, str(error))
            raise BadInput(problem, where=self.name) from error


def _holds(condition: WriteCondition, item: Item) -> bool:
    value: Any = item
    for part in condition.path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return isinstance(condition, Missing | AtMost)
    match condition:
        case Missing():
            return False
        case Exists():
            return True
        case Equals():
            return bool(value == condition.value)
        case AtMost():
            is_comparable = isinstance(value, str) == isinstance(condition.value, str)
            return is_comparable and bool(value <= condition.value)
        case HasLength():
            return len(value) == condition.length
        case _:
            assert_never(condition)


def _changed(change: Change, there: Item | None) -> Item:
    """Return an item after a change."""
    item = {"finding_id": change.key[0], "item": change.key[1], **(there or {})}
    item.update(change.assign)
    for name, more in change.append.items():
        item[name] = [*item.get(name, ()), *more]
    for name, more in change.prepend.items():
        item[name] = [*more, *item.get(name, ())]
    for name, value in change.add.items():
        item[name] = item.get(name, 0) + value if isinstance(value, int) else item.get(name, set()) | value
    for name in change.remove:
        item.pop(name, None)
    return item


def _to_json(item: Mapping[str, Any]) -> str:
    return msgspec.json.encode({name: _marked(value) for name, value in item.items()}).decode()


def _from_json(attributes: str) -> Item:
    item = msgspec.json.decode(attributes, type=dict[str, Any])
    return {name: _unmarked(value) for name, value in item.items()}


def _marked(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    return {"$set": sorted(value)} if isinstance(value, (set, frozenset)) else value


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"], validate=True)
        if "$set" in value:
            return set(value["$set"])
    return value
