"""Similar past decisions: three queries, the nearest three, the same in any order; never a reason to fail."""

import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded import EmbeddedAws
from scoring.decision_log import similar
from scoring.decision_log import table as decision_table
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.similar import Past, ranked, traits_of
from scoring.decision_log.storage import Put
from scoring.findings.context import to_json
from scoring.findings.record import Case, Label, read_case
from tests.lambda_.faults import counted
from tests.scoring.explain_cases import CASES, HOSTILE, OWN, case, event

MOMENT = datetime(2026, 10, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def aws() -> Any:
    with EmbeddedAws() as box:
        yield box


numbers = itertools.count()


@pytest.fixture
def log(aws: EmbeddedAws) -> DecisionLog:
    client, name = aws.client("dynamodb"), f"log-{next(numbers)}"
    decision_table.create(client, name)
    return DecisionLog.in_table(client, name)


def logged(of: Case) -> LoggedDecision:
    decision = LoggedDecision(finding_id=of.finding.id, item="decision#1")
    # Some of it is nothing that JSON could hold.
    decision.__dict__["record"] = {"finding": dict(of.raw), "context": to_json(of.context)}
    return decision


def key(number: int = 0, principal: str = "444455556666", **context: Any) -> Case:
    detail = {
        "id": f"finding-{number}",
        "resource": f"arn:aws:kms:eu-west-1:111122223333:key/{number}",
        "principal": {"AWS": principal},
        "action": ["kms:Decrypt"],
    }
    known: dict[str, Any] = {"tags": {"Owner": "payments"}, "resource_account": OWN} | context
    return case(event("external-cross-account-kms", **detail), **known)


def said(log: DecisionLog, of: Case, verdict: Any = "expected", **label: Any) -> Label:
    """Keep a verdict."""
    given = Label(verdict, "ana", label.pop("at", MOMENT), "cli", **label)
    log.storage.write(similar.keep(logged(of), given))
    return given


def test_the_nearest_come_first_and_say_what_differs(log: DecisionLog) -> None:
    said(log, key(1), note="the partner's key", at=MOMENT.replace(month=9))
    said(log, key(2, tags={"Owner": "orders"}), "unintended", verified=False)
    said(log, key(3, principal="999988887777"))
    said(log, CASES["public-bucket"])
    found = similar.nearest(log, key(9))
    assert [past.said for past in found] == [
        "Expected, says ana on 2026-09-12",
        "Unintended, says ana (not verified) on 2026-10-12",
        "Expected, says ana on 2026-10-12",
    ]
    assert found[0].same == "principal, resource type, access level, owner, account"
    assert (found[0].differs, found[0].note) == ("", "the partner's key")
    assert found[1].differs == "owner orders, here payments"
    assert found[2].differs == (
        "principal 999988887777, here 444455556666; principal account 999988887777, here 444455556666"
    )
    assert found[2].headline == "KMS key 3 is shared with account 999988887777"


def test_the_same_resource_counts_more_than_the_same_kind(log: DecisionLog) -> None:
    said(log, key(1, principal="999988887777"))
    said(log, key(9, principal="arn:aws:iam::999988887777:role/x"))
    first, second = similar.nearest(log, key(9))
    assert first.same == "resource, resource type, access level, owner, account"
    assert second.same == "resource type, access level, owner, account"


def test_a_decision_is_none_of_its_own_past(log: DecisionLog) -> None:
    said(log, key(1))
    assert similar.nearest(log, key(1), "decision#1") == ()
    assert len(similar.nearest(log, key(1), "decision#2")) == 1


def test_what_is_taken_back_is_forgotten(log: DecisionLog) -> None:
    label = said(log, key(1))
    assert len(list(log.storage.with_prefix("verdict#"))) == 3
    log.storage.write(similar.forget(logged(key(1)), label))
    assert similar.nearest(log, key(2)) == ()
    assert list(log.storage.with_prefix("")) == []


@pytest.mark.parametrize("name", [name for name in CASES if name != "preview"])
def test_three_queries_at_most_for_every_kind_of_finding(log: DecisionLog, name: str) -> None:
    said(log, CASES[name])
    with counted() as made:
        found = similar.nearest(log, CASES[name])
    assert set(made) == {("dynamodb", "Query")}
    assert len(made) <= 3
    assert len(found) == 1
    assert "differs" not in found[0].differs


def test_latest_come_first_however_many_there_are(log: DecisionLog) -> None:
    for number in range(40):
        said(log, key(number), at=MOMENT.replace(minute=number))
    found = similar.nearest(log, key(99))
    assert [past.headline.split()[2] for past in found] == ["39", "38", "37"]


def test_nothing_raises(log: DecisionLog, caplog: Any) -> None:
    class Broken:
        def query(self, **_: Any) -> Any:
            raise RuntimeError("no")

    assert similar.nearest(DecisionLog.in_table(Broken(), "x"), key()) == ()
    assert "could not be looked up" in caplog.text
    absent = DecisionLog.in_table(log.storage.client, "no such table")  # type: ignore[attr-defined]
    assert similar.nearest(absent, key()) == ()
    assert similar.nearest(log, CASES["preview"]) == ()
    said(log, key(1))
    (partition,) = {
        item["finding_id"] for item in log.storage.with_prefix("verdict#") if "whom" in item["finding_id"]
    }
    log.storage.write([Put(item={"finding_id": partition, "item": "verdict#~", "traits": 7})])
    assert similar.nearest(log, key(2)) == (), "an item of another version"
    event = LoggedDecision(finding_id="x", item="y", text='{"event": 1}')
    assert similar.keep(event, Label("expected", "ana", MOMENT)) == []


def test_hostile_text_is_harmless(log: DecisionLog) -> None:
    plain = HOSTILE.encode("utf-8", "replace").decode()
    evil = key(1, principal=f"arn:aws:iam::444455556666:role/{plain}", tags={"Owner": plain})
    said(log, evil, note=plain)
    [found] = similar.nearest(log, key(2))
    shown = "".join(msgspec.structs.astuple(found))
    assert shown.isprintable()
    assert len(shown) < 3000


traits = st.dictionaries(st.sampled_from(list(similar._WEIGHTS)), st.sampled_from(("a", "b")), max_size=6)
pasts = st.builds(
    Past,
    of_finding=st.sampled_from("xyz"),
    of_item=st.sampled_from("12"),
    verdict=st.just("expected"),
    by=st.just("ana"),
    at=st.sampled_from(("2026-01", "2026-02")),
    headline=st.just(""),
    traits=traits,
)


@settings(max_examples=60)
@given(
    st.lists(pasts, max_size=8, unique_by=lambda past: (past.of_finding, past.of_item)), traits, st.randoms()
)
def test_the_order_does_not_depend_on_that_of_the_answers(
    found: list[Past], of: dict[str, str], chance: Any
) -> None:
    first = ranked(found, of)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert ranked(shuffled, of) == first
    assert len(first) == min(len(found), similar.SHOWN)
    shared = [similar._in_common(past, of) for past in first]
    assert shared == sorted(shared, reverse=True)
    rest = [similar._in_common(past, of) for past in found if past not in first]
    assert max(rest, default=0) <= min(shared, default=0) or not rest


def test_long_values_stay_apart() -> None:
    one, other = (key(1, principal=f"arn:aws:iam::444455556666:role/{'x' * 400}{end}") for end in "ab")
    assert traits_of(one)["principal"] != traits_of(other)["principal"]
    assert max(map(len, traits_of(one).values())) < 250


def test_traits_do_not_depend_on_the_policy_or_on_what_is_not_known() -> None:
    bare = read_case(dict(key(1).raw))
    assert "owner" not in traits_of(bare)
    assert traits_of(bare)["principal account"] == "444455556666"
