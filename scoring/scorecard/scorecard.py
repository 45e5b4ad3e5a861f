"""The model: integer tenths of points in lookup tables, so that every explanation adds up exactly.

A table's key is one feature or a combination of two or three. Whatever a finding's features are, each table
gives exactly one entry, and base plus entries is the score.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from scoring.features.features import NOT_APPLICABLE, UNKNOWN, Feature, describe, feature
from scoring.features.order import NOTHING_KNOWN, as_scored, order_of
from scoring.findings.access.principal import VOUCHED
from scoring.findings.provenance import SetBy, weakest
from scoring.points import from_tenths, said_points

TAG_LIMIT = "tag_limit"
_ANYONE = "*"

Key = tuple[str, ...]


class Model(msgspec.Struct, frozen=True):
    """Which scorecard decided."""

    name: str
    version: str
    kind: str
    sha256: str


class Contribution(msgspec.Struct, frozen=True):
    """What one table adds to a score.

    Attributes
    ----------
    points : float
        With one decimal.
    known : bool
        Whether all that it rests on is known; if not, the points are the worst that there could be.
    set_by : str
        Who can set what it rests on: the one with the least rights; see `scoring.findings.provenance`.
    """

    feature: str
    value: str
    points: float
    text: str
    known: bool = True
    set_by: SetBy = "aws"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table of points, all in integer tenths.

    Attributes
    ----------
    key : tuple of str
        One to three names of features.
    points : dict
        A tuple of values, one for each name, to its points.
    default : int
        For values that are not in `points`.
    unknown : int
        Where any of the values is unknown; never less than any other entry.
    evidence : dict
        Values to how many findings were seen, labelled expected, and labelled unintended, in training.
    unlisted : int
        The most findings that any value has which `evidence` does not list.
    """

    key: Key
    points: dict[Key, int]
    default: int
    unknown: int
    evidence: dict[Key, tuple[int, int, int]] = {}
    unlisted: int = 0

    def look_up(self, values: Key) -> int:
        """Return the points of a combination of values.

        An unknown value counts as the worst: "not known" of an ordered feature as its last value, "unknown"
        as the table's own entry for it. Where a feature is not applicable the table adds nothing, unless it
        lists that case.
        """
        values = tuple(map(as_scored, self.key, values))
        found = self.points.get(values)
        if found is not None:
            return found
        if NOT_APPLICABLE not in values:
            return self.unknown if UNKNOWN in values else self.default
        if UNKNOWN not in values:
            return 0
        return max([0, *(points for key, points in self.points.items() if _may_be(values, key))])


def _may_be(values: Key, key: Key) -> bool:
    return all(value in (UNKNOWN, known) for value, known in zip(values, key, strict=True))


class _Entry(NamedTuple):
    """The result for one combination of values.

    Attributes
    ----------
    by_tags, by_sharer : int
        How much tags, aliases and names took off; how much anything did that the sharer or the account
        can set.
    """

    tenths: int
    by_tags: int
    by_sharer: int
    contribution: Contribution | None


class Scored(NamedTuple):
    """A score and what it rests on, in tenths.

    Attributes
    ----------
    total : int
    contributions : tuple of Contribution
    known : int
        What of it rests on known facts alone.
    uncredited : int
        The score without any credit for what the sharer or the account can set.
    is_outside : bool
        Whether an outsider gets access, or may do so for all we know.
    """

    total: int
    contributions: tuple[Contribution, ...]
    known: int
    uncredited: int
    is_outside: bool


_Lookup = tuple[
    Callable[[Mapping[str, str]], str | Key],
    Callable[[str | Key], _Entry | None],
    Callable[[str | Key], _Entry],
]


class _Compiled:
    """A table made ready to score: known entries with their contributions, written once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = " × ".join(table.key)
        self.features: tuple[Feature, ...] = tuple(f for name in table.key if (f := feature(name)))
        self.has_history = bool(table.evidence) and "principal" in table.key
        self.fixed = [i for i, name in enumerate(table.key) if order_of(name) is None]
        self.single = len(table.key) == 1
        self.pick = itemgetter(*table.key)
        self.seen_expected = {
            tuple(values[i] for i in self.fixed) for values, counts in table.evidence.items() if counts[1]
        }
        self.entries: dict[str | Key, _Entry] = {
            values[0] if self.single else values: self.entry(values) for values in table.points
        }
        # Values that are not listed repeat too. The cache is bounded, since there may be any number of them.
        self.unlisted = lru_cache(maxsize=2048)(self._unlisted)

    @property
    def lookup(self) -> _Lookup:
        """Three functions: pick the values of the key, find their entry if it is listed, else make one."""
        return self.pick, self.entries.get, self.unlisted

    def _unlisted(self, values: str | Key) -> _Entry:
        return self.entry((values,) if isinstance(values, str) else values)

    def entry(self, values: Key) -> _Entry:
        tenths = self.table.look_up(values)
        by_tags = 0 if self._is_history(values) else self._taken_off(values, tenths, only_tags=True)
        by_sharer = max(by_tags, 0 if self._is_history(values) else self._taken_off(values, tenths))
        if not tenths:
            return _Entry(0, by_tags, by_sharer, None)
        texts = [describe(f, value) for f, value in zip(self.features, values, strict=True)]
        contribution = Contribution(
            self.name,
            " × ".join(values),
            from_tenths(tenths),
            ", and ".join(texts) + self._precedent(values),
            known=not any(value in NOTHING_KNOWN for value in values),
            set_by=weakest(*(f.setter(value) for f, value in zip(self.features, values, strict=True))),
        )
        return _Entry(tenths, by_tags, by_sharer, contribution)

    def _is_history(self, values: Key) -> bool:
        """Whether a person has found this together with a named principal expected: tags, this resource.

        The sharer sets tags and names, but not with whom the organization has shared before.
        """
        if not self.has_history:
            return False
        principal = values[self.table.key.index("principal")]
        is_named = principal not in (NOT_APPLICABLE, UNKNOWN) and _ANYONE not in principal
        are_tags = all(f.from_tags or f.names for f in self.features if f.neutral)
        return is_named and are_tags and tuple(values[i] for i in self.fixed) in self.seen_expected

    def _taken_off(self, values: Key, tenths: int, *, only_tags: bool = False) -> int:
        """Return how many more points the finding would get without what the sharer or the account sets."""
        neutral = tuple(
            f.neutral
            if f.is_lever(value) and value != NOT_APPLICABLE and (f.from_tags or not only_tags)
            else value
            for f, value in zip(self.features, values, strict=True)
        )
        return 0 if neutral == values else max(0, self.table.look_up(neutral) - tenths)

    def _precedent(self, values: Key) -> str:
        """Say how often that was seen before, and what it was found to be."""
        if UNKNOWN in values or not self.table.evidence:
            return ""
        counts = self.table.evidence.get(values)
        if counts is None:
            return f": {_seldom(self.table.unlisted)}"
        seen, expected, unintended = counts
        return f": {_findings(seen)}, {_decided(seen, expected, unintended)}"


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def _seldom(at_most: int) -> str:
    if not at_most:
        return "never seen before"
    return "seen at most once before" if at_most == 1 else f"seen at most {at_most:,} times before"


def _decided(seen: int, expected: int, unintended: int) -> str:
    if not expected + unintended:
        return "none reviewed" if seen > 1 else "not reviewed"
    if expected and unintended:
        return f"{expected:,} expected, {unintended:,} unintended"
    count, verdict = (expected, "expected") if expected else (unintended, "unintended")
    verdict = f"all {verdict}" if count > 1 else verdict
    return verdict if count == seen else f"{count:,} reviewed, {verdict}"


_NO_CREDIT: Final = {
    ("public", "public"): "the finding is public",
    **{("public", unknown): "it may be public" for unknown in NOTHING_KNOWN},
    ("access_level", "Permissions management"): "the finding gives control of permissions",
    ("access_level", UNKNOWN): "the level of access is not known",
}


def _no_credit(features: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the value for which tags, conditions and aliases take nothing off, and why; None if they do.

    The sharer can set tags and conditions, the account its name: nothing that is public or hands over control
    gets cheaper by them.
    """
    return next(((value, why) for (name, value), why in _NO_CREDIT.items() if features[name] == value), None)


class Scorecard(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """An additive model over lookup tables; all points in integer tenths.

    Attributes
    ----------
    kind : str
        ``weighted`` (by hand) or ``trained``.
    threshold : int or None
        In tenths; below it a finding is archived. None: no threshold is known to be safe.
    tag_limit : int
        The most that tags, aliases and names together may take off a score; where an outsider gets access,
        the most of all that the sharer or the account can set. Points of a combination of a principal with a
        tag, or with this very resource, that a person has found expected are not limited: they rest on
        history, not on the sharer's word alone.
    risk : tuple of (int, float)
        Calibration: from a score on (tenths), the probability that a finding is unintended; rising.
    seen_in : tuple of keys
        Tables whose evidence lists all that was seen in training; see `scoring.decision.never_seen`.
    prior : Scorecard or None
        The card that the training started from.
    sha256 : str
        Digest of the scorecard's JSON form.
    """

    name: str
    version: str
    kind: str
    base: int
    threshold: int | None
    tag_limit: int
    tables: tuple[Table, ...]
    risk: tuple[tuple[int, float], ...] = ()
    seen_in: tuple[Key, ...] = ()
    prior: "Scorecard | None" = None
    sha256: str = ""

    @cached_property
    def model(self) -> Model:
        """The scorecard as decisions name it."""
        return Model(self.name, self.version, self.kind, self.sha256)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features that scoring needs, in the order of the tables."""
        of_prior = () if self.prior is None else self.prior.tables
        tables = (*self.tables, *of_prior)
        names = dict.fromkeys(
            ("public", "access_level", "trust", *(name for table in tables for name in table.key))
        )
        return tuple(found for name in names if (found := feature(name)))

    @cached_property
    def _lookups(self) -> tuple[_Lookup, ...]:
        return tuple(_Compiled(table).lookup for table in self.tables)

    def score(self, features: Mapping[str, str]) -> tuple[int, list[Contribution]]:
        """Score a finding's features.

        Returns
        -------
        score : int
            In tenths of points.
        contributions : list of Contribution
            Those that are not zero, in the order of the tables. Base plus their sum is the score, exactly.
        """
        scored = self.scored(features)
        return scored.total, list(scored.contributions)

    def scored(self, features: Mapping[str, str]) -> Scored:
        """Score a finding's features, and say what of it rests on the word of whoever shares."""
        return self._scored(self._values(features))

    @cached_property
    def _values(self) -> Callable[[Mapping[str, str]], Key]:
        return itemgetter(*[of.name for of in self.features])

    @cached_property
    def _scored(self) -> Callable[[Key], Scored]:
        """Scoring with a cache: most findings of a backlog differ from an earlier one in their names only."""
        return lru_cache(maxsize=4096)(self._score)

    def _score(self, values: Key) -> Scored:
        features = {of.name: value for of, value in zip(self.features, values, strict=True)}
        is_outside = _is_outside(features)
        total = known = self.base
        discount = 0
        contributions: list[Contribution] = []
        for pick, listed, unlisted in self._lookups:
            key = pick(features)
            tenths, by_tags, by_sharer, contribution = listed(key) or unlisted(key)
            discount += by_sharer if is_outside else by_tags
            if contribution is not None:
                total += tenths
                known += tenths if contribution.known else 0
                contributions.append(contribution)
        uncredited = total + discount
        cancelled = self._cancelled(features, discount, is_outside=is_outside)
        if cancelled is not None:
            contributions.append(cancelled)
            tenths = round(cancelled.points * 10)
            total += tenths
            known += tenths if cancelled.known else 0
        return Scored(total, tuple(contributions), known, uncredited, is_outside)

    def risk_of(self, score: int) -> float | None:
        """Return the calibrated probability of "unintended" at a score in tenths, if calibrated."""
        if not self.risk:
            return None
        index = bisect_right(self.risk, (score, 2.0)) - 1
        return self.risk[max(index, 0)][1]

    def _cancelled(
        self, features: Mapping[str, str], discount: int, *, is_outside: bool
    ) -> Contribution | None:
        """Return the contribution that cancels credit beyond the limit; None where there is none."""
        cancelled = _no_credit(features)
        limit = 0 if cancelled else self.tag_limit
        if discount <= limit:
            return None
        what = "what the sharer or the account can set" if is_outside else "tags, aliases and names"
        value, why = cancelled or ("", "")
        limited = f"cancelled: {why}" if why else f"limited to {said_points(limit)} points"
        return Contribution(
            TAG_LIMIT,
            str(from_tenths(limit)),
            from_tenths(discount - limit),
            f"credit from {what} {limited}",
            known=value not in NOTHING_KNOWN,
            set_by="organization",
        )


def _is_outside(features: Mapping[str, str]) -> bool:
    """Say whether an outsider gets access, or may do so for all we know."""
    if features["public"] == "meant to be public" or features["trust"] == NOT_APPLICABLE:
        return False
    return features["trust"] not in VOUCHED or features["public"] in ("public", *NOTHING_KNOWN)
