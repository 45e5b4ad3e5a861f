"""Each resource type: the call, AccessDenied, the permissions it declares, and what it costs."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from policy_sentry.querying.actions import get_action_data

from scoring.aws.enrich import ALLOWED_ON, ENRICHERS, Aws, enrich, enrich_many
from scoring.findings.facts import NOT_LOOKED_UP, Unknown
from scoring.findings.finding import Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from tests.scoring.aws.enrich.resource_makers import MAKERS, OWN, Found

# Operations whose IAM action has another name.
ACTION_OF = {
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "efs:DescribeFileSystems": "elasticfilesystem:DescribeFileSystems",
    "s3control:ListTagsForResource": "s3express:ListTagsForResource",
}
DENIED = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "s3": "AccessDenied"}


def action_of(call: str, resource_type: str) -> str:
    """Name the IAM action that an operation needs."""
    if resource_type == "AWS::S3Express::DirectoryBucket":
        call = call.replace("s3:GetBucketEncryption", "s3express:GetEncryptionConfiguration")
    return ACTION_OF.get(call, call)


every_type = pytest.mark.parametrize("resource_type", MAKERS)


def test_every_type_is_on_the_table() -> None:
    assert set(ENRICHERS) == set(RESOURCE_TYPES) == set(MAKERS)


@every_type
def test_the_call(made: Found, aws: Aws) -> None:
    finding, expected = made
    context = enrich(finding, aws)
    assert context.tags == expected.tags
    assert context.aliases == expected.aliases
    assert context.details == expected.details


@every_type
def test_access_denied_is_unknown(resource_type: str, made: Found, aws: Aws, wire: Any) -> None:
    """A refusal costs the facts of that request, and no others; never does it look like "no tags"."""
    finding, expected = made
    facts = {"tags": expected.tags, "aliases": expected.aliases, **expected.details}
    enrich(finding, aws)
    for call in tuple(wire.calls):
        code = DENIED.get(call.split(":")[0], "AccessDeniedException")
        wire.faults = {call: code}
        context = enrich(finding, aws)
        lost = [
            fact
            for lookup in ENRICHERS[resource_type].lookups
            if action_of(call, resource_type) in lookup.actions
            for fact in lookup.facts
        ]
        assert lost
        assert {"tags": context.tags, "aliases": context.aliases, **context.details} == {
            **facts,
            **dict.fromkeys(lost, Unknown(code)),
        }


@every_type
def test_declared_actions_are_those_used(resource_type: str, made: Found, aws: Aws, wire: Any) -> None:
    enrich(made[0], aws)
    used = {action_of(call, resource_type) for call in wire.calls}
    assert used == set(ENRICHERS[resource_type].actions)


@every_type
def test_bulk_and_single_tags_agree(resource_type: str, made: Found, aws: Aws) -> None:
    enricher = ENRICHERS[resource_type]
    single = enrich(made[0], aws).tags
    bulk = next(enrich_many([made[0]], aws)).tags
    assert bulk == (single if enricher.bulk_tags or "tags" in enricher.known else NOT_LOOKED_UP)


@every_type
def test_declared_actions_exist(resource_type: str) -> None:
    for action in ENRICHERS[resource_type].actions:
        service, name = action.split(":")
        assert get_action_data(service, name), action


@every_type
def test_what_iam_ties_to_no_resource_is_allowed_on_any(resource_type: str) -> None:
    """An action that IAM ties to no resource is refused where a policy names one."""
    for lookup in ENRICHERS[resource_type].lookups:
        for action in lookup.actions:
            service, name = action.split(":")
            arns = {row["resource_arn_format"] for row in get_action_data(service, name)[service]}
            assert lookup.on_any_resource or arns != {"*"}, action
            assert not lookup.on_any_resource or "*" in arns, action


@every_type
def test_what_is_allowed_names_the_resource(resource_type: str, made: Found) -> None:
    enricher = ENRICHERS[resource_type]
    own = made[0].resource.split(":", 2)[2]
    for lookup in enricher.lookups:
        for action in lookup.actions:
            patterns = [pattern.format(account=OWN) for pattern in ALLOWED_ON[action]]
            assert any(fnmatchcase(own, pattern) for pattern in patterns), (own, patterns)


@every_type
def test_an_event_costs_at_most_three_calls(made: Found, aws: Aws, wire: Any) -> None:
    enrich(made[0], aws)
    assert len(wire.calls) <= 3


@every_type
def test_lookups_tell_what_they_promise(resource_type: str, made: Found, aws: Aws) -> None:
    enricher = ENRICHERS[resource_type]
    resource = enricher.resource(made[0])
    told = dict(enricher.known)
    for lookup in enricher.lookups:
        found = lookup.find(aws.sessions.client(lookup.service), resource)
        assert tuple(found) == lookup.facts
        assert not set(told) & set(found)
        told.update(found)
    assert "tags" in told


@every_type
def test_the_arn_of_something_else_is_not_asked_about(
    resource_type: str, aws: Aws, wire: Any, a_finding: Callable[..., Finding]
) -> None:
    for arn in (
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/p",
        "arn:aws:glue:::x",
        "no arn",
        "*",
        "arn:::::",
    ):
        context = enrich(a_finding(resource_type, arn), aws)
        facts = {"tags": context.tags, **context.details}
        asked = {
            fact for lookup in ENRICHERS[resource_type].lookups for fact in lookup.facts if fact in facts
        }
        assert all(facts[fact] == Unknown("unexpected resource ARN") for fact in asked)
    assert all(call.startswith("organizations:") for call in wire.calls)


@pytest.mark.parametrize("resource_type", sorted(set(MAKERS) - {"AWS::S3Express::DirectoryBucket"}))
def test_what_is_gone_is_unknown(resource_type: str, made: Found, aws: Aws) -> None:
    """The resource was deleted since: there is no telling what tags it had."""
    BackendDict.reset()
    context = enrich(made[0], aws)
    if "tags" not in ENRICHERS[resource_type].known:
        assert isinstance(context.tags, Unknown)
        assert context.tags.asked
