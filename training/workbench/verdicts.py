"""Verdicts that are given on the page, and taken back: by the same functions as `triage review`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.errors import as_bad_input
from scoring.decision_log.log import DecisionLog
from scoring.explanation.safe_text import visible
from scoring.files.errors import BadInput
from scoring.review import bulk
from scoring.review.answer import Reviewer
from scoring.review.bulk import Wish
from scoring.review.verdict import Verdict, find
from training.workbench.held import Held, HeldFinding

MOST_NOTE: Final = 2000
_SOURCE: Final = "cli"


@dataclass(frozen=True)
class Batch:
    """Verdicts that were given together, and can be taken back together."""

    number: int
    keys: tuple[str, ...]
    said: tuple[str, ...]


@dataclass
class Desk:
    """Gives verdicts, and remembers what it gave so that the last can be taken back.

    Attributes
    ----------
    who : callable
        Says who answers; asked once, when the first verdict is given.
    """

    held: Held
    log: DecisionLog
    analyzers: AccessAnalyzer
    who: Callable[[], Reviewer]
    now: Callable[[], datetime]
    batches: list[Batch] = field(default_factory=list)

    def wishes(self, findings: Sequence[HeldFinding], verdict: Verdict, note: str) -> list[Wish]:
        """Compare verdicts with those that the log has by now.

        Raises
        ------
        BadInput
            The note is too long, or the log no longer has one of the findings.
        """
        if len(note) > MOST_NOTE:
            raise BadInput(f"expected at most {MOST_NOTE} characters", field="note")
        return [
            bulk.wish(find(self.log, one.decision.finding_id), verdict, note=note)
            for one in findings
            if one.logged is not None
        ]

    def give(self, findings: Sequence[HeldFinding], verdict: Verdict, note: str) -> Batch:
        """Give a verdict on each; what could not be done is said, and the others go on."""
        wishes = self.wishes(findings, verdict, note)
        done: Counter[str] = Counter()
        faults: list[BadInput] = []
        new = {one.decision.finding_id for one in wishes if one.state == "new"}
        with as_bad_input(f"review in {self.log.name}"):
            for said in bulk.give(
                wishes, self.who(), _SOURCE, self.log, self.analyzers, self.now, faults.append
            ):
                done[said] += 1
        given = self._read_again([one for one in findings if one.decision.finding_id in new])
        left_out = len(wishes) - len(new)
        lines = [f"{count:,} {verdict}: {said}" for said, count in done.most_common()]
        lines += [f"{left_out:,} left out: there is a verdict already"] if left_out else []
        return self._keep(given, (*lines, *_said(faults)))

    def take_back(self, number: int) -> Batch:
        """Take the verdicts of a batch back.

        Raises
        ------
        BadInput
            There is no such batch, or it was taken back.
        """
        batch = next((one for one in self.batches if one.number == number), None)
        if batch is None or not batch.keys:
            raise BadInput("there is nothing to take back")
        findings = [one for one in map(self.held.get, batch.keys) if one is not None]
        wishes = []
        for one in findings:
            there = find(self.log, one.decision.finding_id)
            if there.verdict is not None and one.label is not None and there.verdict == one.label:
                wishes.append(bulk.wish(there, there.verdict.verdict))
        done: Counter[str] = Counter()
        faults: list[BadInput] = []
        with as_bad_input(f"review in {self.log.name}"):
            for said in bulk.take_back(wishes, self.who(), self.log, self.analyzers, self.now, faults.append):
                done[said] += 1
        self._read_again(findings)
        self.batches.remove(batch)
        lines = [f"{count:,} taken back: {said}" for said, count in done.most_common()]
        return self._keep((), (*lines, *_said(faults)))

    def batch(self, number: int) -> Batch | None:
        """Return what was done, to be said on the next page."""
        return next((one for one in self.batches if one.number == number), None)

    def _read_again(self, findings: Sequence[HeldFinding]) -> tuple[str, ...]:
        for one in findings:
            self.held.read_again(one.key, self.now())
        return tuple(one.key for one in findings if (there := self.held.get(one.key)) and there.label)

    def _keep(self, keys: tuple[str, ...], said: tuple[str, ...]) -> Batch:
        number = self.batches[-1].number + 1 if self.batches else 1
        batch = Batch(number, keys, said)
        self.batches = [*self.batches[-50:], batch]
        return batch


def _said(faults: Sequence[BadInput]) -> tuple[str, ...]:
    shown = tuple(f"Not done: {visible(str(one), 300)}" for one in faults[:5])
    return (*shown, f"and {len(faults) - 5:,} more that were not done") if len(faults) > 5 else shown
