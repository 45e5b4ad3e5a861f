"""The catalogue of condition keys: what each pins a grant to, who chooses its value, its source, its date.

The data stand beside this file in ``condition_keys.toml``.
"""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from scoring.files import toml_file
from scoring.files.errors import BadInput

CONDITION_KEYS: Final = Path(__file__).with_name("condition_keys.toml")

Pins = Literal[
    "principal organization",
    "resource owner",
    "principal account",
    "principal ARN",
    "principal unique id",
    "AWS service",
    "service principal",
    "external id",
    "source ARN",
    "source account",
    "source organization",
    "event source",
    "address",
    "network id",
    "network ARN",
    "network account",
    "network organization",
    "mount target",
    "SAML subject",
    "nobody",
]
ChosenBy = Literal["aws", "organization", "account", "caller"]


class ConditionKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the catalogue.

    Attributes
    ----------
    name : str
        As AWS writes it; with ``*`` at its end all keys that begin like it.
    pins : str
        What a value of it names.
    chosen_by : str
        Who decides which value a request carries.
    source : str
        The page that says so.
    """

    name: str
    pins: Pins
    chosen_by: ChosenBy
    source: str


class ConditionKeys(msgspec.Struct, frozen=True, dict=True):
    """The whole catalogue.

    Attributes
    ----------
    checked : date
        The day on which its rows were compared with their sources.
    exact : dict
        Rows by name in small letters.
    families : tuple of (str, ConditionKey)
        Beginnings of names, in small letters, the longest first.
    """

    checked: date
    exact: dict[str, ConditionKey]
    families: tuple[tuple[str, ConditionKey], ...]

    def find(self, name: str) -> ConditionKey | None:
        """Return the row of a key, upper and lower case alike; None: nobody has judged it.

        Examples
        --------
        >>> condition_keys().find("AWS:PrincipalOrgID").pins
        'principal organization'
        >>> condition_keys().find("aws:PrincipalTag/team").pins
        'nobody'
        >>> condition_keys().find("future:Key") is None
        True
        """
        folded = name.lower()
        found = self.exact.get(folded)
        if found is not None:
            return found
        return next((row for start, row in self.families if folded.startswith(start)), None)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    checked: date
    sources: dict[str, str]
    key: list[ConditionKey]


@lru_cache(maxsize=1)
def condition_keys() -> ConditionKeys:
    """Return the catalogue that comes with this version."""
    return parse(toml_file.read_text(CONDITION_KEYS))


def parse(text: str) -> ConditionKeys:
    """Read a catalogue.

    Raises
    ------
    BadInput
        A key is listed twice, a field is missing or unknown, or a source is not named.
    """
    try:
        content = msgspec.convert(toml_file.parse(text), _File)
    except msgspec.ValidationError as error:
        choices = {"pins": ", ".join(get_args(Pins)), "chosen_by": ", ".join(get_args(ChosenBy))}
        raise BadInput.from_validation(error, keys=ConditionKey.__struct_fields__, choices=choices) from None
    exact: dict[str, ConditionKey] = {}
    for index, row in enumerate(content.key):
        if row.name.lower() in exact:
            raise BadInput("the key is listed already", field=f"key[{index}].name", value=row.name)
        if row.source not in content.sources:
            raise BadInput("expected a name of [sources]", field=f"key[{index}].source", value=row.source)
        exact[row.name.lower()] = msgspec.structs.replace(row, source=content.sources[row.source])
    starts = sorted((name for name in exact if name.endswith("*")), key=lambda name: (-len(name), name))
    families = tuple((name[:-1], exact.pop(name)) for name in starts)
    return ConditionKeys(content.checked, exact, families)
