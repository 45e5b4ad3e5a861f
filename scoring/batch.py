"""Many findings from a file: read, decided on one by one, faults reported and left behind, memory flat."""

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import msgspec

from scoring import policy as policies
from scoring import scorecard_files
from scoring.decide import Decision, decide, skip_notice
from scoring.errors import BadInput
from scoring.finding import Notice
from scoring.points import to_tenths
from scoring.policy import Policy
from scoring.reading import read
from scoring.records import Case, read_value
from scoring.scorecard import Scorecard

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


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
        card=scorecard_files.load(scorecard_files.DEFAULT if model is None else model),
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
    scoring.errors.BadInput: --threshold: expected a number with at most one decimal, got 'nan'
    """
    if not _NUMBER.fullmatch(text):
        raise BadInput("expected a number with at most one decimal", field="--threshold", value=text)
    return to_tenths(Decimal(text), "--threshold")


class Cases(Iterable[Case]):
    """The cases of a file in their order, read lazily and only once.

    Parameters
    ----------
    source : str, path or binary file
        ``-`` is standard input.
    report : callable
        Takes each fault.
    is_strict : bool
        Whether the first fault ends it.

    Attributes
    ----------
    faults : int
        How many records could not be read so far.
    """

    def __init__(
        self, source: str | Path | BinaryIO, report: Callable[[BadInput], None], *, is_strict: bool = False
    ) -> None:
        self.source, self.report, self.is_strict = source, report, is_strict
        self.faults = 0

    def __iter__(self) -> Iterator[Case]:
        for located in read(self.source):
            error = located.error
            if isinstance(located.value, list):
                error = BadInput(
                    "expected a finding, an event or a record", value=located.value, where=located.where
                )
            if error is not None:
                if self._fault(error):
                    return
                continue
            for entry in read_value(located.value):
                if entry.case is not None:
                    yield entry.case
                elif entry.error is not None:
                    where = f"{located.where}: {entry.where}" if entry.where else located.where
                    if self._fault(entry.error.at(where)):
                        return

    def _fault(self, error: BadInput) -> bool:
        self.faults += 1
        self.report(error)
        return self.is_strict


def decide_all(cases: Iterable[Case], settings: Settings) -> Iterator[tuple[Case, Decision]]:
    """Decide on each case, lazily and in order."""
    for case in cases:
        yield case, settings.decide(case)
