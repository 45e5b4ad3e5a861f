"""Many findings from a file: read, decided on one by one, faults reported and left behind, memory flat."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from scoring.decision.decide import Decision, decide, skip_notice
from scoring.decision.repeated import RepeatedDecisions
from scoring.files.errors import BadInput
from scoring.findings.finding import Notice
from scoring.findings.record import Case
from scoring.points import to_tenths
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


Decided = tuple[Case, Decision]
"""A case, and what was decided on it."""


class Settings(msgspec.Struct, frozen=True):
    """What decisions rest on.

    Attributes
    ----------
    threshold : int or None
        In tenths, for this very scorecard; None leaves it to policy and scorecard.
    """

    card: Scorecard
    policy: Policy
    threshold: int | None = None

    def repeated(self) -> RepeatedDecisions:
        """Return what decides by these settings on findings that repeat."""
        return RepeatedDecisions(self.card, self.policy, self.threshold)

    def decide(self, case: Case) -> Decision:
        """Decide on one case; an event that is no finding is skipped."""
        if isinstance(case.finding, Notice):
            return skip_notice(case.finding, self.card)
        return decide(case.finding, case.context, self.card, self.policy, self.threshold)


def load_settings(
    model: str | None = None, policy: str | None = None, threshold: str | None = None
) -> Settings:
    """Read scorecard, policy and threshold as the command line names them; what is not named is built in.

    Parameters
    ----------
    model : str, optional
        A scorecard's file, a version's folder, or a registry's folder (its current version).
    policy : str, optional
        A policy.toml.
    threshold : str, optional
        Points with at most one decimal.

    Raises
    ------
    BadInput
        Naming the file or option, the field and what was expected.
    """
    tenths = None if threshold is None else read_threshold(threshold)
    return Settings(
        card=formats.load(formats.DEFAULT if model is None else model),
        policy=policies.load(policies.DEFAULT if policy is None else policy),
        threshold=tenths,
    )


def read_threshold(text: str) -> int:
    """Read points from a command line.

    Returns
    -------
    int
        Tenths of points.

    Examples
    --------
    >>> read_threshold("25.5")
    255
    >>> read_threshold("nan")
    Traceback (most recent call last):
    scoring.files.errors.BadInput: --threshold: expected a number with at most one decimal, got 'nan'
    """
    if not _NUMBER.fullmatch(text):
        raise BadInput("expected a number with at most one decimal", field="--threshold", value=text)
    return to_tenths(Decimal(text), "--threshold")


def decide_all(
    cases: Iterable[Case], settings: Settings, repeated: RepeatedDecisions | None = None
) -> Iterator[Decided]:
    """Decide on each case, lazily and in order.

    Parameters
    ----------
    repeated : RepeatedDecisions, optional
        Of the same settings, with what earlier cases have left there.
    """
    repeated = repeated or settings.repeated()
    for case in cases:
        finding = case.finding
        if isinstance(finding, Notice):
            yield case, skip_notice(finding, settings.card)
        else:
            yield case, repeated.decide(finding, case.context)
