"""What this version has taken from outside: when each was last compared with its source, and which is old."""

from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput
from scoring.findings.access.condition_keys import condition_keys
from scoring.findings.access.identity_claims import identity_claims
from scoring.policy.starter_pack import starter_pack_checked

FACTS: Final = Path(__file__).with_name("facts.toml")
OLD: Final = timedelta(days=180)


class DatedFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something taken from outside.

    Attributes
    ----------
    checked : date
        The day on which it was last compared with its source.
    refresh : str
        The command that takes it anew; empty where a person has to look.
    """

    name: str
    checked: date
    source: str
    refresh: str = ""

    def is_old(self, today: date) -> bool:
        """Whether it was last compared more than 180 days ago."""
        return today - self.checked > OLD


class _File(msgspec.Struct, forbid_unknown_fields=True):
    fact: list[DatedFact]


def dated_facts() -> list[DatedFact]:
    """Return all that carries a date.

    Examples
    --------
    >>> [fact.name for fact in dated_facts()][:2]
    ['condition keys', 'claims of identity providers']
    """
    try:
        listed = msgspec.convert(toml_file.parse(toml_file.read_text(FACTS)), _File).fact
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, keys=DatedFact.__struct_fields__) from None
    keys, claims = condition_keys(), identity_claims()
    return [
        DatedFact("condition keys", keys.checked, keys.exact["aws:principalorgid"].source),
        DatedFact("claims of identity providers", claims.checked, claims.others.source),
        DatedFact("rules of the starter pack", starter_pack_checked(), "scoring/policy/starter_pack.toml"),
        *listed,
    ]
