"""The dataset: past findings in the order of time, their features and the verdicts on them.

Features come from `scoring.features.features` and from nothing else, so that training sees what the
runtime sees.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from scoring.features.features import (
    ABSENT,
    BY_NAME,
    NAMES,
    NOT_APPLICABLE,
    UNKNOWN,
    VERSION,
    tag_feature,
    tag_of,
)
from scoring.findings.access.principal import INSIDE
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Floats, Ints
from training.dataset.codes import Coded, in_order
from training.dataset.files import encode_files
from training.dataset.parallel import Executor, one_by_one
from training.dataset.rows import EFFECTS, NONE, SELECTIONS, Rows
from training.dataset.verdicts import settle

DAY: Final = 86_400.0

# Tags that have features of their own.
COVERED: Final = frozenset({"environment", "dataclassification", "isallowedtoshare", "owner"})
LONGEST_TAG: Final = 128
"""Characters of a tag's key; AWS takes no longer one."""
MOST_TAGS: Final = 12
_LEAST_SHARE: Final = 0.01
_LEAST_ROWS: Final = 20
_MOST_DISTINCT: Final = 0.5

LABELLED = "with a verdict"
RESOLVED = "with a verdict, of these concluded from the finding being resolved: not for the threshold"
SELECTED = "with a verdict, of these on what reached a person for its score: not for the threshold"
IMPORTED = "with a verdict, of these imported: how they were chosen is not known"
BARE = "with a verdict, of these without anything known of the surroundings: not for the threshold"
UNLABELLED = "without a verdict: precedent only"
NOTICES = "events that are no finding"
BROKEN = "records that cannot be read"


@dataclass(frozen=True)
class Dataset:
    """Findings in the order of time.

    Attributes
    ----------
    X : DataFrame of categories, shape (findings, features)
        The features of `scoring.features.features`, and ``tag:<key>`` for each tag key that is frequent.
    about : DataFrame, shape (findings, ...)
        `time` and `verdict_at` (seconds since 1970), `verdict` (0 expected, 1 unintended, -1 none),
        `is_explicit` (given by a person), `weight` (inverse of the known probability with which it reached a
        person), `for_threshold` (an explicit verdict on a finding that reached a person whatever its score,
        or with that known probability, and whose context was looked up), `finding_id`, `resource`,
        `row` (number of the record among all findings that were read).
    counts : Counter
        What became of the records, by reason.
    digest : str
        Of all of that but the counts.
    """

    X: pd.DataFrame
    about: pd.DataFrame
    counts: Counter[str]
    digest: str

    def __len__(self) -> int:
        return len(self.X)

    @property
    def labelled(self) -> Bools:
        """Which findings have a verdict."""
        return np.asarray(self.about["verdict"] != NONE)

    @property
    def unintended(self) -> Bools:
        """Which findings were found to be unintended."""
        return np.asarray(self.about["verdict"] == 1)

    @property
    def for_threshold(self) -> Bools:
        """Which findings a threshold may be calibrated on."""
        return np.asarray(self.about["for_threshold"])

    @property
    def weight(self) -> Floats:
        """How many findings each labelled one stands for."""
        return np.asarray(self.about["weight"])

    @property
    def before_archiving(self) -> Bools:
        """Which findings came up while nothing was archived nor drawn: no decision, or shadow mode."""
        undecided = (self.about["effect"] == NONE) & (self.about["would_archive"] == NONE)
        return np.asarray(undecided | ((self.about["effect"] == EFFECTS["none"]) & ~self._by_lot))

    @property
    def _by_lot(self) -> Bools:
        """Which findings are of a week of which some were drawn for review."""
        return np.asarray(self.about["audit_share"].notna() & self.about["audit_by_week"])

    @property
    def largest_weight(self) -> float:
        """The largest weight that a finding could have had: of the smallest share that went to a person."""
        shares = self.about["audit_share"][~self.before_archiving].min()
        return 1.0 if np.isnan(shares) else max(1.0, float(1 / shares))

    @property
    def at_most(self) -> Floats:
        """The largest weight that a finding could have had in its period, drawn or not."""
        shares = self.about["audit_share"].where(~self.before_archiving)
        return np.asarray((1 / shares).fillna(self.largest_weight).where(~self.before_archiving, 1.0))

    @property
    def reached_person(self) -> Bools:
        """Which findings were for a person: nothing was archived yet, or they alerted, or were drawn."""
        archive = self.about["would_archive"] == 1
        return np.asarray(self.before_archiving | ~archive | self.about["audit_chosen"])

    @property
    def earns(self) -> Bools:
        """Which findings make anybody familiar, once they are old enough or reviewed.

        Nobody becomes familiar by what was archived automatically: that would be our own word. An outsider
        becomes so only by what a person reviewed, at any age: whoever shares a hundred resources with
        himself would otherwise take the points off his later ones.
        """
        is_inside = self.X["trust"].isin((*INSIDE, NOT_APPLICABLE)).to_numpy()
        archived = np.asarray(self.about["effect"] == EFFECTS["archive"])
        return np.asarray(self.about["is_explicit"] | (is_inside & ~archived))

    @property
    def time(self) -> Floats:
        """When each finding came up, in seconds since 1970."""
        return np.asarray(self.about["time"])


def read_dataset(
    paths: Sequence[str],
    policy: Policy | None = None,
    *,
    report: Callable[[str], None],
    cards: Sequence[Scorecard] = (),
    unverified: bool = True,
    executor: Executor = one_by_one,
    progress: Callable[[int], None] = lambda _: None,
) -> Dataset:
    """Read the records of some files.

    Parameters
    ----------
    policy : Policy, optional
        Some features depend on it; by default the built-in one.
    cards : sequence of Scorecard
        What is to score the findings: tags that these ask for are features, however rare they are.
    report : callable
        Takes each fault, in one line.
    unverified : bool
        Whether verdicts count of which it is not certain who gave them.
    executor : callable
        Who reads, see `training.dataset.parallel`; the result does not depend on it. By default this process.
    progress : callable
        Called with the number of records read since the last call.

    Raises
    ------
    BadInput
        A file cannot be read at all.
    """
    rules = policy or policies.load()
    encoded = encode_files(paths, rules, report=report, executor=executor, progress=progress)
    asked_for = [name for card in cards for name in _tags_of(card)]
    dataset = assemble(encoded.rows, asked_for, unverified=unverified)
    dataset.counts.update({BROKEN: encoded.faults, NOTICES: encoded.notices})
    return Dataset(dataset.X, dataset.about, +dataset.counts, dataset.digest)


def _tags_of(card: Scorecard) -> list[str]:
    """Return the folded keys of the tags that have tables of their own in a scorecard."""
    return [key for of in card.features if of.name not in BY_NAME and (key := tag_of(of)) is not None]


def assemble(rows: Rows, asked_for: Sequence[str] = (), *, unverified: bool = True) -> Dataset:
    """Make a dataset of encoded rows.

    Parameters
    ----------
    asked_for : sequence of str
        Folded keys of tags that are features in any case.
    unverified : bool
        As in `read_dataset`.
    """
    chosen, about, counts = settle(rows, unverified=unverified)
    X = pd.DataFrame({name: in_order(rows.features[name].take(chosen)).categorical() for name in NAMES})
    tags = rows.tags.take(chosen)
    for key in sorted({*frequent_tags(tags), *asked_for}):
        X[tag_feature(key).name] = _tag_column(tags, key)
    about["weight"], about["for_threshold"] = _reached(about)
    for name in ("finding_id", "resource"):
        identity = rows.identities[name]
        about[name] = identity.take(chosen).categorical()
    labelled = about["verdict"] != NONE
    counts[LABELLED] = int(labelled.sum())
    counts[UNLABELLED] = int((~labelled).sum())
    counts[RESOLVED] = int((labelled & ~about["is_explicit"]).sum())
    counts[BARE] = int((about["is_explicit"] & ~about["has_context"]).sum())
    counts[IMPORTED] = int((labelled & about["is_imported"]).sum())
    counts[SELECTED] = int((about["is_explicit"] & about["has_context"] & ~about["for_threshold"]).sum())
    return Dataset(X, about, +counts, _digest(X, about))


def frequent_tags(tags: Coded[tuple[tuple[str, str], ...] | None]) -> list[str]:
    """Return the tag keys that become features: on enough findings, with values that repeat."""
    count = np.bincount(tags.codes, minlength=len(tags.values)).tolist()
    known = sum(n for found, n in zip(tags.values, count, strict=True) if found is not None)
    seen: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for found, n in zip(tags.values, count, strict=True):
        for key, value in found or ():
            if n and key not in COVERED and 0 < len(key) <= LONGEST_TAG:
                seen[key] += n
                values.setdefault(key, set()).add(value)
    least = max(_LEAST_ROWS, _LEAST_SHARE * known)
    kept = [key for key, n in seen.items() if n >= least and len(values[key]) <= _MOST_DISTINCT * n]
    return sorted(sorted(kept, key=lambda key: (-seen[key], key))[:MOST_TAGS])


def _tag_column(tags: Coded[tuple[tuple[str, str], ...] | None], key: str) -> pd.Categorical:
    texts = [UNKNOWN if found is None else dict(found).get(key, ABSENT) for found in tags.values]
    values = list(dict.fromkeys(texts))
    place = {value: i for i, value in enumerate(values)}
    codes: Ints = np.array([place[text] for text in texts], dtype=np.int32)
    return in_order(Coded(values, codes[tags.codes])).categorical()


def _reached(about: pd.DataFrame) -> tuple[Floats, Bools]:
    """Return each finding's weight, and whether its verdict may calibrate a threshold.

    A finding that reached a person because its score was high says nothing about findings with low scores.
    So a verdict counts for the threshold only where nothing was archived yet (no decision, or shadow mode),
    or where a known share of what would have been archived went to a person. A decision that does not say
    what was done about it counts as archiving without such a sample.

    A finding whose context was never looked up scores as if everything unknown were the worst. The runtime
    looks the context up and gives lower scores: calibrated on such findings, a threshold would promise too
    much.
    """
    archive = about["would_archive"] == 1
    undecided = (about["effect"] == NONE) & (about["would_archive"] == NONE)
    sampled = about["audit_share"].notna()
    # In shadow mode nothing is archived, but where findings are drawn by the week only these are looked at.
    shadow = (about["effect"] == EFFECTS["none"]) & ~(sampled & about["audit_by_week"])
    chosen = archive & sampled & about["audit_chosen"]
    weight = np.where(chosen & ~shadow, 1 / about["audit_share"], 1.0)
    of_all = about["selected"] == SELECTIONS["all"]
    whatever_its_score = undecided | shadow | of_all | (sampled & (~archive | chosen))
    return weight, np.asarray(about["is_explicit"] & about["has_context"] & whatever_its_score, dtype=bool)


def _digest(X: pd.DataFrame, about: pd.DataFrame) -> str:
    digest = hashlib.sha256(f"features {VERSION}".encode())
    for frame in (X, about.drop(columns="row")):
        for name in sorted(frame.columns):
            digest.update(f"\n{name}\n".encode())
            column = frame[name]
            if isinstance(column.dtype, pd.CategoricalDtype):
                # Numbered as they come up, so that it does not matter in which order files held them.
                codes, found = pd.factorize(column.cat.codes.to_numpy())
                values = "\0".join(column.cat.categories[found]).encode("utf-8", "surrogatepass")
                digest.update(values + b"\0" + codes.astype("<i4").tobytes())
            else:
                digest.update(column.to_numpy(dtype="<f8").tobytes())
    return digest.hexdigest()
