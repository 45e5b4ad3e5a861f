"""How an alert goes out: a topic of SNS, a message of SES, a topic that a chat is subscribed to."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from scoring.aws.sessions import Client
from scoring.pipeline.alerts.mail import Mail

# SNS takes 256 KiB in all; what is cut is in the decision log in full. A message of SES has no such limit.
_MESSAGE_BYTES = 200_000
_CUT = "\n[cut: the whole explanation is in the decision log]\n"


class Destination(NamedTuple):
    """Where a mail goes.

    Attributes
    ----------
    address : tuple of str
        The topic's ARN, or the recipients of one message of SES.
    is_by_tags : bool
        Whether tags chose it, which whoever shares a resource may set: it is told, and gets no links by which
        to answer.
    """

    channel: Literal["sns", "ses", "chat"]
    address: tuple[str, ...]
    is_by_tags: bool = False

    @property
    def name(self) -> str:
        """What marks it in the decision log, and in what is logged."""
        return " ".join((self.channel, *self.address))


class Channels(msgspec.Struct, frozen=True):
    """The channels that are set up.

    Attributes
    ----------
    sns : SNS client
    topic_arn : str
        Of the alerts.
    ses : client of SES (sesv2), optional
    mail_from : str
        Whose mails SES sends.
    chat_topic_arn : str
        Topic that a chat is subscribed to.
    """

    sns: Client
    topic_arn: str
    ses: Client = None
    mail_from: str = ""
    chat_topic_arn: str = ""


def alert(mail: Mail, to: Destination, via: Channels) -> str:
    """Send a mail to one destination.

    Returns
    -------
    str
        The message's identifier there.
    """
    if to.channel == "ses":
        return _send_by_ses(mail, to.address, via)
    if to.channel == "chat":
        from scoring.pipeline.alerts.chat import to_json

        answer = via.sns.publish(TopicArn=to.address[0], Message=to_json(mail))
        return str(answer["MessageId"])
    text = mail.text.encode("utf-8")
    if len(text) > _MESSAGE_BYTES:
        text = text[:_MESSAGE_BYTES].decode("utf-8", errors="ignore").encode() + _CUT.encode()
    answer = via.sns.publish(TopicArn=to.address[0], Subject=mail.subject, Message=text.decode())
    return str(answer["MessageId"])


def _send_by_ses(mail: Mail, addresses: Sequence[str], via: Channels) -> str:
    """Send one message with both bodies: the recipient's program chooses."""

    def body(text: str) -> dict[str, str]:
        return {"Data": text, "Charset": "UTF-8"}

    answer = via.ses.send_email(
        FromEmailAddress=via.mail_from,
        Destination={"ToAddresses": list(addresses)},
        Content={
            "Simple": {
                "Subject": body(mail.subject),
                "Body": {"Text": body(mail.text), "Html": body(mail.html)},
            }
        },
    )
    return str(answer["MessageId"])
