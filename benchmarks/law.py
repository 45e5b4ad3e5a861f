"""The law of order and the attacker, with the built-in card and three trained ones, through `decide` itself.

The law: of 24,000 pairs of grants of which one contains the other, how many turn round (a lower score, or an
archive where the narrower grant alerts). For trained cards what they know of single identities is left out:
who exactly it is, or whose, is no matter of order. The attacker: of all dangerous findings, with each lever
and with all at once, how many are archived. The command exits 1 where either is more than 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from benchmarks.history import simulated
from scoring.decision.decide import decide
from scoring.features.features import BY_NAME
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.scoring import attacker, grants
from training.train import unfitted

PAIRS, LABELS, BACKLOG = 24_000, 2_000, 500
SEEDS = (11, 12, 13)
ALERTS_FROM = 300
POLICY = msgspec.structs.replace(policies.load(), organization_id="o-a1b2c3d4e5")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many pairs (default: %(default)s)")
    count = parser.parse_args().pairs
    cards = {"built in": formats.load(), **dict(_trained())}
    broken, pairs = _law(cards, count)
    archived, dangerous = _attack(cards)
    table = Table(title=f"{pairs:,} pairs of grants")
    for heading in (
        "card",
        "pairs that turn round",
        "dangerous findings",
        "archived by what the sharer sets",
    ):
        table.add_column(heading, justify="left" if heading == "card" else "right")
    for name in cards:
        table.add_row(name, str(len(broken[name])), f"{dangerous[name]:,}", str(len(archived[name])))
    console = Console()
    console.print(table)
    found = [f"{name}: {what}" for name in cards for what in (*broken[name][:3], *archived[name][:3])]
    for line in found:
        console.print(line, markup=False)
    sys.exit(1 if found else 0)


def _trained() -> Iterator[tuple[str, Scorecard]]:
    """Fit cards on histories of three organizations, upon the built-in card."""
    for seed in SEEDS:
        world = simulated(BACKLOG, LABELS, 1, seed=seed)
        rows, verdicts = world.X.iloc[world.labelled], world.label[world.labelled]
        model = unfitted(None, jobs=2).fit(rows, verdicts, backlog=world.X.iloc[world.backlog])
        prior = formats.load()
        yield (
            f"trained, organization {seed}",
            Scorecard(
                name="trained",
                version=str(seed),
                kind="trained",
                base=model.base_,
                threshold=None,
                tag_limit=prior.tag_limit,
                tables=tuple(table for table in model.tables_ if not _names_somebody(table.key)),
            ),
        )


def _names_somebody(key: tuple[str, ...]) -> bool:
    return any(name in BY_NAME and BY_NAME[name].names for name in key)


def _law(cards: dict[str, Scorecard], count: int) -> tuple[dict[str, list[str]], int]:
    broken: dict[str, list[str]] = {name: [] for name in cards}
    pairs = 0

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(grants.pairs(), grants.policies, st.sampled_from(grants.THRESHOLDS))
    def each(pair: grants.Pair, policy: Policy, threshold: int) -> None:
        nonlocal pairs
        pairs += 1
        for name, card in cards.items():
            said = grants.violation(pair, card, policy, threshold)
            if said is not None:
                broken[name].append(said)

    each()
    return broken, pairs


def _attack(cards: dict[str, Scorecard]) -> tuple[dict[str, list[str]], dict[str, int]]:
    archived: dict[str, list[str]] = {name: [] for name in cards}
    dangerous = dict.fromkeys(cards, 0)
    for attack in attacker.attacks():
        for name, card in cards.items():
            threshold = card.threshold or ALERTS_FROM
            if decide(*attack.plain, card, POLICY, threshold).outcome == "alert":
                dangerous[name] += 1
                decision = decide(*attack.dressed, card, POLICY, threshold)
                if decision.outcome == "archive":
                    archived[name].append(f"{attack.name}: {decision.reason}")
    return archived, dangerous


if __name__ == "__main__":
    main()
