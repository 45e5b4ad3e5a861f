"""Rules that were planted into a history are found; what is not expected for certain is never suggested."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import triage
from scoring.aws.archive_rule_filter import check, matches, may_hide_public
from scoring.findings.finding import Finding
from tests.training.histories import record, write
from training.rules.forms import (
    as_cdk,
    as_cloudformation,
    as_commands,
    as_json,
    as_terraform,
    as_text,
)
from training.rules.search import Past
from training.rules.suggest import Requirements, Suggestion, family_of, suggest
from training.simulate import simulate

AUDITOR, STRANGER, PARTNER = "444455556666", "999988887777", "222233334444"
OIDC = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"


def finding(number: int, principal: str = STRANGER, **more: Any) -> Finding:
    kind = "Federated" if "provider" in principal else "AWS"
    given: dict[str, Any] = {
        "id": f"f-{number}",
        "resource": f"arn:aws:s3:::bucket-{number}",
        "resource_type": "AWS::S3::Bucket",
        "status": "ACTIVE",
        "finding_type": "ExternalAccess",
        "account": "111122223333",
        "principals": ((kind, principal),),
        "actions": ("s3:GetObject",),
        "is_public": False,
    }
    return Finding(**(given | more))


def planted(count: int = 200) -> Iterator[Past]:
    """An auditor who is always expected, a stranger who is so half of the time."""
    for number in range(count):
        yield Past(finding(number, AUDITOR), 0)
        yield Past(finding(number, STRANGER), number % 2)


def test_what_was_planted_is_found_and_nothing_else() -> None:
    (one,) = suggest(list(planted()), Requirements())
    asked = {key: criterion.eq for key, criterion in one.filter.items()}
    assert asked == {"isPublic": ("false",), "principal.AWS": (AUDITOR,)}
    assert (one.support, one.checked, one.archived, one.unlabelled) == (140, 60, 200, 0)
    assert 0.85 < one.precision_lower < 0.95
    assert any("every account" in risk for risk in one.risks)


def test_rules_that_differ_in_one_value_are_one() -> None:
    history = [Past(finding(n, f"33334444{n % 4:04}"), 0) for n in range(400)]
    (one,) = suggest(history + list(planted()), Requirements(support=40))
    assert len(one.filter["principal.AWS"].eq) == 5


def test_what_the_later_part_contradicts_is_dropped() -> None:
    history = list(planted())
    history[-2] = Past(history[-2].finding, 1)
    assert suggest(history, Requirements()) == []


def test_a_part_that_the_later_findings_contradict_does_not_take_the_others_along() -> None:
    history = [Past(finding(n, (AUDITOR, PARTNER)[n % 2]), 0) for n in range(400)]
    history[-1] = Past(history[-1].finding, 1)
    (one,) = suggest(history, Requirements())
    assert one.filter["principal.AWS"].eq == (AUDITOR,)


def test_a_condition_is_asked_for_where_it_makes_the_difference() -> None:
    inside = (("aws:PrincipalOrgID", ("o-abcdefghij",)),)
    history = []
    for n in range(200):
        history.append(Past(finding(n, f"{n % 50:012}", conditions=inside), 0))
        history.append(Past(finding(n, f"{n % 50:012}"), 1))
    (one,) = suggest(history, Requirements())
    assert one.filter["condition.aws:PrincipalOrgID"].eq == ("o-abcdefghij",)
    assert set(one.filter) == {"condition.aws:PrincipalOrgID", "isPublic"}


@pytest.mark.parametrize(
    "more",
    [
        {"is_public": True},
        {"principals": (("AWS", "*"),)},
        {"error": "ACCESS_DENIED"},
        {"principals": (("Federated", OIDC),)},
        {"principals": (("Federated", OIDC),), "resource": "arn:aws:iam::111122223333:role/deploy"},
        {"principals": (("AWS", "arn:aws:iam::444455556666:role/x'; rm -rf / #"),)},
        {"principals": (("AWS", "{{resolve:secretsmanager:x}}"),)},
    ],
)
def test_never_suggested(more: dict[str, Any]) -> None:
    assert suggest([Past(finding(n, **more), 0) for n in range(300)], Requirements()) == []


def test_too_little_is_no_rule() -> None:
    assert suggest([], Requirements()) == []
    assert suggest([Past(finding(n, AUDITOR), 0) for n in range(9)], Requirements()) == []
    assert suggest([Past(finding(n, AUDITOR), -1) for n in range(300)], Requirements()) == []


def test_unused_access_is_asked_about_by_account_and_kind() -> None:
    given: dict[str, Any] = {
        "finding_type": "UnusedIAMRole",
        "principals": (),
        "actions": (),
        "is_public": None,
    }
    (one,) = suggest([Past(finding(n, **given), 0) for n in range(200)], Requirements())
    assert (one.family, set(one.filter)) == ("unused", {"findingType", "resourceOwnerAccount"})


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 20), st.floats(0.1, 0.6))
def test_whatever_the_history_rules_are_valid_and_archived_expected_findings_only(
    seed: int, support: int, share: float
) -> None:
    drawn = [one.record for one in simulate(250, seed=seed % 1000, labelled=1.0)]
    history = [
        Past(case.finding, 0 if record["label"]["verdict"] == "expected" else 1)
        for record in drawn
        if isinstance((case := _case(record)).finding, Finding)
    ]
    found = suggest(history, Requirements(support=support, precision=0.0, test_share=share))
    assert len(found) <= 10
    assert len({one.name for one in found}) == len(found)
    for one in found:
        check(one.filter, one.family)
        assert not may_hide_public(one.filter, one.family)
        archived = [
            past
            for past in history
            if family_of(past.finding) == one.family and matches(past.finding, one.filter)
        ]
        assert [past.verdict for past in archived] == [0] * one.archived
        assert not any(past.finding.is_public or past.finding.error for past in archived)


def _case(record: dict[str, Any]) -> Any:
    from scoring.findings.record import read_case

    return read_case(record)


def test_each_form_says_the_same() -> None:
    found = suggest(list(planted()), Requirements())
    (one,) = found
    text = as_text(found, 0.95)
    assert f"1. {one.name}\n   findings of external access where\n" in text
    assert f"principal.AWS eq {AUDITOR}" in text
    assert all(len(line) <= 120 for line in text.split("\n"))
    words = shlex.split(as_commands(found))
    asked = json.loads(words[words.index("--filter") + 1])
    assert asked == {"isPublic": {"eq": ["false"]}, "principal.AWS": {"eq": [AUDITOR]}}
    template = json.loads(as_cloudformation(found))
    (rule,) = template["Resources"]["ExternalAnalyzer"]["Properties"]["ArchiveRules"]
    assert rule["RuleName"] == one.name
    assert {entry["Property"]: entry["Eq"] for entry in rule["Filter"]} == {
        k: v["eq"] for k, v in asked.items()
    }
    assert json.loads(as_json(found))[0]["filter"] == asked
    compile(as_cdk(found), "rules.py", "exec")
    assert as_text([], 0.95).startswith("No rule")


def test_quotes_hold_even_if_a_value_were_hostile() -> None:
    hostile = 'x\'; touch /tmp/owned; echo "$(id)" `id` \u202e\n${X} {{resolve:ssm:y}}'
    (one,) = suggest(list(planted()), Requirements())
    criterion = msgspec.structs.replace(one.filter["principal.AWS"], eq=(hostile,))
    bad = Suggestion(**(one.__dict__ | {"filter": {"principal.AWS": criterion}, "examples": (hostile,)}))
    words = shlex.split(as_commands([bad]))
    assert json.loads(words[-1]) == {"principal.AWS": {"eq": [hostile]}}
    assert len(as_commands([bad]).split("\n")) == 1
    assert as_text([bad], 0.95).replace("\n", "").isprintable()
    namespace: dict[str, Any] = {}
    exec(as_cdk([bad]).partition("\n")[2], {"CfnAnalyzer": _Recorder}, namespace)  # noqa: S102
    (rule,) = namespace["EXTERNAL_ARCHIVE_RULES"]
    assert rule["filter"] == [{"property": "principal.AWS", "eq": [hostile]}]


@pytest.mark.parametrize("value", ["plain", 'x" } ${file("k")} %{ for a in b } \\ \u202e\n'])
def test_terraform_reads_the_filters_as_they_are(value: str) -> None:
    (one,) = suggest(list(planted()), Requirements())
    criterion = msgspec.structs.replace(one.filter["principal.AWS"], eq=(value,))
    said = as_terraform([Suggestion(**(one.__dict__ | {"filter": {"principal.AWS": criterion}}))])
    read = hcl2.loads(said + "\n")
    [[rule]] = [list(names.values()) for names in list(read["resource"][0].values())]
    [criteria] = rule["filter"]
    [text] = criteria["eq"]
    assert json.loads(text.replace("$${", "${").replace("%%{", "%{")) == value
    assert "${" not in text.replace("$${", "")
    assert rule["analyzer_name"] == "${var.external_analyzer_name}"
    assert json.loads(rule["rule_name"]) == one.name


class _Recorder:
    ArchiveRuleProperty = FilterProperty = dict


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.jsonl"
    assert triage.main(["simulate", "--findings", "3000", "--labelled", "1", "--out", str(path)]) == 0
    capsys.readouterr()
    assert triage.main(["rules", "suggest", str(path), "--format", "json", "--jobs", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 0 < len(found) <= 10
    assert all(rule["precision_lower"] >= 0.5 for rule in found)
    assert triage.main(["rules", "suggest", "-"]) == 2
    assert "expected files" in capsys.readouterr().err
    assert triage.main(["rules", "suggest", str(tmp_path / "no.jsonl")]) == 2


def test_only_verdicts_given_whatever_the_score_check_a_rule() -> None:
    """What only ever reached a person because its score was high says nothing of the others."""
    chosen = [not_fair(past) for past in planted()]
    assert suggest(chosen, Requirements()) == []


def not_fair(past: Past) -> Past:
    return Past(past.finding, past.verdict, is_fair=False)


def test_a_history_without_unintended_verdicts_of_all_scores_gives_no_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "h.jsonl", [record(n, n // 20, verdict="expected") for n in range(200)])
    assert triage.main(["rules", "suggest", path, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert err.startswith("cannot say: 0 unintended verdicts that were given whatever the score")
