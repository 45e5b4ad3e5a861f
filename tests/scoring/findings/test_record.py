"""Cases from decoded JSON: records, lists, and what is neither."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.context import NO_CONTEXT
from scoring.findings.facts import Present
from scoring.findings.finding import Finding, Notice
from scoring.findings.record import Case, read_case, read_value

EVENTS = Path(__file__).parents[2] / "events"


def event(name: str = "external-cross-account-kms") -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def cases(value: object) -> list[Case]:
    return [entry.case for entry in read_value(value) if entry.case]


def errors(value: object) -> list[str]:
    return [f"{entry.where}: {entry.error}" for entry in read_value(value) if entry.error]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("access-preview", ["aaaabbbb-cccc-4ddd-8eee-ffffaaaabbbb"]),
        ("cli-get-finding", ["0b5a5c1e-4444-4c4c-9a9a-000000000004"]),
        ("cli-get-finding-v2", ["0b5a5c1e-5555-4c4c-9a9a-000000000001"]),
        ("cli-get-finding-v2-error", ["0b5a5c1e-5555-4c4c-9a9a-000000000003"]),
        ("cli-list-findings", [f"0b5a5c1e-4444-4c4c-9a9a-00000000000{n}" for n in (1, 2, 3)]),
        ("cli-list-findings-v2", [f"0b5a5c1e-5555-4c4c-9a9a-00000000000{n}" for n in (1, 2)]),
        ("unused-access-key", ["0b5a5c1e-3333-4c4c-9a9a-000000000002"]),
        ("security-hub-event", ["0b5a5c1e-6666-4c4c-9a9a-000000000004"]),
        ("security-hub-unused-permission", [f"0b5a5c1e-6666-4c4c-9a9a-00000000000{n}" for n in (2, 3)]),
    ],
)
def test_the_findings_of_every_shape_in_order(name, ids):
    assert [case.finding.id for case in cases(event(name))] == ids
    assert not errors(event(name))


def test_a_record_is_a_finding_in_any_shape_with_its_surroundings():
    record = {"finding": event(), "context": {"tags": {"a": "b"}}, "decision": {"outcome": "archive"}}
    [case] = cases(record)
    assert case.finding == read_case(event()).finding
    assert case.context.tags == Present({"a": "b"})
    assert case.raw == event()
    assert case.decision == {"outcome": "archive"}


def test_a_bare_finding_has_no_context():
    assert read_case(event()).context is NO_CONTEXT
    assert read_case({"finding": event(), "context": None}).context is NO_CONTEXT


def test_a_label():
    label = {"verdict": "expected", "by": "ada", "at": "2026-11-01T10:00:00Z", "source": "cli", "note": ""}
    assert read_case({"finding": event(), "label": label}).label is not None
    assert read_case({"finding": event(), "label": None}).label is None
    for field, wrong in {"verdict": "fine", "by": 5, "at": "yesterday", "source": []}.items():
        with pytest.raises(BadInput, match=f"^label.{field}: "):
            read_case({"finding": event(), "label": label | {field: wrong}})


def test_an_id_that_repeats_is_two_cases():
    assert len(cases([event(), event()])) == 2


def test_a_bad_entry_is_named_and_the_others_still_come():
    good = event("cli-list-findings")["findings"][0]
    value = {"findings": [good, {"id": "x"}, 5, good]}
    assert len(cases(value)) == 2
    assert errors(value) == [
        "findings[1]: resource: expected a string that is not empty, got nothing",
        "findings[2]: expected a finding, an event or a record, got 5",
    ]


@pytest.mark.parametrize(
    "value", [None, 5, 1.5, True, "ACTIVE", {}, [[]], [None], {"finding": {}}, {"finding": None}]
)
def test_what_is_neither_finding_nor_event_is_bad_input(value):
    assert not cases(value)
    assert len(errors(value)) == 1


@pytest.mark.parametrize("name", ["findings", "Findings"])
@pytest.mark.parametrize("value", [None, {}, "x", 5])
def test_findings_are_a_list(name, value):
    assert errors({name: value})[0].startswith(f": {name}: expected a list")


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"finding": 5}, "finding"),
        ({"finding": [event()]}, "finding"),
        ({"finding": event(), "context": 5}, "context"),
        ({"finding": event(), "decision": "archive"}, "decision"),
        ({"finding": event(), "label": []}, "label"),
        ({"finding": event() | {"detail": None}}, "finding.detail"),
    ],
)
def test_a_wrong_type_in_a_record_is_named(record, field):
    assert errors(record)[0].startswith(f": {field}: ")


def test_an_access_preview_without_its_event_is_bad_input():
    assert "access preview" in errors(event("access-preview")["detail"])[0]


def test_an_event_of_another_service_is_bad_input():
    assert "source: expected an event of aws.access-analyzer" in errors(event() | {"source": "aws.ec2"})[0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["finding", "findings", "detail", "detail-type", "source", "id", "status", "ProductArn"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_gives_cases_or_lines(value):
    for entry in read_value(value):
        assert (entry.case is None) != (entry.error is None)
        assert entry.case is None or isinstance(entry.case.finding, (Finding, Notice))
        assert str(entry.error).isprintable()


def _sns(message: str) -> dict[str, object]:
    return {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": message,
    }


def _sqs(body: str) -> dict[str, object]:
    return {"MessageId": "m", "ReceiptHandle": "r", "Body": body}


def _sqs_of_lambda(body: str) -> dict[str, object]:
    return {"messageId": "m", "eventSource": "aws:sqs", "body": body}


@pytest.mark.parametrize("around", [[_sns], [_sqs], [_sqs_of_lambda], [_sns, _sqs], [_sns, _sqs_of_lambda]])
@pytest.mark.parametrize("name", ["external-cross-account-kms.json", "security-hub-event.json"])
def test_an_event_is_the_same_inside_an_envelope(name, around):
    event = json.loads((EVENTS / name).read_text())
    plain = [located.case and located.case.finding for located in read_value(event)]
    assert None not in plain
    for envelope in around:
        event = envelope(json.dumps(event))
    assert [located.case and located.case.finding for located in read_value(event)] == plain


@pytest.mark.parametrize("message", ["hello", "[1]", "null", '{"a": 1} more', "{" * 500])
def test_an_envelope_around_something_else_is_bad_input(message):
    [located] = read_value(_sns(message))
    assert located.case is None
    assert located.error is not None
