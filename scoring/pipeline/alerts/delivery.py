"""Send mails to all their destinations, to each of them once, whatever fails or crashes in between.

What has reached a destination is marked at its decision in the log (``sent``), so that trying again sends to
the others only. An alert is done when it has been everywhere. A destination that refuses for good, or that
has failed three times, is given up and named in the function's log, but only when the security team has had
the alert: whatever else fails, that team gets it, in the end by the topic that every deployment has.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from scoring.aws.errors import DENIED, code
from scoring.decision_log import queued
from scoring.decision_log.decisions import LoggedDecision
from scoring.files.errors import BadInput
from scoring.pipeline.alerts import channels, routing
from scoring.pipeline.alerts.channels import Destination
from scoring.pipeline.alerts.mail import AlertMail, Mail
from scoring.pipeline.runtime import Runtime

MOST_TRIES: Final = 3

_FOR_GOOD: Final = DENIED | {
    *("AccountSuspendedException", "BadRequestException", "MailFromDomainNotVerifiedException"),
    *("MessageRejected", "NotFoundException", "SendingPausedException"),
    *("InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "NotFound"),
}

logger = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """One alert and where it has to go.

    Attributes
    ----------
    key : tuple of str
        Of its decision in the log.
    sent : frozenset of str
        Names of the destinations that have had it.
    tries : int
        How often it could not be sent everywhere.
    """

    key: tuple[str, str]
    to: tuple[Destination, ...]
    sent: frozenset[str] = frozenset()
    tries: int = 0

    @classmethod
    def of(cls, decision: LoggedDecision, runtime: Runtime) -> "Delivery":
        """Return the delivery of an alert of the log, to where the policy of now sends it."""
        return cls(decision.key, recipients_of(decision, runtime), decision.sent, decision.tries)


class Sent(NamedTuple):
    """Result of an attempt to deliver alerts.

    Attributes
    ----------
    done : list of bool
        Whether nothing more is to be done about a delivery.
    mails : int
        How many messages went out.
    error : Exception or None
        Why the others have to be tried again.
    """

    done: list[bool]
    mails: int
    error: Exception | None


def recipients_of(logged: LoggedDecision, runtime: Runtime) -> tuple[Destination, ...]:
    """Return where the alert on a decision goes; what cannot be read goes to the security team."""
    try:
        case, decision = logged.read()
    except BadInput:
        return routing.security(runtime.policy.alerts, runtime.channels)
    return routing.destinations(case, decision, runtime.policy, runtime.channels)


def send_to_security_team(mail: Mail, runtime: Runtime) -> None:
    """Send a mail that is about no single finding to the security team.

    Raises
    ------
    Exception
        It did not reach a single destination; where one was reached, what failed is only logged.
    """
    to = routing.security(runtime.policy.alerts, runtime.channels)
    errors = [error for one in to if (error := _try(mail, one, runtime)) is not None]
    if len(errors) == len(to) and (_topic(runtime) in to or _try(mail, _topic(runtime), runtime) is not None):
        raise errors[0]


def deliver(
    deliveries: Sequence[Delivery], compose: Callable[[Sequence[int]], AlertMail], runtime: Runtime
) -> Sent:
    """Send alerts to the destinations that have not had them, in one mail for each destination.

    Parameters
    ----------
    compose : callable
        Writes the mail about some of the deliveries, given their numbers.
    """
    attempt = _Attempt(deliveries, compose, runtime)
    for destination in dict.fromkeys(one for delivery in deliveries for one in delivery.to):
        attempt.deliver_to(
            destination, [n for n, delivery in enumerate(deliveries) if destination in delivery.to]
        )
    team = dict.fromkeys((*routing.security(runtime.policy.alerts, runtime.channels), _topic(runtime)))
    for destination in team:  # what has failed somewhere, and the security team does not have
        lost = [n for n in attempt.failed if not attempt.has_reached(n, team)]
        attempt.deliver_to(destination, [n for n in lost if destination not in deliveries[n].to])
    done = [attempt.is_done(n, team) for n in range(len(deliveries))]
    left = [n for n, is_done in enumerate(done) if not is_done]
    queued.count_try(runtime.log, [deliveries[n].key for n in left])
    return Sent(done, attempt.mails, attempt.failed[left[0]][-1] if left else None)


class _Attempt:
    """One attempt to send some alerts."""

    def __init__(
        self, deliveries: Sequence[Delivery], compose: Callable[[Sequence[int]], AlertMail], runtime: Runtime
    ) -> None:
        self.deliveries, self.runtime = deliveries, runtime
        self.sent = [set(delivery.sent) for delivery in deliveries]
        self.failed: dict[int, list[Exception]] = {}
        self.mails = 0
        self._compose = compose
        self._written: tuple[list[int], AlertMail] | None = None

    def deliver_to(self, destination: Destination, numbers: Sequence[int]) -> None:
        """Send to one destination what has not been there yet."""
        numbers = [n for n in numbers if destination.name not in self.sent[n]]
        if not numbers:
            return
        try:
            mail = self._mail(numbers)
            if destination.is_by_tags:
                mail = mail.without_answers()
            error = _try(mail, destination, self.runtime)
        except Exception as broken:  # in writing the mail
            error = broken
        if error is not None:
            for n in numbers:
                self.failed.setdefault(n, []).append(error)
            return
        self.mails += 1
        for n in numbers:
            self.sent[n].add(destination.name)
        # The last destination is marked by what follows: the alert is done.
        more = [n for n in numbers if len(self.deliveries[n].to) > 1 or n in self.failed]
        queued.mark_sent(self.runtime.log, [self.deliveries[n].key for n in more], destination.name)

    def has_reached(self, n: int, destinations: Iterable[Destination]) -> bool:
        """Whether it has been at one of them, now or earlier."""
        return any(one.name in self.sent[n] for one in destinations)

    def is_done(self, n: int, team: Iterable[Destination]) -> bool:
        """Whether it has been at the security team and everywhere else that is worth another try."""
        errors = self.failed.get(n)
        if not errors:
            return True
        is_last = self.deliveries[n].tries + 1 >= MOST_TRIES
        return self.has_reached(n, team) and (is_last or all(code(error) in _FOR_GOOD for error in errors))

    def _mail(self, numbers: list[int]) -> AlertMail:
        """Write the mail; the same findings are written about once, for all channels."""
        if self._written is None or self._written[0] != numbers:
            self._written = numbers, self._compose(numbers)
        return self._written[1]


def _topic(runtime: Runtime) -> Destination:
    return Destination("sns", (runtime.channels.topic_arn,))


def _try(mail: Mail, destination: Destination, runtime: Runtime) -> Exception | None:
    try:
        channels.alert(mail, destination, runtime.channels)
    except Exception as error:
        logger.exception(
            "a mail did not reach a destination",
            extra={"destination": destination.name, "error": code(error)},
        )
        return error
    return None
