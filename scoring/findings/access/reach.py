"""Whom a grant reaches: one principal under the conditions of its policy, and how far he is trusted.

A condition on who calls says something of ``*`` alone. Where a principal is named, such a condition can only
agree with what is known of him, or contradict it; a contradiction counts as if the condition were absent,
since a finding does not tell ``StringEquals`` from ``StringNotEquals``.

Every judgement here keeps the order of grants. Of several conditions the strongest counts, of several values
the widest; `TRUST` and `KINDS` are chains along which a grant that contains another never goes back.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from scoring.findings.access.conditions import JudgedCondition, Party
from scoring.findings.access.oidc_subjects import ListedClaims, has_listed_subject, is_shared, judge_claims
from scoring.findings.access.principal import INSIDE, KINDS, TRUST, VOUCHED, Principal
from scoring.findings.finding import Condition

NOT_KNOWN: Final = "not known"
"""Nobody knows; it counts exactly as the last of an order."""

# What is not known may be anything but what is known to be open to anyone: both count alike.
_TRUST_RANKS: Final = {**{name: 2 * rank for rank, name in enumerate(TRUST)}, NOT_KNOWN: 2 * len(TRUST) - 3}
_KIND_RANKS: Final = {**{name: 2 * rank for rank, name in enumerate(KINDS)}, NOT_KNOWN: 2 * len(KINDS) - 3}

_NAMED: Final = ("account", "role", "user", "session")
_OF_PRINCIPALS: Final = frozenset(
    ("principal organization", "principal account", "principal ARN", "principal unique id", "resource owner")
)
_OF_SERVICES: Final = frozenset(
    (
        "AWS service",
        "service principal",
        "source ARN",
        "source account",
        "source organization",
        "event source",
    )
)


class TrustContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who is who, as far as anybody knows.

    Attributes
    ----------
    own_account, own_organization : str or None
        Who owns the resource.
    in_organization : callable
        Whether an account is in the organization; None where nobody knows.
    contracted, vendors : frozenset of str
        Accounts that the policy calls contracted; accounts of known vendors.
    buckets, distributions, providers : frozenset of str
        What the policy lists as the organization's own: names of buckets, ids of CloudFront distributions and
        origin access identities, ARNs of identity providers.
    subjects : mapping
        By issuer in small letters, the claims that the policy lists.
    """

    own_account: str | None = None
    own_organization: str | None = None
    in_organization: Callable[[str], bool | None] = lambda _account: None
    contracted: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()
    buckets: frozenset[str] = frozenset()
    distributions: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    subjects: Mapping[str, ListedClaims] = {}

    def place_account(self, account: str) -> str:
        """Place an account on `TRUST`, or say ``not known``."""
        if self.own_account is None:
            return NOT_KNOWN
        if account == self.own_account:
            return "own account"
        is_inside = self.in_organization(account)
        if is_inside:
            return "own organization"
        if account in self.contracted:
            return "contracted"
        if is_inside is None:
            return NOT_KNOWN
        return "known vendor" if account in self.vendors else "stranger"

    def place_party(self, party: Party) -> str:
        """Place whom a value of a condition names."""
        if party.kind in INSIDE:
            return party.kind
        if party.kind == "account":
            return self.place_account(party.id)
        if party.kind == "organization":
            if self.own_organization is None:
                return NOT_KNOWN
            return "own organization" if party.id == self.own_organization else "stranger"
        if party.kind == "bucket" and party.id.split("/")[0] in self.buckets:
            return "own organization"
        # It names no account: for a service nobody knows for whom it acts, for a principal whose he is.
        return "AWS service" if party.hands == "AWS service" else "stranger"


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whom one principal's part of a grant reaches.

    Attributes
    ----------
    trust : str
        One of `TRUST`, or ``not known``.
    kind : str
        One of `KINDS`, or ``not known``.
    is_open : bool or None
        Whether anyone on the internet gets in, by all that was judged; None where nobody can tell.
    unowned : str
        What nobody knows the owner of; empty where the owner is known, or it is anyone.
    own : tuple of (setting, value)
        What the policy's ``[own]`` would hold if it is the organization's.
    contradictions : tuple of str
        Keys of conditions that count as absent, since they contradict what is known of the principal.
    lacks_account : bool
        Whether nobody knows if an account that conditions name is in the organization.
    """

    trust: str
    kind: str
    is_open: bool | None = False
    unowned: str = ""
    own: tuple[tuple[str, str], ...] = ()
    contradictions: tuple[str, ...] = ()
    lacks_account: bool = False


def widest_trust(places: Iterable[str]) -> str:
    """Return the farthest of several places on `TRUST`; what is not known stands just before anyone."""
    found = {*places}
    return found.pop() if len(found) == 1 else max(found, key=_TRUST_RANKS.__getitem__)


def nearest_trust(places: Iterable[str]) -> str:
    """Return the nearest of several places on `TRUST`."""
    found = {*places}
    return found.pop() if len(found) == 1 else min(found, key=_TRUST_RANKS.__getitem__)


def widest_kind(kinds: Iterable[str]) -> str:
    """Return the kind that reaches most hands."""
    found = {*kinds}
    return found.pop() if len(found) == 1 else max(found, key=_KIND_RANKS.__getitem__)


def _narrowest_kind(kinds: Iterable[str]) -> str:
    found = {*kinds}
    return found.pop() if len(found) == 1 else min(found, key=_KIND_RANKS.__getitem__)


def reach_of(
    principal: Principal,
    judged: tuple[JudgedCondition, ...],
    conditions: tuple[Condition, ...],
    context: TrustContext,
) -> Reach:
    """Say whom a principal's part of a grant reaches.

    Parameters
    ----------
    judged : tuple of JudgedCondition
        The conditions but for the claims of identity providers.
    conditions : tuple of (key, values)
        All of them, as AWS gave them.

    Examples
    --------
    >>> from scoring.findings.access.conditions import judge
    >>> from scoring.findings.access.principal import parse
    >>> context = TrustContext(own_account="111122223333")
    >>> pinned = (("aws:SourceAccount", ("111122223333",)),)
    >>> reach_of(parse("Service", "sns.amazonaws.com"), judge(pinned), pinned, context).trust
    'own account'
    >>> reach_of(parse("Service", "sns.amazonaws.com"), (), (), context).unowned
    'sns.amazonaws.com'
    """
    if principal.kind == "anyone":
        return _anyone(judged, context)
    if principal.kind == "AWS service":
        return _service(principal, judged, context)
    if principal.kind == "OIDC":
        return _oidc(principal, judged, conditions, context)
    if principal.kind == "SAML":
        return _saml(principal, judged, context)
    return _named(principal, judged, context)


def _anyone(judged: tuple[JudgedCondition, ...], context: TrustContext) -> Reach:
    bounds = [one for one in judged if one.state == "narrow" and one.parties]
    if any(one.state == "narrow" and not one.parties for one in judged):
        other = "stranger"  # some of those who are in a network, or know an id
    else:
        other = NOT_KNOWN if any(one.state == "not judged" for one in judged) else "anyone"
    trust = nearest_trust([other, *(_bound(one, context) for one in bounds)])
    unowned, own = _unowned(bounds, "an AWS service") if trust == "AWS service" else ("", ())
    return Reach(
        trust=trust,
        kind=_narrowest_kind(
            ["anyone", *(widest_kind(party.hands for party in one.parties) for one in bounds)]
        ),
        is_open=trust == "anyone",
        lacks_account=trust == NOT_KNOWN and any(_lacks(one, context) for one in bounds),
        unowned=unowned,
        own=own,
    )


def _bound(condition: JudgedCondition, context: TrustContext) -> str:
    return widest_trust(context.place_party(party) for party in condition.parties)


def _lacks(condition: JudgedCondition, context: TrustContext) -> bool:
    return any(p.kind == "account" and context.place_account(p.id) == NOT_KNOWN for p in condition.parties)


def _unowned(bounds: Iterable[JudgedCondition], otherwise: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Name what conditions pin a service to though it names no account, and the policy's settings for it."""
    parties = {party for one in bounds for party in one.parties if party.kind in ("bucket", "unowned")}
    named = sorted({f"the bucket {party.id}" if party.kind == "bucket" else party.id for party in parties})
    own = sorted({("buckets", party.id.split("/")[0]) for party in parties if party.kind == "bucket"})
    return ", ".join(named) or otherwise, tuple(own)


def _service(principal: Principal, judged: tuple[JudgedCondition, ...], context: TrustContext) -> Reach:
    """Place a service: it acts for whoever the conditions pin it to."""
    identity = _distribution(principal)
    if identity:
        is_own = identity in context.distributions
        return Reach(
            trust="own organization" if is_own else "AWS service",
            kind="AWS service",
            unowned="" if is_own else f"the origin access identity {identity}",
            own=() if is_own else (("distributions", identity),),
        )
    narrow = [one for one in judged if one.state == "narrow"]
    bounds = [one for one in narrow if one.pins not in _OF_PRINCIPALS and one.parties]
    places = [_bound(one, context) for one in bounds]
    if any(not one.parties for one in narrow):
        places.append("stranger")
    trust = nearest_trust(["AWS service", *places])
    sources = [one for one in bounds if one.pins in _OF_SERVICES]
    unowned, own = _unowned(sources, principal.value) if trust == "AWS service" else ("", ())
    return Reach(
        trust=trust,
        kind="AWS service",
        unowned=unowned,
        own=own,
        contradictions=tuple(one.key for one in narrow if one.pins in _OF_PRINCIPALS),
    )


def _distribution(principal: Principal) -> str:
    """Return the id of a CloudFront origin access identity."""
    if ":cloudfront:user/" not in principal.value:
        return ""
    return principal.value.rsplit(" ", 1)[-1].rsplit("/", 1)[-1]


def _oidc(
    principal: Principal,
    judged: tuple[JudgedCondition, ...],
    conditions: tuple[Condition, ...],
    context: TrustContext,
) -> Reach:
    issuer = principal.issuer or ""
    claims = judge_claims(issuer, conditions)
    is_open: bool | None = False
    if claims.width in ("pinned", "one repository"):
        trust = "identity provider"
    elif claims.width == "wildcard" or not is_shared(issuer):
        trust = "identity provider, wildcard"
    else:
        trust, is_open = _any_subject(judged, claims.is_certain, bool(claims.not_judged))
    if has_listed_subject(issuer, conditions, context.subjects.get(issuer.lower(), {})):
        trust = nearest_trust([trust, "identity provider, listed"])
    return _of_provider(
        principal, trust, f"OIDC, {claims.width}", context, judged, is_open=is_open and trust == "anyone"
    )


def _any_subject(
    judged: tuple[JudgedCondition, ...], is_certain: bool, has_unjudged_claims: bool
) -> tuple[str, bool | None]:
    """Place whoever may have a token of an issuer that gives them to anybody."""
    if any(one.state == "narrow" and one.pins not in _OF_PRINCIPALS for one in judged):
        return "stranger", False
    if has_unjudged_claims or any(one.state == "not judged" for one in judged):
        return NOT_KNOWN, False
    return ("anyone", True) if is_certain else (NOT_KNOWN, None)


def _saml(principal: Principal, judged: tuple[JudgedCondition, ...], context: TrustContext) -> Reach:
    return _of_provider(principal, "identity provider", "SAML", context, judged)


def _of_provider(
    principal: Principal,
    trust: str,
    kind: str,
    context: TrustContext,
    judged: tuple[JudgedCondition, ...],
    *,
    is_open: bool | None = False,
) -> Reach:
    """Place whoever an identity provider sends: one of another account is set up by that account's people."""
    contradictions = tuple(one.key for one in judged if one.state == "narrow" and one.pins in _OF_PRINCIPALS)
    is_listed = principal.value in context.providers
    if is_listed and principal.kind == "SAML":
        trust = "identity provider, listed"
    account = None if is_listed else principal.account
    home = "own account" if account is None else context.place_account(account)
    if home not in VOUCHED:
        return Reach(
            trust=widest_trust([trust, home]),
            kind=kind,
            is_open=is_open,
            unowned=f"the identity provider {principal.value} of account {principal.account}",
            own=(("providers", principal.value),),
            contradictions=contradictions,
        )
    return Reach(trust=trust, kind=kind, is_open=is_open, contradictions=contradictions)


def _named(principal: Principal, judged: tuple[JudgedCondition, ...], context: TrustContext) -> Reach:
    """Place a principal who is named: by his account, whatever the conditions say."""
    contradictions: list[str] = []
    if principal.account is None:
        trust = NOT_KNOWN if principal.kind == "unknown" else "stranger"
    else:
        trust = context.place_account(principal.account)
    # What is unreadable but for its account is, at the most, that account.
    hands = [principal.kind if principal.kind in KINDS else "account" if principal.account else NOT_KNOWN]
    for one in judged:
        if one.state != "narrow" or one.pins not in _OF_PRINCIPALS:
            continue
        if _contradicts(one, principal, trust, context):
            contradictions.append(one.key)
        elif one.pins == "principal ARN" and all(party.id == principal.account for party in one.parties):
            hands.append(widest_kind(party.hands for party in one.parties))
    kind = _narrowest_kind(hands) if principal.kind in _NAMED or principal.account else hands[0]
    return Reach(trust=trust, kind=kind, contradictions=tuple(contradictions))


def _contradicts(one: JudgedCondition, principal: Principal, trust: str, context: TrustContext) -> bool:
    """Say whether a condition on who calls excludes a principal who is named beside it."""
    if principal.account is None or trust == NOT_KNOWN:
        return False
    places = {context.place_party(party) for party in one.parties if party.kind != "unowned"}
    if one.pins in ("principal organization", "resource owner"):
        names_inside = not places.isdisjoint(INSIDE)
        return bool(places) and NOT_KNOWN not in places and (trust in INSIDE) != names_inside
    accounts = {party.id for party in one.parties if party.kind == "account"}
    return bool(accounts) and len(accounts) == len(one.parties) and principal.account not in accounts
