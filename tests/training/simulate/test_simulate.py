"""The simulator's truth: rates, calibration, how well it can be ranked, precedent, noise, drift."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from sklearn.metrics import roc_auc_score

from scoring.features.exposure import Exposure
from scoring.features.features import features_of
from scoring.findings import record as records
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.policy import policy
from scoring.scorecard import formats
from training.simulate import Organization, SimulatedRecord, simulate

BACKLOG = 5000


def text_of(stream: Sequence[SimulatedRecord]) -> str:
    return "\n".join(json.dumps(one._asdict()) for one in stream)


@pytest.fixture(scope="module")
def stream() -> list[SimulatedRecord]:
    return list(simulate(20_000, seed=1, drift=0, labelled=0.6, backlog=BACKLOG, noise=0.05))


@pytest.fixture(scope="module")
def features(stream: list[SimulatedRecord]) -> list[dict[str, str]]:
    organization = Organization.build(1)
    contracted = policy.Allow(accounts=dict(organization.contracted))
    ours = msgspec.structs.replace(policy.load(), organization_id=organization.id, allow=contracted)
    return [features_of(Exposure(*read(one.record), ours)) for one in stream]


def read(record: dict[str, Any]) -> tuple[Finding, Context]:
    case = records.read_case(record)
    assert isinstance(case.finding, Finding)
    return case.finding, case.context


def auc(stream: Sequence[SimulatedRecord], scores: Sequence[float]) -> float:
    return float(roc_auc_score([one.verdict == "unintended" for one in stream], scores))


def test_the_same_arguments_give_the_same_bytes():
    kept = text_of(list(simulate(300, seed=5, hostile=True, shape="mixed")))
    assert text_of(list(simulate(300, seed=5, hostile=True, shape="mixed"))) == kept
    assert text_of(list(simulate(300, seed=6, hostile=True, shape="mixed"))) != kept


def test_bytes_depend_neither_on_the_hash_seed_nor_on_the_python():
    program = (
        "import hashlib, json; from training.simulate import simulate;"
        "print(hashlib.sha256(''.join(json.dumps(one.record) for one in simulate(500, seed=7))"
        ".encode()).hexdigest())"
    )
    here = "".join(json.dumps(one.record) for one in simulate(500, seed=7))
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {hashlib.sha256(here.encode()).hexdigest().encode()}
    # Known from the Python this was written with; another one must give the same.
    assert digests == {b"3ea082a79352655579ad7c6a85d882bb1f5a434d67de7910f8da699558dd1cc8"}


def test_streams_may_share_an_organization():
    organization = Organization.build(2, accounts=10, resources=80)
    one, other = (list(simulate(200, seed=seed, organization=organization)) for seed in (1, 2))
    arns = {resource.arn for resource in organization.resources}
    assert {record.record["finding"]["detail"]["resource"] for record in one + other} <= arns
    assert text_of(one) != text_of(other)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_the_smallest_organization_has_findings_too(seed, drift):
    organization = Organization.build(seed, accounts=8, resources=40)
    assert len(list(simulate(50, seed=seed, organization=organization, drift=drift))) == 50


def test_the_base_rate_is_as_asked():
    for rate in (0.06, 0.15):
        stream = list(simulate(8000, seed=3, rate=rate, drift=0))
        assert sum(one.probability for one in stream) / len(stream) == pytest.approx(rate, abs=0.01)


def test_probabilities_are_calibrated(stream):
    ordered = sorted(stream, key=lambda one: one.probability)
    for start in range(0, len(ordered), 2000):
        part = ordered[start : start + 2000]
        expected = sum(one.probability for one in part) / len(part)
        seen = sum(one.verdict == "unintended" for one in part) / len(part)
        assert seen == pytest.approx(expected, abs=4 * (expected * (1 - expected) / len(part)) ** 0.5 + 0.001)


def test_how_well_the_truth_can_rank(stream):
    assert 0.92 <= auc(stream, [one.probability for one in stream]) <= 0.955


def test_how_well_the_card_and_precedent_rank(stream, features):
    card = formats.load()
    scores = [card.score(values)[0] / 10 for values in features]
    counts = Counter(values["principal"] + values["owner"] for values in features[:BACKLOG])
    familiar = [min(3, counts[values["principal"] + values["owner"]].bit_length()) for values in features]
    with_precedent = [score - 9 * times for score, times in zip(scores, familiar, strict=True)]
    later = slice(BACKLOG, None)
    alone = auc(stream[later], scores[later])
    assert 0.79 <= alone <= 0.88
    granting = [n for n in range(BACKLOG, len(stream)) if features[n]["principal"] != "not applicable"]
    shared = [stream[n] for n in granting]
    gain = auc(shared, [with_precedent[n] for n in granting]) - auc(shared, [scores[n] for n in granting])
    assert gain >= 0.03


def test_a_principal_that_an_owner_shared_with_before_is_usually_expected(stream, features):
    counts = Counter(values["principal"] + values["owner"] for values in features[:BACKLOG])
    rates = {}
    for name, low, high in (("never", 0, 0), ("at times", 1, 3), ("often", 8, 10**9)):
        verdicts = [
            one.verdict == "unintended"
            for one, values in zip(stream[BACKLOG:], features[BACKLOG:], strict=True)
            if values["principal"] != "not applicable"
            and low <= counts[values["principal"] + values["owner"]] <= high
        ]
        assert len(verdicts) > 300
        rates[name] = sum(verdicts) / len(verdicts)
    assert rates["never"] > 2 * rates["at times"]
    assert rates["at times"] > 1.5 * rates["often"]


def test_labels(stream):
    labelled = [one for one in stream if "label" in one.record]
    assert not any("label" in one.record for one in stream[:BACKLOG])
    assert len(labelled) / (len(stream) - BACKLOG) == pytest.approx(0.6, abs=0.02)
    wrong = sum(one.record["label"]["verdict"] != one.verdict for one in labelled)
    assert wrong / len(labelled) == pytest.approx(0.05, abs=0.008)
    for one in labelled:
        label = one.record["label"]
        sent = datetime.fromisoformat(one.record["finding"]["time"])
        assert datetime.fromisoformat(label["at"]) > sent
        assert (label["source"] != "resolved") or label["verdict"] == "unintended"
    assert len({one.record["label"]["by"] for one in labelled}) > 1


def test_everything_is_labelled_rightly_when_asked():
    stream = list(simulate(500, seed=2, labelled=1.0, noise=0.0))
    assert all(one.record["label"]["verdict"] == one.verdict for one in stream)


def test_records_come_in_the_order_of_time_and_within_the_days_asked():
    stream = list(simulate(1000, seed=2, start="2026-03-01T00:00:00Z", days=10))
    sent = [datetime.fromisoformat(one.record["finding"]["time"]) for one in stream]
    assert all(earlier <= later for earlier, later in pairwise(sent))
    assert sent[0] >= datetime.fromisoformat("2026-03-01T00:00:00Z")
    assert sent[-1] <= datetime.fromisoformat("2026-03-11T00:00:00Z")


def principals_of(stream: Sequence[SimulatedRecord]) -> set[str]:
    found = (one.record.get("context", {}).get("principal_account") for one in stream)
    return {account["vendor"] for account in found if account and "vendor" in account}


def test_drift_brings_new_vendors_accounts_and_a_higher_rate():
    organization = Organization.build(4)
    still, moving = (
        list(simulate(12_000, seed=4, organization=organization, drift=drift)) for drift in (0.0, 1.0)
    )
    first, last = moving[:4000], moving[-4000:]
    assert principals_of(first) < principals_of(moving)
    assert principals_of(still[:4000]) == principals_of(still)
    accounts = [{one.record["finding"]["detail"]["accountId"] for one in part} for part in (first, last)]
    assert accounts[1] - accounts[0]
    mean = [sum(one.probability for one in part) / len(part) for part in (first, last)]
    assert mean[1] > mean[0]


@pytest.mark.parametrize(
    "wrong", [{"noise": 1.5}, {"labelled": -0.1}, {"shape": "csv"}, {"rate": 2.0}, {"drift": -1}]
)
def test_what_cannot_be_simulated_says_so(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        simulate(1, **wrong)
