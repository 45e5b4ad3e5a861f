import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.strict_json import MAX_DEPTH, Malformed, decode, decode_plain

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_back(value: object, ensure_ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)

    assert decode(text) == (value, len(text))


PIECES = st.sampled_from(
    (
        *(
            '{"a":',
            '{"b" : ',
            "{}",
            "[",
            "]",
            "}",
            ",",
            '"a": 1',
            '"a":2',
            '":',
            '" :"',
            '"\\u0061"',
            '"',
            "\\",
        ),
        *(
            "9223372036854775807",
            "9223372036854775808",
            "-0",
            "1e400",
            "NaN",
            "\t",
            "\r",
            "\n",
            "\0",
            "\ufeff",
        ),
        *("\ud800", "\udc80", "\u00e9", "[" * 101, "]" * 101),
    )
)


@given(
    st.dictionaries(TEXT, VALUES, max_size=5),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,", " :")]),
    st.lists(st.tuples(st.integers(0, 200), PIECES), max_size=2),
)
def test_a_plain_line_is_read_as_any_other_or_left_to_a_closer_look(
    value: dict[str, object], separators: tuple[str, str], inserted: list[tuple[int, str]]
) -> None:
    line = json.dumps(value, ensure_ascii=False, separators=separators)
    for place, piece in inserted:
        line = line[:place] + piece + line[place:]

    found = decode_plain(line)

    assert found is None or repr((found, len(line.rstrip("\r\n")))) == repr(decode(line))


@given(st.lists(st.tuples(st.sampled_from("abc"), NUMBERS | st.sampled_from(["x", ":", ""])), min_size=1))
def test_a_plain_line_has_no_key_twice(pairs: list[tuple[str, object]]) -> None:
    line = "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"

    found = decode_plain(line)

    assert found is None or list(found.items()) == pairs


def test_an_ordinary_line_is_plain() -> None:
    assert decode_plain('{"id": "f", "context": {"tags": {}}}\n') == {"id": "f", "context": {"tags": {}}}


@given(VALUES)
def test_a_document_cut_at_the_end_of_a_line_is_known_to_be_unfinished(value: object) -> None:
    lines = json.dumps([value, {"k": value}], indent=1).splitlines(keepends=True)

    for count in range(1, len(lines)):
        with pytest.raises(Malformed) as caught:
            decode("".join(lines[:count]))
        assert caught.value.ends_early


@given(st.text())
def test_any_text_is_a_value_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        decode(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice in one object"),
        ('{"a": NaN}', "NaN is no JSON"),
        ("[-Infinity]", "-Infinity is no JSON"),
        ('{"a": 1e999}', "the number 1e999 is not finite"),
        ('{"a": 9223372036854775808}', "larger than 64 bits"),
        (f'{{"a": {"9" * 5000}}}', "larger than 64 bits"),
        (r'{"a": "\ud800"}', "half a surrogate pair"),
        (r'{"\udfff": 1}', "half a surrogate pair"),
        (r'{"a": "x\u0000y"}', "the NUL character"),
        ('{"a": "x\0y"}', "invalid control character"),
        ('{"a": "\udcff"}', "not UTF-8: byte 0xff"),
        ("\udcfe", "not UTF-8: byte 0xfe"),
        ("{'a': 1}", "expected a key in double quotes"),
        ('{"a" 1}', "expected a colon"),
        ('{"a": 1 "b": 2}', "expected a comma or a closing bracket"),
        ("hello", "expected a value"),
        ("", "expected a value"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than 100 levels deep"),
        ('{"a":' * 100_000, "nested more than 100 levels deep"),
    ],
)
def test_what_no_one_means_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(text)

    assert problem in caught.value.problem


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        json.dumps([[]] * 500),
        r'"\ud83d\ude00 \\u0000 \\ud800 \u001b"',
        "9223372036854775807",
        "-9223372036854775808",
    ],
)
def test_what_is_only_unusual_is_read(text: str) -> None:
    assert decode(text) == (json.loads(text), len(text))


def test_only_the_value_is_judged_and_not_what_stands_around_it() -> None:
    text = '\udcff {"a": 1} \udcff \\u0000 ' + "[" * 200

    assert decode(text, 2) == ({"a": 1}, 10)
