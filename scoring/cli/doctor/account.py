"""Who we are, where, in which organization, and whether member accounts can be reached."""

from collections.abc import Iterator
from typing import Any

from scoring.aws.errors import DENIED, AwsError, Unavailable, code, reason, what_to_do
from scoring.cli.doctor.result import CheckResult, Target, note, ok, problem

_ACCOUNTS = 100  # in which the role is tried
_SHOWN = 5
_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
_HOW_TO_READ = (
    "run in the management account or a delegated administrator of the organization,"
    " with organizations:ListAccounts, DescribeAccount, ListParents, DescribeOrganizationalUnit,"
    " ListTagsForResource"
)


def check_credentials(target: Target) -> Iterator[CheckResult]:
    """Ask AWS who we are."""
    try:
        identity = target.aws.sessions.client("sts").get_caller_identity()
    except Exception as error:
        if reason(error) is None:
            raise
        yield problem(what_to_do(error), "aws sts get-caller-identity has to work first")
        return
    yield ok(f"you are {identity['Arn']} in account {identity['Account']}")


def check_region(target: Target) -> Iterator[CheckResult]:
    """Say in which region we are."""
    if target.region is None:
        yield problem("no region", "name one with --region, or set AWS_REGION")
    else:
        yield ok(target.region)


def check_organization(target: Target) -> Iterator[CheckResult]:
    """Read the organization: without it accounts are unknown, and nothing across accounts is archived."""
    client = target.aws.sessions.client("organizations")
    accounts: list[dict[str, Any]] = []
    try:
        accounts = _first_accounts(client, 1)
    except Exception as error:
        if code(error) in DENIED:
            yield problem(
                "accounts cannot be read from Organizations: they are unknown, and nothing is archived",
                _HOW_TO_READ,
            )
            return
        if code(error) != _NO_ORGANIZATION:
            raise
    if not accounts:
        yield note("the account is in no organization: every other account counts as outside")
        return
    # arn:aws:organizations::<management account>:account/<organization>/<account>
    organization = accounts[0]["Arn"].split("/")[1]
    yield ok(f"organization {organization} can be read")
    settings = target.settings()
    if settings is None:
        return
    named = settings.policy.organization_id
    if named is None:
        yield note(
            "the policy does not name the organization: conditions on it are recognised only where accounts"
            " can be read",
            f'set organization_id = "{organization}"',
        )
    elif named != organization:
        yield problem(f"the policy's organization_id is {named}", f'set organization_id = "{organization}"')


def check_members(target: Target) -> Iterator[CheckResult]:
    """Assume the role in each member account, and read one tag list there."""
    if target.role_name is None:
        if _has_organization_analyzer(target):
            yield problem(
                "an analyzer covers the organization, but no --role-name says how to reach its accounts:"
                " tags there are unknown, and nothing is archived",
                "make a role in each account (a StackSet does it), and name it",
            )
        return
    sessions = target.aws.sessions
    own = str(sessions.client("sts").get_caller_identity()["Account"])
    try:
        accounts = _first_accounts(sessions.client("organizations"), _ACCOUNTS + 2)
    except Exception as error:
        if reason(error) is None:
            raise
        yield note("which accounts there are is not known: the role was not tried")
        return
    members = [one["Id"] for one in accounts if one["Id"] != own and one["Status"] == "ACTIVE"]
    failed: dict[str, dict[str, str]] = {}
    for account in members[:_ACCOUNTS]:
        if why := _out_of_reach(account, target):
            alike = why.replace(f"account {account}", "the account")
            failed.setdefault(alike, {})[account] = why
    for alike, found in failed.items():
        some = list(found)
        more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
        yield problem(
            f"{', '.join(some[:_SHOWN])}{more}: {alike if len(some) > 1 else found[some[0]]}",
            f"make the role {target.role_name} there, trusting account {own}, with the rights to read tags",
        )
    if not failed:
        count = min(len(members), _ACCOUNTS)
        yield ok(f"the role {target.role_name} can be assumed in {count} account{'' if count == 1 else 's'}")
    if len(members) > _ACCOUNTS:
        yield note(f"the other {len(members) - _ACCOUNTS} accounts were not tried")


def _out_of_reach(account: str, target: Target) -> str:
    """Say why an account's tags cannot be read; an empty string where they can."""
    try:
        client = target.aws.sessions.client("resourcegroupstaggingapi", account=account)
        client.get_resources(ResourcesPerPage=1)
    except Unavailable as error:
        return str(error)
    except Exception as error:
        if reason(error) is None:
            raise
        return what_to_do(error)
    return ""


def _has_organization_analyzer(target: Target) -> bool:
    for arn in target.analyzer_arns:
        try:
            if target.analyzers.look_up(arn).whole_organization:
                return True
        except AwsError:
            continue
    return False


def _first_accounts(client: Any, most: int) -> list[dict[str, Any]]:
    accounts: list[dict[str, Any]] = []
    for page in client.get_paginator("list_accounts").paginate():
        accounts += page["Accounts"]
        if len(accounts) >= most:
            break
    return accounts
