"""Checks of a request that botocore's own client leaves to the service.

The client checks required members, types and minimum lengths; the service also checks the patterns,
enumerations and maximum lengths of the same model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from embedded.access_analyzer.exceptions import ValidationException


def check_request(given: dict[str, Any], shape: Any) -> None:
    """Refuse a request that breaks a constraint of the service model.

    Parameters
    ----------
    given
        The request's parameters by their names in the model.
    shape
        botocore's shape of the operation's input.

    Raises
    ------
    ValidationException
        Names every field that failed, with what was expected.
    """
    failed = list(_failures(given, shape, ""))
    if failed:
        told = "; ".join(f"{name}: {message}" for name, message in failed)
        raise ValidationException(told, "fieldValidationFailed", failed)


def _failures(value: Any, shape: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            if name in shape.required_members and value.get(name) is None:
                yield here, "is required"
            yield from _failures(value.get(name), member, here)
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _failures(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "list":
        yield from _outside(len(value), shape, path, "members")
        for index, item in enumerate(value):
            yield from _failures(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "string":
        yield from _outside(len(value), shape, path, "characters")
        pattern, allowed = shape.metadata.get("pattern"), shape.enum
        if pattern and not re.fullmatch(pattern, value):
            yield path, f"must match {pattern}"
        if allowed and value not in allowed:
            yield path, f"must be one of {', '.join(allowed)}"


def _outside(size: int, shape: Any, path: str, unit: str) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    if size < least:
        yield path, f"must have at least {least} {unit}"
    if size > most:
        yield path, f"must have at most {most} {unit}"
