"""The loop without a Lambda, over HTTP: scan, verdicts from a file, history, training, and scan again."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from embedded import EmbeddedAws
from tests.live_aws import make_key, share_key

ROOT = Path(__file__).parents[1]


class Shell:
    """Runs the command as a person would, in a process of its own that reaches AWS over HTTP."""

    def __init__(self, aws: EmbeddedAws, address: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, **aws.credentials(), "AWS_ENDPOINT_URL": address}

    def __call__(self, *arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "triage.py"), *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def decisions(text: str) -> dict[str, dict[str, Any]]:
    return {said["finding_id"]: said for said in map(json.loads, text.splitlines())}


def points(decision: dict[str, Any], value: str) -> float:
    """The points of a decision's contributions that rest on a value."""
    return float(sum(part["points"] for part in decision["contributions"] if part["value"] == value))


def exact(decision: dict[str, Any]) -> float:
    """Base and contributions added up in tenths."""
    parts = [decision["base"], *(part["points"] for part in decision["contributions"])]
    return float(sum(round(10 * part) for part in parts) / 10)


def test_scores_move_for_a_named_reason(tmp_path: Path) -> None:
    with EmbeddedAws() as aws:
        # Each key and each principal is there once: only the environment tells them apart.
        stage_of = {
            share_key(aws, make_key(aws, {"Environment": stage}), f"{22220000 + number:012}").id: stage
            for number, stage in enumerate(("development", "production") * 40)
        }
        arn = aws.findings.analyzer_for("external")
        with aws.serve() as address:
            triage = Shell(aws, address, tmp_path)
            scan = ("scan", "--analyzer-arn", arn, "--log", "log.sqlite", "--format", "jsonl")
            first = decisions(triage(*scan))
            assert first.keys() == stage_of.keys()

            triage("review", "--log", "log.sqlite", "--export", "v.csv")
            with (tmp_path / "v.csv").open(newline="") as lines:
                rows = list(csv.DictReader(lines))
            assert {row["finding_id"] for row in rows} == {
                one for one, said in first.items() if said["outcome"] == "alert"
            }
            for row in rows:
                is_expected = stage_of[row["finding_id"]] == "development"
                row.update(verdict="Expected" if is_expected else "UNINTENDED", by="ada")
            with (tmp_path / "v.csv").open("w", newline="") as out:
                writer = csv.DictWriter(out, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            said = triage("review", "--log", "log.sqlite", "--import", "v.csv")
            assert f"{len(rows)} verdicts to give" in said
            assert triage("review", "--log", "log.sqlite", "--list") == "0 open alerts\n"

            triage("history", "pull", "--log", "log.sqlite", "--out", "h.jsonl")
            assert "promoted" in triage("train", "h.jsonl", "--out", "models", "--jobs", "1")
            second = decisions(triage(*scan, "--model", "models"))

    assert second.keys() == first.keys()
    for one, stage in stage_of.items():
        before, now = first[one], second[one]
        moved = points(now, stage) - points(before, stage)
        assert (moved < -10) if stage == "development" else (moved > 10), "the environment is the reason"
        assert (now["score"] < before["score"]) == (stage == "development")
        assert exact(now) == now["score"]
