"""The only writers: archive a finding, bring it back, alert a person.

Nothing else in `scoring` can change anything in AWS; what is written down about it is in `decision_log`.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from scoring.aws.sessions import Writers
from scoring.pipeline.alerts.mail import Mail

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
        from scoring.pipeline.alerts.chat import to_json

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
