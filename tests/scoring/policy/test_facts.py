"""Facts taken from outside carry a date, and the newest botocore holds nothing that we do not know."""

import json
from datetime import date, timedelta

from scoring.aws import generate_api_shapes as shapes
from scoring.findings.aws_format import KINDS
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.facts import dated_facts

KNOWN = json.loads(shapes.DATA.read_text())


def test_every_fact_names_its_day_and_its_source() -> None:
    facts = dated_facts()
    assert len({fact.name for fact in facts}) == len(facts) >= 8
    assert all(fact.source for fact in facts)
    assert all(date(2026, 1, 1) < fact.checked for fact in facts)


def test_a_fact_is_old_after_180_days() -> None:
    [fact, *_] = dated_facts()
    assert not fact.is_old(fact.checked + timedelta(days=180))
    assert fact.is_old(fact.checked + timedelta(days=181))


def test_botocore_holds_no_shape_enumeration_or_member_that_is_not_known() -> None:
    new = shapes.news(KNOWN["shapes"], shapes.read_botocore())
    assert new == [], f"look at what is new, then run `make refresh`: {new}"


def test_what_is_new_is_named() -> None:
    known = {name: list(content) for name, content in KNOWN["shapes"].items()}
    known["ResourceType"].remove("AWS::KMS::Key")
    del known["UnusedAction"]
    assert shapes.news(known, shapes.read_botocore()) == ["ResourceType: AWS::KMS::Key", "UnusedAction"]


def test_every_type_and_every_union_of_botocore_is_read() -> None:
    assert set(KNOWN["shapes"]["ResourceType"]) == set(RESOURCE_TYPES)
    assert set(KNOWN["shapes"]["FindingDetails"]) == KINDS
