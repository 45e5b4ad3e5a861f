"""The part of the policy that says who gets alerts: the security team's channels, and routes to others."""

import re
from typing import Final, Literal

import msgspec

from scoring.files.errors import BadInput, did_you_mean
from scoring.findings.access.tags import fold_key
from scoring.findings.arn import account_id
from scoring.findings.resource_types import RESOURCE_TYPES

Channel = Literal["sns", "ses", "chat"]

MOST_ADDRESSES: Final = 50
"""Recipients of one message: SES takes no more."""

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom alerts go beside the security team; every condition that it states has to hold.

    Attributes
    ----------
    tags : dict
        Tags of the resource, compared as `scoring.findings.access.tags` folds them. Whoever may set tags can
        add a route by them, and can never take the security team's copy away.
    account : tuple of str
        Numbers of the accounts that own the resource.
    ou : tuple of str
        Patterns with ``*`` and ``?`` of the owning account's organizational unit, as a path.
    resource_type : tuple of str
    mail_to : tuple of str
        Addresses that SES sends to.
    topic_arn, chat_topic_arn : str or None
        SNS topics for the text, and for what Amazon Q Developer shows in chats.
    security_copy : bool
        Whether the security team gets these alerts as well. Without a copy it still gets those with a
        guardrail, and those that could not be delivered.
    """

    name: str
    tags: dict[str, str] = {}
    account: tuple[str, ...] = ()
    ou: tuple[str, ...] = ()
    resource_type: tuple[str, ...] = ()
    mail_to: tuple[str, ...] = ()
    topic_arn: str | None = None
    chat_topic_arn: str | None = None
    security_copy: bool = True

    def check(self, field: str) -> None:
        """Raise BadInput for what makes no sense."""
        if not self.name.strip() or not self.name.isprintable():
            raise BadInput("expected a name that can be read", field=f"{field}.name", value=self.name)
        if not (self.tags or self.account or self.ou or self.resource_type):
            raise BadInput("expected tags, an account, an ou or a resource_type", field=field)
        if not (self.mail_to or self.topic_arn or self.chat_topic_arn):
            raise BadInput("expected mail_to, topic_arn or chat_topic_arn", field=field)
        if not self.security_copy and not (self.account or self.ou):
            expected = "expected an account or an ou beside it: others can set tags and choose the type"
            raise BadInput(expected, field=f"{field}.security_copy")
        for account in self.account:
            account_id(account, field=f"{field}.account")
        for value in self.resource_type:
            if value not in RESOURCE_TYPES:
                near = did_you_mean(value, RESOURCE_TYPES)
                raise BadInput(f"unknown value {value!r}{near}", field=f"{field}.resource_type")
        if len({fold_key(key) for key in self.tags}) < len(self.tags):
            raise BadInput("expected each tag once, however it is spelt", field=f"{field}.tags")
        check_addresses(self.mail_to, f"{field}.mail_to")
        for name in ("topic_arn", "chat_topic_arn"):
            arn = getattr(self, name)
            if arn is not None and not _TOPIC.fullmatch(arn):
                raise BadInput("expected the ARN of an SNS topic", field=f"{field}.{name}", value=arn)


def check_channels(channels: tuple[Channel, ...], mail_to: tuple[str, ...], field: str) -> None:
    """Raise BadInput where the security team would get an alert not at all, or twice."""
    if not channels or len(set(channels)) < len(channels):
        raise BadInput("expected at least one of sns, ses, chat, each once", field=f"{field}.channels")
    if "ses" in channels and not mail_to:
        raise BadInput("expected addresses, since channels has ses", field=f"{field}.mail_to")
    check_addresses(mail_to, f"{field}.mail_to")


def check_addresses(addresses: tuple[str, ...], field: str) -> None:
    """Raise BadInput for what is no address of a mailbox."""
    if len(addresses) > MOST_ADDRESSES:
        raise BadInput(f"expected at most {MOST_ADDRESSES} addresses", field=field, value=len(addresses))
    for address in addresses:
        if len(address) > 254 or not _ADDRESS.fullmatch(address):
            raise BadInput("expected an address such as team@example.com", field=field, value=address)
