"""The version that is deployed: the project's."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Final

TAG: Final = "access-triage:version"


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version that ``pyproject.toml`` names."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])
