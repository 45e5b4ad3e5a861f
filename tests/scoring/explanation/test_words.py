"""Findings in plain words: what, to whom, which access."""

from typing import Any

import pytest

from scoring.explanation.action_phrases import PHRASES
from scoring.explanation.principal_words import account_name, owner, to_whom, to_whom_in_short
from scoring.explanation.words import access, actions, headline, name, noun, thing
from scoring.features.exposure import Exposure
from scoring.findings.access.access_level import access_level
from scoring.findings.context import NO_CONTEXT, Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.policy import Allow, Policy

OWN, OTHER = "111122223333", "444455556666"
GITHUB = "token.actions.githubusercontent.com"


def exposure(
    *principals: tuple[str, str], context: Context | None = None, policy: Policy | None = None, **finding: Any
) -> Exposure:
    given: dict[str, Any] = {
        "id": "1",
        "resource": "arn:aws:s3:::site",
        "resource_type": "AWS::S3::Bucket",
        "status": "ACTIVE",
        "finding_type": "ExternalAccess",
        "account": OWN,
        "actions": ("s3:GetObject",),
        "is_public": False,
    }
    return Exposure(
        Finding(**(given | {"principals": principals} | finding)), context or Context(), policy or Policy()
    )


def test_every_resource_type_has_words() -> None:
    assert not any("AWS::" in noun(resource_type) for resource_type in RESOURCE_TYPES)
    assert noun("AWS::New::Thing") == "resource (AWS::New::Thing)"


@pytest.mark.parametrize(
    ("resource_type", "resource", "own"),
    [
        ("AWS::S3::Bucket", "arn:aws:s3:::site", "site"),
        ("AWS::IAM::Role", "arn:aws:iam::111122223333:role/ci/deploy", "ci/deploy"),
        ("AWS::KMS::Key", "arn:aws:kms:eu-west-1:111122223333:key/4ab8", "4ab8"),
        (
            "AWS::Lambda::LayerVersion",
            "arn:aws:lambda:eu-west-1:111122223333:layer:telemetry:12",
            "telemetry:12",
        ),
        (
            "AWS::SecretsManager::Secret",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/p-Ab12Cd",
            "db/p-Ab12Cd",
        ),
        ("AWS::RDS::DBClusterSnapshot", "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:rds:a", "rds:a"),
        ("AWS::DynamoDB::Stream", "arn:aws:dynamodb:eu-west-1:1:table/T/stream/2026", "T/stream/2026"),
        ("AWS::New::Thing", "no arn at all", "no arn at all"),
        ("AWS::S3::Bucket", "arn:aws:s3:::", "arn:aws:s3:::"),
    ],
)
def test_own_name_of_a_resource(resource_type: str, resource: str, own: str) -> None:
    assert name(resource_type, resource) == own


def test_a_key_goes_by_its_only_alias() -> None:
    key: dict[str, Any] = {
        "resource_type": "AWS::KMS::Key",
        "resource": f"arn:aws:kms:eu-west-1:{OWN}:key/4ab8",
    }
    assert (
        thing(exposure(context=Context(aliases=Present(("alias/orders",))), **key)) == "KMS key alias/orders"
    )
    assert thing(exposure(context=Context(aliases=Present(("alias/a", "alias/b"))), **key)) == "KMS key 4ab8"


def test_action_phrases_are_of_actions_that_exist() -> None:
    missing = {action for action in PHRASES if access_level((action,)).assumed}
    # AWS's own example policies name it; the Service Authorization Reference does not.
    assert missing == {"sns:receive"}


@pytest.mark.parametrize(
    ("principal", "conditions", "said"),
    [
        (("AWS", OTHER), (), f"account {OTHER}"),
        (("AWS", f"arn:aws:iam::{OTHER}:root"), (), f"account {OTHER}"),
        (("AWS", f"arn:aws:iam::{OTHER}:user/a/b"), (), f"user a/b of account {OTHER}"),
        (("AWS", f"arn:aws:sts::{OTHER}:assumed-role/r/s"), (), f"assumed role r/s of account {OTHER}"),
        (("AWS", "AROAEXAMPLEEXAMPLEEXA"), (), "deleted principal AROAEXAMPLEEXAMPLEEXA"),
        (("AWS", "odd"), (), "odd (kind not known)"),
        (("Service", "sns.amazonaws.com"), (), "AWS service sns.amazonaws.com"),
        (("CanonicalUser", "a" * 64), (), "canonical user " + "a" * 64),
        (
            ("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta"),
            (),
            f"SAML provider okta of its own account {OWN}",
        ),
        (("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"), (), "anyone"),
        (
            ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"),
            ((f"{GITHUB}:sub", ("repo:acme/app:*", "repo:a/b:c", "repo:a/b:d", "repo:a/b:e")),),
            "GitHub Actions, repo:acme/app:*, repo:a/b:c, repo:a/b:d and 1 more",
        ),
        (
            ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB"),
            (),
            "EKS cluster oidc.eks.eu-west-1.amazonaws.com/id/AB, any subject",
        ),
        (
            ("AWS", "*"),
            (("aws:PrincipalArn", (f"arn:aws:iam::{OTHER}:role/x",)),),
            "anyone who meets the conditions",
        ),
    ],
)
def test_principals(principal: tuple[str, str], conditions: tuple[Any, ...], said: str) -> None:
    assert to_whom_in_short(exposure(principal, conditions=conditions, is_public=False)) == said


def test_several_principals() -> None:
    many = [("AWS", f"{index:012}") for index in range(8)]
    shown = to_whom(exposure(*many))
    assert shown[5] == "and 3 more"
    assert to_whom_in_short(exposure(*many)) == "account 000000000000 and 7 more"
    assert to_whom(exposure(is_public=True)) == ("anyone on the internet",)
    assert to_whom(exposure(("AWS", OTHER), is_public=True))[0] == "anyone on the internet"
    federated = exposure(("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"))
    assert to_whom(federated) == ("anyone on the internet", "GitHub Actions, any subject")
    assert to_whom(exposure()) == ("not known: the finding names no principal",)


def test_accounts_by_every_name_there_is() -> None:
    described = Context(
        resource_account=Present(Account(OWN, name="payments", ou="Workloads/Prod")),
        principal_account=Present(PrincipalAccount(OTHER, in_org=True, name="data")),
    )
    vendor = Context(
        principal_account=Present(PrincipalAccount(OTHER, in_org=False, vendor="Datadog", name="x"))
    )
    contracted = Policy(allow=Allow(accounts={OTHER: "Acme"}), known_vendors={OTHER: "Known"})
    principal = ("AWS", OTHER)
    assert account_name(OTHER, exposure(principal, context=described)) == f"data ({OTHER})"
    assert account_name(OTHER, exposure(principal, context=vendor)) == f"Datadog ({OTHER})"
    assert account_name(OTHER, exposure(principal, context=vendor, policy=contracted)) == f"Acme ({OTHER})"
    assert (
        account_name(OTHER, exposure(principal, policy=Policy(known_vendors={OTHER: "Known"})))
        == f"Known ({OTHER})"
    )
    assert account_name(OWN, exposure(context=described)) == f"payments ({OWN}), its own account"
    assert owner(exposure(context=described)) == f"payments ({OWN}), in Workloads/Prod"
    assert (
        owner(exposure(context=Context(resource_account=Unknown("AccessDenied"))))
        == f"{OWN} (its name is not known)"
    )
    assert owner(exposure(context=Context(resource_account=ABSENT))) == f"{OWN} (nothing is known of it)"
    assert owner(exposure(account=None)) == "not known"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("s3:GetObject",), "read objects (Read)"),
        (("s3:GetObject", "S3:GETOBJECT"), "read objects (Read)"),
        (
            ("s3:GetObject", "s3:PutBucketPolicy"),
            "change the bucket's policy, read objects (Permissions management)",
        ),
        (("s3:GetBucketTagging",), "s3:GetBucketTagging (Read)"),
        (("s3:*",), "do everything with the bucket (Permissions management)"),
        (
            ("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetBucketAcl"),
            "write objects, list the objects, read objects, delete objects and 1 more (Write)",
        ),
        ((), "not known: the finding names no action"),
    ],
)
def test_access(given: tuple[str, ...], said: str) -> None:
    assert access(exposure(("AWS", OTHER), actions=given))[0] == said


def test_access_says_what_it_rests_on() -> None:
    lines = access(exposure(("AWS", OTHER), actions=("s3:Put*", "s3:Frobnicate", "s3:Wobble")))
    assert lines[1] == "s3:Put* covers s3:PutBucketAcl" or lines[1].startswith("level assumed")
    assert any("level assumed: s3:Frobnicate and 1 more not in the reference" in line for line in lines)


def test_many_actions() -> None:
    shown = actions(exposure(actions=tuple(f"s3:A{index}" for index in range(20))).finding)
    assert len(shown) == 13
    assert shown[-1] == "and 8 more"


@pytest.mark.parametrize("finding_type", FINDING_TYPES)
def test_every_finding_type_has_a_headline(finding_type: str) -> None:
    said = str(headline(exposure(("AWS", OTHER), finding_type=finding_type)))
    assert said.startswith("S3 bucket site ")


def test_headlines() -> None:
    unused: dict[str, Any] = {"finding_type": "UnusedPermission", "actions": (), "is_public": None}
    assert str(headline(exposure(is_public=True))) == "S3 bucket site is open to anyone"
    assert str(headline(exposure())) == "S3 bucket site is shared, with whom is not known"
    assert (
        str(headline(exposure(error="ACCESS_DENIED")))
        == "S3 bucket site could not be analyzed: ACCESS_DENIED"
    )
    assert str(headline(exposure(**unused))) == "S3 bucket site has unused permissions"
    assert str(headline(exposure(unused_actions=1, unused_services=1, **unused))) == (
        "S3 bucket site has 1 unused service and 1 other unused action"
    )
    later: dict[str, Any] = {**unused, "finding_type": "UnusedSomethingNew"}
    assert str(headline(exposure(**later))) == "S3 bucket site has unused access"
    assert access(exposure(**later)) == ("the access has not been used for longer than the analyzer allows",)


@pytest.mark.parametrize(
    ("error", "principals", "said"),
    [
        ("INTERNAL_ERROR", (), "S3 bucket site could not be analyzed: INTERNAL_ERROR"),
        (
            "INTERNAL_ERROR",
            (("AWS", "arn:aws:iam::111122223333:role/Backup"),),
            "S3 bucket site could not be analyzed for arn:aws:iam::111122223333:role/Backup: INTERNAL_ERROR",
        ),
        (
            "PRINCIPAL_LIMIT_EXCEEDED",
            (),
            "S3 bucket site can be reached by more principals than Access Analyzer lists",
        ),
    ],
)
def test_what_an_error_means(error: str, principals: tuple[tuple[str, str], ...], said: str) -> None:
    finding = Finding(
        id="1",
        resource="arn:aws:s3:::site",
        resource_type="AWS::S3::Bucket",
        status="ACTIVE",
        finding_type="InternalAccess",
        error=error,
        principals=principals,
    )
    assert str(headline(Exposure(finding, NO_CONTEXT, Policy()))) == said


@pytest.mark.parametrize(
    ("services", "actions", "said"),
    [(0, 24, "24 unused actions"), (3, 0, "3 unused services"), (None, 1, "1 unused action")],
)
def test_unused_permissions_are_counted_as_aws_counts(services: int | None, actions: int, said: str) -> None:
    finding = Finding(
        id="1",
        resource="arn:aws:iam::111122223333:role/batch",
        resource_type="AWS::IAM::Role",
        status="ACTIVE",
        finding_type="UnusedPermission",
        unused_services=services,
        unused_actions=actions,
    )
    assert str(headline(Exposure(finding, NO_CONTEXT, Policy()))) == f"IAM role batch has {said}"
