"""What every storage of the decision log does alike, and that they do it alike."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded import EmbeddedAws
from scoring.decision_log import table
from scoring.decision_log.dynamodb import DynamoDb
from scoring.decision_log.sqlite import Sqlite
from scoring.decision_log.storage import (
    IS_NEW,
    IS_THERE,
    AtMost,
    Change,
    ConditionFailed,
    Delete,
    Equals,
    Exists,
    HasLength,
    Item,
    Missing,
    Put,
    Storage,
    Write,
    WriteCondition,
    write_each,
)

KEY = ("finding", "decision#1")
ITEM: Item = {
    "finding_id": "finding",
    "item": "decision#1",
    "text": 'ein "Text" \\ ✓ \x00\n',
    "empty": "",
    "number": 7,
    "large": 1_761_998_400_123,
    "yes": True,
    "no": False,
    "bytes": bytes(range(256)),
    "times": [3, 2, 1],
    "label": {"verdict": "expected", "at": "2026-11-01", "verified": False, "origin": {"address": ""}},
    "sent": {"sns a", "ses b"},
}


def item(finding_id: str, name: str, **more: Any) -> Item:
    return {"finding_id": finding_id, "item": name, **more}


def decided(number: int, effect: str, at: str) -> Item:
    return item(f"f-{number}", f"decision#{at}#1", effect=effect, decided_at=at)


def test_what_is_written_is_read(storage: Storage) -> None:
    assert storage.get(KEY) is None
    storage.write([Put(item=ITEM)])
    found = storage.get(KEY)
    assert found == ITEM
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in ITEM.items()
    }
    storage.write([Put(item=item(*KEY, number=8))])
    assert storage.get(KEY) == item(*KEY, number=8), "all of it is replaced"
    storage.write([Delete(key=KEY)])
    storage.write([Delete(key=KEY)])
    assert storage.get(KEY) is None


HOLDS: list[tuple[WriteCondition, bool]] = [
    (IS_THERE, True),
    (IS_NEW, False),
    (Missing(("gone",)), True),
    (Missing(("text",)), False),
    (Missing(("times", 3)), True),
    (Missing(("times", 2)), False),
    (Missing(("label", "note")), True),
    (Missing(("text", "x", "y")), True),
    (Exists(("label", "at")), True),
    (Exists(("label", "note")), False),
    (Equals(("number",), 7), True),
    (Equals(("number",), 8), False),
    (Equals(("number",), "7"), False),
    (Equals(("label", "at"), "2026-11-01"), True),
    (Equals(("label", "at"), "2026-11-02"), False),
    (Equals(("times", 0), 3), True),
    (Equals(("gone",), 3), False),
    (AtMost(("number",), 7), True),
    (AtMost(("number",), 6), False),
    (AtMost(("times", 2), 1), True),
    (AtMost(("times", 0), 1), False),
    (AtMost(("times", 9), 1), True),
    (AtMost(("label", "at"), "2026-11-01"), True),
    (AtMost(("label", "at"), "2026-10-31"), False),
    (AtMost(("gone",), "x"), True),
    (HasLength(("times",), 3), True),
    (HasLength(("times",), 2), False),
]
# What DynamoDB's documentation says, and moto does not know.
UNTRIED: list[tuple[WriteCondition, bool]] = [
    (AtMost(("number",), "8"), False),
    (AtMost(("text",), 8), False),
    (HasLength(("gone",), 0), False),
]


@pytest.mark.parametrize(("condition", "holds"), HOLDS, ids=str)
def test_a_condition(storage: Storage, condition: WriteCondition, holds: bool) -> None:
    storage.write([Put(item=ITEM)])
    change = Change(key=KEY, assign={"done": 1}, only_if=(IS_THERE, condition))
    for write in (lambda: storage.write([change]), lambda: storage.change(change)):
        if holds:
            write()
            continue
        with pytest.raises(ConditionFailed) as refused:
            write()
        assert refused.value.failed == {0: ITEM}
    assert (storage.get(KEY) or {}).get("done") == (1 if holds else None)


@pytest.mark.parametrize(("condition", "holds"), UNTRIED, ids=str)
def test_a_condition_on_what_cannot_be_compared(
    sqlite: Sqlite, condition: WriteCondition, holds: bool
) -> None:
    test_a_condition(sqlite, condition, holds)


def test_conditions_of_what_is_not_there(storage: Storage) -> None:
    for condition in (IS_THERE, Equals(("a",), 1), Exists(("a", 0))):
        with pytest.raises(ConditionFailed) as refused:
            storage.write([Change(key=KEY, assign={"done": 1}, only_if=(condition,))])
        assert refused.value.failed == {0: None}
    storage.write([Change(key=KEY, assign={"done": 1}, only_if=(IS_NEW, AtMost(("a",), 1)))])
    assert storage.get(KEY) == item(*KEY, done=1)


def test_all_or_none(storage: Storage) -> None:
    storage.write([Put(item=item("a", "1")), Put(item=item("b", "1"))])
    with pytest.raises(ConditionFailed) as refused:
        storage.write(
            [
                Put(item=item("c", "1"), only_if=(IS_NEW,)),
                Put(item=item("a", "1", n=1), only_if=(IS_NEW,)),
                Delete(key=("b", "1")),
                Change(key=("b", "2"), assign={"n": 1}, only_if=(IS_THERE,)),
            ]
        )
    assert refused.value.failed == {1: item("a", "1"), 3: None}
    assert [storage.get((name, "1")) for name in "abc"] == [item("a", "1"), item("b", "1"), None]


def test_changes(storage: Storage) -> None:
    first = Change(
        key=KEY,
        assign={"a": "x", "gone": 1},
        append={"after": [1]},
        prepend={"before": [1]},
        add={"tries": 1, "sent": {"a"}},
    )
    assert storage.change(first) == item(*KEY, a="x", gone=1, after=[1], before=[1], tries=1, sent={"a"})
    second = Change(
        key=KEY,
        assign={"a": {"b": [1]}},
        remove=("gone", "never there"),
        append={"after": [2, 3]},
        prepend={"before": [3, 2]},
        add={"tries": 2, "sent": {"a", "b"}},
    )
    storage.write([second])
    assert storage.get(KEY) == item(
        *KEY, a={"b": [1]}, after=[1, 2, 3], before=[3, 2, 1], tries=3, sent={"a", "b"}
    )


def test_the_items_of_a_finding(storage: Storage) -> None:
    names = ["latest", *(f"decision#2026-11-0{day}#{day}" for day in range(1, 8)), "verdict#1"]
    storage.write([Put(item=item("f", name)) for name in reversed(names)])
    storage.write([Put(item=item("g", "decision#2026-11-01#1"))])
    found = [one["item"] for one in storage.of_finding("f", "decision#")]
    assert found == names[1:8]
    assert [one["item"] for one in storage.of_finding("f", "decision#", newest=2)] == [names[7], names[6]]
    assert list(storage.of_finding("f", "nothing")) == []
    assert [one["item"] for one in storage.of_finding("f", "")] == sorted(names)


def test_items_by_effect(storage: Storage) -> None:
    storage.write([Put(item=decided(day, "alert", f"2026-11-0{day}")) for day in (3, 1, 2, 4)])
    storage.write(
        [Put(item=decided(9, "archive", "2026-11-02")), Put(item=item("x", "latest", effect="alert"))]
    )

    def found(since: str = "", until: str = "~") -> list[str]:
        return [one["decided_at"][-1] for one in storage.by_effect("alert", since=since, until=until)]

    assert found() == ["1", "2", "3", "4"]
    assert found("2026-11-02", "2026-11-03") == ["2", "3"]
    assert found("2026-11-05") == []
    storage.write([Change(key=("f-2", "decision#2026-11-02#1"), assign={"effect": "over"})])
    assert found() == ["1", "3", "4"]


def test_more_than_a_page_of_everything(storage: Storage) -> None:
    puts = [Put(item=decided(number, "alert", "2026-11-01")) for number in range(1100)]
    assert write_each(storage, puts) == [True] * 1100
    keys = [put.key for put in puts]
    found = list(storage.by_effect("alert", since="", until="~"))
    assert sorted((one["finding_id"], one["item"]) for one in found) == sorted(keys)
    assert len(list(storage.with_prefix("decision#"))) == 1100
    assert len(list(storage.get_many([*keys[:130], ("nobody", "latest")]))) == 130
    assert list(storage.with_prefix("latest")) == []


def test_each_write_by_itself(storage: Storage) -> None:
    writes = [Put(item=item(f"f-{number}", "latest"), only_if=(IS_NEW,)) for number in range(205)]
    storage.write([writes[3], writes[204]])
    made = write_each(storage, writes)
    assert [number for number, is_made in enumerate(made) if not is_made] == [3, 204]
    assert len(list(storage.with_prefix("latest"))) == 205


# The same writes in both, whatever they are.

NAMES, TEXTS, NUMBERS = st.sampled_from("ab"), st.sampled_from(["", "x", "y"]), st.integers(0, 5)
PATHS = st.sampled_from(
    [("a",), ("b",), ("list",), ("list", 0), ("list", 1), ("count",), ("map", "a"), ("set",), ("c",)]
)
CONDITIONS: st.SearchStrategy[tuple[WriteCondition, ...]] = st.one_of(
    st.just(()),
    st.sampled_from([(IS_NEW,), (IS_THERE,)]),
    st.tuples(st.builds(Missing, PATHS)),
    st.tuples(st.builds(Exists, PATHS)),
    st.tuples(st.builds(Equals, PATHS, TEXTS | NUMBERS)),
    st.tuples(st.builds(AtMost, st.sampled_from([("a",), ("map", "a")]), TEXTS)),
    st.tuples(st.builds(AtMost, st.sampled_from([("count",), ("list", 0), ("list", 2)]), NUMBERS)),
    st.builds(lambda length: (Exists(("list",)), HasLength(("list",), length)), st.integers(0, 2)),
)
ONLY_IF = st.builds(lambda one, other: (*one, *other), CONDITIONS, CONDITIONS)
KEYS = st.tuples(st.sampled_from("fg"), st.sampled_from(["latest", "decision#1", "decision#2"]))
PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "a": TEXTS,
        "b": TEXTS | NUMBERS,
        "list": st.lists(st.integers(0, 5), max_size=3),
        "count": st.integers(-3, 3),
        "map": st.dictionaries(NAMES, TEXTS, max_size=2),
        "set": st.sets(NAMES, min_size=1),
        "effect": st.sampled_from(["alert", "archive"]),
        "decided_at": st.sampled_from(["2026-11-01", "2026-11-02"]),
    },
)
ASSIGNED = st.dictionaries(st.sampled_from(["a", "c"]), TEXTS, max_size=2)
WRITES: st.SearchStrategy[Write] = st.one_of(
    st.builds(
        lambda key, plain, only_if: Put(item=item(*key, **plain), only_if=only_if), KEYS, PLAIN, ONLY_IF
    ),
    st.builds(
        lambda key, assign, more, added, only_if: Change(
            key=key, assign=assign, append={"log": more}, remove=("b",), add={"total": added}, only_if=only_if
        ),
        KEYS,
        ASSIGNED,
        st.lists(st.integers(0, 3), max_size=2),
        st.integers(-2, 2),
        ONLY_IF,
    ),
    st.builds(lambda key, only_if: Delete(key=key, only_if=only_if), KEYS, ONLY_IF),
)
TOGETHER = st.lists(WRITES, min_size=1, max_size=3, unique_by=lambda write: write.key)


def outcome(storage: Storage, writes: list[Write]) -> Any:
    try:
        storage.write(writes)
    except ConditionFailed as refused:
        return refused.failed
    return "written"


def contents(storage: Storage) -> Any:
    def ordered(items: Any) -> list[Item]:
        return sorted(items, key=lambda one: (one["finding_id"], one["item"]))

    return (
        ordered(storage.with_prefix("")),
        [list(storage.of_finding(name, "decision#")) for name in "fg"],
        [ordered(storage.by_effect(name, since="2026-11-01", until="~")) for name in ("alert", "archive")],
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(TOGETHER, min_size=1, max_size=6))
def test_storages_agree(aws: EmbeddedAws, tmp_path: Any, batches: list[list[Write]]) -> None:
    number = len(list(tmp_path.iterdir()))
    client, name = aws.client("dynamodb"), f"{tmp_path.name}-{number}"
    table.create(client, name)
    one, other = DynamoDb(client, name), Sqlite(tmp_path / f"{number}.sqlite", create=True)
    try:
        for writes in batches:
            assert outcome(one, writes) == outcome(other, writes)
        assert contents(one) == contents(other)
    finally:
        other.close()
        client.delete_table(TableName=name)
