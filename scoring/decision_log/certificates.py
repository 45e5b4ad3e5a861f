"""Certificates of models, as the log keeps them, and whether a model may archive without one.

`triage certify` writes them; whatever archives asks here. In the log there is one item a run, and for each
model the latest one: that decides.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from scoring.decision_log.entries import EntryStatus
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import IS_NEW, ConditionFailed, Item, Put, Storage
from scoring.policy.limits import Archives

Needs = Literal["certificate", "forecast"]

_PARTITION: Final = "certificates"
_LATEST, _RUN = "latest#", "run#"
_DEPLOYMENT: Final = ("deployment", "enforce_needs")


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What `triage certify` found for a model in a closed window.

    Attributes
    ----------
    start, end : str
        The window: whole weeks, as `scoring.decision_log.entries.stamp` writes them.
    mode : str
        ``shadow``, ``enforce`` or ``shadow and enforce``.
    archived : int
        Findings that were archived, or would have been.
    drawn, reviewed : int
        Of these: drawn by lot, and of the drawn ones those with a verdict.
    unintended_found : int
        Drawn ones called unintended, and those without a verdict, which count as that.
    alerts_unintended : int
        Alerts of the window called unintended.
    missed_upper : float
        Upper bound of unintended archived / (that + alerts called unintended).
    confidence : float
        With which all runs of a year hold together.
    runs : int
        Which run of the year it is.
    error_spent : float
        Of 1 - `confidence`, on this run.
    alpha : float
        What it is held against.
    """

    model: str
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    mode: str
    archived: int
    drawn: int
    reviewed: int
    unintended_found: int
    alerts_unintended: int
    missed_upper: float
    confidence: float
    runs: int
    error_spent: float
    alpha: float
    at: str

    @property
    def holds(self) -> bool:
        """Whether it shows that no more is missed than was promised."""
        return self.missed_upper <= self.alpha

    @property
    def sentence(self) -> str:
        """What it says, in a line."""
        return (
            f"{self.start[:10]} to {self.end[:10]} ({self.mode}): at most {100 * self.missed_upper:.1f} % of"
            f" the unintended findings were archived or would have been, by {self.reviewed} reviewed of"
            f" {self.drawn} drawn of {self.archived}; confidence {100 * self.confidence:.0f} % for all runs"
            f" of a year, this is run {self.runs}"
        )


def keep(log: DecisionLog, certificate: Certificate) -> None:
    """Write a run down; it is the model's certificate from now on."""
    text = msgspec.json.encode(certificate).decode()
    run = f"{_RUN}{certificate.model}#{certificate.start}#{certificate.end}"
    log.storage.write(
        [
            Put(item={"finding_id": _PARTITION, "item": run, "certificate": text}),
            Put(item={"finding_id": _PARTITION, "item": _LATEST + certificate.model, "certificate": text}),
        ]
    )


def runs(log: DecisionLog) -> Iterator[Certificate]:
    """Give every run, one for each model and window."""
    return map(_read, log.storage.of_finding(_PARTITION, _RUN))


def latest(log: DecisionLog, model_sha256: str) -> Certificate | None:
    """Return a model's latest certificate; None where it has none."""
    found = log.storage.get((_PARTITION, _LATEST + model_sha256))
    return None if found is None else _read(found)


def hindrance(log: DecisionLog, archives: Archives, model_sha256: str, default: Needs | None) -> str:
    """Say why nothing may be archived by a model; empty where it may be.

    Parameters
    ----------
    default : str or None
        What a deployment needs whose policy does not say; one that decided before that was asked needs a
        forecast only.
    """
    needs = archives.enforce_needs or (first_need(log, default) if default else "forecast")
    if needs == "forecast":
        return ""
    found = latest(log, model_sha256)
    if found is None:
        return "no certificate of this model: triage certify states one (archives.enforce_needs)"
    if not found.holds:
        return (
            f"its certificate says at most {100 * found.missed_upper:.1f} % missed, where"
            f" {100 * found.alpha:.1f} % were promised (archives.enforce_needs)"
        )
    return ""


def first_need(log: DecisionLog, default: Needs) -> Needs:
    """Return what a deployment needs whose policy does not say; fixed when it first decides anything."""
    return _first_need(log.storage, default)


@lru_cache(maxsize=8)
def _first_need(storage: Storage, default: Needs) -> Needs:
    found = storage.get(_DEPLOYMENT)
    if found is None:
        decided = DecisionLog(storage).by_effect("alert", "archive", "none", EntryStatus.QUEUED)
        needs: Needs = "forecast" if next(decided, None) is not None else default
        item: Item = {"finding_id": _DEPLOYMENT[0], "item": _DEPLOYMENT[1], "needs": needs}
        try:
            storage.write([Put(item=item, only_if=(IS_NEW,))])
        except ConditionFailed:
            found = storage.get(_DEPLOYMENT)
        else:
            return needs
    said: Any = (found or {}).get("needs", default)
    return "forecast" if said == "forecast" else "certificate"


def _read(item: Item) -> Certificate:
    return msgspec.json.decode(item["certificate"], type=Certificate)
