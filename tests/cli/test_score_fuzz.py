"""Findings with anything in any place: bad input in one line, or scored, and never an archive."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.score_runs import Score, event, runner

CONTEXT: dict[str, Any] = {
    "tags": {"Environment": "production"},
    "aliases": [],
    "resource_account": {"id": "111122223333", "name": "payments", "ou": "Workloads/Prod", "tags": {}},
    "principal_account": {"id": "444455556666", "in_org": False, "vendor": None},
    "reactivated_by": None,
}
Place = tuple[str | int, ...]
GOOD = json.dumps(event()).encode()


@pytest.fixture
def score(capfd, monkeypatch) -> Score:
    """Run the command, which names each bad record here, not the first ten of them."""
    monkeypatch.setattr("scoring.cli.score.MOST_FAULTS", None)
    return runner(capfd)


def places(value: object, at: Place = ()) -> Iterator[Place]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*at, key)
        yield from places(inner, (*at, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def put(value: Any, place: Place, new: object) -> Any:
    changed = copy.deepcopy(value)
    at(changed, place[:-1])[place[-1]] = new
    return changed


def without(value: Any, place: Place) -> Any:
    changed = copy.deepcopy(value)
    del at(changed, place[:-1])[place[-1]]
    return changed


def record(name: str) -> dict[str, Any]:
    label = {"verdict": "expected", "by": "ada", "at": "2026-11-01T10:00:00Z", "source": "cli", "note": "x"}
    return {"finding": event(name), "context": CONTEXT | {"unknown": {"details.policy": "x"}}, "label": label}


ALERTS = ["external-public-bucket", "external-error", "internal-error", "external-role-federated"]


def test_a_wrong_type_in_any_field_of_a_record_is_one_line_and_never_an_archive(score, tmp_path):
    wrong: dict[type, object] = {bool: "yes", str: 5, int: "7", list: {"a": "b"}, dict: ["a"], type(None): 5}
    wholes = [
        record(name) for name in [*ALERTS, "external-cross-account-kms", "unused-permission", "internal"]
    ]
    bad = [put(whole, place, wrong[type(at(whole, place))]) for whole in wholes for place in places(whole)]
    bad += [put(whole, ("decision",), "archive") for whole in wholes]
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in bad))
    result = score(path)
    assert (result.code, result.out) == (2, "")
    assert [fault.split(": ")[1] for fault in result.faults] == [f"line {n}" for n in range(1, len(bad) + 1)]


def test_a_missing_field_never_makes_an_archive(score, tmp_path):
    wholes = [record(name) for name in ALERTS]
    cut = [without(whole, place) for whole in wholes for place in places(whole)]
    path = tmp_path / "cut.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in cut))
    result = score(path)
    assert result.code == 2
    assert len(result.outcomes) + len(result.faults) == len(cut)
    assert set(result.outcomes) == {"alert"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_MUTATED = st.sampled_from(ALERTS).flatmap(
    lambda name: st.builds(
        put,
        st.just(record(name)),
        st.sampled_from([place for place in places(record(name)) if place[0] == "finding"]),
        _JSON,
    )
)


@given(st.lists(_MUTATED, min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_no_value_in_any_field_makes_an_archive(score, tmp_path, records):
    path = tmp_path / "fuzz.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in records))
    result = score(path)
    assert result.code in (0, 2)
    assert len(result.outcomes) + len(result.faults) == len(records)
    assert "archive" not in result.outcomes


@given(st.lists(_JSON, min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_json_is_bad_input_or_nothing(score, tmp_path, values):
    path = tmp_path / "fuzz.json"
    path.write_text(json.dumps(values))
    result = score(path)
    assert (result.code, result.out) == (2, "")
    assert result.faults


@given(st.binary(max_size=300) | st.tuples(st.binary(max_size=20), st.integers(0, len(GOOD))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_any_bytes_are_read_to_the_end(score, tmp_path, noise):
    path = tmp_path / "fuzz"
    path.write_bytes(noise if isinstance(noise, bytes) else GOOD[: noise[1]] + noise[0] + GOOD[noise[1] :])
    result = score(path)
    assert result.code in (0, 2)
    holds_nothing = isinstance(noise, bytes) and noise.split() in ([b"[]"], [b"[", b"]"])
    assert result.faults or result.out or holds_nothing
    assert "archive" not in result.outcomes
