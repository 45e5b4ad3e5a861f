"""The only writers: archive a finding, bring it back, alert a person.

Nothing else in `scoring` can change anything in AWS; what is written down about it is in `decision_log`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from scoring.enrich.failures import code
from scoring.errors import BadInput
from scoring.finding import Finding, from_api
from scoring.mail import Mail

# SNS takes 256 KiB in all; what is cut is in the decision log in full. A message of SES has no such limit.
_MESSAGE_BYTES = 200_000
_CUT = "\n[cut: the whole explanation is in the decision log]\n"
_NOT_TO_BE_CHANGED = ("ResourceNotFoundException", "ValidationException")


class Destination(NamedTuple):
    """Where a mail goes.

    Attributes
    ----------
    address : tuple of str
        The topic's ARN, or the recipients of one message of SES.
    """

    channel: Literal["sns", "ses", "chat"]
    address: tuple[str, ...]

    @property
    def name(self) -> str:
        """What marks it in the decision log, and in what is logged."""
        return " ".join((self.channel, *self.address))


class Writers(msgspec.Struct, frozen=True):
    """The clients that effects need.

    Parameters
    ----------
    analyzer : callable
        Region to an Access Analyzer client.
    sns : SNS client
    topic_arn : str
        Of the alerts.
    ses : client of SES (sesv2), optional
    mail_from : str
        Whose mails SES sends.
    chat_topic_arn : str
        Topic that a chat is subscribed to.
    """

    analyzer: Callable[[str], Any]
    sns: Any
    topic_arn: str
    ses: Any = None
    mail_from: str = ""
    chat_topic_arn: str = ""


def read_again(
    finding_id: str, analyzer_arn: str | None, writers: Writers
) -> tuple[Finding, Mapping[str, Any]]:
    """Read a finding as it is now, with all pages of its details; give it with what AWS answered.

    Raises
    ------
    BadInput
        There is no such analyzer's ARN, or the answer is not what AWS sends.
    botocore.exceptions.ClientError
        AWS refused, or has no such finding.
    """
    arn, region = _place(analyzer_arn)
    client = writers.analyzer(region)
    answer = client.get_finding_v2(analyzerArn=arn, id=finding_id)
    details = list(answer.get("findingDetails", ()))
    while answer.get("nextToken"):
        answer = client.get_finding_v2(analyzerArn=arn, id=finding_id, nextToken=answer["nextToken"])
        details += answer.get("findingDetails", ())
    whole: Mapping[str, Any] = {
        k: v for k, v in answer.items() if k not in ("ResponseMetadata", "nextToken")
    } | {"findingDetails": details, "analyzerArn": arn}
    return from_api(whole, analyzer_arn=arn, region=region), whole


def archive(finding: Finding, writers: Writers) -> None:
    """Archive a finding; doing it twice does no harm."""
    arn, region = _place(finding.analyzer_arn)
    writers.analyzer(region).update_findings(analyzerArn=arn, ids=[finding.id], status="ARCHIVED")


def bring_back(finding_ids: Sequence[str], analyzer_arn: str, writers: Writers) -> list[str]:
    """Make findings of one analyzer active again, all in one request where AWS takes all of them.

    Returns
    -------
    list of str
        Those that are gone or resolved, and so can be neither.
    """
    arn, region = _place(analyzer_arn)
    client = writers.analyzer(region)
    try:
        client.update_findings(analyzerArn=arn, ids=list(finding_ids), status="ACTIVE")
    except Exception as error:
        if code(error) not in _NOT_TO_BE_CHANGED:
            raise
        if len(finding_ids) == 1:
            return list(finding_ids)
        return [one for finding_id in finding_ids for one in bring_back([finding_id], arn, writers)]
    return []


def alert(mail: Mail, to: Destination, writers: Writers) -> str:
    """Send a mail to one destination.

    Returns
    -------
    str
        The message's identifier there.
    """
    if to.channel == "ses":
        return _send_by_ses(mail, to.address, writers)
    if to.channel == "chat":
        from scoring.chat import to_json

        answer = writers.sns.publish(TopicArn=to.address[0], Message=to_json(mail))
        return str(answer["MessageId"])
    text = mail.text.encode("utf-8")
    if len(text) > _MESSAGE_BYTES:
        text = text[:_MESSAGE_BYTES].decode("utf-8", errors="ignore").encode() + _CUT.encode()
    answer = writers.sns.publish(TopicArn=to.address[0], Subject=mail.subject, Message=text.decode())
    return str(answer["MessageId"])


def _send_by_ses(mail: Mail, addresses: Sequence[str], writers: Writers) -> str:
    """Send one message with both bodies: the recipient's program chooses."""

    def body(text: str) -> dict[str, str]:
        return {"Data": text, "Charset": "UTF-8"}

    answer = writers.ses.send_email(
        FromEmailAddress=writers.mail_from,
        Destination={"ToAddresses": list(addresses)},
        Content={
            "Simple": {
                "Subject": body(mail.subject),
                "Body": {"Text": body(mail.text), "Html": body(mail.html)},
            }
        },
    )
    return str(answer["MessageId"])


def _place(analyzer_arn: str | None) -> tuple[str, str]:
    parts = (analyzer_arn or "").split(":")
    if len(parts) < 6 or not parts[3]:
        raise BadInput("expected the ARN of an analyzer", field="resources[0]", value=analyzer_arn)
    return str(analyzer_arn), parts[3]
