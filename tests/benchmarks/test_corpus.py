"""The corpus of public findings is right, case by case; a corpus that is wrong itself is one clear line."""

import json
from pathlib import Path
from typing import Any

import pytest

import triage
from benchmarks.corpus import CORPUS, Entry, Judged, faults, judge, load, main
from scoring.decision.settings import load_settings
from scoring.files.errors import BadInput

ENTRIES = load()
POLICY = str(CORPUS / "policy.toml")


@pytest.fixture(scope="module")
def judged() -> dict[str, Judged]:
    return {one.entry.name: one for one in judge(ENTRIES, load_settings(None, POLICY))}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_is_right(entry: Entry, judged: dict[str, Judged]) -> None:
    scores = {name: one.decision.score for name, one in judged.items()}
    assert faults(judged[entry.name], scores) == [], entry.why


def test_the_command_decides_the_same(judged: dict[str, Judged], tmp_path: Path, capfd: Any) -> None:
    records = tmp_path / "records.jsonl"
    records.write_text("".join(json.dumps(entry.record) + "\n" for entry in ENTRIES))
    assert triage.main(["score", str(records), "--policy", POLICY, "--format", "jsonl"]) == 0
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(one["outcome"], one["score"]) for one in said] == [
        (judged[entry.name].decision.outcome, judged[entry.name].decision.score) for entry in ENTRIES
    ]


def test_every_case_is_of_a_kind_and_names_where_it_stands() -> None:
    assert len(ENTRIES) >= 57
    assert len({entry.record["finding"]["resourceType"] for entry in ENTRIES}) >= 12


class TestWrong:
    """A fault is found, so that the tests above can fail."""

    @pytest.mark.parametrize(
        ("expect", "said"),
        [
            ({"outcome": "alert"}, "archive, not alert"),
            ({"outcome": "any", "says": ["zebra"]}, "does not say 'zebra'"),
            ({"outcome": "any", "never_says": ["s3.amazonaws.com"]}, "says 's3.amazonaws.com'"),
            ({"outcome": "any", "at_least": "secret-for-stranger"}, "is below the"),
        ],
    )
    def test_a_case(self, expect: dict[str, Any], said: str, tmp_path: Path, capsys: Any) -> None:
        lines = (CORPUS / "findings.jsonl").read_text().splitlines()
        first = json.loads(lines[0]) | {"expect": expect}
        path = tmp_path / "corpus.jsonl"
        path.write_text("\n".join([json.dumps(first), *lines[1:]]))
        assert self.run(path) == 1
        assert said in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"expect": {"outcome": "ignore"}}, "line 2: expect.outcome: expected archive, alert or any"),
            ({"expect": {"outcme": "alert"}}, "did you mean 'outcome'?"),
            (
                {"expect": {"outcome": "any", "at_least": "nobody"}},
                "line 2: expect.at_least: expected the name",
            ),
            ({"name": "sns-from-own-bucket-account"}, "line 2: name: the case is listed already"),
            ({"source": "a blog"}, "line 2: source: expected the address of a page, got 'a blog'"),
            ({"record": {"finding": {}}}, "line 2: record: finding.id: expected a string that is not empty"),
            ({"record": {"findings": []}}, "line 2: record: expected one finding, got 0"),
            ({"why": 5}, "line 2: why: expected str, got int"),
        ],
    )
    def test_the_corpus(self, changes: dict[str, Any], said: str, tmp_path: Path, capsys: Any) -> None:
        lines = (CORPUS / "findings.jsonl").read_text().splitlines()
        second = json.loads(lines[1]) | {"name": "another"} | changes
        path = tmp_path / "corpus.jsonl"
        path.write_text("\n".join([lines[0], json.dumps(second)]))
        assert self.run(path) == 2
        error = capsys.readouterr().err
        assert error.startswith(str(path)), error
        assert said in error
        assert error.count("\n") == 1

    def test_a_line_that_is_no_json(self, tmp_path: Path) -> None:
        path = tmp_path / "corpus.jsonl"
        path.write_text('{"name": \n')
        with pytest.raises(BadInput, match="line 1"):
            load(path)

    def run(self, path: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["corpus", str(path)])
            with pytest.raises(SystemExit) as end:
                main()
        return end.value.code
