"""Bring mails to all their destinations, each of them once, whatever fails or crashes in between.

What has reached a destination is marked at its decision in the log (``sent``), so that trying again sends to
the others only. An alert is done when it has been everywhere. A destination that refuses for good, or that
has failed three times, is given up and named in the function's log, but only when the security team has had
the alert: whatever else fails, that team is told, in the end by the topic that every deployment has.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from scoring.aws.errors import DENIED, code
from scoring.decision_log.entries import read_item
from scoring.decision_log.table import key, to_item, write_each
from scoring.files.errors import BadInput
from scoring.pipeline.alerts import channels, routing
from scoring.pipeline.alerts.channels import Destination
from scoring.pipeline.alerts.mail import Mail
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
    item : mapping
        Its decision in the log, as plain values: at least the key, and what earlier tries have marked.
    """

    item: Mapping[str, Any]
    to: tuple[Destination, ...]


class Sent(NamedTuple):
    """What became of parcels.

    Attributes
    ----------
    done : list of bool
        Whether nothing more is to be done about a parcel.
    mails : int
        How many messages went out.
    error : Exception or None
        Why the others have to be tried again.
    """

    done: list[bool]
    mails: int
    error: Exception | None


def recipients_of(item: Mapping[str, Any], runtime: Runtime) -> tuple[Destination, ...]:
    """Return who is told of a decision of the log; of what cannot be read the security team is."""
    try:
        case, decision = read_item(item)
    except (BadInput, KeyError):
        return routing.security(runtime.policy.alerts, runtime.writers)
    return routing.destinations(case, decision, runtime.policy, runtime.writers)


def send_to_security_team(mail: Mail, runtime: Runtime) -> None:
    """Send a mail that is about no single finding to the security team.

    Raises
    ------
    Exception
        It did not reach a single destination; where one was reached, what failed is only logged.
    """
    to = routing.security(runtime.policy.alerts, runtime.writers)
    errors = [error for one in to if (error := _try(mail, one, runtime)) is not None]
    if len(errors) == len(to) and (_topic(runtime) in to or _try(mail, _topic(runtime), runtime) is not None):
        raise errors[0]


def deliver(
    parcels: Sequence[Delivery], compose: Callable[[Sequence[Mapping[str, Any]]], Mail], runtime: Runtime
) -> Sent:
    """Send parcels to where they have not been yet, those for one destination in one mail.

    Parameters
    ----------
    compose : callable
        Writes the mail about some of the decisions.
    """
    turn = _Round(parcels, compose, runtime)
    for destination in dict.fromkeys(one for parcel in parcels for one in parcel.to):
        turn.bring(destination, [n for n, parcel in enumerate(parcels) if destination in parcel.to])
    team = dict.fromkeys((*routing.security(runtime.policy.alerts, runtime.writers), _topic(runtime)))
    for destination in team:  # what has failed somewhere, and the security team does not have
        lost = [n for n in turn.failed if not turn.has_reached(n, team)]
        turn.bring(destination, [n for n in lost if destination not in parcels[n].to])
    done = [turn.is_done(n, team) for n in range(len(parcels))]
    left = [n for n, is_done in enumerate(done) if not is_done]
    turn.count_tries(left)
    return Sent(done, turn.mails, turn.failed[left[0]][-1] if left else None)


class _Round:
    """One try at some parcels."""

    def __init__(
        self,
        parcels: Sequence[Delivery],
        compose: Callable[[Sequence[Mapping[str, Any]]], Mail],
        runtime: Runtime,
    ) -> None:
        self.parcels, self.runtime = parcels, runtime
        self.sent = [set(parcel.item.get("sent", ())) for parcel in parcels]
        self.failed: dict[int, list[Exception]] = {}
        self.mails = 0
        self._compose = compose
        self._written: tuple[list[int], Mail] | None = None

    def bring(self, destination: Destination, numbers: Sequence[int]) -> None:
        """Send to one destination what has not been there yet."""
        numbers = [n for n in numbers if destination.name not in self.sent[n]]
        if not numbers:
            return
        try:
            error = _try(self._mail(list(numbers)), destination, self.runtime)
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
        self._mark([n for n in numbers if len(self.parcels[n].to) > 1 or n in self.failed], destination.name)

    def has_reached(self, n: int, destinations: Iterable[Destination]) -> bool:
        """Whether it has been at one of them, now or earlier."""
        return any(one.name in self.sent[n] for one in destinations)

    def is_done(self, n: int, team: Iterable[Destination]) -> bool:
        """Whether it has been at the security team and everywhere else that is worth another try."""
        errors = self.failed.get(n)
        if not errors:
            return True
        is_last = int(self.parcels[n].item.get("tries", 0)) + 1 >= MOST_TRIES
        return self.has_reached(n, team) and (is_last or all(code(error) in _FOR_GOOD for error in errors))

    def count_tries(self, numbers: Sequence[int]) -> None:
        """Note that this try was not enough."""
        self._update(numbers, "ADD tries :one", {":one": 1})

    def _mark(self, numbers: Sequence[int], name: str) -> None:
        self._update(numbers, "ADD sent :name", {":name": {name}})

    def _update(self, numbers: Sequence[int], expression: str, values: Mapping[str, Any]) -> None:
        log = self.runtime.log
        changes = [
            {
                "Update": {
                    "TableName": log.table,
                    "Key": key(self.parcels[n].item["finding_id"], self.parcels[n].item["item"]),
                    "UpdateExpression": expression,
                    "ConditionExpression": "attribute_exists(finding_id)",
                    "ExpressionAttributeValues": to_item(values),
                }
            }
            for n in numbers
        ]
        write_each(log.client, changes)

    def _mail(self, numbers: list[int]) -> Mail:
        """Write the mail; the same findings are written about once, for all channels."""
        if self._written is None or self._written[0] != numbers:
            self._written = numbers, self._compose([self.parcels[n].item for n in numbers])
        return self._written[1]


def _topic(runtime: Runtime) -> Destination:
    return Destination("sns", (runtime.writers.topic_arn,))


def _try(mail: Mail, destination: Destination, runtime: Runtime) -> Exception | None:
    try:
        channels.alert(mail, destination, runtime.writers)
    except Exception as error:
        logger.exception(
            "a mail did not reach a destination",
            extra={"destination": destination.name, "error": code(error)},
        )
        return error
    return None
