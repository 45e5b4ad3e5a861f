"""Precedent: how often things were seen, frozen in the card, and nothing that one can bring about alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoring.features.features import NAMES
from scoring.scorecard import formats
from tests.live_aws import Run
from tests.training.histories import PARTNER, STRANGER, Record, features_of, record, scores, trained, write
from training.estimator import precedent


def familiar(times: int) -> list[Record]:
    """A backlog in which an account of one's own is seen so often, and many others once."""
    known = [record(n, n % 50, in_org=True) for n in range(times)]
    others = [record(100 + n, n % 50, principal=f"{n:012d}", in_org=True) for n in range(1, 41)]
    return [*known, *others, record(999, 100, principal="000000000099", in_org=True)]


def test_without_verdicts_the_result_is_the_card_with_precedent(run: Run, tmp_path: Path) -> None:
    card, version = trained(run, familiar(40), tmp_path, "--labels", "none")
    ours = formats.load()
    assert (card.kind, card.threshold) == ("weighted", ours.threshold)
    known, new = record(1, 200, in_org=True), record(2, 200, principal=STRANGER, in_org=True)
    before, after = scores(ours, [known, new]), scores(card, [known, new])
    assert before[0] == before[1]
    assert after[0] < before[0]
    assert after[1] > before[1]
    texts = {part.feature: part.text for part in card.score(features_of(known))[1]}
    assert texts["principal"] == f"principal {PARTNER}: 40 findings, none reviewed"
    assert "chosen by hand, without a guarantee" in (version / "card.md").read_text()


def test_precedent_is_frozen(run: Run, tmp_path: Path) -> None:
    card, _ = trained(run, familiar(40), tmp_path, "--labels", "none")
    one = record(2, 200, principal=STRANGER)
    assert len(set(scores(card, [one] * 50))) == 1


@pytest.mark.parametrize("labels", ["all", "none"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"effect": "archive", "decision": {"outcome": "archive"}},
        {"finding": {"status": "ARCHIVED"}},
    ],
)
def test_nobody_becomes_familiar_by_sharing_a_lot_today(
    run: Run, tmp_path: Path, labels: str, more: dict[str, Any]
) -> None:
    burst = [record(2000 + n, 99 + n / 100, principal=STRANGER, **more) for n in range(60)]
    probe = record(3000, 200, principal=STRANGER)
    points = []
    for name, records in (("before", familiar(40)), ("after", [*familiar(40), *burst])):
        card, _ = trained(run, records, tmp_path / name, "--labels", labels)
        points.append(scores(card, [probe]))
    assert points[0] == points[1]


def test_what_was_found_unintended_makes_nobody_familiar(run: Run, tmp_path: Path) -> None:
    bad = [record(2000 + n, n / 10, principal=STRANGER, verdict="unintended") for n in range(60)]
    probe = record(3000, 200, principal=STRANGER)
    before, _ = trained(run, familiar(40), tmp_path / "a", "--labels", "none")
    after, _ = trained(run, [*familiar(40), *bad], tmp_path / "b", "--labels", "none")
    assert scores(after, [probe])[0] >= scores(before, [probe])[0]


def test_an_account_is_more_familiar_with_the_owner_it_was_seen_with(run: Run, tmp_path: Path) -> None:
    ours = [record(2000 + n, n % 50, tags={"Owner": "payments"}, in_org=True) for n in range(40)]
    card, _ = trained(run, [*familiar(40), *ours], tmp_path, "--labels", "none")
    known, other = (record(1, 200, tags={"Owner": owner}, in_org=True) for owner in ("payments", "people"))
    assert scores(card, [known])[0] < scores(card, [other])[0]


def test_anyone_is_nobody_one_knows(run: Run, tmp_path: Path) -> None:
    """However often something was open to anyone."""
    often = [record(2000 + n, n % 50, principal="*") for n in range(200)]
    card, _ = trained(run, [*familiar(40), *often], tmp_path, "--labels", "none")
    (table,) = (table for table in card.tables if table.key == ("principal",))
    assert table.look_up(("*",)) == table.default > table.look_up((PARTNER,))


def test_no_tag_makes_a_stranger_familiar(run: Run, tmp_path: Path) -> None:
    """Whoever shares a resource may set its tags, and would choose those that are familiar."""
    card, _ = trained(run, familiar(40), tmp_path, "--labels", "none")
    one = record(1, 200, principal=STRANGER, tags={"Environment": "dev"})
    plain = features_of(one)
    for name in NAMES:
        if name in ("environment", "data_class", "sharing_tag", "owner", "alias"):
            tagged = {**plain, name: "anything"}
            ours = formats.load()
            gained = card.score(plain)[0] - card.score(tagged)[0]
            assert gained == ours.score(plain)[0] - ours.score(tagged)[0]


@pytest.mark.parametrize("freedom", [0.3, 1.0, 3.0])
def test_where_nobody_is_concerned_what_is_usual_elsewhere_is_expected(freedom: float) -> None:
    """Unused access has no principal: it follows what precedent turns out to count, whatever that is."""
    usual = np.random.default_rng(0).dirichlet(np.ones(precedent.BUCKETS))
    mean, covariance = precedent.prior(-0.4, usual, freedom)
    seen, none = slice(precedent.BUCKETS), precedent.NONE
    follows = np.linalg.solve(covariance[seen, seen], covariance[seen, none])
    assert follows == pytest.approx(usual)
    assert mean[none] == pytest.approx(usual @ mean[seen])
    assert covariance[none, none] - follows @ covariance[seen, none] == pytest.approx(precedent.NONE_VARIANCE)


def test_each_doubling_of_a_count_is_expected_to_say_less_than_the_one_before() -> None:
    mean, covariance = precedent.prior(-0.4, np.full(precedent.BUCKETS, 1 / precedent.BUCKETS))
    at = dict(zip((0, *precedent.STEPS), range(precedent.BUCKETS), strict=True))
    doubled = [mean[at[2**i]] - mean[at[2 ** (i - 1)]] for i in range(1, 11)]
    assert mean[at[1]] == pytest.approx(-0.4)
    assert doubled == pytest.approx([-0.4 * precedent.DECAY**i for i in range(1, 11)])
    assert mean[at[2]] > mean[at[3]] > mean[at[4]]
    assert np.linalg.eigvalsh(covariance).min() > 0


# Explanations in terms of history.


def test_explanations_say_what_was_decided_before(run: Run, tmp_path: Path) -> None:
    seen = [record(n, n, verdict="expected") for n in range(41)]
    others = [record(100 + n, n, verdict="unintended", principal=STRANGER) for n in range(41)]
    _, version = trained(run, [*seen, *others], tmp_path, "--test-share", 0)
    result = run("explain", write(tmp_path / "one.jsonl", [record(900, 200)]), "--model", version)
    assert result.code == 0
    assert f"principal {PARTNER}: 41 findings, all expected" in " ".join(result.out.split())
