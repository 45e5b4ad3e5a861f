"""The parts of the policy that keep automation within bounds: how much is archived, how many mails go out."""

from typing import Literal

import msgspec

from scoring.files.errors import BadInput
from scoring.policy.routes import Channel, Route, check_channels


class Archives(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be archived without a person.

    Attributes
    ----------
    most_per_hour, most_per_principal : int
        The circuit breaker: above so many in an hour, of all or of those that give access to the same
        principal, findings alert instead.
    days : int or None
        The term of an archive: so many days later the finding comes back and is scored anew.
    audit_share : float
        Of the findings that would be archived, the share that goes to a person instead; see
        `scoring.decision.audit_sample`.
    """

    most_per_hour: int = 200
    most_per_principal: int = 50
    days: int | None = None
    audit_share: float = 0.02

    def check(self) -> None:
        """Raise BadInput for what makes no sense."""
        _within(self.most_per_hour, 1, 2000, "archives.most_per_hour")
        _within(self.most_per_principal, 1, 2000, "archives.most_per_principal")
        if self.days is not None:
            _within(self.days, 1, 3650, "archives.days")
        if not 0 <= self.audit_share <= 1:
            raise BadInput("expected 0 to 1", field="archives.audit_share", value=self.audit_share)


class Alerts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How alerts are sent.

    Attributes
    ----------
    window_minutes : int
        For so long after an alert, further alerts on the same resource or principal are kept back and then
        sent as one mail; 0 sends each by itself.
    mails_per_hour : int
        Mails of single alerts in an hour; alerts beyond that are listed in a digest.
    digest_hours : int
        How often the digest is sent.
    unused_in_digest : bool
        Whether findings of unused access go into the digest.
    channels : tuple of str
        How the security team is told: ``sns`` (text, to the topic's subscribers), ``ses`` (text and HTML in
        one mail to `mail_to`), ``chat`` (for Amazon Q Developer in chat applications).
    mail_to : tuple of str
        Addresses of the security team.
    route : tuple of Route
        Who else gets which alerts; see `scoring.pipeline.alerts.routing`.
    archives_by_others : int
        So many findings archived within an hour by the same principal raise an alert; see
        `scoring.pipeline.suppression.suspicions`.
    summary : str
        How often the summary is sent; see `scoring.pipeline.scheduled.summary`.
    """

    window_minutes: int = 15
    mails_per_hour: int = 20
    digest_hours: int = 24
    unused_in_digest: bool = True
    channels: tuple[Channel, ...] = ("sns",)
    mail_to: tuple[str, ...] = ()
    route: tuple[Route, ...] = ()
    archives_by_others: int = 25
    summary: Literal["daily", "weekly", "off"] = "weekly"

    def check(self) -> None:
        """Raise BadInput for what makes no sense."""
        _within(self.window_minutes, 0, 60, "alerts.window_minutes")
        _within(self.mails_per_hour, 1, 1000, "alerts.mails_per_hour")
        _within(self.digest_hours, 1, 168, "alerts.digest_hours")
        _within(self.archives_by_others, 1, 1000, "alerts.archives_by_others")
        check_channels(self.channels, self.mail_to, "alerts")
        for index, route in enumerate(self.route):
            route.check(f"alerts.route[{index}]")


def _within(value: int, least: int, most: int, field: str) -> None:
    if not least <= value <= most:
        raise BadInput(f"expected {least} to {most}", field=field, value=value)
