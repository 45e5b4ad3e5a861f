"""Model and policy: whether they are valid and belong together, and whom they trust."""

from collections.abc import Iterator
from datetime import UTC, datetime

from scoring.cli.doctor.result import CheckResult, Target, note, ok, problem
from scoring.explanation.safe_text import visible
from scoring.points import from_tenths
from scoring.policy import policy as policies
from scoring.policy.facts import dated_facts
from scoring.policy.policy import Guardrails, Policy
from scoring.scorecard import formats


def check_model(target: Target) -> Iterator[CheckResult]:
    """Read the model, and say which it is."""
    card = formats.load(target.model or formats.DEFAULT)
    model = card.model
    yield ok(f"{visible(model.name)} {visible(model.version)} ({model.kind}), digest {model.sha256}")
    if card.threshold is None:
        yield note(
            "the model has no threshold of its own: score alone archives nothing",
            "triage tune chooses one; put it in the policy under [threshold], with the digest above",
        )
    else:
        yield ok(f"its threshold is {from_tenths(card.threshold)}")


def check_policy(target: Target) -> Iterator[CheckResult]:
    """Read the policy, and say what it does and whom it trusts."""
    policy = policies.load(target.policy or policies.DEFAULT)
    if policy.mode == "enforce":
        yield ok("mode enforce: findings are archived")
    else:
        yield note("mode shadow: nothing is written to findings", 'when you trust it, set mode = "enforce"')
    yield from _threshold(policy, target)
    off = [name for name in Guardrails.__struct_fields__ if not getattr(policy.guardrails, name)]
    if off:
        yield note(
            f"guardrails taken down: {', '.join(off)}", "take the lines out of [guardrails] to put them back"
        )
    for rule in policy.expected:
        if rule.trusts_tags:
            yield note(
                f"the expected rule {visible(rule.name)!r} trusts whoever may set tags or aliases"
                " (such as kms:TagResource, kms:CreateAlias, s3:PutBucketTagging)",
                "let few people set the tags that it names",
            )
        else:
            yield ok(f"the expected rule {visible(rule.name)!r} trusts no tags")
    yield from _told(policy)
    if policy.vendors_file:
        yield ok(f"{len(policy.known_vendors)} accounts of known vendors")


def check_facts(_target: Target) -> Iterator[CheckResult]:
    """Name what was taken from outside and has not been compared with its source for half a year."""
    today = datetime.now(UTC).date()
    facts = dated_facts()
    old = [fact for fact in facts if fact.is_old(today)]
    for fact in old:
        how = f"in a checkout, {fact.refresh}" if fact.refresh else f"compare it with {fact.source}"
        yield note(
            f"{fact.name}: last compared on {fact.checked}, {(today - fact.checked).days} days ago", how
        )
    if not old:
        yield ok(f"{len(facts)} kinds of facts from outside, the oldest of {min(f.checked for f in facts)}")


def _told(policy: Policy) -> Iterator[CheckResult]:
    """Say who is told of alerts, and of which the security team gets no copy."""
    alerts = policy.alerts
    mails = f" to {len(alerts.mail_to)} addresses" if "ses" in alerts.channels else ""
    yield ok(
        f"alerts go out by {', '.join(alerts.channels)}{mails}; {len(alerts.route)} routes to other teams"
    )
    quiet = [visible(route.name) for route in alerts.route if not route.security_copy]
    if quiet:
        yield note(
            f"the security team gets no copy of what goes to {', '.join(quiet)}, but for guardrails",
            "take security_copy = false out to be told of everything",
        )


def _threshold(policy: Policy, target: Target) -> Iterator[CheckResult]:
    if policy.threshold is None:
        return
    settings = target.settings()
    if settings is None:
        return
    if policy.threshold.model_sha256 == settings.card.sha256:
        yield ok(f"its threshold of {policy.threshold.value} is for this model")
    else:
        yield problem(
            "its threshold is for another model: nothing is archived",
            f'choose one for this model, and set model_sha256 = "{settings.card.sha256}"',
        )
