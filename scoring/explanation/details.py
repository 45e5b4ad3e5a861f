"""What a decision rests on, as rows: the facts, what was given, what is not known, where it comes from."""

import json
import re
import shlex
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from scoring.decision.decide import Decision
from scoring.decision.guardrails import looked_up_by
from scoring.explanation import principal_words
from scoring.explanation import words as plain_words
from scoring.explanation.content import Row
from scoring.explanation.safe_text import visible
from scoring.explanation.severity import on_scale, range_of
from scoring.features.exposure import Exposure
from scoring.findings.context import FACT_NAMES
from scoring.findings.facts import NOT_LOOKED_UP, Fact, Present, Unknown
from scoring.findings.finding import Finding
from scoring.points import said_points
from scoring.policy.policy import Severity

_RESTRICTIONS: Final = {
    "NOT_APPLICABLE": "no control policy applies",
    "APPLICABLE": "a control policy exists and was not evaluated: the access may be narrower than shown",
    "APPLIED": "what a control policy blocks is not among these actions; it takes nothing off the score",
    "FAILED_TO_EVALUATE_RCP": "a resource control policy could not be evaluated",
    "FAILED_TO_EVALUATE_SCP": "a service control policy could not be evaluated",
}

LONG: Final = 600
"""Characters of a sentence that may hold several values."""

_SHOWN: Final = 20
_SHOWN_VALUES: Final = 5
_LONG_ARN: Final = 300
_LONG_VALUE: Final = 150
_DENIED: Final = frozenset(
    ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403")
)
# Reasons of `scoring.features.exposure` for a fact that is there and still does not answer the question.
_REMEDIES: Final = {
    "organization not known": "whether it is in the organization could not be told; triage doctor says why",
    "describes another account": "what was looked up describes another account; triage scan looks again",
}


def facts(exposure: Exposure, decision: Decision, *, is_blind: bool = False) -> tuple[Row, ...]:
    """Say what is exposed, to whom, with which access, and what came of it."""
    finding = exposure.finding
    rows = [
        Row("What", (plain_words.thing(exposure),), (visible(finding.resource, _LONG_ARN),)),
        Row("Account", (principal_words.owner(exposure),)),
    ]
    if exposure.is_granting and not finding.error:
        named = [value for _, value in finding.principals if value.startswith("arn:")][:_SHOWN_VALUES]
        rows.append(Row("To whom", principal_words.to_whom(exposure), tuple([visible(arn) for arn in named])))
    if not finding.error:
        rows.append(Row("Access", plain_words.access(exposure), plain_words.actions(finding)))
    rows.append(Row("Score", _score(decision, exposure.policy.severity, is_blind=is_blind)))
    rows.append(Row("Reason", (visible(decision.reason, LONG),)))
    return tuple(rows)


def unknown(exposure: Exposure, name: str) -> Row:
    """Say of a fact why it is not known, and what it would take to know it."""
    fact = _fact(exposure, name)
    label = FACT_NAMES.get(name) or visible(name.removeprefix("details.").replace("_", " "), 60)
    if not isinstance(fact, Unknown):
        return Row(label, ("not known",))
    if fact.reason == NOT_LOOKED_UP.reason:
        return Row(label, (f"not looked up; {looked_up_by(name)} does",))
    if fact.reason in _REMEDIES:
        return Row(label, (_REMEDIES[fact.reason],))
    remedy = (
        "triage doctor names the missing permission" if fact.reason in _DENIED else "triage scan tries again"
    )
    return Row(label, (f"{visible(fact.reason)}; {remedy}",))


def given(exposure: Exposure) -> tuple[Row, ...]:
    """Return tags, aliases, conditions and further details as they were given."""
    context, finding = exposure.context, exposure.finding
    rows: list[Row] = []
    if isinstance(context.tags, Present):
        rows.append(_listed("Tags", [_pair(key, value) for key, value in context.tags.value.items()]))
    elif not isinstance(context.tags, Unknown):
        rows.append(Row("Tags", ("none",)))
    if isinstance(context.aliases, Present):
        rows.append(_listed("Aliases", [visible(alias) for alias in context.aliases.value]))
    elif finding.resource_type == "AWS::KMS::Key" and not isinstance(context.aliases, Unknown):
        rows.append(Row("Aliases", ("none",)))
    if exposure.is_granting and not finding.error:
        listed = _listed("Conditions", [_condition(*condition) for condition in finding.conditions])
        rows.append(Row("Conditions", (*principal_words.conditions(exposure), *listed.words), listed.code))
    if finding.restrictions:
        said = [_RESTRICTIONS.get(name, visible(name)) for name in finding.restrictions[:_SHOWN_VALUES]]
        rows.append(Row("Restrictions", tuple(dict.fromkeys(said))))
    if finding.sources:
        rows.append(Row("Granted by", tuple([visible(source) for source in finding.sources[:_SHOWN_VALUES]])))
    if finding.access_points:
        rows.append(_listed("Access point", [visible(arn, _LONG_ARN) for arn in finding.access_points]))
    if finding.access_key_id:
        rows.append(Row("Access key", (), (visible(finding.access_key_id),)))
    if finding.unused:
        rows.append(_listed("Not used", [visible(name) for name in finding.unused]))
    details = [(name, fact.value) for name, fact in context.details.items() if isinstance(fact, Present)]
    if details:
        rows.append(_listed("Details", [_pair(name, value) for name, value in details]))
    return tuple(rows)


def policy_lines(text: str) -> tuple[str, ...]:
    """Return lines for the policy as they are to be typed; none where one cannot be shown as it is."""
    lines = text.split("\n") if text else []
    return tuple(lines) if all(visible(line, LONG) == line for line in lines) else ()


def commands(finding: Finding) -> tuple[str, ...]:
    """Return the commands that decide on a finding; none where its id is not safe to type."""
    shown = visible(finding.id)
    if shown != finding.id or shown.startswith("-"):
        return ()
    typed = shlex.quote(shown)
    return (f"triage review {typed} --verdict expected", f"triage review {typed} --verdict unintended")


def origin(decision: Decision, finding: Finding | None = None) -> tuple[Row, ...]:
    """Say which finding was decided on, of when, and by which model."""
    kind = (f"{visible(finding.finding_type, 60)}, {finding.status}",) if finding else ()
    rows = [Row("Finding", kind, (visible(decision.finding_id),))]
    if finding is not None:
        for label, at in (("Found", finding.created_at), ("Updated", finding.updated_at)):
            if at is not None:
                rows.append(Row(label, (plain_words.moment(at),)))
    model = decision.model
    said = f"{visible(model.name, 60)} {visible(model.version, 60)} ({visible(model.kind, 60)})"
    rows.append(Row("Model", (f"{said}, digest {visible(model.sha256[:12])}",)))
    return tuple(rows)


def _score(decision: Decision, severity: Severity, *, is_blind: bool) -> tuple[str, ...]:
    threshold = decision.threshold
    if is_blind:
        limit = ""
    elif threshold is None:
        limit = "; no threshold belongs to this model"
    else:
        limit = f"; the threshold is {said_points(round(threshold * 10))}"
    said = (on_scale(decision, severity), f"{range_of(decision)}{limit}")
    if decision.risk is None:
        return said
    return *said, f"risk {_percent(decision.risk)}: the probability that such access is unintended"


def _percent(share: float) -> str:
    return "below 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _fact(exposure: Exposure, name: str) -> Fact[object] | None:
    if name in ("resource_account", "principal_account"):
        of_finding: Fact[object] = getattr(exposure, name)
        return of_finding
    if name in ("tags", "aliases", "reactivated_by"):
        of_context: Fact[object] = getattr(exposure.context, name)
        return of_context
    return exposure.context.details.get(name.removeprefix("details."))


def _listed(label: str, shown: list[str]) -> Row:
    more = len(shown) - _SHOWN
    return Row(label, (f"the first {_SHOWN} of {len(shown)}",) if more > 0 else (), tuple(shown[:_SHOWN]))


def _pair(key: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"{visible(key)} = {visible(text, _LONG_ARN)}"


def _condition(key: str, values: Iterable[str]) -> str:
    listed = list(values)
    more = len(listed) - _SHOWN_VALUES
    shown = ", ".join([visible(value, _LONG_VALUE) for value in listed[:_SHOWN_VALUES]])
    return f"{visible(key)} = {shown}" + (f" and {more} more" if more > 0 else "")


_HOSTS: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}", re.ASCII)
_LONGEST: Final = 2000  # of a link: mail clients and browsers take no longer one for certain


def link(finding: Finding) -> str | None:
    """Return the address of the console's page about a finding; None where there is none for certain.

    External access has a page for each finding, unused access one for each user or role. No address of a
    single internal access finding is documented: the link opens the list.

    Examples
    --------
    >>> link(Finding(id="0b5a", resource="arn:aws:s3:::b", resource_type="AWS::S3::Bucket", status="ACTIVE",
    ...              finding_type="ExternalAccess", region="eu-west-1"))
    'https://eu-west-1.console.aws.amazon.com/access-analyzer/home?region=eu-west-1#/findings/details/0b5a'
    """
    host = _HOSTS.get(finding.partition)
    if host is None:
        return None
    region = finding.region if finding.region and _REGION.fullmatch(finding.region) else None
    home = f"{region}.{host}" if region else host
    query = f"?region={region}" if region else ""
    address = f"https://{home}/access-analyzer/home{query}#/{_page(finding)}"
    return address if len(address) <= _LONGEST else None


def _page(finding: Finding) -> str:
    if finding.is_unused_access:
        return "unused-access-findings?resource=" + _quoted(finding.resource)
    if finding.finding_type == "InternalAccess":
        return "resource-analysis"
    return "findings/details/" + _quoted(finding.id)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="backslashreplace")
