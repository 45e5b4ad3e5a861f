"""The table of resource types: each named once, and each name found in an ARN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.resource_types import RESOURCE_TYPES, TABLE, own_name


@pytest.mark.parametrize("column", ["name", "noun", "security_hub"])
def test_a_name_means_one_type(column: str) -> None:
    names = [getattr(row, column) for row in TABLE.values() if getattr(row, column)]
    assert len(set(names)) == len(names)


def test_rows_stand_under_their_names() -> None:
    assert tuple(row.name for row in TABLE.values()) == RESOURCE_TYPES


@given(st.sampled_from(RESOURCE_TYPES), st.text(min_size=1))
def test_the_own_name_is_what_follows_the_prefix(resource_type: str, name: str) -> None:
    row = TABLE[resource_type]
    arn = f"arn:aws:{row.service}:eu-west-1:111122223333:{row.prefix}{name}"
    assert own_name(resource_type, arn) == name


@given(st.text(), st.text())
def test_whatever_it_is_called_it_has_a_name(resource_type: str, resource: str) -> None:
    for kind in (resource_type, *RESOURCE_TYPES):
        assert bool(own_name(kind, resource)) == bool(resource)
