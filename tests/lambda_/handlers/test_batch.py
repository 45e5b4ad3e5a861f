"""What only the single function does: batches of SQS, and findings that are too long for the workflow."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import refused

EVENTS = Path(__file__).parents[2] / "events"


def test_a_batch_reports_each_failure_and_loses_nothing(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    good = {"messageId": "good", "body": json.dumps(event_of(here.aws, finding_id))}
    broken = {"messageId": "broken", "body": '{"detail-type": "Access'}
    sample = json.loads((EVENTS / "external-cross-account-kms.json").read_text())
    sample["detail"]["status"] = "OPEN"
    wrong = {"messageId": "wrong", "body": json.dumps(sample)}
    result = here.deliver({"Records": [broken, wrong, good]})
    assert result == {"batchItemFailures": []}
    first, alert = here.mails()  # the second one that cannot be read is collected
    assert '{\\"detail-type\\": \\"Access' in first.text
    assert finding_id in alert.text
    assert here.effects(finding_id) == ["alert"]


def test_while_somebody_is_at_work_a_message_has_to_come_again(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    error = ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "Publish")
    with refused(("sns", "Publish"), error), pytest.raises(ClientError):
        here.deliver(event_of(here.aws, finding_id))
    messages = [{"messageId": "1", "body": json.dumps(event_of(here.aws, finding_id))}]
    assert here.deliver({"Records": messages}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_long_finding_is_logged(here: Deployment) -> None:
    """DynamoDB takes 400 KB an item."""
    condition = {f"aws:PrincipalTag/{n}": "value " * 40 for n in range(2500)}
    finding_id = here.share(here.key(), condition=condition)
    (item,) = here.items(finding_id)
    assert len(json.dumps(item["record"])) > 600_000
    assert "record_zlib" in item
