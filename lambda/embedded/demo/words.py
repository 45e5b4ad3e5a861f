"""What the demo says about itself, on the terminal and in the report."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from embedded.demo import scenes as stage
from embedded.demo.results import Decided, Results
from scoring.findings.context import FACT_NAMES

FACTS = {**FACT_NAMES, "details": "further facts, shown to a person and never scored"}

_SCENES = (
    (stage.SHARED_KEY, "Shared key", "a KMS key was shared with a stranger: {}"),
    (stage.DEVELOPMENT_KEY, "Development key", "one with the tags and alias that the policy expects: {}"),
    (stage.CHANGED, "Changed", "a finding grew public while its event waited, and was scored anew: {}"),
    (stage.BROUGHT_BACK, "Brought back", "an analyst made an archived finding active again: {}"),
    (
        stage.HOSTILE,
        "Hostile text",
        "tags and conditions held HTML, escapes and mail headers: shown as text, {}",
    ),
)


class Promise(NamedTuple):
    """Something the handler promises, what happened to try it, and the alert to look at, if there is one."""

    name: str
    says: str
    finding_id: str = ""


class Figure(NamedTuple):
    """A number for the head of the report."""

    value: str
    name: str
    says: str


def lead(results: Results) -> str:
    """Say what happened, in one paragraph."""
    outcome = results.outcome
    return (
        f"An organization of {outcome.accounts} accounts was built on an AWS inside this process, and nothing"
        f" left the machine. Access Analyzer made {count(len(results.decided), 'finding')} there. Each came"
        " as an event to the Lambda handler, which looked the resource up through a role in its account,"
        " scored the finding, archived it or sent an alert, and logged why. Names and numbers are invented."
    )


def figures(results: Results) -> list[Figure]:
    """The numbers at the head of the report."""
    counts, total = results.counts, len(results.decided)
    open_ones = counts["archive"] + counts["alert"]
    share = (
        f"{100 * counts['archive'] / open_ones:.0f} % of what was open" if open_ones else "nothing was open"
    )
    guarded = sum(bool(one.decision.guardrails) for one in results.alerts)
    found = [
        Figure(
            str(total), "findings" if total != 1 else "finding", f"in {results.outcome.accounts} accounts"
        ),
        Figure(str(counts["archive"]), "archived", share),
        Figure(str(counts["alert"]), "alerts", f"{guarded} held back by a guardrail"),
        Figure(str(counts["skip"]), "skipped", "deleted, archived or resolved before"),
    ]
    if results.unintended.total():
        missed = results.unintended["archive"]
        of = results.unintended["archive"] + results.unintended["alert"]
        found.append(
            Figure(f"{missed} of {of}", "unintended, archived", "the simulation knows; the handler does not")
        )
    return found


def promises(results: Results) -> list[Promise]:
    """The promises that this run shows to be kept."""
    happened = results.outcome.happened
    twice, previews = count(happened.repeated, "event"), count(happened.previews, "access preview")
    busy = happened.repeated - happened.repeated_idle
    second = f"{busy} did something" if busy else "none did anything"
    found = [
        Promise(name, says.format(_became(one)), one.id if one.decision.outcome == "alert" else "")
        for scene, name, says in _SCENES
        if (one := results.at(scene)) is not None
    ]
    if happened.collected:
        mailed, later = count(len(results.outcome.sent), "mail"), count(happened.collected, "alert")
        wait = "waits" if happened.collected == 1 else "wait"
        found.append(Promise("Not a flood", f"{mailed} went out at once; {later} {wait} to be sent together"))
    if happened.repeated:
        found.append(Promise("Delivered twice", f"{twice} came twice; {second} the second time"))
    if happened.previews:
        found.append(Promise("No findings", f"{previews} came as events and changed nothing"))
    if results.out_of_reach:
        where = count(len(results.outcome.story.unreachable), "account") + " without our role"
        lost = count(results.out_of_reach, "finding")
        says = f"{lost} in {where}: what is not known is never taken for harmless"
        found.append(Promise("Out of reach", says))
    return found


def calls(results: Results) -> list[tuple[str, int]]:
    """How often the handler called each AWS service, the most frequent first."""
    by_service: Counter[str] = Counter()
    for (service, _), times in results.outcome.happened.calls.items():
        by_service[service] += times
    return sorted(by_service.items(), key=lambda pair: (-pair[1], pair[0]))


def done(outcome: str, number: int) -> str:
    """Say how many had an outcome."""
    if outcome == "alert":
        return count(number, "alert")
    return f"{number} {'archived' if outcome == 'archive' else 'skipped'}"


def count(number: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _became(one: Decided) -> str:
    return {"alert": "an alert", "archive": "archived", "skip": "skipped"}[one.decision.outcome]
