"""The parts of the policy that keep automation within bounds: how much is archived, how many mails go out."""

from typing import Final, Literal

import msgspec

from scoring.files.errors import BadInput
from scoring.policy.routes import Channel, Route, check_channels

MOST_DRAWS: Final = 1000
"""Findings drawn in a week at most: their list is one item of the decision log."""


class Archives(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be archived without a person.

    Attributes
    ----------
    most_per_hour, most_per_principal : int
        The circuit breaker: above so many in an hour, of all or of those that give access to the same
        principal, findings alert instead.
    days : int or None
        The term of an archive: so many days later the finding comes back and is scored anew.
    draws_per_week : int
        How many of the findings that would be archived are drawn by lot each week, and go to a person; see
        `scoring.decision_log.draws`. 0 draws none that way.
    audit_share : float
        Where there are no draws by the week: of the findings that would be archived, the share that goes to a
        person instead; see `scoring.decision.audit_sample`.
    enforce_needs : str or None
        What a model needs before anything is archived by it: ``certificate`` (that of `triage certify`) or
        ``forecast`` (the threshold that its training promised). By default a new deployment needs the first,
        an older one goes on as it did; see `scoring.decision_log.certificates`.
    """

    most_per_hour: int = 200
    most_per_principal: int = 50
    days: int | None = None
    draws_per_week: int = 0
    audit_share: float = 0.02
    enforce_needs: Literal["certificate", "forecast"] | None = None

    def check(self) -> None:
        """Raise BadInput for what makes no sense."""
        _within(self.most_per_hour, 1, 2000, "archives.most_per_hour")
        _within(self.most_per_principal, 1, 2000, "archives.most_per_principal")
        if self.days is not None:
            _within(self.days, 1, 3650, "archives.days")
        _within(self.draws_per_week, 0, MOST_DRAWS, "archives.draws_per_week")
        if not 0 <= self.audit_share <= 1:
            raise BadInput("expected 0 to 1", field="archives.audit_share", value=self.audit_share)

    @property
    def draws(self) -> bool:
        """Whether findings that would be archived go to a person by lot."""
        return bool(self.draws_per_week or self.audit_share)


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
