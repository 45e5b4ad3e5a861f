"""Who is given access, in plain words; ready to show (see `scoring.explanation.safe_text`)."""

from typing import Final

from scoring.explanation.safe_text import visible
from scoring.features.exposure import Exposure
from scoring.features.features import BY_NAME, describe
from scoring.findings.access.identity_claims import issuer_of
from scoring.findings.access.oidc_subjects import judge_claims, pinning_claims
from scoring.findings.access.principal import Principal
from scoring.findings.arn import Arn
from scoring.findings.facts import Present, Unknown

_SHOWN: Final = 5
_SHOWN_SUBJECTS: Final = 3
_LONG_NAME: Final = 80


def to_whom_in_short(exposure: Exposure) -> str:
    """Name the principal on one line; of several, the first and how many more there are."""
    if not exposure.is_granting:
        return "nobody new"
    if exposure.is_public:
        return "anyone"
    if not exposure.principals:
        return "not known"
    more = len(exposure.principals) - 1
    return principal_name(exposure.principals[0], exposure) + (f" and {more} more" if more else "")


def to_whom(exposure: Exposure) -> tuple[str, ...]:
    """Name every principal, and say how far they are trusted."""
    if not exposure.principals:
        return (
            "anyone on the internet" if exposure.is_public else "not known: the finding names no principal",
        )
    shown = [principal_name(principal, exposure) for principal in exposure.principals[:_SHOWN]]
    more = len(exposure.principals) - _SHOWN
    if more > 0:
        shown.append(f"and {more} more")
    if exposure.is_public and "anyone on the internet" not in shown:
        shown.insert(0, "anyone on the internet")
    if not exposure.is_public:
        shown.append(describe(BY_NAME["trust"], exposure.trust))
    return tuple(shown)


def principal_name(principal: Principal, exposure: Exposure) -> str:
    """Name one principal: the vendor or account where it is known, and always the twelve digits.

    Examples
    --------
    >>> from scoring.findings.context import NO_CONTEXT
    >>> from scoring.findings.finding import Finding
    >>> from scoring.policy.policy import Policy
    >>> finding = Finding(id="1", resource="arn:aws:s3:::site", resource_type="AWS::S3::Bucket",
    ...                   status="ACTIVE", finding_type="ExternalAccess",
    ...                   principals=(("AWS", "arn:aws:iam::444455556666:role/ci/deploy"),))
    >>> exposure = Exposure(finding, NO_CONTEXT, Policy(known_vendors={"444455556666": "Acme"}))
    >>> principal_name(exposure.principals[0], exposure)
    'role ci/deploy of Acme (444455556666)'
    """
    account, issuer = principal.account, principal.issuer
    if principal.kind == "anyone":
        return "anyone on the internet" if exposure.is_public else "anyone who meets the conditions"
    if principal.kind == "account" and account:
        return account_name(account, exposure)
    arn = Arn.try_parse(principal.value)
    if principal.kind in ("role", "user", "session") and account and arn:
        kind, _, own = arn.resource.partition("/")
        return f"{kind.replace('-', ' ')} {visible(own, _LONG_NAME)} of {account_name(account, exposure)}"
    if principal.kind == "OIDC" and issuer:
        return f"{_issuer(issuer)}, {_subjects(issuer, exposure)}"
    if principal.kind == "SAML" and issuer:
        return f"SAML provider {visible(issuer, _LONG_NAME)}" + (
            f" of {account_name(account, exposure)}" if account else ""
        )
    value = visible(principal.value)
    return f"{value} (kind not known)" if principal.kind == "unknown" else f"{principal.kind} {value}"


def account_name(account: str, exposure: Exposure) -> str:
    """Name an account: contracted party, vendor or account name where known, and the twelve digits."""
    own, other, policy = exposure.resource_account, exposure.principal_account, exposure.policy
    if account == exposure.finding.account:
        name = own.value.name if isinstance(own, Present) else None
        return (
            f"{visible(name, _LONG_NAME)} ({account}), its own account"
            if name
            else f"its own account {account}"
        )
    name = policy.allow.accounts.get(account)
    if name is None and isinstance(other, Present) and other.value.id == account:
        name = other.value.vendor or other.value.name
    name = name or policy.known_vendors.get(account)
    return f"{visible(name, _LONG_NAME)} ({account})" if name else f"account {account}"


def owner(exposure: Exposure) -> str:
    """Say which account the resource is in, with its name and organizational unit."""
    fact = exposure.resource_account
    digits = exposure.finding.account
    if isinstance(fact, Unknown):
        return f"{digits} (its name is not known)" if digits else "not known"
    if not isinstance(fact, Present):
        return f"{digits} (nothing is known of it)" if digits else "not known"
    account = fact.value
    name = (
        f"{visible(account.name, _LONG_NAME)} ({visible(account.id)})"
        if account.name
        else visible(account.id)
    )
    return f"{name}, in {visible(account.ou, _LONG_NAME)}" if account.ou else name


def conditions(exposure: Exposure) -> tuple[str, ...]:
    """Say what the conditions come to: which narrow, which keep nobody out, which nobody has judged.

    Examples
    --------
    >>> from scoring.findings.context import NO_CONTEXT
    >>> from scoring.findings.finding import Finding
    >>> from scoring.policy.policy import Policy
    >>> finding = Finding(id="1", resource="arn:aws:s3:::site", resource_type="AWS::S3::Bucket",
    ...                   status="ACTIVE", finding_type="ExternalAccess", principals=(("AWS", "*"),),
    ...                   conditions=(("future:Key", ("x",)), ("aws:SecureTransport", ("true",))))
    >>> conditions(Exposure(finding, NO_CONTEXT, Policy()))
    ('does not narrow the access: aws:SecureTransport', 'not judged, so it counts as absent: future:Key')
    """
    judged, contradictions = exposure.conditions, exposure.contradictions
    narrow = [one.key for one in judged if one.state == "narrow" and one.key not in contradictions]
    sorted_out = (
        ("narrows the access", narrow),
        # Beside what keeps others out it would be a lie of the whole.
        (
            "keeps nobody out" if exposure.is_public else "does not narrow the access",
            [one.key for one in judged if one.state == "wide"],
        ),
        ("not judged, so it counts as absent", exposure.not_judged),
        ("contradicts what is known of the principal, so it counts as absent", contradictions),
    )
    said = [
        f"{what}: {', '.join([visible(key, _LONG_NAME) for key in keys[:_SHOWN]])}"
        for what, keys in sorted_out
        if keys
    ]
    said += [_width(issuer, exposure) for issuer in exposure.issuers]
    return tuple(said) or ("none",)


def _width(issuer: str, exposure: Exposure) -> str:
    claims = judge_claims(issuer, exposure.finding.conditions)
    if claims.width == "any subject" and not claims.is_certain:
        if claims.has_guests:
            return "the identity pool lets in its users, and its guests if it has any"
        return "whoever may call the workflow comes in"
    if claims.width == "any subject" and claims.not_judged:
        return "no claim that was judged pins the identity"
    return describe(BY_NAME["principal_kind"], f"OIDC, {claims.width}")


def _issuer(issuer: str) -> str:
    called = issuer_of(issuer).called
    if called == "EKS cluster":
        return f"EKS cluster {visible(issuer, _LONG_NAME)}"
    return called or f"OIDC provider {visible(issuer, _LONG_NAME)}"


def _subjects(issuer: str, exposure: Exposure) -> str:
    found = pinning_claims(issuer, exposure.finding.conditions)
    if not found:
        return judge_claims(issuer, exposure.finding.conditions).width
    subjects = found.pop("sub", ())
    named = [visible(value, _LONG_NAME) for value in subjects]
    named += [f"{claim} {visible(value, _LONG_NAME)}" for claim, values in found.items() for value in values]
    more = len(named) - _SHOWN_SUBJECTS
    return ", ".join(named[:_SHOWN_SUBJECTS]) + (f" and {more} more" if more > 0 else "")
