"""The plumbing of the benchmark of accuracy, on little data: the figures themselves are for `make bench`."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import OURS, Findings, best_differences, by_commands, features, measured
from benchmarks.columns import ACCESS, TAGS, access_records, read_all
from benchmarks.partners import partners
from scoring.findings.record import read_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ten access decisions and nothing else."""
    folder = tmp_path_factory.mktemp("data")
    names = ("refused", "resource", "mgr_id", *TAGS, "role_code")
    rows = [",".join(names), *(",".join(["01"[i % 3 == 0], *[str(i + 7)] * 9]) for i in range(10))]
    with gzip.open(folder / "access-decisions.csv.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    return folder


def test_what_is_not_there_is_named(folder: Path) -> None:
    found, missing = read_all(folder)
    assert [data.name for data in found] == [ACCESS]
    assert missing == ["claims (claims-2014.csv)", "adult (adult.csv.gz)", "flights (flights.csv.gz)"]


def test_access_decisions_become_records_of_the_mapping(folder: Path) -> None:
    (data,) = read_all(folder)[0]
    records = access_records(data)
    assert [record["label"]["verdict"] for record in records[:4]] == [
        "unintended",
        "expected",
        "expected",
        "unintended",
    ]
    detail, context = records[3]["finding"]["detail"], records[3]["context"]
    assert detail["resource"] == "arn:aws:s3:::res-10"
    assert detail["principal"] == {"AWS": "000000000010"}
    assert context["principal_account"]["in_org"] is True
    assert context["tags"]["Department"] == "10"
    X, y = features(records)
    assert y.tolist() == data.y.tolist()
    assert {"resource", "principal"} <= set(X)
    assert "role_code" not in str(records)


def test_folds_share_no_row(folder: Path) -> None:
    (data,) = read_all(folder)[0]
    tested = [set(data.split(None, fold)[1].tolist()) for fold in range(5)]
    assert set.union(*tested) == set(range(10))
    assert sum(map(len, tested)) == 10
    learnt, test = data.split(4, 0)
    assert len(learnt) == 4
    assert not set(learnt) & set(test)


def test_the_second_organization_is_read_and_has_partners_that_are_new() -> None:
    made = list(partners(400, seed=2))
    cases = [read_case(one.record) for one in made]
    assert all(case.label is not None for case in cases)
    times = [one.record["finding"]["time"] for one in made]
    assert times == sorted(times)
    accounts = [one.record["finding"]["detail"]["principal"]["AWS"] for one in made]
    assert set(accounts[300:]) - set(accounts[:300])
    said = [one.record["label"]["verdict"] == "unintended" for one in made]
    assert 0 < np.mean(np.array(said) != [one.unintended for one in made]) < 0.1


def test_the_commands_are_what_is_measured() -> None:
    made = list(partners(200, seed=3))
    truth = np.array([one.unintended for one in made[150:]], dtype=np.int64)
    records = [one.record for one in made]
    found = by_commands(Findings(records[:150], records[150:], truth, []))
    assert found["archived"] == 0, "so few labels give no threshold"
    assert "log loss" not in found, "without a calibration there is no probability"
    assert 0 < found["AUC"] <= 1


def test_measures() -> None:
    truth, sure = np.array([0, 0, 1, 1]), np.array([0.0, 0.0, 1.0, 1.0])
    found = measured(truth, sure, below=np.array([True, False, False, True]))
    assert (found["AUC"], found["archived"], found["missed"]) == (1.0, 0.5, 0.5)
    assert found["log loss"] < 1e-5
    assert found["archivable"] == 0.5


def test_differences_are_paired_and_against_the_best() -> None:
    runs = [
        {OURS: {"AUC": 0.9, "log loss": 0.3}, "LR": {"AUC": 0.8, "log loss": 0.2}, "EBM": {"AUC": 1.0}},
        {OURS: {"AUC": 0.7}, "LR": {"AUC": 0.5, "log loss": 0.2}, "EBM": {"AUC": 1.0}},
    ]
    ((metric, name, values),) = best_differences(runs)
    assert (metric, name) == ("AUC", "LR")
    assert values == pytest.approx([0.1, 0.2])


def test_a_model_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accuracy, "installed", lambda: ({}, ["CatBoost"]))
    monkeypatch.setattr("sys.argv", ["accuracy", "--only", "nothing"])
    accuracy.main()
    printed = capsys.readouterr().out
    assert "left out, since it is not there: CatBoost" in printed
    assert "real data (--data FOLDER)" in printed
    assert "cannot say" in printed


def test_a_model_that_breaks_is_named_and_has_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> np.ndarray:
        raise AttributeError("tostring")

    X, y = pd.DataFrame({"a": ["x", "y"]}), np.array([0, 1])
    assert accuracy._others({"FasterRisk": broken}, X, y, X, y) == {"FasterRisk": {}}
    assert "FasterRisk could not be run: AttributeError: tostring" in capsys.readouterr().out
