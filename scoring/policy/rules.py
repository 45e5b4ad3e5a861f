"""Rules of the policy: conjunctions that a person wrote down; `scoring.decision.rules` matches them."""

import msgspec

from scoring.files.errors import BadInput, did_you_mean
from scoring.findings.access.action_reference import LEVELS
from scoring.findings.access.principal import KINDS, TRUST
from scoring.findings.access.tags import fold_key
from scoring.findings.arn import account_id
from scoring.findings.finding import FINDING_TYPES
from scoring.findings.resource_types import RESOURCE_TYPES


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule; every condition that it states has to hold.

    Attributes
    ----------
    resource, principal : tuple of str
        Patterns with ``*`` and ``?``; any one of them may match. A principal is matched as AWS gave it, an
        account also by its number. Where only some principals of a finding match, it is not known whether the
        rule does.
    trust : tuple of str
        Values of the feature ``trust``; ``identity provider`` stands for all of them.
    principal_kind : tuple of str
        Values of the feature ``principal_kind``.
    access_level_at_most : str or None
        The highest access level that the rule reaches.
    tags : dict
        Tags that the resource must carry, compared as `scoring.findings.access.tags` folds them. Where
        it carries another value too, it is not known whether the rule matches.
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
    principal_kind: tuple[str, ...] = ()
    access_level_at_most: str | None = None
    tags: dict[str, str] = {}
    alias: str | None = None

    @property
    def trusts_tags(self) -> bool:
        """Whether whoever may set tags or aliases decides if the rule matches."""
        return bool(self.tags or self.alias)

    @property
    def matches_everything(self) -> bool:
        """Whether each condition that it states is a pattern of stars alone."""
        stated = {name: getattr(self, name) for name in self.__struct_fields__ if name != "name"}
        given = {name: value for name, value in stated.items() if value}
        is_open = [any(set(pattern) == {"*"} for pattern in value) for value in given.values()]
        return given.keys() <= {"resource", "principal"} and all(is_open)

    @property
    def set_by_sharer(self) -> tuple[str, ...]:
        """What of the rule the sharer can set: tags, aliases, names that a pattern leaves open."""
        stated = ("tags" if self.tags else "", "the alias" if self.alias else "", self._open_names())
        return tuple(name for name in stated if name)

    def _open_names(self) -> str:
        is_open = self.resource and all(set(pattern) & set("*?") for pattern in self.resource)
        return "the resource's name" if is_open and not self._names_reserved() else ""

    def _names_reserved(self) -> bool:
        """Whether only AWS can give such names."""
        return all(":role/aws-reserved/" in pattern for pattern in self.resource)

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
            ("principal_kind", self.principal_kind, KINDS),
            ("access_level_at_most", levels, LEVELS),
        ):
            for value in values:
                if value not in known:
                    expected = f"unknown value {value!r}{did_you_mean(value, known)}"
                    raise BadInput(expected, field=f"{field}.{name}")
        for account in self.account:
            account_id(account, field=f"{field}.account")
        if len({fold_key(key) for key in self.tags}) < len(self.tags):
            raise BadInput("expected each tag once, however it is spelt", field=f"{field}.tags")
