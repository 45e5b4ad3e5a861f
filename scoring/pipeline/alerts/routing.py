"""Who gets an alert: the security team by its channels, and the teams that the policy's routes name.

Tags can be set by whoever shares a resource, so they only ever add a team, and tell it without links by which
to answer: telling is not approving. The security team's copy is left
out only where a route by account or organizational unit says so, and no guardrail was raised.
"""

from collections.abc import Iterable
from typing import Final

from scoring.decision.decide import Decision
from scoring.decision.rules import any_match
from scoring.features.exposure import Exposure
from scoring.findings.access.tags import fold_key, fold_value
from scoring.findings.facts import Present
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.alerts.channels import Channels, Destination
from scoring.policy.limits import Alerts
from scoring.policy.policy import Policy
from scoring.policy.routes import Route

ROUTE_TOPICS: Final = "access-triage-*"
"""Names of the topics that routes may use: the functions may publish to no others of their account."""

ACTIONS: Final[dict[str, tuple[str, str]]] = {
    "sns": ("sns:Publish", "the alerts' topic, and topics of routes"),
    "ses": ("ses:SendEmail", "the identity of TRIAGE_MAIL_FROM, and the configuration set it has by default"),
    "chat": ("sns:Publish", "TRIAGE_CHAT_TOPIC_ARN, and chat topics of routes"),
}
"""The action that each channel takes, and on what; a stack allows those of the channels that it sets up."""


def security(alerts: Alerts, channels: Channels) -> tuple[Destination, ...]:
    """Return how the security team is told; a channel that is not set up leaves its mails to the topic."""
    found: list[Destination] = []
    for channel in alerts.channels:
        if channel == "ses" and channels.ses is not None:
            found.append(Destination("ses", alerts.mail_to))
        elif channel == "chat" and channels.chat_topic_arn:
            found.append(Destination("chat", (channels.chat_topic_arn,)))
        else:
            found.append(Destination("sns", (channels.topic_arn,)))
    return tuple(dict.fromkeys(found))


def destinations(
    case: Case, decision: Decision, policy: Policy, channels: Channels
) -> tuple[Destination, ...]:
    """Return everybody who is told of a decision, the security team first."""
    routes = matching(case, policy)
    others = [one for route in routes for one in _of_route(route, channels)]
    needs_copy = bool(decision.guardrails) or not others or all(route.security_copy for route in routes)
    found = (*security(policy.alerts, channels), *others) if needs_copy else tuple(others)
    # A place that is chosen by more than tags gets its links, whatever else chooses it too.
    by_name: dict[str, Destination] = {}
    for one in found:
        if one.name not in by_name or by_name[one.name].is_by_tags:
            by_name[one.name] = one
    return tuple(by_name.values())


def matching(case: Case, policy: Policy) -> list[Route]:
    """Return the routes whose conditions all hold for certain."""
    finding = case.finding
    if not policy.alerts.route or not isinstance(finding, Finding):
        return []
    exposure = Exposure(finding, case.context, policy)
    return [route for route in policy.alerts.route if _matches(route, exposure)]


def _matches(route: Route, exposure: Exposure) -> bool:
    finding, account = exposure.finding, exposure.resource_account
    ou = account.value.ou if isinstance(account, Present) else None
    return (
        (not route.account or finding.account in route.account)
        and (not route.ou or (ou is not None and any_match((ou,), route.ou)))
        and (not route.resource_type or finding.resource_type in route.resource_type)
        and all(
            fold_value(fold_key(key), value) in exposure.tags.get(fold_key(key), ())
            for key, value in route.tags.items()
        )
    )


def _of_route(route: Route, channels: Channels) -> Iterable[Destination]:
    """Give the places of a route; mail takes a sender, without one it is left to the other places."""
    if route.mail_to and channels.ses is not None:
        yield Destination("ses", route.mail_to, bool(route.tags))
    if route.topic_arn:
        yield Destination("sns", (route.topic_arn,), bool(route.tags))
    if route.chat_topic_arn:
        yield Destination("chat", (route.chat_topic_arn,), bool(route.tags))
