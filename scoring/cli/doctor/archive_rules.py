"""Native archive rules: those that may hide access."""

from collections.abc import Iterator

from scoring.aws.archive_rules import Rules
from scoring.cli.doctor.result import CheckResult, Target, ok, problem
from scoring.explanation.safe_text import visible
from scoring.files.errors import BadInput
from scoring.pipeline.suppression import suspicions


def check_rules(target: Target) -> Iterator[CheckResult]:
    """Name the archive rules that are broad enough to hide access, as the suppression watch does."""
    for arn in target.analyzer_arns:
        try:
            analyzer = target.analyzers.look_up(arn)
        except BadInput:  # told by the check of the analyzers
            continue
        rules = Rules(analyzer, target.analyzers).all()
        found = [suspicions.of_rule(arn, rule.name, rule.filter, analyzer.family) for rule in rules]
        broad = [suspicion for suspicion in found if suspicion is not None]
        for suspicion in broad:
            yield problem(
                visible(suspicion.headline, 300),
                f"see whether that was meant: triage rules list --analyzer-arn {arn}",
            )
        if not broad:
            yield ok(f"{len(rules)} archive rules of {analyzer.name}, none that may hide access")
