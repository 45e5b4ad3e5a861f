"""Where a trained scorecard knows nothing: findings whose principal and account nobody has seen.

Such findings are not exchangeable with the past that the threshold was chosen on, so its guarantee does not
reach them. They go to a person, unless the card that the training started from archives them too.
"""

from collections.abc import Mapping

from scoring.decision.guardrails import Guardrail
from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from scoring.scorecard.scorecard import Scorecard

NAME = "never_seen"


def check(card: Scorecard, features: Mapping[str, str]) -> Guardrail | None:
    """Return the guardrail where nothing but what was learned from others speaks for archiving.

    Parameters
    ----------
    features : mapping
        At least `card.features`.
    """
    if not card.seen_in or was_seen(card, features):
        return None
    if card.prior is not None and archives(card.prior, features):
        return None
    what = " and this ".join(" × ".join(key).replace("_", " ") for key in card.seen_in)
    return Guardrail(
        NAME, f"this {what} were never seen in training, and the card before it does not archive"
    )


def was_seen(card: Scorecard, features: Mapping[str, str]) -> bool:
    """Return whether any of the tables of `seen_in` lists what a finding has there; unknown is never seen."""
    for table in card.tables:
        if table.key in card.seen_in:
            values = tuple(features[name] for name in table.key)
            if values in table.evidence and UNKNOWN not in values and NOT_APPLICABLE not in values:
                return True
    return False


def archives(card: Scorecard, features: Mapping[str, str]) -> bool:
    """Return whether a card's own score is below its own threshold."""
    return card.threshold is not None and card.score(features)[0] < card.threshold
