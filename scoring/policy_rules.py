"""Rules of the policy: conjunctions that a person wrote down, matched with three answers."""

import fnmatch
import re
from typing import TYPE_CHECKING

import msgspec

from scoring.access_level import LEVELS, rank
from scoring.errors import BadInput, did_you_mean
from scoring.facts import Present, Unknown
from scoring.finding import FINDING_TYPES, RESOURCE_TYPES
from scoring.principal import TRUST
from scoring.tags import fold_alias, fold_key, fold_value

if TYPE_CHECKING:
    from scoring.surroundings import Surroundings


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule; every condition that it states has to hold.

    Attributes
    ----------
    resource, principal : tuple of str
        Patterns with ``*`` and ``?``; any one of them may match. A principal is matched as AWS gave it, an
        account also by its number. Where only some principals of a finding match, the rule is in doubt.
    trust : tuple of str
        Values of the feature ``trust``.
    access_level_at_most : str or None
        The highest access level that the rule reaches.
    tags : dict
        Tags that the resource must carry, compared as `scoring.tags` folds them; in doubt where it carries
        another value too.
    alias : str or None
        An alias that the key must have, with or without ``alias/``.
    """

    name: str
    finding_type: tuple[str, ...] = ()
    resource_type: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    principal: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    access_level_at_most: str | None = None
    tags: dict[str, str] = {}
    alias: str | None = None

    @property
    def trusts_tags(self) -> bool:
        """Whether whoever may set tags or aliases decides if the rule matches."""
        return bool(self.tags or self.alias)

    def check(self, field: str) -> None:
        """Raise `BadInput` where the rule says nothing or names what does not exist."""
        stated = [name for name in self.__struct_fields__ if name != "name" and getattr(self, name)]
        if not self.name.strip() or not self.name.isprintable():
            raise BadInput("expected a name that can be read", field=f"{field}.name", value=self.name)
        if not stated:
            raise BadInput("expected at least one condition beside the name", field=field)
        levels = () if self.access_level_at_most is None else (self.access_level_at_most,)
        for name, values, known in (
            ("finding_type", self.finding_type, FINDING_TYPES),
            ("resource_type", self.resource_type, RESOURCE_TYPES),
            ("trust", self.trust, TRUST),
            ("access_level_at_most", levels, LEVELS),
        ):
            for value in values:
                if value not in known:
                    expected = f"unknown value {value!r}{did_you_mean(value, known)}"
                    raise BadInput(expected, field=f"{field}.{name}")
        for account in self.account:
            if not re.fullmatch(r"[0-9]{12}", account):
                raise BadInput("expected twelve digits", field=f"{field}.account", value=account)
        if len({fold_key(key) for key in self.tags}) < len(self.tags):
            raise BadInput("expected each tag once, however it is spelt", field=f"{field}.tags")

    def matches(self, about: "Surroundings") -> bool | None:
        """Say whether the rule matches: yes, no, or None where a fact that decides is unknown."""
        finding = about.finding
        is_named = not self.resource_type or finding.resource_type in self.resource_type
        if not is_named and about.is_known_resource_type:
            return False
        answers = self._answers(about)
        if False in answers:
            return False
        return True if is_named and None not in answers else None

    def _answers(self, about: "Surroundings") -> list[bool | None]:
        finding = about.finding
        answers: list[bool | None] = []
        if self.finding_type:
            is_named = finding.finding_type in self.finding_type
            answers.append(is_named if is_named or about.is_known_finding_type else None)
        if self.resource:
            answers.append(any_match((finding.resource,), self.resource))
        if self.account:
            answers.append(None if finding.account is None else finding.account in self.account)
        if self.principal:
            answers.append(about.is_granting and self._principals_match(about))
        if self.trust:
            answers.append(None if about.trust == "unknown" else about.trust in self.trust)
        if self.access_level_at_most:
            answers.append(about.is_granting and self._level_matches(about, self.access_level_at_most))
        for key, value in self.tags.items():
            answers.append(self._tag_matches(about, fold_key(key), value))
        if self.alias:
            answers.append(self._alias_matches(about, self.alias))
        return answers

    def _principals_match(self, about: "Surroundings") -> bool | None:
        answers: set[bool | None] = {
            any_match((given, principal.value), self.principal) or (False if principal.is_readable else None)
            for principal, (_, given) in zip(about.principals, about.finding.principals, strict=True)
        }
        return answers.pop() if len(answers) == 1 else None

    @staticmethod
    def _level_matches(about: "Surroundings", most: str) -> bool | None:
        return None if about.access.level is None else rank(about.access.level) <= rank(most)

    @staticmethod
    def _tag_matches(about: "Surroundings", key: str, value: str) -> bool | None:
        if isinstance(about.context.tags, Unknown):
            return None
        found, wanted = about.tags.get(key, ()), fold_value(key, value)
        return wanted in found and (True if len(found) == 1 else None)

    @staticmethod
    def _alias_matches(about: "Surroundings", alias: str) -> bool | None:
        aliases = about.context.aliases
        if about.finding.resource_type != "AWS::KMS::Key":
            return False if about.is_known_resource_type else None
        if isinstance(aliases, Unknown):
            return None
        return isinstance(aliases, Present) and fold_alias(alias) in {fold_alias(a) for a in aliases.value}


def any_match(texts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    """Say whether any text matches any pattern with ``*`` and ``?``, by exact case."""
    # A bracket is a character like any other here.
    return any(fnmatch.fnmatchcase(text, p.replace("[", "[[]")) for text in texts for p in patterns)
