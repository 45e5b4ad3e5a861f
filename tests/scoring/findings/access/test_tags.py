"""Tags and aliases as people spell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.tags import (
    DATA_CLASSES,
    ENVIRONMENTS,
    KEYS,
    fold,
    fold_alias,
    fold_key,
    fold_value,
)
from tests.scoring import strategies as some


@pytest.mark.parametrize(
    ("folded", "spellings"),
    [
        (
            "environment",
            "Environment environment ENVIRONMENT env ENV Env environment-type EnvironmentName stage",
        ),
        (
            "dataclassification",
            "DataClassification data-classification data_classification DATA.CLASS sensitivity",
        ),
        ("dataclassification", "data:classification Data/Classification confidentiality classification"),
        ("isallowedtoshare", "IsAllowedToShare isallowedtoshare is-allowed-to-share IS_ALLOWED_TO_SHARE"),
        ("owner", "Owner owner Team team-name OwningTeam owner_team"),
        ("costcenter", "CostCenter cost-center cost_center Cost:Center"),
    ],
)
def test_keys(folded: str, spellings: str) -> None:
    assert {fold_key(spelling) for spelling in spellings.split()} == {folded}


def test_spaces_in_keys_and_values() -> None:
    assert fold_key(" Data  Classification ") == "dataclassification"
    assert fold_key("Is Allowed To Share") == "isallowedtoshare"
    assert fold_value("environment", " Pre - Prod ") == "staging"


@pytest.mark.parametrize(
    ("key", "folded", "spellings"),
    [
        ("environment", "production", "prod Prod PROD prd production live"),
        ("environment", "staging", "staging stage stg pre-prod UAT"),
        ("environment", "test", "test testing QA"),
        ("environment", "development", "dev DEV develop development"),
        ("environment", "sandbox", "sandbox sbx playground"),
        ("environment", "dr", "dr DR"),
        (
            "dataclassification",
            "confidential",
            "Confidential SECRET restricted strictly-confidential PII phi",
        ),
        ("dataclassification", "confidential", "confidential/internal Confidential(A) company.confidential"),
        ("dataclassification", "internal", "internal internal-use Private"),
        ("dataclassification", "public", "public Open"),
        ("dataclassification", "nonconfidential", "non-confidential NonConfidential"),
        ("isallowedtoshare", "yes", "true TRUE True yes 1"),
        ("isallowedtoshare", "no", "false No 0"),
        ("owner", "teamblue", "team-blue TeamBlue team_blue"),
    ],
)
def test_values(key: str, folded: str, spellings: str) -> None:
    assert {fold_value(key, spelling) for spelling in spellings.split()} == {folded}


def test_several_spellings_of_a_tag_keep_every_value() -> None:
    tags = {"Env": "prod", "environment": "Dev", "ENVIRONMENT": "production", "Team": "blue"}
    assert fold(tags) == {"environment": ("development", "production"), "owner": ("blue",)}
    assert fold({}) == {}


@pytest.mark.parametrize("spelling", ["DevelopmentKey", "alias/DevelopmentKey", "ALIAS/developmentkey"])
def test_aliases(spelling: str) -> None:
    assert fold_alias(spelling) == "developmentkey"


def test_an_alias_is_not_a_part_of_another() -> None:
    assert fold_alias("alias/aws/DevelopmentKey") != fold_alias("DevelopmentKey")
    assert fold_alias("alias/DevelopmentKey2") != fold_alias("DevelopmentKey")


@given(st.text() | some.hostile_text, st.text() | some.hostile_text)
def test_what_is_folded_stays_as_it_is(key: str, value: str) -> None:
    """A scorecard lists folded values, and is checked for it when it is read."""
    folded = fold_key(key)
    assert fold_key(folded) == folded or folded in KEYS.values()
    assert fold_value(folded, fold_value(folded, value)) == fold_value(folded, value)
    assert fold_alias(fold_alias(value)) == fold_alias(value) or value.casefold().startswith("alias/alias/")


@given(some.tags)
def test_the_order_of_tags_does_not_matter(tags: dict[str, str]) -> None:
    assert fold(dict(reversed(tags.items()))) == fold(tags)


def test_tables_of_spellings_are_folded_themselves() -> None:
    for table, key in ((ENVIRONMENTS, "environment"), (DATA_CLASSES, "dataclassification")):
        for spelling, folded in table.items():
            assert fold_value(key, spelling) == folded
            assert fold_value(key, folded) == folded
    assert all(fold_key(spelling) == folded for spelling, folded in KEYS.items())
