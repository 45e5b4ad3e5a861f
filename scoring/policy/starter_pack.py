"""The starter pack: rules for plumbing that everybody has, which a policy switches on by name.

The rules stand beside this file in ``starter_pack.toml``.
"""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput
from scoring.policy.rules import Rule

STARTER_PACK: Final = Path(__file__).with_name("starter_pack.toml")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    checked: date
    rules: dict[str, dict[str, Any]]


def starter_pack_checked() -> date:
    """Return the day on which the rules were last compared with what AWS documents."""
    return msgspec.convert(toml_file.parse(toml_file.read_text(STARTER_PACK)), _File).checked


@lru_cache(maxsize=1)
def starter_pack() -> dict[str, Rule]:
    """Return the rules by their names.

    Examples
    --------
    >>> sorted(starter_pack())
    ['cloudfront', 'identity-center', 'pinned-services']
    """
    try:
        content = msgspec.convert(toml_file.parse(toml_file.read_text(STARTER_PACK)), _File)
        rules = {
            name: msgspec.convert({"name": f"starter pack, {name}", **stated}, Rule)
            for name, stated in content.rules.items()
        }
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, keys=Rule.__struct_fields__) from None
    for name, rule in rules.items():
        rule.check(f"rules.{name}")
    return rules
