"""Scorecards in files: what is read, what is refused and how it is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.scorecard.formats import SCHEMA, from_json, from_toml, load, to_json, upgrade
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.upgrades import UPGRADES
from scoring.scorecard.version_folder import manifest_of
from tests.scoring import strategies as some

HEAD = {"name": '"a"', "version": '"1"', "base": "4", "threshold": "30", "tag_limit": "12"}
TABLE = 'key = ["public"]\ndefault = 0\npoints = { public = 12 }'


def toml(tables: str = TABLE, **head: str) -> str:
    """A card in TOML; an empty text leaves a key of its head out."""
    lines = [f"{name} = {text}" for name, text in {**HEAD, **head}.items() if text]
    return "\n".join([*lines, *(f"[[table]]\n{one}" for one in tables.split("\n---\n"))])


def fault(read: Callable[[str], Scorecard], text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read(text)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_a_card_in_toml() -> None:
    card = from_toml(
        toml('key = ["public", "tag:Cost Center"]\ndefault = 0.5\npoints = { public = { a1 = 12 } }')
    )
    assert (card.base, card.threshold, card.tag_limit, card.kind) == (40, 300, 120, "weighted")
    one = card.tables[0]
    assert one.key == ("public", "tag:costcenter")
    assert one.points == {("public", "a1"): 120}
    assert (one.default, one.unknown) == (5, 120)
    features = {"public": "public", "access_level": "Read", "trust": "anyone", "tag:costcenter": "a1"}
    assert card.score(features)[0] == 160


def test_what_a_table_need_not_say() -> None:
    complete = '{ "meant to be public" = -3, "not public" = 1, public = 12 }'
    one = from_toml(toml(table('["public"]', complete, default=""))).tables[0]
    assert (one.default, one.unknown, one.evidence) == (0, 120, {})
    nothing = from_toml(toml(table('["environment"]', "{ production = -1 }") + "\nunknown = 0")).tables[0]
    assert nothing.unknown == 0
    counted = from_toml(toml(f"{TABLE}\nevidence = {{ public = [7, 3, 0] }}\nunlisted = 2"))
    assert counted.tables[0].evidence == {("public",): (7, 3, 0)}
    assert from_json(to_json(counted)).tables[0].unlisted == 2
    assert from_json(to_json(counted)) == counted


def test_a_card_may_archive_nothing() -> None:
    assert from_toml(toml(threshold='"none"')).threshold is None
    assert from_json(to_json(from_toml(toml(threshold='"none"')))).threshold is None


RISING = "risk: expected rising scores with rising probabilities from 0 to 1"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"name": ""}, "object missing required field name"),
        ({"name": '""'}, "name: expected a text that can be read, got ''"),
        ({"version": '"\\u0007"'}, r"version: expected a text that can be read, got '\x07'"),
        ({"name": "5"}, "name: expected str, got int"),
        ({"threshold": ""}, "object missing required field threshold"),
        ({"threshold": '"nope"'}, "threshold: expected a number, got 'nope'"),
        ({"threshold": "30.05"}, "threshold: expected a number with at most one decimal, got '30.05'"),
        ({"base": "4.55"}, "base: expected a number with at most one decimal, got '4.55'"),
        ({"base": "nan"}, "base: expected a number from -100000 to 100000, got 'NaN'"),
        ({"base": "-inf"}, "base: expected a number from -100000 to 100000, got '-Infinity'"),
        ({"base": "1e999999999"}, "base: expected a number from -100000 to 100000, got '1E+999999999'"),
        ({"base": "100001"}, "base: expected a number from -100000 to 100000, got '100001'"),
        ({"base": "true"}, "base: expected a number, got True"),
        ({"base": '"4"'}, "base: expected a number, got '4'"),
        (
            {"base": "9" * 5000},
            "is no valid TOML",
        ),
        ({"base": "[" * 5000}, "is no valid TOML: nested too deeply"),
        ({"tag_limit": "-1"}, "tag_limit: expected no negative number, got -1"),
        ({"tag_limitt": "1"}, "unknown key 'tag_limitt'; did you mean 'tag_limit'?"),
        ({"thresold": "1"}, "unknown key 'thresold'; did you mean 'threshold'?"),
        ({"kind": '"weigthed"'}, "kind: expected weighted or trained, got 'weigthed'"),
        ({"unit": '"stones"'}, "unit: expected points or tenths, got 'stones'"),
        ({"schema": "4"}, "schema: expected a schema version from 1 to 3, got 4"),
        ({"schema": "0"}, "schema: expected a schema version from 1 to 3, got 0"),
        ({"schema": "true"}, "schema: expected a schema version from 1 to 3, got True"),
        ({"feature_version": "3"}, "feature_version: expected 2; train again, got 3"),
        (
            {"risk": "[[1, 0.5], [0, 0.7]]"},
            RISING,
        ),
        (
            {"risk": "[[1, 0.5], [2, 0.4]]"},
            RISING,
        ),
        ({"risk": "[[1, 1.5]]"}, RISING),
        ({"risk": "[[1, nan]]"}, RISING),
        ({"base": "4\nbase = 5"}, "is no valid TOML"),
    ],
)
def test_what_is_wrong_with_the_head(head: dict[str, str], expected: str) -> None:
    message = fault(from_toml, toml(**head))
    assert message == expected or (message.startswith(f"{expected}: ") and expected == "is no valid TOML")


FEATURES = "key: expected one to three different features"
DEFAULT = "expected a default, since not every value is listed"
NOT_LESS = "unknown: expected no less than the largest entry of the table (unknown is never safe)"
COMPARED = "as which tags that say so are compared"
COUNTS = "evidence: expected three counts: seen, expected, unintended"
LEVELS = "expected a table of values, one level for each feature of the key"


def table(key: str, points: str = "{}", default: str = "0") -> str:
    return f"key = {key}\npoints = {points}" + (f"\ndefault = {default}" if default else "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("points = {}", "object missing required field key"),
        (table('"public"'), "key: expected array, got str"),
        (table("[]"), FEATURES),
        (table('["public", "trust", "owner", "account"]'), FEATURES),
        (table('["public", "public"]'), FEATURES),
        (table('["tag:costcenter", "tag:cost-center"]'), FEATURES),
        (table('["enviroment"]'), "key: unknown feature 'enviroment'; did you mean 'environment'?"),
        (table('["tag:"]'), "key: unknown feature 'tag:'"),
        (
            table('["public"]', "{ publik = 1 }"),
            "points: unknown value 'publik' of public; did you mean 'public'?",
        ),
        (
            table('["trust"]', "{ unknown = 1 }"),
            "points.unknown: expected the points for unknown in the table's own entry",
        ),
        (table('["public"]', "{ public = 1 }", default=""), DEFAULT),
        (table('["owner"]', "{ absent = 1 }", default=""), DEFAULT),
        (f"{TABLE}\nunknown = 11.9", f"{NOT_LESS}, got 11.9"),
        (table('["public"]', default="5\nunknown = 4"), f"{NOT_LESS}, got 4"),
        (table('["public"]', default="-5\nunknown = -1"), f"{NOT_LESS}, got -1"),
        (
            table('["public"]', "{ public = 1.25 }"),
            "points.public: expected a number with at most one decimal, got '1.25'",
        ),
        (
            table('["public"]', "{ public = { Read = 1 } }"),
            "points.public: expected a number, got an object",
        ),
        (table('["public", "trust"]', "{ public = 1 }"), f"points.public: {LEVELS}, got 1"),
        (
            table('["public", "trust"]', "{ public = { strangr = 1 } }"),
            "points: unknown value 'strangr' of trust; did you mean 'stranger'?",
        ),
        (
            table('["environment"]', "{ prod = 1 }"),
            f"points: expected 'production', {COMPARED}, got 'prod'",
        ),
        (
            table('["owner"]', '{ "Team Blue" = 1 }'),
            f"points: expected 'teamblue', {COMPARED}, got 'Team Blue'",
        ),
        (table('["tag:env"]', "{ Prod = 1 }"), f"points: expected 'production', {COMPARED}, got 'Prod'"),
        (f"{TABLE}\nponts = {{}}", "unknown key 'ponts'; did you mean 'points'?"),
        (f"{TABLE}\nevidence = {{ public = [1, 2] }}", COUNTS),
        (f"{TABLE}\nevidence = {{ public = [true, 2, 3] }}", COUNTS),
        (f"{TABLE}\nevidence = {{ public = [-1, 2, 3] }}", COUNTS),
    ],
)
def test_what_is_wrong_with_a_table(text: str, expected: str) -> None:
    message = fault(from_toml, toml(text))
    assert message.startswith("table[0]")
    assert message[len("table[0]") :].lstrip(".: ") == expected


@pytest.mark.parametrize("keys", ['["public"] ["public"]', '["public","trust"] ["trust","public"]'])
def test_no_two_tables_have_the_same_features(keys: str) -> None:
    text = toml("\n---\n".join(map(table, keys.split())))
    assert fault(from_toml, text) == "table[1].key: the key stands in table[0] already"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is no valid JSON: expected a value"),
        ("{", "is no valid JSON: expected a key in double quotes"),
        ("[]", "expected one object and nothing else"),
        ("null", "expected one object and nothing else"),
        ('{"schema": 1} {}', "expected one object and nothing else"),
        ("{}", "schema: expected a schema version from 1 to 3, got nothing"),
        ('{"schema": "1"}', "schema: expected a schema version from 1 to 3, got '1'"),
        ('{"schema": 1.0}', "schema: expected a schema version from 1 to 3, got 1.0"),
        ('{"schema": 1, "schema": 1}', "is no valid JSON: the key 'schema' stands twice in one object"),
        ('{"schema": 1, "base": NaN}', "is no valid JSON: NaN is no JSON"),
        ('{"schema": 1, "name": "\\ud800"}', "is no valid JSON: a string holds half a surrogate pair"),
        ("[" * 100_000, "is no valid JSON: nested more than 100 levels deep"),
    ],
)
def test_what_is_no_card_in_json(text: str, expected: str) -> None:
    assert fault(from_json, text) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"base": 4.5}, "base: expected an integer number of tenths, got 4.5"),
        ({"base": True}, "base: expected an integer number of tenths, got True"),
        ({"threshold": "none"}, "threshold: expected an integer number of tenths, got 'none'"),
        ({"tag_limit": 10**7}, "tag_limit: expected an integer number of tenths, got 10000000"),
        ({"table": [5]}, "table[0]: expected object, got int"),
        ({"risk": [[1.5, 0.5]]}, "risk[0][0]: expected int, got float"),
    ],
)
def test_what_is_wrong_with_a_card_in_json(change: dict[str, Any], expected: str) -> None:
    content = json.loads(to_json(load())) | change
    assert fault(from_json, json.dumps(content)) == expected


_PLACES = (
    *(("base",), ("risk",), ("kind",), ("name",), ("x",), ("table",), ("table", 0)),
    *(("table", 0, "key"), ("table", 2, "points"), ("table", 1, "unknown")),
)
_ANYTHING = (
    *(st.none(), st.booleans(), st.integers(), st.floats(), some.hostile_text, st.lists(st.integers())),
    st.dictionaries(some.hostile_text, st.integers() | some.hostile_text, max_size=2),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_PLACES), st.one_of(_ANYTHING))
def test_a_card_with_anything_anywhere_is_read_or_refused_in_one_line(path: Any, value: Any) -> None:
    content = json.loads(to_json(load()))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    message = ""
    try:
        read = from_json(json.dumps(content))
        assert from_json(to_json(read)) == read
    except BadInput as error:
        message = str(error)
    assert message.isprintable()


def test_bytes_and_a_byte_order_mark_are_read() -> None:
    text = to_json(load())
    assert from_json(text.encode()) == from_json(b"\xef\xbb\xbf" + text.encode()) == load()
    assert fault(from_json, b"\xff") == "is no valid JSON: not UTF-8"  # type: ignore[arg-type]


def test_an_older_schema_is_upgraded_one_version_after_the_other() -> None:
    recipes = {
        1: lambda old: {**old, "limit": old["tag_limit"]},
        2: lambda old: {**old, "tag_limit": old["limit"] * 10, "limit": None},
    }
    assert upgrade({"schema": 1, "tag_limit": 12}, recipes, to=3) == {
        "schema": 3,
        "tag_limit": 120,
        "limit": None,
    }
    assert upgrade({"schema": 3, "tag_limit": 120}, recipes, to=3) == {"schema": 3, "tag_limit": 120}
    for schema in (0, 4, -1, True, None, "1", 1.0):
        with pytest.raises(BadInput, match="expected a schema version from 1 to 3"):
            upgrade({"schema": schema}, recipes, to=3)
    assert set(UPGRADES) == set(range(1, SCHEMA)), "a recipe from every older schema"


def test_the_digest_is_of_what_the_card_says() -> None:
    card = from_toml(toml())
    assert from_toml("# a comment\n" + toml()).sha256 == card.sha256
    assert from_toml(toml(base="4.0")).sha256 == card.sha256
    assert from_toml(toml(base="4.1")).sha256 != card.sha256
    assert from_toml(toml(threshold="31")).sha256 != card.sha256
    assert from_json(to_json(card)).sha256 == card.sha256


# Files


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text("\ufeff" + toml(), encoding="utf-8")
    (tmp_path / "v2").mkdir()
    card = to_json(from_toml(toml())).encode()
    (tmp_path / "v2" / "scorecard.json").write_bytes(card)
    (tmp_path / "v2" / "manifest.json").write_bytes(manifest_of("v2", {"scorecard.json": card}))
    (tmp_path / "current").write_text("v2\n")
    cards = [
        load(tmp_path / "card.toml"),
        load(tmp_path / "v2"),
        load(tmp_path),
        load(str(tmp_path / "v2/scorecard.json")),
    ]
    assert len({card.sha256 for card in cards}) == 1


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("", "expected the name of a version (letters, digits, - _ .), got ''"),
        ("../../etc", "expected the name of a version (letters, digits, - _ .), got '../../etc'"),
        (".hidden", "expected the name of a version (letters, digits, - _ .), got '.hidden'"),
        ("a\x00b", r"expected the name of a version (letters, digits, - _ .), got 'a\x00b'"),
        ("v9", "v9: expected a version of a model, with its manifest.json"),
    ],
)
def test_a_registry_that_names_no_version(tmp_path: Path, current: str, expected: str) -> None:
    (tmp_path / "current").write_text(current)
    with pytest.raises(BadInput) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))
    assert str(caught.value).endswith(expected)


@pytest.mark.parametrize("name", ["missing.json", "missing.toml", "x" * 5000, "nul\0.json", "bytes.toml", ""])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(BadInput) as caught:
        load(tmp_path / name)
    assert str(caught.value).count("\n") == 0


def test_a_fault_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(toml(base="nan"))
    with pytest.raises(BadInput) as caught:
        load(tmp_path / "card.toml")
    assert (
        str(caught.value)
        == f"{tmp_path / 'card.toml'}: base: expected a number from -100000 to 100000, got 'NaN'"
    )
