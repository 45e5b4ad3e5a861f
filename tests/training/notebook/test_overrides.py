"""A threshold chosen by hand goes where it is taken from, and belongs to one model."""

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from scoring.files.errors import BadInput
from scoring.policy import policy
from scoring.scorecard import formats
from training.notebook.overrides import save_to_parameter, save_to_policy
from training.notebook.what_if import changed_decisions, with_points


def test_a_policy_keeps_its_comments(tmp_path: Path) -> None:
    card = formats.load()
    path = tmp_path / "policy.toml"
    path.write_text('# ours\nmode = "shadow"  # for now\n\n[allow]\nvendors = [] # none\n')
    save_to_policy(path, 255, card)

    text = path.read_text()
    assert "# ours" in text
    assert "# for now" in text
    assert policy.load(path).threshold_for(card.sha256, 300) == 255
    assert policy.load(path).threshold_for("0" * 64, 300) is None

    save_to_policy(path, 260, card)
    assert policy.load(path).threshold_for(card.sha256, 300) == 260


def test_what_is_no_policy_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('moode = "shadow"\n')
    with pytest.raises(BadInput, match="mode"):
        save_to_policy(path, 255, formats.load())
    assert path.read_text() == 'moode = "shadow"\n'


@mock_aws
def test_a_parameter_names_its_model() -> None:
    card, client = formats.load(), boto3.client("ssm")
    name = save_to_parameter(client, "/access-triage/", 255, card)

    assert name == "/access-triage/threshold"
    value = json.loads(client.get_parameter(Name=name)["Parameter"]["Value"])
    assert value == {"value": 25.5, "model_sha256": card.sha256}


def test_other_points_make_another_card() -> None:
    card = formats.load()
    edited = with_points(card, ("trust",), {("stranger",): 90.0})
    table = next(table for table in edited.tables if table.key == ("trust",))

    assert table.points[("stranger",)] == 900 <= table.unknown
    assert edited.sha256 != card.sha256
    assert formats.from_json(formats.to_json(edited)).sha256 == edited.sha256


@pytest.mark.parametrize(
    ("key", "values", "complaint"),
    [
        (("trst",), ("stranger",), "did you mean 'trust'"),
        (("trust",), ("a", "b"), "expected 1 values"),
    ],
)
def test_points_for_what_is_not_there_are_refused(
    key: tuple[str, ...], values: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        with_points(formats.load(), key, {values: 1.0})


def test_changed_decisions_are_those_whose_outcome_differs() -> None:
    import pandas as pd

    before = pd.DataFrame(
        {"finding_id": ["a", "b"], "resource": "r", "verdict": "none", "outcome": "alert", "score": 50.0}
    )
    after = before.assign(outcome=["archive", "alert"], score=[20.0, 45.0])
    changed = changed_decisions(before, after)

    assert changed["finding_id"].tolist() == ["a"]
    assert changed[["before", "after"]].to_numpy().tolist() == [["alert", "archive"]]
