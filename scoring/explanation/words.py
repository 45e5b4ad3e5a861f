"""A finding in plain words: what is exposed and which access; ready to show (see `safe_text`)."""

from datetime import UTC, datetime
from typing import Final

from scoring.explanation.action_phrases import PHRASES
from scoring.explanation.content import Headline
from scoring.explanation.principal_words import to_whom_in_short
from scoring.explanation.safe_text import visible
from scoring.features.exposure import Exposure
from scoring.findings.facts import Present
from scoring.findings.finding import Finding
from scoring.findings.resource_types import TABLE, own_name

_SHOWN_PHRASES: Final = 4
_SHOWN_ACTIONS: Final = 12
_LONG_ACTION: Final = 60
_LONG_NAME: Final = 80

_UNUSED: Final = {
    "UnusedIAMRole": (("is", "unused"), "the role has not been assumed"),
    "UnusedIAMUserAccessKey": (("has", "an unused access key"), "the access key has not been used"),
    "UnusedIAMUserPassword": (("has", "an unused password"), "the password has not been used"),
    "UnusedPermission": (("has", "unused permissions"), "the permissions have not been used"),
}
_UNUSED_OTHERWISE: Final = (("has", "unused access"), "the access has not been used")


def moment(at: datetime | str) -> str:
    """Write a moment for people: to the minute, in UTC.

    Parameters
    ----------
    at : datetime or str
        A text is one as the decision log writes it.

    Examples
    --------
    >>> moment("2026-04-21T09:00:31.000000Z")
    '2026-04-21 09:00 UTC'
    """
    if isinstance(at, str):
        return f"{visible(at[:16].replace('T', ' '))} UTC"
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at.year:04}-{at.month:02}-{at.day:02} {at.hour:02}:{at.minute:02} UTC"


def noun(resource_type: str) -> str:
    """Name a resource type in plain words."""
    if resource_type in TABLE:
        return TABLE[resource_type].noun
    return f"resource ({visible(resource_type, 60)})" if resource_type else "resource"


def name(resource_type: str, resource: str) -> str:
    """Return a resource's own name, without the rest of its ARN.

    Examples
    --------
    >>> name("AWS::IAM::Role", "arn:aws:iam::111122223333:role/ci/deploy")
    'ci/deploy'
    """
    return visible(own_name(resource_type, resource), _LONG_NAME)


def thing(exposure: Exposure) -> str:
    """Name the resource for a headline; a key by its alias, where it has exactly one."""
    finding, aliases = exposure.finding, exposure.context.aliases
    own = name(finding.resource_type, finding.resource)
    if finding.resource_type == "AWS::KMS::Key" and isinstance(aliases, Present) and len(aliases.value) == 1:
        own = visible(aliases.value[0], _LONG_NAME)
    return f"{noun(finding.resource_type)} {own}"


def headline(exposure: Exposure) -> Headline:
    """Say what the finding says in one sentence.

    Examples
    --------
    >>> from scoring.findings.context import NO_CONTEXT
    >>> from scoring.policy.policy import Policy
    >>> finding = Finding(id="1", resource="arn:aws:s3:::site", resource_type="AWS::S3::Bucket",
    ...                   status="ACTIVE", finding_type="ExternalAccess", principals=(("AWS", "*"),))
    >>> str(headline(Exposure(finding, NO_CONTEXT, Policy())))
    'S3 bucket site is open to anyone'
    """
    finding, what = exposure.finding, thing(exposure)
    if finding.error:
        return Headline(what, *_error(finding))
    if not exposure.is_granting:
        return Headline(what, *_unused(finding))
    if exposure.is_public:
        return Headline(what, "is", "open to anyone")
    if not exposure.principals:
        return Headline(what, "is", "shared, with whom is not known")
    whom = to_whom_in_short(exposure)
    if finding.finding_type == "InternalAccess":
        return Headline(what, "is", "accessible to", whom)
    if finding.resource_type == "AWS::IAM::Role":
        return Headline(what, "can", "be assumed by", whom)
    return Headline(what, "is", "shared with", whom)


def access(exposure: Exposure) -> tuple[str, ...]:
    """Say in plain words which access there is, and at which level.

    Examples
    --------
    >>> from scoring.findings.context import NO_CONTEXT
    >>> from scoring.policy.policy import Policy
    >>> finding = Finding(id="1", resource="arn:aws:kms:eu-west-1:111122223333:key/k", status="ACTIVE",
    ...                   resource_type="AWS::KMS::Key", finding_type="ExternalAccess",
    ...                   actions=("kms:DescribeKey", "kms:Decrypt"))
    >>> access(Exposure(finding, NO_CONTEXT, Policy()))
    ("decrypt with the key, see the key's details (Write)",)
    """
    finding, judged = exposure.finding, exposure.access
    if not exposure.is_granting:
        return (_unused_access(finding),)
    if judged.level is None:
        return ("not known: the finding names no action",)
    decisive = visible(judged.decisive, _LONG_ACTION)
    lines = [f"{_phrases(finding.actions, judged.decisive)} ({judged.level})"]
    if judged.covers:
        lines.append(f"{decisive} covers {visible(judged.covers, _LONG_ACTION)}")
    if judged.assumed:
        first, others = visible(judged.unrecognised[0], _LONG_ACTION), len(judged.unrecognised) - 1
        more = f" and {others} more" if others else ""
        lines.append(f"level assumed: {first}{more} not in the reference, taken at its worst")
    return tuple(lines)


def actions(finding: Finding) -> tuple[str, ...]:
    """Return the actions as given: the first dozen, and how many more there are."""
    more = len(finding.actions) - _SHOWN_ACTIONS
    shown = tuple([visible(action, 80) for action in finding.actions[:_SHOWN_ACTIONS]])
    return (*shown, f"and {more} more") if more > 0 else shown


def _phrases(given: tuple[str, ...], decisive: str) -> str:
    """Put actions into words, the decisive one first; an action without a phrase is shown by its name."""
    said = dict.fromkeys(
        PHRASES.get(action.lower()) or visible(action, _LONG_ACTION)
        for action in (decisive, *given[:_SHOWN_ACTIONS])
    )
    shown = list(said)[:_SHOWN_PHRASES]
    more = len(said) - len(shown) + max(len(given) - _SHOWN_ACTIONS, 0)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _error(finding: Finding) -> tuple[str, ...]:
    """Say what an error means; an internal finding may concern the access of one principal alone."""
    error = visible(finding.error or "", 60)
    if finding.error == "PRINCIPAL_LIMIT_EXCEEDED":
        return "can", "be reached by more principals than Access Analyzer lists"
    if finding.principals:
        _, first = finding.principals[0]
        others = len(finding.principals) - 1
        whom = visible(first, _LONG_NAME) + (f" and {others} more" if others else "")
        return "could", "not be analyzed for", f"{whom}: {error}"
    return "could", "not be analyzed:", error


def _unused(finding: Finding) -> tuple[str, str]:
    if finding.finding_type == "UnusedPermission" and finding.unused_actions is not None:
        return "has", _unused_permissions(finding.unused_services, finding.unused_actions)
    return _UNUSED.get(finding.finding_type, _UNUSED_OTHERWISE)[0]


def _unused_access(finding: Finding) -> str:
    said = _UNUSED.get(finding.finding_type, _UNUSED_OTHERWISE)[1]
    if finding.finding_type == "UnusedPermission" and finding.unused_actions is not None:
        return f"{said}: {_unused_permissions(finding.unused_services, finding.unused_actions)}"
    if finding.access_key_id:
        said = f"the access key {visible(finding.access_key_id, 60)} has not been used"
    if finding.last_accessed is not None:
        return f"{said} since {finding.last_accessed.date().isoformat()}"
    return f"{said} for longer than the analyzer allows"


def _unused_permissions(services: int | None, actions: int) -> str:
    """Count as AWS does: services that are wholly unused, and single actions of the others."""
    if not services:
        return _count(actions, "unused action")
    wholly = _count(services, "unused service")
    return f"{wholly} and {_count(actions, 'other unused action')}" if actions else wholly


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
