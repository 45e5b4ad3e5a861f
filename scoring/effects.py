"""The only writers: archive a finding, alert a person.

Nothing else in `scoring` can change anything in AWS; what is written down about it is in `decision_log`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from scoring.errors import BadInput
from scoring.finding import Finding, from_api

if TYPE_CHECKING:
    from scoring.explain import Message

# SNS takes 256 KiB in all; what is cut is in the decision log in full.
_MESSAGE_BYTES = 200_000
_CUT = "\n[cut: the whole explanation is in the decision log]\n"


class Writers(msgspec.Struct, frozen=True):
    """The clients that effects need.

    Parameters
    ----------
    analyzer : callable
        Region to an Access Analyzer client.
    sns : SNS client
    topic_arn : str
    """

    analyzer: Callable[[str], Any]
    sns: Any
    topic_arn: str


def read_again(finding: Finding, writers: Writers) -> tuple[Finding, Mapping[str, Any]]:
    """Read a finding as it is now, with all pages of its details; give it with what AWS answered.

    Raises
    ------
    BadInput
        The finding names no analyzer, or the answer is not what AWS sends.
    botocore.exceptions.ClientError
        AWS refused.
    """
    arn, region = _analyzer_of(finding)
    client = writers.analyzer(region)
    answer = client.get_finding_v2(analyzerArn=arn, id=finding.id)
    details = list(answer.get("findingDetails", ()))
    while answer.get("nextToken"):
        answer = client.get_finding_v2(analyzerArn=arn, id=finding.id, nextToken=answer["nextToken"])
        details += answer.get("findingDetails", ())
    whole: Mapping[str, Any] = {
        k: v for k, v in answer.items() if k not in ("ResponseMetadata", "nextToken")
    } | {"findingDetails": details}
    return from_api(whole, analyzer_arn=arn, region=region), whole


def archive(finding: Finding, writers: Writers) -> None:
    """Archive a finding; doing it twice does no harm."""
    arn, region = _analyzer_of(finding)
    writers.analyzer(region).update_findings(analyzerArn=arn, ids=[finding.id], status="ARCHIVED")


def alert(message: "Message", writers: Writers) -> str:
    """Publish an alert to the topic.

    Returns
    -------
    str
        The message's identifier at SNS.
    """
    text = message.text.encode("utf-8")
    if len(text) > _MESSAGE_BYTES:
        text = text[:_MESSAGE_BYTES].decode("utf-8", errors="ignore").encode() + _CUT.encode()
    answer = writers.sns.publish(TopicArn=writers.topic_arn, Subject=message.subject, Message=text.decode())
    return str(answer["MessageId"])


def _analyzer_of(finding: Finding) -> tuple[str, str]:
    arn = finding.analyzer_arn or ""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[3]:
        raise BadInput("expected the ARN of an analyzer", field="resources[0]", value=finding.analyzer_arn)
    return arn, parts[3]
