"""`triage review` on many alerts at once: a file out and back, several ids, a filter."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws
from scoring.decision_log.log import DecisionLog
from scoring.findings.record import Label
from tests.live_aws import Run, enforcing, make_key, runner, share_key, status


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(capfd)


@pytest.fixture
def ids(aws: EmbeddedAws, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four alerts of a scan that archives; the first one is public."""
    monkeypatch.setenv("TRIAGE_LOG", str(tmp_path / "log.sqlite"))
    key = make_key(aws, {})
    principals = ("*", "222233334444", "333344445555", "444455556666")
    found = [share_key(aws, key, one).id for one in principals]
    arn = aws.findings.analyzer_for("external")
    policy = enforcing(tmp_path / "policy.toml")
    scanned = run("scan", "--analyzer-arn", arn, "--policy", policy, "--apply", "--yes")
    assert (scanned.code, "4 recorded" in scanned.err) == (0, True)
    return found


def labels(tmp_path: Path) -> dict[str, Label]:
    log = DecisionLog.in_file(tmp_path / "log.sqlite")
    try:
        return {one.finding_id: one.verdict for one in log.all_decisions() if one.verdict is not None}
    finally:
        log.close()


def test_a_file_out_and_back(aws: EmbeddedAws, run: Run, ids: list[str], tmp_path: Path) -> None:
    sheet = tmp_path / "v.csv"
    assert run("review", "--export", sheet).out.startswith(f"4 open alerts in {sheet}: fill in the verdict")
    with sheet.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0]["finding_id"] == ids[0], "what is known to be riskiest comes first"
    filled = {ids[1]: "EXPECTED", ids[2]: "Unintended", ids[3]: "perhaps"}
    for row in rows:
        row.update(verdict=filled.get(row["finding_id"], ""), note="asked", by="bob")
    with sheet.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, {"finding_id": "f-0", "verdict": "expected"}])

    dry = run("review", "--import", sheet, "--dry-run")
    assert dry.code == 2
    assert dry.out.splitlines() == [
        "2 verdicts to give: 1 expected, 1 unintended",
        "1 findings will be archived",
        "Nothing was written.",
    ]
    assert labels(tmp_path) == {}
    done = run("review", "--import", sheet)
    assert done.code == 2
    assert sorted(done.err.splitlines()) == [
        f"{sheet}: line {2 + [r['finding_id'] for r in rows].index(ids[3])}: verdict: expected expected or"
        " unintended, got 'perhaps'",
        f"{sheet}: line 6: finding_id: the decision log has no decision on it, got 'f-0'",
    ]
    assert "1 given: archived" in done.out
    given = labels(tmp_path)
    assert {one: label.verdict for one, label in given.items()} == {ids[1]: "expected", ids[2]: "unintended"}
    for label in given.values():
        assert (label.source, label.note, label.reported_by, label.verified) == (
            "import",
            "asked",
            "bob",
            True,
        )
        assert label.by.startswith("arn:aws:"), "who imports is who the credentials say"
    assert (status(aws, ids[1]), status(aws, ids[2])) == ("ARCHIVED", "ACTIVE")
    assert ", for bob as the file says on " in run("review", ids[1]).out
    assert "2 given already" in run("review", "--import", sheet).out

    back = run("review", "--import", sheet, "--undo")
    assert "2 verdicts to take back" in back.out
    assert labels(tmp_path) == {}
    assert status(aws, ids[1]) == "ACTIVE"


def test_a_verdict_that_is_there_stays(run: Run, ids: list[str], tmp_path: Path) -> None:
    run("review", ids[1], "--verdict", "unintended")
    sheet = tmp_path / "v.csv"
    sheet.write_text(f"finding_id,verdict\n{ids[1]},expected\n")
    result = run("review", "--import", sheet)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "has said unintended on" in result.err
    assert labels(tmp_path)[ids[1]].verdict == "unintended"
    assert "0 verdicts to take back" in run("review", "--import", sheet, "--undo").out


def test_several_ids_and_a_filter(aws: EmbeddedAws, run: Run, ids: list[str], tmp_path: Path) -> None:
    result = run("review", ids[1], ids[2], "--verdict", "expected", "--note", "partner")
    assert (result.code, result.out.splitlines()[-1].split()) == (0, ["2", "given:", "archived"])
    back = run("review", ids[1], ids[2], "--undo")
    assert back.out.splitlines()[0] == "2 verdicts to take back"
    assert labels(tmp_path) == {}
    listed = run("review", "--list", "--where", "principal=4444*")
    assert (ids[3] in listed.out, "1 open alert" in listed.out) == (True, True)
    asked = run("review", "--where", "public=false", "--verdict", "unintended")
    assert (asked.code, asked.err.count("\n"), labels(tmp_path)) == (2, 1, {})
    assert "expected --yes where nobody can be asked" in asked.err
    assert run("review", "--where", "public=false", "--verdict", "unintended", "--yes").code == 0
    assert {label.verdict for label in labels(tmp_path).values()} == {"unintended"}
    assert len(labels(tmp_path)) == 3
    flagged = run("review", "--where", "public=true", "--verdict", "expected", "--dry-run").out
    assert "1 of the expected ones are flagged as dangerous" in flagged
    wrong = run("review", "--list", "--where", "acount=1")
    assert "did you mean 'account'" in wrong.err


def test_without_credentials_a_local_log_takes_the_name_of_the_computers_account(
    run: Run, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import NoCredentialsError

    from scoring.aws.sessions import Sessions

    client = Sessions.client

    def without(self: Sessions, service: str, **more: Any) -> Any:
        if service == "sts":
            raise NoCredentialsError
        return client(self, service, **more)

    monkeypatch.setattr(Sessions, "client", without)
    assert run("review", ids[2], "--verdict", "unintended").code == 0
    (label,) = labels(tmp_path).values()
    assert label.by.endswith("(without AWS credentials)")
    assert not label.verified
