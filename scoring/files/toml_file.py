"""Files that a person writes as TOML: the policy and the hand-weighted scorecard."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from scoring.files.errors import BadInput


def read_text(path: Path) -> str:
    """Read a text file; a leading byte order mark is accepted.

    Raises
    ------
    BadInput
        The file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"expected UTF-8, got byte 0x{error.object[error.start]:02x}"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise BadInput(problem, where=str(path))


def parse(text: str) -> dict[str, Any]:
    """Decode TOML; numbers with a point become decimals.

    Raises
    ------
    BadInput
        The text is no TOML, or nested too deeply to be meant.

    Examples
    --------
    >>> parse("base = 12.5")
    {'base': Decimal('12.5')}
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise BadInput(f"is no valid TOML: {str(error).partition(': value has')[0]}") from None
    except RecursionError:
        raise BadInput("is no valid TOML: nested too deeply") from None
