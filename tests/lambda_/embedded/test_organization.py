"""The embedded organization: accounts, units, resources, and the view of a delegated administrator."""

import pytest

from embedded import EmbeddedAws, small_organization


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(small_organization()) as box:
        yield box


@pytest.fixture(scope="module")
def built(aws):
    return aws.organization


def test_the_accounts_hang_where_the_description_says(aws, built):
    client = aws.client("organizations")
    paths = {ou_id: path for path, ou_id in built.ous.items()}
    description = small_organization()
    for account in description.accounts:
        told = client.describe_account(AccountId=account.id)["Account"]
        assert (told["Name"], told["Status"]) == (account.name, "ACTIVE")
        [parent] = client.list_parents(ChildId=account.id)["Parents"]
        assert paths[parent["Id"]] == account.ou
        tags = client.list_tags_for_resource(ResourceId=account.id)["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == account.tags
    [above] = client.list_parents(ChildId=built.ous["Workloads/Prod"])["Parents"]
    assert above["Id"] == built.ous["Workloads"]
    assert set(built.accounts.values()) == {row["Id"] for row in client.list_accounts()["Accounts"]}


@pytest.mark.parametrize("who", ["management", "security", "sandbox"])
def test_every_account_sees_the_organization(aws, built, who):
    told = aws.client("organizations", account=built.accounts[who]).describe_organization()["Organization"]
    assert (told["Id"], told["MasterAccountId"]) == (built.id, built.management)


def test_the_security_account_administers_access_analyzer(aws, built):
    client = aws.client("organizations", account=built.management)
    [admin] = client.list_delegated_administrators()["DelegatedAdministrators"]
    assert admin["Id"] == built.security == aws.account
    assert client.describe_account(AccountId=built.management)["Account"]["Name"] == "management"
    analyzer = aws.client("accessanalyzer").get_analyzer(analyzerName="org")["analyzer"]
    assert (analyzer["arn"], analyzer["type"]) == (built.analyzer_arn, "ORGANIZATION")
    assert aws.findings.analyzer_for("external") == built.analyzer_arn


def test_each_resource_is_in_its_own_account_only(aws, built):
    prod, dev = (
        aws.client("sqs", account=built.accounts[name]) for name in ("payments-prod", "payments-dev")
    )
    assert [url.rpartition("/")[2] for url in prod.list_queues()["QueueUrls"]] == ["orders"]
    assert [url.rpartition("/")[2] for url in dev.list_queues()["QueueUrls"]] == ["orders-dev"]
    assert built.arn("orders") == "arn:aws:sqs:eu-west-1:222233334444:orders"


def test_the_development_key_of_the_article_is_there(aws, built):
    kms = aws.client("kms", account=built.accounts["payments-dev"])
    arn = built.arn("development-key")
    tags = kms.list_resource_tags(KeyId=arn)["Tags"]
    assert {tag["TagKey"]: tag["TagValue"] for tag in tags} == {
        "IsAllowedToShare": "true",
        "Environment": "development",
    }
    aliases = kms.list_aliases(KeyId=arn)["Aliases"]
    assert [alias["AliasName"] for alias in aliases] == ["alias/DevelopmentKey"]


def test_a_role_of_another_account_is_assumed_as_in_aws(aws, built):
    given = aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{built.accounts['payments-prod']}:role/reader", RoleSessionName="enrich"
    )["Credentials"]
    iam = aws.session().client(
        "iam",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    role = iam.get_role(RoleName="deploy")["Role"]
    assert role["Arn"] == built.arn("deploy") == "arn:aws:iam::222233334444:role/ci/deploy"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert role["Tags"] == [{"Key": "team", "Value": "payments"}]


def test_an_ambiguous_name_is_refused(built):
    with pytest.raises(KeyError, match="0 resources are called 'nothing'"):
        built.arn("nothing")
