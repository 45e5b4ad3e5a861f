"""`triage explain` as people run it."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

import triage

EVENTS = Path(__file__).parents[1] / "events"
SAMPLES = sorted(path.stem for path in EVENTS.glob("*.json"))
BETWEEN = "\n" + "-" * 78 + "\n\n"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Explain = Callable[..., Result]


@pytest.fixture
def explain(capfd) -> Explain:
    def run(*arguments: object) -> Result:
        code = triage.main(["explain", *map(str, arguments)])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("format_", ["text", "html", "json"])
def test_every_sample_in_every_format(explain, name, format_):
    result = explain(EVENTS / f"{name}.json", "--format", format_)
    assert (result.code, result.err) == (0, "")
    assert result.out


def test_one_finding_is_explained_as_its_alert_is(explain):
    text = explain(EVENTS / "external-public-bucket.json").out
    assert text.startswith("ALERT")
    assert "arn:aws:s3:::marketing-site-assets" in text
    assert "0b5a5c1e-1111-4c4c-9a9a-000000000002" in text
    assert "\x1b" not in text


def test_many_are_explained_one_after_the_other(explain):
    result = explain(EVENTS / "cli-list-findings.json")
    parts = result.out.split(BETWEEN)
    assert [part.split(":")[0] for part in parts] == ["ALERT, LOW OR WORSE", "SKIP", "ALERT, CRITICAL"]


def test_an_id_chooses_one(explain):
    finding_id = "0b5a5c1e-4444-4c4c-9a9a-000000000003"
    result = explain(EVENTS / "cli-list-findings.json", "--id", finding_id)
    assert result.out == explain(EVENTS / "cli-list-findings.json").out.split(BETWEEN)[2]
    assert result.code == 0


def test_an_id_that_repeats_chooses_all_of_them(explain, tmp_path):
    value = (EVENTS / "internal.json").read_text()
    path = tmp_path / "twice.json"
    path.write_text(f"[{value}, {value}]")
    result = explain(path, "--id", "0b5a5c1e-2222-4c4c-9a9a-000000000001")
    assert len(result.out.split(BETWEEN)) == 2


@pytest.mark.parametrize("format_", ["text", "html", "json"])
def test_an_id_that_is_not_there_is_named(explain, format_):
    path = EVENTS / "cli-list-findings.json"
    result = explain(path, "--id", "no\x1bsuch", "--format", format_)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert str(path) in result.err
    assert "'no\\x1bsuch'" in result.err


def test_one_page_holds_all(explain):
    page = explain(EVENTS / "cli-list-findings.json", "--format", "html").out
    assert page.count("<!doctype html>") == page.count("</html>") == 1
    for number in (1, 2, 3):
        assert f"0b5a5c1e-4444-4c4c-9a9a-00000000000{number}" in page


def test_json_is_the_decision_with_the_facts(explain):
    [line] = explain(EVENTS / "external-public-bucket.json", "--format", "json").out.splitlines()
    explained = json.loads(line)
    points = [Decimal(str(part["points"])) for part in explained["contributions"]]
    assert Decimal(str(explained["base"])) + sum(points) == Decimal(str(explained["score"]))
    assert explained["outcome"] == "alert"
    assert explained["finding"]["principals"] == [["AWS", "*"]]
    assert explained["finding"]["actions"] == ["s3:GetObject"]
    assert explained["context"] == {}


def test_a_bad_record_is_named_and_the_others_are_explained(explain, tmp_path):
    path = tmp_path / "some.json"
    path.write_text(f"[{(EVENTS / 'internal.json').read_text()}, {{}}]")
    result = explain(path)
    assert result.code == 2
    assert result.err == f"{path}: record 2: id: expected a string that is not empty, got nothing\n"
    assert result.out.startswith("ALERT")


def test_a_threshold_and_a_policy(explain, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text("[guardrails]\nunknown_context = false\n")
    options = ("--policy", policy, "--threshold", "500")
    text = explain(EVENTS / "internal.json", *options).out
    assert text.startswith("ARCHIVE")
