"""What can be sent: what a mail has, whoever wrote it and by whichever channel it goes."""

from collections.abc import Sequence
from typing import Any, Protocol


class Mail(Protocol):
    """One message, ready to be sent: `scoring.explanation.explain.Message`, and every `Listing`."""

    @property
    def subject(self) -> str:
        """One line of ASCII, fewer than 100 characters."""

    @property
    def text(self) -> str:
        """Lines of printable characters."""

    @property
    def html(self) -> str:
        """The same as a page that needs nothing from elsewhere."""


class AlertMail(Mail, Protocol):
    """A mail that may carry links by which it is answered."""

    def without_answers(self) -> "AlertMail":
        """Return the same without those links."""


class Listing(Mail, Protocol):
    """Rows under titles: `scoring.pipeline.alerts.digest.Digest` is one."""

    @property
    def kind(self) -> str:
        """What sort of mail it is, in one word."""

    @property
    def title(self) -> str:
        """What it is about."""

    @property
    def notes(self) -> Sequence[str]:
        """What to know before reading."""

    @property
    def tiles(self) -> Sequence[Any]:
        """Numbers to see first, each with `label` and `number`."""

    @property
    def sections(self) -> Sequence[Any]:
        """Each with `title`, `rows` (of `score` and `headline`) and `more`."""

    @property
    def advice(self) -> Sequence[str]:
        """What to type next."""
