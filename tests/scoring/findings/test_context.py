"""The three states of a fact: present, looked up and empty, unknown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.context import (
    NO_CONTEXT,
    Account,
    Context,
    PrincipalAccount,
    Reactivation,
    from_json,
    to_json,
)
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown

FACTS = ("tags", "aliases", "resource_account", "principal_account", "reactivated_by")
FULL = {
    "tags": {"Environment": "prod"},
    "aliases": ["alias/x"],
    "resource_account": {"id": "111122223333", "name": "payments", "ou": "Workloads/Prod", "tags": {}},
    "principal_account": {"id": "464622532012", "in_org": False, "vendor": "Datadog"},
    "reactivated_by": {"who": "person", "at": "2026-05-04T09:15:51Z"},
}


def test_present():
    context = from_json(FULL)
    assert context.tags == Present({"Environment": "prod"})
    assert context.aliases == Present(("alias/x",))
    assert context.resource_account == Present(Account("111122223333", "payments", "Workloads/Prod", {}))
    assert context.principal_account == Present(PrincipalAccount("464622532012", False, "Datadog"))
    assert context.reactivated_by == Present(Reactivation("person", "2026-05-04T09:15:51Z"))


@pytest.mark.parametrize("name", FACTS)
def test_a_key_that_is_absent_was_never_looked_up(name):
    without = {key: value for key, value in FULL.items() if key != name}
    assert getattr(from_json(without), name) == NOT_LOOKED_UP


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("empty", [{}, [], None])
def test_what_was_looked_up_and_is_empty_is_absent(name, empty):
    if empty is not None and isinstance(empty, list) != (name == "aliases"):
        with pytest.raises(BadInput, match=rf"^context\.{name}: expected"):
            from_json(FULL | {name: empty})
    else:
        assert getattr(from_json(FULL | {name: empty}), name) is ABSENT


@pytest.mark.parametrize("name", FACTS)
def test_what_was_refused_is_unknown_whatever_else_is_said(name):
    assert getattr(from_json({"unknown": {name: "AccessDenied"}}), name) == Unknown("AccessDenied")
    assert getattr(from_json(FULL | {"unknown": {name: "Throttling"}}), name) == Unknown("Throttling")


def test_details_may_be_anything():
    details = {"versioning": False, "size": 0, "policy": {}, "lock": None, "owner": {"name": "x"}}
    context = from_json({"details": details, "unknown": {"details.website": "AccessDenied"}})
    assert context.details == {
        "versioning": Present(False),
        "size": Present(0),
        "policy": ABSENT,
        "lock": ABSENT,
        "owner": Present({"name": "x"}),
        "website": Unknown("AccessDenied"),
    }


def test_a_key_that_nobody_knows_changes_nothing():
    assert from_json({"tag": {"Environment": "dev"}}) == NO_CONTEXT


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "context"),
        (5, "context"),
        ({"tags": {"a": 1}}, "context.tags"),
        ({"tags": {"a": None}}, "context.tags"),
        ({"tags": [{"Key": "a", "Value": "b"}]}, "context.tags"),
        ({"aliases": "alias/x"}, "context.aliases"),
        ({"aliases": [1]}, "context.aliases"),
        ({"resource_account": "111122223333"}, "context.resource_account"),
        ({"resource_account": {"name": "no id"}}, "context.resource_account"),
        ({"principal_account": {"id": "464622532012", "in_org": "no"}}, "context.principal_account.in_org"),
        ({"reactivated_by": "person"}, "context.reactivated_by"),
        ({"unknown": ["tags"]}, "context.unknown"),
        ({"unknown": {"tags": True}}, "context.unknown"),
        ({"details": []}, "context.details"),
    ],
)
def test_wrong_types_are_named(value, field):
    with pytest.raises(BadInput) as caught:
        from_json(value)
    assert str(caught.value).startswith(f"{field}")
    assert str(caught.value).isprintable()


_TEXT = st.text(max_size=8)
_NAMES = st.text("abcxyz_", min_size=1, max_size=6)


def _fact(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(ABSENT) | st.just(NOT_LOOKED_UP) | st.builds(Unknown, _TEXT) | st.builds(Present, values)


@given(
    st.builds(
        Context,
        tags=_fact(st.dictionaries(_TEXT, _TEXT, min_size=1, max_size=3)),
        aliases=_fact(st.lists(_TEXT, min_size=1, max_size=3).map(tuple)),
        resource_account=_fact(st.builds(Account, _TEXT, st.none() | _TEXT, st.none() | _TEXT)),
        principal_account=_fact(st.builds(PrincipalAccount, _TEXT, st.none() | st.booleans())),
        reactivated_by=_fact(st.builds(Reactivation, st.sampled_from(["person", "undo", "expiry"]))),
        details=st.dictionaries(
            _NAMES,
            st.just(ABSENT) | st.builds(Unknown, _TEXT) | st.builds(Present, st.booleans() | st.integers()),
            max_size=3,
        ),
    )
)
def test_what_is_written_is_read_back(context):
    assert from_json(to_json(context)) == context
