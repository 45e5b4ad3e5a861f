"""Tags as people write them, folded so that `Environment=Prod` and `env=production` are one fact."""

import re
from collections.abc import Mapping
from functools import lru_cache

_SEPARATORS = re.compile(r"[\s_\-:./]+")

KEYS = {
    "env": "environment",
    "environmenttype": "environment",
    "environmentname": "environment",
    "stage": "environment",
    "classification": "dataclassification",
    "dataclass": "dataclassification",
    "datasensitivity": "dataclassification",
    "sensitivity": "dataclassification",
    "confidentiality": "dataclassification",
    "team": "owner",
    "teamname": "owner",
    "owningteam": "owner",
    "ownerteam": "owner",
    "allowedtoshare": "isallowedtoshare",
}
ENVIRONMENTS = {
    "prod": "production",
    "prd": "production",
    "production": "production",
    "live": "production",
    "staging": "staging",
    "stage": "staging",
    "stg": "staging",
    "preprod": "staging",
    "preproduction": "staging",
    "uat": "staging",
    "test": "test",
    "testing": "test",
    "qa": "test",
    "dev": "development",
    "develop": "development",
    "development": "development",
    "sandbox": "sandbox",
    "sbx": "sandbox",
    "playground": "sandbox",
}
DATA_CLASSES = {
    "confidential": "confidential",
    "strictlyconfidential": "confidential",
    "highlyconfidential": "confidential",
    "restricted": "confidential",
    "secret": "confidential",
    "sensitive": "confidential",
    "pii": "confidential",
    "phi": "confidential",
    "pci": "confidential",
    "internal": "internal",
    "internaluse": "internal",
    "private": "internal",
    "public": "public",
    "open": "public",
}
YES_NO = {"true": "yes", "yes": "yes", "1": "yes", "false": "no", "no": "no", "0": "no"}
# Whatever else is said with it, as in "Confidential (internal)"; but not "non-confidential".
_CONFIDENTIAL = re.compile(r"(?<!non)(?<!not)(?<!un)confidential")
_VALUES = {"environment": ENVIRONMENTS, "dataclassification": DATA_CLASSES, "isallowedtoshare": YES_NO}


@lru_cache(maxsize=8192)
def fold_key(key: str) -> str:
    """Fold the key of a tag: case, separators and common spellings do not count.

    Examples
    --------
    >>> fold_key("Data Classification"), fold_key("ENV"), fold_key("cost-center")
    ('dataclassification', 'environment', 'costcenter')
    """
    folded = _SEPARATORS.sub("", key.casefold())
    return KEYS.get(folded, folded)


@lru_cache(maxsize=16384)
def fold_value(folded_key: str, value: str) -> str:
    """Fold the value of a tag whose key is folded already.

    Examples
    --------
    >>> fold_value("environment", "PROD"), fold_value("owner", "Team  Blue")
    ('production', 'teamblue')
    """
    folded = _SEPARATORS.sub("", value.casefold())
    if folded_key == "dataclassification" and _CONFIDENTIAL.search(folded):
        return "confidential"
    return _VALUES.get(folded_key, {}).get(folded, folded)


def fold(tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Fold all tags; a key keeps every value that differs after folding, sorted.

    Examples
    --------
    >>> fold({"Env": "prod", "environment": "Dev", "Team": "blue"})
    {'environment': ('development', 'production'), 'owner': ('blue',)}
    """
    folded: dict[str, tuple[str, ...]] = {}
    for key, value in tags.items():
        name = fold_key(key)
        found = fold_value(name, value)
        others = folded.get(name)
        if others is None:
            folded[name] = (found,)
        elif found not in others:
            folded[name] = tuple(sorted((*others, found)))
    return folded


def fold_alias(alias: str) -> str:
    """Fold a KMS alias: `alias/` in front and case do not count.

    Examples
    --------
    >>> fold_alias("alias/DevelopmentKey") == fold_alias("developmentkey")
    True
    """
    return alias.casefold().removeprefix("alias/")
