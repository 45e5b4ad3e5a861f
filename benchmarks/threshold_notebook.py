"""A moved slider of the threshold notebook, on 100,000 decisions: from the new value to the new picture."""

from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from training.notebook.explorer import Explorer
from training.notebook.widgets import ThresholdWidget

FINDINGS, MOVES = 100_000, 25
TARGET = 200.0  # milliseconds


def explorer() -> Explorer:
    """Scores and verdicts drawn at random; what they are has no influence on the time."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 1200, FINDINGS)
    unintended = rng.random(FINDINGS) < (scores / 1200) ** 3 * 0.3
    names = [f"finding-{number}" for number in range(FINDINGS)]
    findings = pd.DataFrame({"finding_id": names, "resource": "arn:aws:s3:::bucket", "verdict": "none"})
    return Explorer(
        findings,
        scores,
        unintended,
        fair=rng.random(FINDINGS) < 0.6,
        weight=np.ones(FINDINGS),
        per_day=270.0,
        current=300,
    )


def main() -> None:
    """Move both sliders and print the median of each."""
    widget = ThresholdWidget(explorer())
    print(f"Threshold notebook, {FINDINGS:,} decisions, median of {MOVES} moves (target {TARGET:.0f} ms)")
    for name, values in (
        ("threshold", np.linspace(20, 70, MOVES).round(1)),
        ("alpha", np.linspace(0.01, 0.13, MOVES).round(3)),
    ):
        slider, taken = getattr(widget, name), []
        for value in values:
            begin = perf_counter()
            slider.value = float(value)
            taken.append(1000 * (perf_counter() - begin))
        print(f"  {name:<10} {median(taken):6.0f} ms   slowest {max(taken):6.0f} ms")


if __name__ == "__main__":
    main()
