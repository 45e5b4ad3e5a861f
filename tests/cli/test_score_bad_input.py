"""Bad input of every kind: a line each, exit code 2, no traceback, no archive, and the others are scored."""

import json

import pytest

import triage
from scoring.policy.policy import DEFAULT as DEFAULT_POLICY
from scoring.scorecard import formats
from tests.score_runs import EVENTS, Score, event, runner


@pytest.fixture
def score(capfd) -> Score:
    return runner(capfd)


GOOD = json.dumps(event()).encode()
KEY = b'"accountId": '
assert KEY in GOOD


class TestOneBadRecordAmongOthers:
    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (GOOD[:200], "cut off inside a string"),
            (GOOD[:-1], "cut off"),
            (GOOD.replace(KEY, KEY + b"NaN, " + KEY), "NaN"),
            (GOOD.replace(KEY, KEY + b"1, " + KEY), "accountId"),
            (GOOD.replace(b"kms:Decrypt", b"kms:\xff\xfe"), "UTF-8"),
            (GOOD.replace(b"kms:Decrypt", b"kms:\\u0000"), "NUL"),
            (GOOD.replace(b"kms:Decrypt", b"kms:\x00"), "control character"),
            (GOOD.replace(b"kms:Decrypt", b"kms:\\ud800"), "surrogate"),
            (GOOD.replace(b'"kms:Decrypt"', b"[" * 5000 + b"]" * 5000), "nested"),
            (b'{"a":' * 100_000, "nested"),
            (GOOD.replace(b'"kms:Decrypt"', b"9" * 5000), "number"),
            (GOOD.replace(b'"kms:Decrypt"', b"1e999"), "finite"),
            (GOOD + b"}", "expected"),
            (b"{}", "id: expected a string that is not empty, got nothing"),
            (b"5", "expected a finding, an event or a record, got 5"),
            (b"null", "expected a finding, an event or a record, got nothing"),
            (b'"ACTIVE"', "expected a finding"),
            (b"[[]]", "expected a finding"),
            (b"id,resource", "not valid JSON"),
            (b"\x00\x00\x00", "not valid JSON"),
            (
                GOOD.replace(b"aws.access-analyzer", b"aws.ec2"),
                "source: expected an event of aws.access-analyzer",
            ),
            (
                json.dumps({"Id": "x", "ProductArn": "arn:aws:securityhub:::product/aws/macie"}).encode(),
                "ProductArn",
            ),
            (
                json.dumps(
                    {"detail-type": "Security Hub Insight Results", "source": "aws.securityhub", "detail": {}}
                ).encode(),
                "detail.findings",
            ),
        ],
    )
    def test_it_is_one_line_and_the_others_are_scored(self, score, tmp_path, bad, expected):
        path = tmp_path / "findings.jsonl"
        path.write_bytes(GOOD + b"\n" + bad + b"\n" + GOOD + b"\n")
        result = score(path)
        assert result.code == 2
        assert result.outcomes == ["alert", "alert"]
        [fault] = result.faults
        assert fault.startswith(f"{path}: ")
        assert "line 2" in fault
        assert expected in fault
        assert len(fault) < 400

    def test_strict_stops_there(self, score, tmp_path):
        path = tmp_path / "findings.jsonl"
        path.write_bytes(GOOD + b"\n{}\n" + GOOD + b"\n{}\n")
        result = score(path, "--strict")
        assert (result.code, result.outcomes, len(result.faults)) == (2, ["alert"], 1)

    def test_strict_says_nothing_where_nothing_is_wrong(self, score):
        assert score(EVENTS / "internal.json", "--strict").code == 0


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "there is nothing"),
            (b"\n  \n", "there is nothing"),
            (GOOD[:-2], "cut off"),
            (GOOD[:200], "cut off inside a string"),
            (b"[" + GOOD, "cut off"),
            (b"[" + GOOD + b",]", "comma"),
            (GOOD.decode().encode("utf-16"), "UTF-16"),
            (b"PAR1\x15\x04\x15" + bytes(range(256)), "expected JSON, got Parquet"),
            (b"\x1f\x8b\x08\x00garbage", "gzip"),
        ],
    )
    def test_a_file_that_is_not_whole(self, score, tmp_path, content, expected):
        path = tmp_path / "findings.json"
        path.write_bytes(content)
        result = score(path)
        assert result.code == 2
        [fault] = result.faults
        assert fault.startswith(f"{path}: ")
        assert expected in fault
        assert "archive" not in result.out

    def test_a_directory(self, score, tmp_path):
        told = f"triage score: {tmp_path}: expected a file, got a directory\n"
        assert score(tmp_path) == (2, "", told)

    def test_a_missing_file_with_a_hostile_name(self, score, tmp_path):
        result = score(tmp_path / "no\n\x1b[2Jfile")
        assert result.code == 2
        assert "No such file" in result.faults[0]

    @pytest.mark.parametrize("format_", ["table", "csv", "json"])
    def test_a_missing_file_leaves_what_was_written_before(self, tmp_path, capfd, format_):
        kept = tmp_path / "decisions"
        kept.write_text("of yesterday")
        for output in ([], ["--output", str(kept)]):
            assert triage.main(["score", str(tmp_path / "none"), "--format", format_, *output]) == 2
            assert capfd.readouterr().out == ""
        assert kept.read_text() == "of yesterday"


class TestSettings:
    def failed(self, score: Score, *options: object) -> str:
        result = score(EVENTS / "internal.json", *options)
        assert (result.code, result.out) == (2, "")
        [fault] = result.faults
        return fault

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"schema": 99}, "schema"),
            ({"schema": "1"}, "schema"),
            ({"schema": True}, "schema"),
            ({"unit": "stones"}, "unit"),
            ({"base": 1.5}, "base"),
            ({"base": float("nan")}, "NaN"),
            ({"threshold": "25"}, "threshold"),
            ({"feature_version": 0}, "feature_version"),
            ({"tresholds": 25}, "tresholds"),
            ({"table": [{"key": ["environmnet"], "points": {}}]}, "environmnet"),
            ({"table": [{"key": [], "points": {}}]}, "table[0].key"),
            ({"table": {}}, "table"),
            ({"risk": [[0, 2.0]]}, "risk"),
            ({"risk": [[0, float("nan")]]}, "NaN"),
        ],
    )
    def test_a_model_that_makes_no_sense(self, score, tmp_path, change, expected):
        card = json.loads(formats.to_json(formats.load())) | change
        path = tmp_path / "scorecard.json"
        path.write_text(json.dumps(card))
        fault = self.failed(score, "--model", path)
        assert str(path) in fault
        assert expected in fault

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null", b'{"schema": 1}']
    )
    def test_a_model_that_is_none(self, score, tmp_path, content):
        path = tmp_path / "scorecard.json"
        path.write_bytes(content)
        assert str(path) in self.failed(score, "--model", path)

    @pytest.mark.parametrize("current", ["../other", "", "a/b", "gone", "\x00", "x" * 5000])
    def test_a_registry_whose_current_version_is_none(self, score, tmp_path, current):
        (tmp_path / "current").write_text(current)
        assert str(tmp_path) in self.failed(score, "--model", tmp_path)

    def test_a_registry_whose_current_version_is_not_text(self, score, tmp_path):
        (tmp_path / "current").write_bytes(b"\xff\xfe")
        assert str(tmp_path) in self.failed(score, "--model", tmp_path)

    @pytest.mark.parametrize("path", ["gone.json", "."])
    def test_a_model_that_is_not_there(self, score, tmp_path, path):
        assert str(tmp_path) in self.failed(score, "--model", tmp_path / path)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ("treshold = 5", "treshold"),
            ("[guardrails]\npubic = false", "did you mean 'public'"),
            ("[[expected]]\nname = 'x'\nresorce = ['a']", "resorce"),
            ("mode = 'off'", "mode"),
            ("mode = ", "TOML"),
            ("[threshold]\nvalue = nan\nmodel_sha256 = '0'", "threshold"),
            ("vendors_file = 'gone.yaml'", "gone.yaml"),
            ('vendors_file = "\\u0000"', "cannot be read"),
            ("vendors_file = '.'", "cannot be read"),
            ("organization_id = 5", "organization_id"),
            ("\x00", "TOML"),
        ],
    )
    def test_a_policy_that_makes_no_sense(self, score, tmp_path, content, expected):
        path = tmp_path / "policy.toml"
        path.write_text(content)
        fault = self.failed(score, "--policy", path)
        assert str(tmp_path) in fault
        assert expected in fault

    @pytest.mark.parametrize("path", ["gone.toml", "."])
    def test_a_policy_that_is_not_there(self, score, tmp_path, path):
        assert str(tmp_path) in self.failed(score, "--policy", tmp_path / path)

    def test_the_built_in_policy_may_be_named(self, score):
        assert score(EVENTS / "internal.json", "--policy", DEFAULT_POLICY).code == 0

    @pytest.mark.parametrize("threshold", ["nan", "inf", "-inf", "25.55", "", "many", "1e9", "200000"])
    def test_a_threshold_that_is_none(self, score, threshold):
        assert "--threshold" in self.failed(score, "--threshold", threshold)
