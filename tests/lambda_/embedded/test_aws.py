"""The box as a whole: what it isolates, what it leaves behind, and the same service over HTTP."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import backend_index, mock_aws
from moto.server import ThreadedMotoServer

from embedded import EmbeddedAws
from embedded.access_analyzer import register
from embedded.access_analyzer.models import accessanalyzer_backends
from scoring.decision_log import table
from tests.processes import PATIENCE

BUCKET = {"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket", "principal": {"AWS": "*"}}


def test_nothing_of_a_real_aws_is_used_and_all_is_as_before(monkeypatch, tmp_path):
    real = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_ACCESSANALYZER": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "ap-southeast-2",
        "AWS_SESSION_TOKEN": "real",
        "MOTO_ACCOUNT_ID": "121212121212",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    before = dict(os.environ)
    with EmbeddedAws() as aws:
        client = boto3.client("sts")
        assert client.get_caller_identity()["Account"] == aws.account == "111122223333"
        assert client.meta.region_name == "eu-west-1"
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before


def test_the_home_account_and_region_can_be_chosen():
    with EmbeddedAws(account="222233334444", region="us-east-1") as aws:
        arn = aws.findings.analyzer_for("external")
        assert arn == "arn:aws:access-analyzer:us-east-1:222233334444:analyzer/external"
        assert boto3.client("accessanalyzer").list_analyzers()["analyzers"][0]["arn"] == arn


def test_a_failure_inside_leaves_nothing_behind():
    before = dict(os.environ)
    with pytest.raises(ValueError, match="a finding needs one"), EmbeddedAws() as aws:
        aws.findings.put({"resource": "arn:aws:s3:::site"})
    assert dict(os.environ) == before
    with EmbeddedAws() as aws:
        assert aws.findings.all() == []
        assert aws.client("accessanalyzer").list_analyzers()["analyzers"] == []


def test_there_is_one_box_at_a_time():
    with EmbeddedAws() as aws:
        finding = aws.findings.put(BUCKET)
        with pytest.raises(RuntimeError, match="one at a time"), EmbeddedAws():
            pass
        assert aws.findings.get(finding.id) == finding


def test_a_box_without_an_organization_says_so():
    with EmbeddedAws() as aws, pytest.raises(LookupError, match="no organization"):
        aws.organization  # noqa: B018 - asking is the test


def test_credentials_work_in_each_account():
    with EmbeddedAws() as aws:
        for account in ("222233334444", "333344445555", aws.account):
            assert aws.client("sts", account=account).get_caller_identity()["Account"] == account
        assert aws.credentials("222233334444") == aws.credentials("222233334444")
        assert set(aws.credentials()) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def test_messages_of_a_topic_are_read():
    with EmbeddedAws() as aws:
        inbox = aws.create_topic("alerts")
        assert inbox.messages() == []
        sns = boto3.client("sns")
        for number in range(12):
            sns.publish(
                TopicArn=inbox.topic_arn,
                Subject=f"Finding {number}",
                Message="Public bucket",
                MessageAttributes={"score": {"DataType": "String", "StringValue": str(number)}},
            )
        messages = inbox.messages()
        assert [message.subject for message in messages] == [f"Finding {number}" for number in range(12)]
        assert (messages[3].text, messages[3].attributes) == ("Public bucket", {"score": "3"})
        sns.publish(TopicArn=inbox.topic_arn, Message="no subject")
        assert inbox.messages()[12:] == [type(messages[0])(None, "no subject")]


def test_the_box_is_served_over_http_to_other_processes():
    script = (
        "import boto3; client = boto3.client('accessanalyzer');"
        "arn = client.list_analyzers()['analyzers'][0]['arn'];"
        "pages = client.get_paginator('list_findings_v2').paginate(analyzerArn=arn);"
        "ids = [row['id'] for page in pages for row in page['findings']];"
        "client.update_findings(analyzerArn=arn, ids=ids, status='ARCHIVED'); print(len(ids))"
    )
    with EmbeddedAws() as aws:
        statuses = []
        aws.deliver_to(lambda event, context: statuses.append(event["detail"]["status"]))
        for _ in range(120):
            aws.findings.put(BUCKET)
        with aws.serve() as url:
            environment = {**os.environ, **aws.credentials(), "AWS_ENDPOINT_URL": url}
            done = subprocess.run(
                [sys.executable, "-c", script],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        assert done.stdout.strip() == "120"
        assert statuses == ["ACTIVE"] * 120 + ["ARCHIVED"] * 120


def served_elsewhere() -> ThreadedMotoServer:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server


def test_a_plain_moto_server_and_mock_aws_answer_the_same(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    register()
    register()
    known = [service for service, _ in backend_index.backend_url_patterns]
    assert known.count("accessanalyzer") == 1
    answers = []
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    with mock_aws():
        answers.append(life_of_an_analyzer(boto3.client("accessanalyzer", **keys)))
    server = served_elsewhere()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        answers.append(life_of_an_analyzer(boto3.client("accessanalyzer", endpoint_url=url, **keys)))
    finally:
        server.stop()
        accessanalyzer_backends.reset()
    assert answers[0] == answers[1]


def life_of_an_analyzer(client) -> tuple[object, ...]:
    arn = client.create_analyzer(analyzerName="org", type="ORGANIZATION", tags={"a": "b"})["arn"]
    backend = accessanalyzer_backends[arn.split(":")[4]]["eu-west-1"]
    finding = backend.put_finding(arn, {**BUCKET, "id": "f", "updatedAt": "2026-05-04T00:00:00Z"})
    client.create_archive_rule(
        analyzerName="org", ruleName="site", filter={"resource": {"contains": ["site"]}}
    )
    client.apply_archive_rule(analyzerArn=arn, ruleName="site")
    client.tag_resource(resourceArn=arn, tags={"c": "d"})
    whole = client.get_finding_v2(analyzerArn=arn, id=finding.id)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.get_analyzer(analyzerName="two")
    with pytest.raises(client.exceptions.ConflictException) as conflict:
        client.create_analyzer(analyzerName="org", type="ACCOUNT")
    client.delete_archive_rule(analyzerName="org", ruleName="site")
    return (
        arn,
        whole["status"],
        whole["createdAt"],
        whole["findingDetails"],
        client.list_tags_for_resource(resourceArn=arn)["tags"],
        client.list_archive_rules(analyzerName="org")["archiveRules"],
        missing.value.response["Error"],
        conflict.value.response["Error"],
    )


def test_importing_the_package_imports_no_moto_and_no_boto3():
    script = "import sys, embedded; print(sorted({'moto', 'boto3', 'botocore'} & set(sys.modules)))"
    path = os.pathsep.join([str(Path(__file__).parents[3]), str(Path(__file__).parents[3] / "lambda")])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout.strip() == "[]"


def test_a_handler_hears_of_every_finding_and_of_every_archive_of_its_own():
    with EmbeddedAws() as aws:
        client = aws.client("accessanalyzer")

        def handler(event, context):
            detail = event["detail"]
            if detail["status"] == "ACTIVE":
                arn = event["resources"][0]
                client.get_finding_v2(analyzerArn=arn, id=detail["id"])
                client.update_findings(analyzerArn=arn, ids=[detail["id"]], status="ARCHIVED")

        aws.deliver_to(handler)
        for number in range(100):
            aws.findings.put({**BUCKET, "resource": f"arn:aws:s3:::b{number}"})
        assert len(aws.delivery.invocations) == 200


def test_transactions_keep_no_copies_of_a_table():
    """Each transaction sets one aside; kept, they would fill the memory of a long run."""
    with EmbeddedAws() as aws:
        dynamodb = aws.client("dynamodb")
        table.create(dynamodb, "log")
        for number in range(5):
            item = {"finding_id": {"S": str(number)}, "item": {"S": "decision"}}
            dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "log", "Item": item}}])
        gc.collect()
        tables = [kept for kept in gc.get_objects() if type(kept).__qualname__ == "Table"]
        named = [kept for kept in tables if getattr(kept, "name", "") == "log"]
        assert len(named) == 1


def test_credentials_that_were_taken_away_are_no_reason_to_fail(monkeypatch):
    before = dict(os.environ)
    with EmbeddedAws():
        del os.environ["AWS_ACCESS_KEY_ID"]
    assert dict(os.environ) == before
