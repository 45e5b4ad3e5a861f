"""A moved threshold, as the notebook shows it."""

import numpy as np
import pandas as pd
import pytest

from scoring.files.errors import BadInput
from training.dataset.dataset import assemble
from training.notebook.explorer import Explorer, explore, readings_table
from training.notebook.widgets import ThresholdWidget
from training.threshold.threshold import choose_threshold


@pytest.fixture
def explorer() -> Explorer:
    rng = np.random.default_rng(7)
    scores = rng.integers(0, 1000, 3000)
    unintended = rng.random(3000) < (scores / 1000) ** 3
    names = np.array([f"finding-{number}" for number in range(3000)])
    findings = pd.DataFrame({"finding_id": names, "resource": "<b>bucket</b>", "verdict": "none"})
    fair = rng.random(3000) < 0.8
    return Explorer(findings, scores, unintended, fair, np.ones(3000), per_day=30.0, current=300)


def test_it_reads_what_the_guarantee_says(explorer: Explorer) -> None:
    fair = explorer.fair
    expected = choose_threshold(
        explorer.scores[fair], explorer.unintended[fair], 0.05, 0.05, in_time=explorer.scores
    )
    assert explorer.for_guarantee(0.05) == expected

    reading = explorer.at(expected.value)
    archived = explorer.scores < (expected.value or 0)
    assert reading.archived_share == pytest.approx(archived.mean())
    assert reading.miss_rate == pytest.approx(archived[fair & explorer.unintended].mean())
    assert reading.alerts == pytest.approx(30 * (1 - archived.mean()))


def test_findings_that_change_sides_are_those_between_the_thresholds(explorer: Explorer) -> None:
    changed = explorer.changes(320)
    between = (explorer.scores >= 300) & (explorer.scores < 320)

    assert set(changed["would be"]) == {"archived"}
    assert set(changed["finding_id"]) <= set(explorer.findings["finding_id"][between])
    assert len(changed) == min(50, between.sum())
    assert set(explorer.changes(280)["would be"]) == {"alerted on"}
    assert len(explorer.changes(300)) == 0


def test_unintended_findings_come_first(explorer: Explorer) -> None:
    unintended = set(explorer.findings["finding_id"][explorer.unintended])
    flags = [name in unintended for name in explorer.changes(600)["finding_id"]]
    assert any(flags)
    assert flags == sorted(flags, reverse=True)


def test_cost_and_budget_are_readings_of_the_same_curve(explorer: Explorer) -> None:
    table = readings_table(
        {
            "a miss costs nothing": explorer.for_cost(miss=0, alert=1),
            "an alert costs nothing": explorer.for_cost(miss=1, alert=0),
            "ten a day": explorer.for_budget(10),
        }
    )
    assert table["archived %"].tolist()[:2] == [100.0, 0.0]
    assert table.loc["ten a day", "alerts a day"] <= 10


def test_a_moved_slider_changes_numbers_picture_and_findings(explorer: Explorer) -> None:
    widget = ThresholdWidget(explorer, alpha=0.05)
    assert widget.chosen == explorer.for_guarantee(0.05).value
    before = (widget.numbers.value, widget.image.value, widget.findings.value)

    widget.threshold.value = 45.0
    after = (widget.numbers.value, widget.image.value, widget.findings.value)

    assert all(old != new for old, new in zip(before, after, strict=True))
    assert bytes(widget.image.value).startswith(b"\x89PNG")
    assert "above" in widget.numbers.value
    assert "&lt;b&gt;bucket" in widget.findings.value


def test_alpha_moves_the_threshold(explorer: Explorer) -> None:
    widget = ThresholdWidget(explorer, alpha=0.05)
    widget.alpha.value = 0.1
    assert widget.chosen == explorer.for_guarantee(0.1).value
    assert "within the guarantee" in widget.numbers.value


def test_without_findings_there_is_nothing_to_explore(explorer: Explorer) -> None:
    from scoring.policy import policy
    from scoring.scorecard import formats
    from training.dataset.rows import encode_cases

    dataset = assemble(encode_cases([], policy.load()).rows)
    with pytest.raises(BadInput, match="later than those"):
        explore(dataset, np.arange(0), formats.load())
