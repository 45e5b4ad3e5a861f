"""Looking points up, and the words that come with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.features.features import NAMES
from scoring.findings.access.tags import fold_value
from scoring.scorecard.scorecard import TAG_LIMIT, Contribution, Scorecard, Table
from tests.scoring import strategies as some

PUBLIC = Table(
    key=("public",),
    points={("public",): 120, ("not public",): 0, ("meant to be public",): -30},
    default=5,
    unknown=120,
)
PAIR = Table(
    key=("trust", "unused"),
    points={
        ("stranger", "few services"): 40,
        ("stranger", "not applicable"): 70,
        ("not applicable", "many services"): 90,
    },
    default=10,
    unknown=150,
)
ENVIRONMENT = Table(
    key=("environment",),
    points={("production",): 70, ("development",): -50, ("absent",): 20},
    default=0,
    unknown=70,
)
OWNER = Table(key=("owner",), points={("absent",): 30}, default=-20, unknown=30)
FEATURES = dict.fromkeys(NAMES, "not applicable") | {
    "public": "not public",
    "access_level": "Read",
    "trust": "own account",
}


def card(*tables: Table, **changes: Any) -> Scorecard:
    head = {"name": "test", "version": "1", "kind": "weighted", "base": 40, "threshold": 300, "tag_limit": 60}
    return Scorecard(**{**head, **changes}, tables=tables)


def score(of: Scorecard, **features: str) -> tuple[int, list[tuple[str, float]]]:
    total, contributions = of.score({**FEATURES, **features})
    return total, [(one.feature, one.points) for one in contributions]


@pytest.mark.parametrize(
    ("table", "values", "expected"),
    [
        (PUBLIC, ("public",), 120),
        (PUBLIC, ("meant to be public",), -30),
        (PUBLIC, ("never heard of",), 5),
        (PUBLIC, ("unknown",), 120),
        (PUBLIC, ("not applicable",), 0),
        (PAIR, ("stranger", "few services"), 40),
        (PAIR, ("stranger", "many services"), 10),
        (PAIR, ("stranger", "unknown"), 150),
        (PAIR, ("unknown", "unknown"), 150),
        # Where the question does not arise a table says nothing, unless it names that case; what may be such
        # a case counts as the worst of them.
        (PAIR, ("not applicable", "few services"), 0),
        (PAIR, ("not applicable", "many services"), 90),
        (PAIR, ("not applicable", "unknown"), 90),
        (PAIR, ("unknown", "not applicable"), 70),
        (PAIR, ("anyone", "not applicable"), 0),
        (PAIR, ("not applicable", "not applicable"), 0),
    ],
)
def test_looking_up(table: Table, values: tuple[str, ...], expected: int) -> None:
    assert table.look_up(values) == expected


def test_a_table_that_does_not_arise_may_take_off_but_not_knowing_does_not() -> None:
    table = Table(
        key=("trust", "unused"), points={("not applicable", "few services"): -30}, default=0, unknown=0
    )
    assert table.look_up(("not applicable", "few services")) == -30
    assert table.look_up(("not applicable", "unknown")) == 0


def test_base_and_tables() -> None:
    of = card(PUBLIC, PAIR)
    assert score(of) == (40, [])
    assert score(of, public="public") == (160, [("public", 12.0)])
    assert score(of, public="public", trust="stranger", unused="few services") == (
        200,
        [("public", 12.0), ("trust × unused", 4.0)],
    )
    assert score(card()) == (40, [])


def test_contributions_say_what_they_are_for() -> None:
    _, contributions = card(PUBLIC, PAIR).score(
        {**FEATURES, "public": "public", "trust": "stranger", "unused": "few services"}
    )
    assert contributions == [
        Contribution("public", "public", 12.0, "anyone on the internet can get in"),
        Contribution(
            "trust × unused",
            "stranger × few services",
            4.0,
            "the principal is a stranger, and unused permissions in few services",
        ),
    ]


@pytest.mark.parametrize(
    ("features", "total", "contributions"),
    [
        ({"environment": "absent", "owner": "absent"}, 90, [("environment", 2.0), ("owner", 3.0)]),
        ({"environment": "production", "owner": "blue"}, 90, [("environment", 7.0), ("owner", -2.0)]),
        # 70 off for the environment, 50 for the owner: more than the 60 that tags may take off.
        (
            {"environment": "development", "owner": "blue"},
            30,
            [("environment", -5.0), ("owner", -2.0), (TAG_LIMIT, 6.0)],
        ),
        # Raising the score by one tag does not buy more discount for another.
        ({"environment": "production", "owner": "absent"}, 140, [("environment", 7.0), ("owner", 3.0)]),
        ({"environment": "unknown", "owner": "unknown"}, 140, [("environment", 7.0), ("owner", 3.0)]),
    ],
)
def test_tags_take_off_up_to_a_limit(
    features: dict[str, str], total: int, contributions: list[tuple[str, float]]
) -> None:
    assert score(card(ENVIRONMENT, OWNER), **features) == (total, contributions)
    # Tables without tags have no part in it.
    assert score(card(PUBLIC, ENVIRONMENT, PAIR, OWNER), **features) == (total, contributions)


def test_a_tenth_beyond_the_limit_is_given_back() -> None:
    development = {"environment": "development", "owner": "blue"}  # 12 points off
    assert score(card(ENVIRONMENT, OWNER, tag_limit=119), **development)[1][-1] == (TAG_LIMIT, 0.1)
    assert score(card(ENVIRONMENT, OWNER, tag_limit=120), **development)[1][-1] == ("owner", -2.0)


@pytest.mark.parametrize(
    ("exposed", "why"),
    [
        ({"public": "public"}, "the finding is public"),
        ({"public": "unknown"}, "it may be public"),
        ({"access_level": "Permissions management"}, "the finding gives control of permissions"),
        ({"access_level": "unknown"}, "the level of access is not known"),
    ],
)
def test_tags_take_nothing_off_what_is_exposed(exposed: dict[str, str], why: str) -> None:
    of = card(ENVIRONMENT, OWNER)
    plain, _ = score(of, environment="absent", owner="absent", **exposed)
    tagged, contributions = score(of, environment="development", owner="blue", **exposed)
    assert tagged == plain
    assert contributions[-1] == (TAG_LIMIT, 12.0)
    said = of.score({**FEATURES, "environment": "development", "owner": "blue", **exposed})[1][-1].text
    assert said.startswith("credit from ")
    assert said.endswith(f" cancelled: {why}")


def test_the_limit_reaches_combinations_with_tags() -> None:
    mixed = Table(
        key=("trust", "environment"),
        points={("stranger", "development"): -500, ("stranger", "absent"): 0},
        default=0,
        unknown=0,
    )
    assert score(card(mixed), trust="stranger", environment="development")[0] == 40 - 60
    assert score(card(mixed), trust="own account", environment="development")[0] == 40


PARTNER = Table(
    key=("principal", "owner"),
    points={("111122223333", "blue"): -90, ("111122223333", "red"): -90, ("*", "blue"): -90},
    default=100,
    unknown=100,
    evidence={("111122223333", "blue"): (40, 3, 0), ("*", "blue"): (40, 3, 0)},
)


@pytest.mark.parametrize("level", ["Read", "Permissions management"])
def test_what_was_seen_of_a_principal_with_a_tag_is_history_and_no_claim(level: str) -> None:
    known = {"principal": "111122223333", "access_level": level}
    assert score(card(PARTNER), owner="blue", **known) == (-50, [("principal × owner", -9.0)])
    # Listed and never seen, or seen of anybody: what a tag says of it is limited.
    limit = 60 if level == "Read" else 0
    for claim in ({**known, "owner": "red"}, {**known, "owner": "blue", "principal": "*"}):
        assert score(card(PARTNER), **claim)[0] == 40 + 100 - limit
    # No owner, or one that this principal was never seen with.
    for owner in ("absent", "green"):
        assert score(card(PARTNER), owner=owner, **known)[0] == 140


@given(st.lists(some.tag_values, max_size=2), st.integers(0, 200))
def test_no_tag_takes_off_more_than_the_limit(values: list[str], limit: int) -> None:
    of = card(ENVIRONMENT, OWNER, tag_limit=limit)
    tags = {
        name: fold_value(name, value) for name, value in zip(("environment", "owner"), values, strict=False)
    }
    absent = {"environment": "absent", "owner": "absent"}
    assert score(of, **{**absent, **tags})[0] >= score(of, **absent)[0] - limit


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1", "in account 1: 1 finding, not reviewed"),
        ("2", "in account 2: 7 findings, 3 reviewed, all expected"),
        ("3", "in account 3: 7 findings, 2 reviewed, all unintended"),
        ("4", "in account 4: 7 findings, 4 expected, 1 unintended"),
        ("5", "in account 5: never seen before"),
        ("6", "in account 6: never seen before"),
        ("7", "in account 7: 1,041 findings, none reviewed"),
        ("8", "in account 8: 41 findings, all expected"),
        ("9", "in account 9: 1 finding, unintended"),
        ("10", "in account 10: 9 findings, 1 reviewed, expected"),
        ("unknown", "in account unknown"),
    ],
)
def test_a_card_says_how_often_it_has_seen_something(value: str, says: str) -> None:
    table = Table(
        key=("account",),
        points={(str(n),): 10 for n in range(1, 6)},
        default=10,
        unknown=10,
        evidence={
            ("1",): (1, 0, 0),
            ("2",): (7, 3, 0),
            ("3",): (7, 0, 2),
            ("4",): (7, 4, 1),
            ("7",): (1041, 0, 0),
            ("8",): (41, 41, 0),
            ("9",): (1, 0, 1),
            ("10",): (9, 1, 0),
        },
    )
    for kind in ("trained", "weighted"):
        _, contributions = card(table, kind=kind).score({**FEATURES, "account": value})
        assert contributions[0].text == says


def test_a_card_that_counted_nothing_says_nothing_of_it() -> None:
    plain = Table(key=("account",), points={("1",): 10}, default=10, unknown=10)
    _, contributions = card(plain, kind="trained").score({**FEATURES, "account": "1"})
    assert contributions[0].text == "in account 1"


@pytest.mark.parametrize(
    ("at_most", "says"), [(1, "seen at most once before"), (12, "seen at most 12 times before")]
)
def test_what_was_seen_too_seldom_to_be_listed_is_not_called_new(at_most: int, says: str) -> None:
    table = Table(
        key=("account",), points={}, default=10, unknown=10, evidence={("1",): (50, 0, 0)}, unlisted=at_most
    )
    _, contributions = card(table).score({**FEATURES, "account": "2"})
    assert contributions[0].text == f"in account 2: {says}"


def test_risk() -> None:
    of = card(risk=((100, 0.25), (200, 0.5), (300, 1.0)))
    assert [of.risk_of(score) for score in (-1000, 99, 100, 199, 200, 299, 300, 9999)] == [
        *(0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0),
    ]
    assert card().risk_of(100) is None


def test_a_card_knows_which_features_it_needs() -> None:
    assert [of.name for of in card(PAIR, ENVIRONMENT).features] == [
        *("public", "access_level", "trust", "unused", "environment"),
    ]


def test_what_was_never_listed_is_not_kept_for_ever() -> None:
    of = card(OWNER)
    for number in range(5000):
        of.score({**FEATURES, "owner": f"team {number}"})
    unlisted = of._lookups[0][2]
    assert unlisted.cache_info().currsize <= 2048  # type: ignore[attr-defined]
