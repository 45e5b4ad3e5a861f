"""YAML read strictly: plain values, CloudFormation's short tags, and nothing that runs, repeats or explodes.

A key that stands twice is refused, as are aliases (a few lines of them stand for millions of values), and
nesting deeper than anybody writes.
"""

from typing import Any, Final

import yaml

from scoring.files.errors import BadInput
from scoring.files.strict_json import MAX_DEPTH

_READER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONG_FORM: Final = {"Ref": "Ref", "Condition": "Condition"}
_BEGINS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Loader(_READER):  # type: ignore[misc]
    """Builds dict, list, str, int, float, bool and None; dates stay text."""


def decode(text: str) -> object:
    r"""Decode the one document of a text.

    Returns
    -------
    object
        As from JSON; ``!GetAtt A.Arn`` becomes ``{"Fn::GetAtt": ["A", "Arn"]}``.

    Raises
    ------
    BadInput
        Naming the line, and what is wrong there.

    Examples
    --------
    >>> decode("Bucket: !Ref Reports")
    {'Bucket': {'Ref': 'Reports'}}
    >>> decode("a: 1\na: 2")
    Traceback (most recent call last):
    scoring.files.errors.BadInput: line 2: the key 'a' stands twice in one object
    """
    try:
        _check(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - of a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "unreadable character"
        raise BadInput(f"is no YAML: {problem}", where=_line(mark)) from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"is no YAML that can be read: {error}") from None


def _check(text: str) -> None:
    """Look at the events alone, which takes no recursion, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_READER):
        if isinstance(event, yaml.AliasEvent):
            raise BadInput("expected no alias (*name)", where=_line(event.start_mark))
        depth += isinstance(event, _BEGINS)
        depth -= isinstance(event, _ENDS)
        if depth > MAX_DEPTH:
            raise BadInput(f"nested more than {MAX_DEPTH} levels deep", where=_line(event.start_mark))


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}" if mark is not None else ""


def _mapping(loader: Any, node: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else repr(key)
        if key in found:
            raise BadInput(f"the key {key!r} stands twice in one object", where=_line(key_node.start_mark))
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _short_tag(loader: Any, suffix: str, node: Any) -> dict[str, object]:
    """Write a short tag in its long form."""
    value: object
    if isinstance(node, yaml.MappingNode):
        value = _mapping(loader, node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node)
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
    return {_LONG_FORM.get(suffix, f"Fn::{suffix}"): value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
_Loader.add_multi_constructor("!", _short_tag)
