"""OCSF and SARIF, as others read them: checked against schemas that we did not write, and read again."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

import triage

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "tests" / "records").glob("*.jsonl"))[:3] + sorted(
    (ROOT / "tests" / "events").rglob("*.json")
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.6.0"))
    found: dict[str, Any] = embedded.get_class_schema("iam_analysis_finding", ["cloud"])
    return found


def score(capsys: pytest.CaptureFixture[str], path: Path, form: str) -> str:
    triage.main(["score", str(path), "--format", form])
    return capsys.readouterr().out


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_ocsf_is_ocsf_and_loses_nothing_that_decides(
    path: Path, schema: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = score(capsys, path, "ocsf")
    validator = jsonschema.validators.validator_for(schema)(schema)
    faults = [
        str(one.message)[:200]
        for line in written.splitlines()
        for one in validator.iter_errors(json.loads(line))
    ]
    assert faults == []
    again = tmp_path / "ocsf.jsonl"
    again.write_text(written)
    assert score(capsys, again, "jsonl") == score(capsys, path, "jsonl")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sarif_is_sarif(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = json.loads(score(capsys, path, "sarif"))
    Sarif.model_validate(log)
    assert len(log["runs"][0]["results"]) == len(score(capsys, path, "jsonl").splitlines())


def test_another_products_record_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = json.loads(score(capsys, SAMPLES[-1], "ocsf").splitlines()[0])
    event["metadata"]["product"] = {"name": "Another", "vendor_name": "Another"}
    path = tmp_path / "other.json"
    path.write_text(json.dumps(event))
    assert triage.main(["score", str(path)]) == 2
