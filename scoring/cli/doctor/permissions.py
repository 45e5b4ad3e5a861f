"""The permissions that are needed, as IAM's policy simulator sees them; where it may not be asked, tried."""

from collections.abc import Callable, Iterator
from typing import Any

from scoring.aws.enrich import OWN_ACTIONS
from scoring.aws.errors import DENIED, code
from scoring.cli.doctor.result import CheckResult, Target, note, ok, problem
from scoring.decision_log.table import BY_EFFECT
from scoring.findings.arn import Arn
from scoring.pipeline.security_hub import ACTIONS as SECURITY_HUB
from scoring.pipeline.suppression.suspicions import ACTIONS as WATCHING

_AT_ONCE = 50
_READING = (
    "access-analyzer:GetFinding",
    *WATCHING,
)
_WRITING = ("access-analyzer:UpdateFindings",)
_LOG = (
    *("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem"),
    *("dynamodb:Query", "dynamodb:UpdateItem"),
)


def check_permissions(target: Target) -> Iterator[CheckResult]:
    """Compare what is allowed with what is needed."""
    own = target.aws.sessions.client("sts").get_caller_identity()
    arn = target.principal_arn or own["Arn"]
    if arn.endswith(":root"):
        yield note("you are the account's root user, whose rights no policy limits", "use a role instead")
        return
    try:
        source = _policy_source(arn, target)
        refused = {
            resource: list(_refused(source, actions, resource, target))
            for resource, actions in _needed(target, own["Account"]).items()
        }
    except Exception as error:
        if code(error) not in DENIED | {"NoSuchEntity"}:
            raise
        yield note(
            f"the permissions of {arn} could not be simulated ({code(error)}): the reading ones were tried",
            "allow iam:SimulatePrincipalPolicy and iam:GetRole, or name a role with --principal-arn",
        )
        yield from _tried(target)
        return
    lacking = {resource: actions for resource, actions in refused.items() if actions}
    for resource, actions in lacking.items():
        yield problem(
            f"{source} may not {', '.join(actions)} on {resource}", "allow it in a policy of its own"
        )
    if not lacking:
        yield ok(f"{source} may do all that is needed (resource policies and SCPs are not simulated)")


def _needed(target: Target, account: str) -> dict[str, tuple[str, ...]]:
    """Return the actions that are needed, by the resource that they are needed on."""
    needed: dict[str, tuple[str, ...]] = {"*": OWN_ACTIONS}
    settings = target.settings()
    is_enforcing = settings is not None and settings.policy.mode == "enforce"
    for arn in target.analyzer_arns or ("*",):
        needed[arn] = (*needed.get(arn, ()), *_READING, *(_WRITING if is_enforcing else ()))
    if target.table:
        table = f"arn:aws:dynamodb:{target.region}:{account}:table/{target.table}"
        needed[table] = _LOG
        needed[f"{table}/index/{BY_EFFECT}"] = ("dynamodb:Query",)
    if target.topic_arn:
        needed[target.topic_arn] = ("sns:Publish",)
    if settings is not None and settings.policy.security_hub.update:
        needed["*"] = (*needed["*"], *SECURITY_HUB)
    needed["*"] = tuple(action for action in needed["*"] if action != "sts:AssumeRole")
    if target.role_name is not None:
        needed[f"arn:aws:iam::*:role/{target.role_name}"] = ("sts:AssumeRole",)
    return needed


def _refused(source: str, actions: tuple[str, ...], resource: str, target: Target) -> Iterator[str]:
    pages = target.aws.sessions.client("iam").get_paginator("simulate_principal_policy")
    for start in range(0, len(actions), _AT_ONCE):
        some = list(actions[start : start + _AT_ONCE])
        for page in pages.paginate(PolicySourceArn=source, ActionNames=some, ResourceArns=[resource]):
            for result in page["EvaluationResults"]:
                if result["EvalDecision"] != "allowed":
                    yield result["EvalActionName"]


def _policy_source(arn: str, target: Target) -> str:
    """Return the user or role whose policies count: a session's role, with its path."""
    caller = Arn.parse(arn, field="--principal-arn")
    if caller.service != "sts" or not caller.resource.startswith("assumed-role/"):
        return arn
    name = caller.resource.split("/")[1]
    found = target.aws.sessions.client("iam").get_role(RoleName=name)
    return str(found["Role"]["Arn"])


def _tried(target: Target) -> Iterator[CheckResult]:
    """Try what only reads and has not been tried by the other checks."""
    sessions = target.aws.sessions
    tries: tuple[tuple[str, Callable[[], Any]], ...] = (
        (
            "tag:GetResources",
            lambda: sessions.client("resourcegroupstaggingapi").get_resources(ResourcesPerPage=1),
        ),
        ("kms:ListAliases", lambda: sessions.client("kms").list_aliases(Limit=1)),
    )
    for action, attempt in tries:
        try:
            attempt()
        except Exception as error:
            if code(error) not in DENIED:
                raise
            yield problem(f"you may not {action}", "allow it: without it tags and aliases are unknown")
        else:
            yield ok(f"you may {action}")
