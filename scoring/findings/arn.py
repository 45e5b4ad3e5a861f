"""ARNs and account numbers: the one place that takes them apart.

Whoever shares a resource may have chosen its name: an ARN is text of a stranger. It is split, and no more.
Any part may be empty, and what follows the account may hold any character, colons and line ends too.
"""

import re
from typing import NamedTuple, TypeGuard

from scoring.files.errors import BadInput

_ACCOUNT = re.compile(r"[0-9]{12}")


def is_account_id(text: object) -> TypeGuard[str]:
    r"""Say whether a value is an account's number: twelve ASCII digits and nothing else.

    Examples
    --------
    >>> is_account_id("111122223333"), is_account_id("111122223333\n"), is_account_id(111122223333)
    (True, False, False)
    """
    return isinstance(text, str) and _ACCOUNT.fullmatch(text) is not None


def account_id(text: object, *, field: str, where: str = "") -> str:
    """Return an account's number as it is.

    Raises
    ------
    BadInput
        It is none; `field` and `where` name what was read.

    Examples
    --------
    >>> account_id("000000000001", field="allow.accounts")
    '000000000001'
    """
    if not is_account_id(text):
        raise BadInput("expected twelve digits", field=field, value=text, where=where)
    return text


class Arn(NamedTuple):
    """The parts of an ARN.

    Attributes
    ----------
    partition : str
        ``aws``, ``aws-cn``, ``aws-us-gov``.
    region, account : str
        Empty where the service writes none: buckets, roles.
    resource : str
        All that follows the account, e.g. ``role/path/name``.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return ":".join(("arn", *self))

    @classmethod
    def parse(cls, text: str, field: str = "") -> "Arn":
        """Take an ARN apart.

        Raises
        ------
        BadInput
            It does not begin with ``arn:``, or has fewer than six parts.

        Examples
        --------
        >>> Arn.parse("arn:aws:iam::111122223333:role/ci/deploy").resource
        'role/ci/deploy'
        """
        arn = cls.try_parse(text)
        if arn is None:
            raise BadInput("expected an ARN", field=field, value=text)
        return arn

    @classmethod
    def try_parse(cls, text: str) -> "Arn | None":
        """Take an ARN apart; None where the text is none.

        Examples
        --------
        >>> Arn.try_parse("444455556666") is None
        True
        """
        parts = text.split(":", 5)
        return cls._make(parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def bucket_of(text: str) -> str:
    """Return a bucket's name, of its ARN or of what stands in its place.

    Examples
    --------
    >>> bucket_of("arn:aws:s3:::assets"), bucket_of("assets")
    ('assets', 'assets')
    """
    return text.rsplit(":", 1)[-1]


def partition_of(text: str) -> str:
    """Return the partition that an ARN is in; empty where the text is no ARN.

    Examples
    --------
    >>> partition_of("arn:aws-cn:iam::444455556666:root"), partition_of("444455556666")
    ('aws-cn', '')
    """
    arn = Arn.try_parse(text)
    return arn.partition if arn else ""
