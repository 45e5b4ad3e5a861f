"""ARNs and account numbers are data: split as they are; twelve digits are twelve ASCII digits."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.arn import Arn, account_id, is_account_id

ROLE = "arn:aws:iam::111122223333:role/ci/deploy"
NO_ACCOUNTS = [
    "",
    "11112222333",
    "1111222233334",
    "111122223333\n",
    "\n111122223333",
    " 111122223333",
    "1111 2222 3333",
    "+11122223333",
    "1111_2222_333",
    "१११११११११११२",  # digits, but of Devanagari
    "１１１１２２２２３３３３",  # full-width digits
    "²²²²²²²²²²²²",
    "11112222333x",
    "*",
    None,
    111122223333,
    b"111122223333",
    ["111122223333"],
]


@pytest.mark.parametrize("value", NO_ACCOUNTS)
def test_what_is_no_account(value: object) -> None:
    assert not is_account_id(value)
    with pytest.raises(
        BadInput, match=r"^vendors\.toml: allow\.accounts: expected twelve digits, got "
    ) as no:
        account_id(value, field="allow.accounts", where="vendors.toml")
    assert str(no.value).isprintable()


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_an_account_is_given_as_it_is(number: str) -> None:
    assert account_id(number, field="account") == number


part = st.text(st.characters(exclude_characters=":"), max_size=20)


@given(part, part, part, part, st.text(max_size=40))
def test_the_parts_are_those_that_were_put_together(
    partition: str, service: str, region: str, account: str, resource: str
) -> None:
    arn = Arn(partition, service, region, account, resource)
    assert Arn.try_parse(str(arn)) == arn
    assert Arn.parse(str(arn)) == arn


@given(st.text())
def test_any_text_is_an_arn_that_says_the_same_or_none(text: str) -> None:
    arn = Arn.try_parse(text)
    assert (arn is None) == (text.count(":") < 5 or not text.startswith("arn:"))
    assert arn is None or str(arn) == text


@pytest.mark.parametrize(
    "text", ["", "*", "111122223333", "arn", "arn:aws:iam::111122223333", "ARN:aws:iam::1:x", f" {ROLE}"]
)
def test_what_is_no_arn(text: str) -> None:
    assert Arn.try_parse(text) is None
    with pytest.raises(BadInput, match=r"^--principal-arn: expected an ARN, got "):
        Arn.parse(text, "--principal-arn")


def test_the_resource_keeps_its_colons_and_line_ends() -> None:
    assert Arn.parse("arn:aws:lambda:eu-west-1:111122223333:layer:a:3\n").resource == "layer:a:3\n"


# --- one home

ROOT = Path(__file__).parents[3]
BY_HAND = re.compile(r"""split\(":"|\{12\}""")
# Formats that have an account's number inside, and colons that are no ARN's.
NO_PARSERS = {
    "scoring/findings/arn.py",
    "scoring/features/values.py",  # the last part of a UUID
    "scoring/findings/security_hub_format.py",  # Security Hub's own id, which begins with an analyzer's ARN
    "scoring/findings/resource_types.py",  # how the ARNs of a type begin
    "scoring/policy/routes.py",  # the ARN of a topic that we may publish to
    "lambda/embedded/services/delivery.py",  # the name of a function, with its version
    "lambda/infra/parameters.py",  # what CloudFormation checks by itself
    "lambda/infra/stacks/analyzers.py",
    "lambda/infra/stacks/forwarding.py",
    "lambda/infra/stacks/member_role.py",
    "lambda/infra/stacks/stack_sets.py",
}


def by_hand() -> Iterator[str]:
    for part in ("scoring", "training", "lambda/handlers", "lambda/infra", "lambda/embedded"):
        for path in (ROOT / part).rglob("*.py"):
            if BY_HAND.search(path.read_text(encoding="utf-8")):
                yield path.relative_to(ROOT).as_posix()


def test_nobody_else_takes_arns_apart() -> None:
    assert set(by_hand()) == NO_PARSERS
