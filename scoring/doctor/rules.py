"""Native archive rules: those that may hide access."""

from collections.abc import Iterator

from scoring import watch
from scoring.doctor.result import Patient, Result, ok, problem
from scoring.errors import BadInput
from scoring.live.analyzers import look_up
from scoring.live.rules import Rules
from scoring.sanitize import visible


def check_rules(patient: Patient) -> Iterator[Result]:
    """Name the archive rules that are broad enough to hide access, as the suppression watch does."""
    clients = patient.aws.sessions
    for arn in patient.analyzer_arns:
        try:
            analyzer = look_up(arn, clients)
        except BadInput:  # told by the check of the analyzers
            continue
        rules = Rules(analyzer, clients).all()
        found = [watch.of_rule(arn, rule.name, rule.filter, analyzer.family) for rule in rules]
        broad = [suspicion for suspicion in found if suspicion is not None]
        for suspicion in broad:
            yield problem(
                visible(suspicion.headline, 300),
                f"see whether that was meant: triage rules list --analyzer-arn {arn}",
            )
        if not broad:
            yield ok(f"{len(rules)} archive rules of {analyzer.name}, none that may hide access")
