"""Routes: tags add a team and take nobody away, guardrails bring the security team back in."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision.guardrails import Guardrail
from scoring.decision.settings import Settings
from scoring.files.errors import BadInput
from scoring.findings.context import Account, Context
from scoring.findings.facts import Fact, Present, Unknown
from scoring.findings.record import Case
from scoring.pipeline.alerts import routing
from scoring.pipeline.alerts.channels import Channels, Destination
from scoring.policy.policy import Policy, parse
from scoring.scorecard.formats import DEFAULT, load
from tests.scoring.explain_cases import CASES

CHANNELS = Channels(None, "arn:security", ses=object(), mail_from="t@example.com")
SECURITY = Destination("sns", ("arn:security",))
CARD = load(DEFAULT)


def route(**stated: Any) -> str:
    lines = [f"{name} = {value}" for name, value in {"name": '"r"', **stated}.items()]
    return "\n".join(["[[alerts.route]]", *lines, 'mail_to = ["team@example.com"]', ""])


def told(
    policy: Policy,
    *,
    tags: Fact[dict[str, str]] | None = None,
    ou: str | None = None,
    guardrails: tuple[Guardrail, ...] = (),
) -> list[str]:
    base = CASES["vendor-key"]
    context = Context(
        tags=tags or Present({"Team": "Blue"}),
        resource_account=Present(Account("111122223333", ou=ou)),
    )
    case = Case(finding=base.finding, context=context, raw={})
    decision = msgspec.structs.replace(Settings(CARD, policy).decide(case), guardrails=guardrails)
    return [one.name for one in routing.destinations(case, decision, policy, CHANNELS)]


def destinations_of(policy: Policy) -> tuple[Destination, ...]:
    base = CASES["vendor-key"]
    context = Context(
        tags=Present({"Team": "Blue"}), resource_account=Present(Account("111122223333", ou=None))
    )
    case = Case(finding=base.finding, context=context, raw={})
    return routing.destinations(case, Settings(CARD, policy).decide(case), policy, CHANNELS)


TEAM = "ses team@example.com"


@pytest.mark.parametrize(
    ("stated", "given", "is_told"),
    [
        ({"tags": '{ Team = "blue" }'}, {}, True),
        ({"tags": '{ owner = "BLUE" }'}, {}, True),
        ({"tags": '{ Team = "red" }'}, {}, False),
        ({"tags": '{ Team = "blue" }'}, {"tags": Unknown("AccessDenied")}, False),
        ({"tags": '{ Team = "blue" }'}, {"tags": Present({"Team": "blue", "owner": "red"})}, True),
        ({"account": '["111122223333"]'}, {}, True),
        ({"account": '["999988887777"]'}, {}, False),
        ({"ou": '["Workloads/*"]'}, {"ou": "Workloads/Prod"}, True),
        ({"ou": '["Workloads"]'}, {"ou": "Workloads/Prod"}, False),
        ({"ou": '["*"]'}, {"ou": None}, False),
        ({"resource_type": '["AWS::KMS::Key"]'}, {}, True),
        ({"resource_type": '["AWS::KMS::Key"]', "account": '["999988887777"]'}, {}, False),
    ],
)
def test_who_is_told(stated: dict[str, str], given: dict[str, Any], is_told: bool) -> None:
    found = told(parse(route(**stated)), **given)
    assert found == ["sns arn:security", *([TEAM] if is_told else [])]


def test_the_security_team_may_be_left_out_by_account_only() -> None:
    policy = parse(route(account='["111122223333"]', security_copy="false"))
    assert told(policy) == [TEAM]
    rail = Guardrail("public", "open to anyone")
    assert told(policy, guardrails=(rail,)) == ["sns arn:security", TEAM]


def test_another_route_by_tag_does_not_bring_anybody_out() -> None:
    quiet = route(account='["111122223333"]', security_copy="false")
    policy = parse(quiet + route(tags='{ Team = "blue" }').replace("team@", "blue@"))
    assert told(policy) == [TEAM, "ses blue@example.com"]


def test_whom_tags_have_chosen_is_told_and_may_not_answer() -> None:
    by_tags, by_account = route(tags='{ Team = "blue" }'), route(account='["111122223333"]')
    for text, expected in ((by_tags, True), (by_account, False), (by_tags + by_account, False)):
        found = destinations_of(parse(text))
        assert [(one.name, one.is_by_tags) for one in found] == [
            ("sns arn:security", False),
            (TEAM, expected),
        ]


@given(
    st.dictionaries(st.sampled_from(["Team", "owner", "x"]), st.sampled_from(["blue", "red", ""])),
    st.lists(st.sampled_from(["blue", "red", "green"]), max_size=3),
)
def test_no_tag_takes_the_security_team_away(tags: dict[str, str], teams: list[str]) -> None:
    policy = parse("".join(route(tags=f'{{ Team = "{team}" }}') for team in teams))
    assert told(policy, tags=Present(tags))[0] == "sns arn:security"


def test_a_route_by_mail_without_a_sender_leaves_it_to_the_security_team() -> None:
    policy = parse(route(account='["111122223333"]', security_copy="false"))
    case = CASES["vendor-key"]
    decision = msgspec.structs.replace(Settings(CARD, policy).decide(case), guardrails=())
    bare = Channels(None, "arn:security")
    assert routing.destinations(case, decision, policy, bare) == (SECURITY,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (route(), "expected tags, an account, an ou or a resource_type"),
        (route(tags='{ Team = "x" }', security_copy="false"), "expected an account or an ou beside it"),
        (route(resource_type='["AWS::KMS::Key"]', security_copy="false"), "expected an account or an ou"),
        (route(account='["1"]'), "expected twelve digits"),
        (route(resource_type='["AWS::KMS::Kee"]'), "did you mean 'AWS::KMS::Key'"),
        (route(tags='{ Team = "x", owner = "y" }'), "expected each tag once"),
        (route(account='["111122223333"]', topic_arn='"alerts"'), "expected the ARN of an SNS topic"),
        (route(account='["111122223333"]', mail='"x"'), "unknown key 'mail'; did you mean 'mail_to'"),
        (route(account='["111122223333"]').replace("team@example.com", "a@b\\ncc: x"), "expected an address"),
        ("[alerts]\nchannels = []", "expected at least one of sns, ses, chat"),
        ('[alerts]\nchannels = ["sns", "sns"]', "each once"),
        ('[alerts]\nchannels = ["ses"]', "expected addresses, since channels has ses"),
        ('[alerts]\nchannels = ["mail"]', "alerts.channels"),
        ('[alerts]\nsummary = "hourly"', "alerts.summary"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as refused:
        parse(text)
    assert "\n" not in str(refused.value)
