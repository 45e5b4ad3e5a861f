"""What the seed and the neighbouring tools get wrong, one test each: what this project is for.

Each test says it in the shortest way; the tests of the parts say it in all its cases.
"""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from embedded import small_organization
from scoring.decision.decide import Decision, decide
from scoring.explanation.explain import explain
from scoring.files.errors import BadInput
from scoring.findings.facts import Present, Unknown
from scoring.findings.finding import Finding
from scoring.findings.record import Case, read_case, read_value
from scoring.policy.rules import Rule
from scoring.scorecard import formats
from tests.lambda_.deployment import STRANGER, Deployment, deployed, event_of
from tests.lambda_.faults import refused
from tests.scoring.scenarios import POLICY, SCENARIOS

EVENTS = Path(__file__).parent / "events"
CARD = formats.load()
ARTICLE = {"IsAllowedToShare": "true", "Environment": "development"}
MEMBER_ROLE = "access-triage"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(monkeypatch, tmp_path) as one_account:
        yield one_account


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    """The handler in the security account of an organization, with a role of ours in each other account."""
    with deployed(monkeypatch, tmp_path, organization=small_organization()) as everywhere:
        aws = everywhere.aws
        everywhere.set(MEMBER_ROLE=MEMBER_ROLE, POLICY="")
        trusting = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}
        for account in set(aws.organization.accounts.values()) - {aws.account}:
            aws.client("iam", account=account).create_role(
                RoleName=MEMBER_ROLE,
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusting]}),
            )
        yield everywhere


def expecting(rule: str) -> str:
    return f'[[expected]]\nname = "written by a person"\n{rule}\n'


def decided(name: str) -> Decision:
    return decide(*SCENARIOS[name][1], CARD, POLICY)


class TestTheSeed:
    """In the order of its mistakes."""

    INSIDE = "arn:aws:iam::777788889999:role/analytics/reader"

    def test_1_3_7_any_type_is_archived_in_any_account(self, organization: Deployment) -> None:
        """By its score; aliases are asked for where there are any, and a bucket is asked for by its name."""
        for name, resource_type, action, tags in (
            ("orders-dev", "AWS::SQS::Queue", "sqs:ReceiveMessage", {"Environment": "development"}),
            ("scratch-space", "AWS::S3::Bucket", "s3:GetObject", {}),
            ("development-key", "AWS::KMS::Key", "kms:DescribeKey", ARTICLE),
        ):
            arn = organization.aws.organization.arn(name)
            owner = arn.split(":")[4] or organization.aws.organization.accounts["sandbox"]
            more: dict[str, Any] = {
                "resourceType": resource_type,
                "action": [action],
                "resourceOwnerAccount": owner,
            }
            finding_id = organization.share(arn, self.INSIDE, **more)
            (item,) = organization.items(finding_id)
            record = item["record"]
            assert organization.status(finding_id) == "ARCHIVED", record
            assert record["context"]["tags"] == tags

    def test_2_no_tags_get_a_public_key_archived(self, here: Deployment) -> None:
        finding_id = here.share(here.key(ARTICLE), principal="*")
        assert here.status(finding_id) == "ACTIVE"
        assert here.subjects() == [subject for subject in here.subjects() if "open to anyone" in subject]

    @pytest.mark.parametrize("alias", ["alias/DevelopmentKey", "alias/developmentkey"])
    def test_3_an_alias_is_compared_with_its_prefix_or_without(self, here: Deployment, alias: str) -> None:
        here.policy(expecting('alias = "DevelopmentKey"'))
        arn = here.key()
        here.aws.client("kms").create_alias(AliasName=alias, TargetKeyId=arn)
        assert here.status(here.share(arn)) == "ARCHIVED"

    @pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
    def test_4_every_family_is_understood(self, path: Path) -> None:
        for located in read_value(json.loads(path.read_text())):
            assert located.case is not None, located.error
            case = located.case
            if isinstance(case.finding, Finding):
                assert explain(case, decide(case.finding, case.context, CARD, POLICY), POLICY).text

    def test_5_access_denied_is_not_no_tags(self, here: Deployment) -> None:
        arn = here.development_key()
        denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "ListResourceTags")
        with refused(("kms", "ListResourceTags"), denied):
            finding_id = here.share(arn)
        assert here.status(finding_id) == "ACTIVE"
        (mail,) = here.mails()
        said = " ".join(mail.text.split())
        assert "AccessDeniedException; triage doctor names the missing permission" in said

    def test_6_a_step_that_fails_loses_nothing(self, here: Deployment) -> None:
        """It raises, so that the event is delivered again or set aside; then the work is finished, once."""
        here.aws.delivery.at_once = False
        event = event_of(here.aws, here.share(here.key()))
        error = ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "Publish")
        with refused(("sns", "Publish"), error), pytest.raises(ClientError):
            here.deliver(event)
        here.clock.pass_by(minutes=10)
        here.deliver(event)
        assert len(here.mails()) == 1

    def test_8_an_event_that_comes_twice_has_one_effect(self, here: Deployment) -> None:
        finding_id = here.share(here.key())
        here.deliver(event_of(here.aws, finding_id))
        assert (len(here.mails()), len(here.items(finding_id))) == (1, 1)

    def test_9_the_alert_says_what_to_whom_and_where(self, here: Deployment) -> None:
        arn = here.key()
        finding_id = here.share(arn)
        (mail,) = here.mails()
        text = "".join(mail.text.split())
        region = f"https://{here.aws.region}.console.aws.amazon.com/access-analyzer/"
        for said in (finding_id, arn, here.aws.account, STRANGER, "kms:Decrypt", region, "score"):
            assert said in text

    def test_10_what_an_analyst_brings_back_stays(self, here: Deployment) -> None:
        finding_id = here.share(here.development_key())
        assert here.status(finding_id) == "ARCHIVED"
        here.clock.pass_by(hours=1)
        client = here.aws.client("accessanalyzer")
        client.update_findings(analyzerArn=here.analyzer_arn, ids=[finding_id], status="ACTIVE")
        assert here.status(finding_id) == "ACTIVE"

    def test_11_a_deleted_finding_is_passed_over(self, here: Deployment) -> None:
        here.aws.delivery.at_once = False
        event = event_of(here.aws, here.share(here.key()))
        event["detail"]["isDeleted"] = True
        assert here.deliver(event)["done"][0]["outcome"] == "skip"
        assert here.mails() == []

    @pytest.mark.parametrize("tags", [{"environment": "DEVELOPMENT"}, {"ENV": "dev"}])
    def test_12_tags_are_compared_as_people_write_them(self, here: Deployment, tags: dict[str, str]) -> None:
        """That all pages are read is in `tests/scoring/enrich`, whom permissions name in `tests/infra_`."""
        assert here.status(here.share(here.key(tags))) == "ARCHIVED"


class TestTheNeighbours:
    def test_missing_context_is_unknown_and_no_production(self) -> None:
        """MetaHub scores what it was not told like production."""
        finding, context = SCENARIOS["bucket for a role inside"][1]
        production = msgspec.structs.replace(context, tags=Present({"Environment": "prod"}))
        unknown = msgspec.structs.replace(context, tags=Unknown("AccessDenied"))
        told, untold = (decide(finding, one, CARD, POLICY) for one in (production, unknown))
        assert (told.unknown, untold.unknown) == ((), ("tags",))
        assert "unknown_context" in [rail.name for rail in untold.guardrails]
        assert told.score != untold.score

    def test_the_breakdown_reaches_whoever_reads_the_alert(self) -> None:
        """MetaHub computes it and drops it."""
        case = read_case(json.loads((EVENTS / "external-cross-account-kms.json").read_text()))
        assert isinstance(case.finding, Finding)
        decision = decide(case.finding, case.context, CARD, POLICY)
        message = explain(case, decision, POLICY)
        for part in decision.contributions:
            if abs(part.points) >= 5:
                assert part.text in " ".join(message.text.split())
                assert part.text in html.unescape(message.html)

    def test_a_misspelt_key_is_an_error(self) -> None:
        """MetaHub's never scores."""
        card = formats.DEFAULT.read_text().replace('key = ["environment"]', 'key = ["enviroment"]')
        with pytest.raises(BadInput, match="unknown feature 'enviroment'; did you mean 'environment'"):
            formats.from_toml(card)

    def test_shared_roles_are_told_apart(self) -> None:
        """ZeroTrust-IAM-Analyzer calls every role without conditions critical, whoever may assume it."""
        names = ("stranger", "stranger, external id", "vendor", "partner", "partner, external id")
        scores = [decided(f"role for a {name}").score for name in names]
        assert scores == sorted(set(scores), reverse=True)

    def test_every_page_and_every_kind_of_finding_is_read(self, here: Deployment) -> None:
        """Cloud Custodian reads the first page, of external access only."""
        here.policy("[alerts]\nmails_per_hour = 5\n")
        shared = [here.share(here.key(), announce=False) for _ in range(3)]
        role = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
        unused = here.aws.findings.put(role | {"findingType": "UnusedIAMRole"}, announce=False)
        here.set(ANALYZER_ARNS=f"{here.analyzer_arn},{here.aws.findings.analyzer_for('unused')}")
        make = here.aws.client("accessanalyzer").list_findings_v2
        page = make(analyzerArn=here.analyzer_arn, maxResults=2)
        assert "nextToken" in page
        for _ in range(2):
            here.reconcile()
            here.clock.pass_by(minutes=15)
        assert all(here.items(finding_id) for finding_id in (*shared, unused.id))

    def test_hundreds_of_rules_take_no_time(self) -> None:
        """Security Hub's suppressors run out of time at some tens of rules."""
        rules = tuple(Rule(name=f"rule {n}", resource=(f"arn:aws:s3:::bucket-{n}",)) for n in range(1000))
        finding, context = SCENARIOS["bucket for a stranger"][1]
        policy = msgspec.structs.replace(POLICY, expected=(*rules, Rule(name="last", resource=("*",))))
        assert decide(finding, context, CARD, policy).reason == (
            "expected by the policy's rule: last (the sharer can set the resource's name)"
        )

    def test_tags_decide_where_native_rules_cannot_see_them(self, here: Deployment) -> None:
        alike = [here.share(here.key(tags)) for tags in ({"Environment": "development"}, None)]
        assert [here.status(finding_id) for finding_id in alike] == ["ARCHIVED", "ACTIVE"]

    def test_whoever_stands_behind_an_account_is_named(self) -> None:
        finding, context = SCENARIOS["role for a vendor"][1]
        case = Case(finding=finding, context=context, raw={})
        assert "Datadog" in explain(case, decide(finding, context, CARD, POLICY), POLICY).subject

    def test_every_archive_says_which_model_and_why(self, here: Deployment) -> None:
        (item,) = here.items(here.share(here.development_key()))
        decision = item["record"]["decision"]
        assert decision["outcome"] == "archive"
        assert decision["model"]["sha256"] == CARD.sha256
        assert decision["reason"] == ("expected by the policy's rule: development (the sharer can set tags)")

    def test_an_archive_may_expire(self, here: Deployment) -> None:
        here.policy("[archives]\ndays = 30\n")
        arn = here.development_key()
        finding_id = here.share(arn)
        here.aws.client("kms").untag_resource(KeyId=arn, TagKeys=["Environment"])
        here.clock.pass_by(days=31)
        here.reconcile()
        assert here.status(finding_id) == "ACTIVE"
        assert here.effects(finding_id)[-1] == "alert"

    def test_a_burst_is_one_mail(self, here: Deployment) -> None:
        arn = here.key()
        for number in range(5):
            here.share(arn, f"arn:aws:iam::{STRANGER}:role/r{number}")
        assert len(here.mails()) == 1
        here.clock.pass_by(minutes=16)
        here.reconcile()
        assert len(here.mails()) == 2
