"""Draw one finding after another, each with its true log-odds of being unintended."""

import math
from dataclasses import dataclass
from random import Random

from training.simulate.precedent import NEVER_SEEN_SHARE, REPEATED_SHARE, Precedent, subject_of
from training.simulate.shapes import Draft
from training.simulate.truth import SHIFT, Truth
from training.simulate.world.chance import Weighted, seeded
from training.simulate.world.conditions import CONDITION, OWN_ACCOUNT, draw_condition
from training.simulate.world.description import TRUST, TRUSTS, Principal, Resource
from training.simulate.world.epochs import STEPS, Epoch, build_epochs
from training.simulate.world.kinds import KIND_INDEX, KINDS
from training.simulate.world.organization import Organization
from training.simulate.world.principals import never_seen
from training.simulate.world.sharing import SINGLE, Relationship, fits

_PILOT = 5000  # findings from which the base rate is set

_OWN = TRUST["own"]
_INSIDE = TRUST["inside"]
_STRANGER = TRUST["stranger"]
_PUBLIC = TRUST["public"]
_OPEN = (CONDITION["none"], CONDITION["ip-wide"])
_SHARES = {"ExternalAccess": 0.71, "InternalAccess": 0.12, "Unused": 0.17}
_FAMILIES = Weighted(_SHARES.items())
_OF_ROLES = Weighted([("UnusedIAMRole", 0.45), ("UnusedPermission", 0.55)])
_OF_USERS = Weighted(
    [("UnusedIAMUserAccessKey", 0.5), ("UnusedIAMUserPassword", 0.3), ("UnusedPermission", 0.2)]
)
_STATUSES = Weighted([("ACTIVE", 0.925), ("ARCHIVED", 0.045), ("RESOLVED", 0.03)])
_RESTRICTIONS = Weighted(
    [
        ("NOT_APPLICABLE", 0.62),
        ("", 0.196),
        ("APPLICABLE", 0.1),
        ("APPLIED", 0.08),
        ("FAILED_TO_EVALUATE_RCP", 0.004),
    ]
)
_SOURCES = Weighted([("POLICY", 0.9), ("S3_ACCESS_POINT", 0.08), ("S3_ACCESS_POINT_ACCOUNT", 0.02)])
_ANALYZERS = {"ExternalAccess": "organization", "InternalAccess": "internal-access"}
_FAILED = 0.012  # share of findings where Access Analyzer met an error
_DELETED = 0.012
_INTERNAL_OFFSET = -0.6


@dataclass(slots=True)
class Drawn:
    """A finding, who is given access, which resource it is about, and the true log-odds."""

    draft: Draft
    principal: Principal | None
    resource: int
    log_odds: float


class Draws:
    """The tables from which findings of one organization are drawn.

    Parameters
    ----------
    organization
        What the findings are about.
    drift
        0: nothing changes over time; 1: accounts, teams, vendors and relationships appear as the organization
        says, frequencies move and the base rate rises a little.
    rate
        Share of the findings that are unintended when the simulated time begins.
    """

    def __init__(self, organization: Organization, drift: float, rate: float) -> None:
        self.organization = organization
        self.drift = drift
        self.truth = Truth(organization)
        sharing = organization.sharing
        self.principals = sharing.principals
        numbers = {team.name: number for number, team in enumerate(organization.teams)}
        self.team_of = [numbers[resource.team] for resource in organization.resources]
        self.kind_of = [KIND_INDEX[resource.type] for resource in organization.resources]
        pairs = list(zip(self.team_of, self.kind_of, strict=True))
        self.precedent = Precedent(
            sharing,
            [pair for pair in pairs if KINDS[pair[1]].grants],
            [pair for pair in pairs if KINDS[pair[1]].internal],
            _SHARES["ExternalAccess"],
            _SHARES["InternalAccess"],
        )
        shareable = [(number, kind) for number, kind in enumerate(KINDS) if kind.grants]
        self.grants = {
            number: Weighted([(grant, grant[1]) for grant in kind.grants]) for number, kind in shareable
        }
        self.single_trusts = {
            number: Weighted([(TRUST[name], weight) for name, weight in SINGLE.items() if fits(kind, name)])
            for number, kind in shareable
        }
        self.epochs = build_epochs(organization, drift)
        self.base = 0.0
        self.base = self._base(rate)

    def _base(self, rate: float) -> float:
        """The constant term with which the mean probability is the wanted rate, from a pilot sample."""
        rng = seeded(self.organization.seed, "pilot")
        sample = [self.draw(rng, 0.0, 0.0).log_odds for _ in range(_PILOT)]
        lower, upper = -20.0, 20.0
        for _ in range(50):
            middle = (lower + upper) / 2
            mean = math.fsum(1.0 / (1.0 + math.exp(-middle - one)) for one in sample) / _PILOT
            lower, upper = (middle, upper) if mean < rate else (lower, middle)
        return lower

    def draw(self, rng: Random, progress: float, sent: float) -> Drawn:
        """One finding at a share of the simulated time; `sent` in seconds since the epoch."""
        rnd = rng.random
        epoch = self.epochs[int(progress * STEPS)]
        family = _FAMILIES.draw(rnd())
        if family == "ExternalAccess":
            drawn = self._external(rng, epoch)
        elif family == "InternalAccess":
            drawn = self._internal(rng, epoch)
        else:
            drawn = self._unused(rng, epoch)
        drawn.log_odds += self.base + SHIFT * self.drift * progress
        draft = drawn.draft
        bits = f"{rng.getrandbits(128):032x}"
        draft.id = f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-8{bits[17:20]}-{bits[20:]}"
        draft.status = _STATUSES.draw(rnd())
        draft.deleted = rnd() < _DELETED
        draft.sent = sent
        draft.updated = sent - 2 - 300 * rnd()
        draft.analyzed = draft.updated - 5 - 900 * rnd()
        draft.created = draft.analyzed - (120 if rnd() < 0.75 else 500_000) * rnd()
        return drawn

    def _external(self, rng: Random, epoch: Epoch) -> Drawn:
        rnd = rng.random
        relationship: Relationship | None = None
        if rnd() < REPEATED_SHARE:
            relationship = epoch.external.draw(rnd())
            index = relationship.resources[int(len(relationship.resources) * rnd())]
            number, principal = relationship.principal, self.principals[relationship.principal]
        else:
            pool = epoch.shareable
            index = pool[int(len(pool) * rnd())]
            number, principal = self._someone(rng, epoch, self.organization.resources[index])
        return self._shared(rng, "ExternalAccess", index, number, principal, relationship)

    def _internal(self, rng: Random, epoch: Epoch) -> Drawn:
        rnd = rng.random
        relationship: Relationship | None = None
        if rnd() < REPEATED_SHARE:
            relationship = epoch.internal.draw(rnd())
            index = relationship.resources[int(len(relationship.resources) * rnd())]
            number = relationship.principal
        else:
            pool = epoch.watched
            index = pool[int(len(pool) * rnd())]
            insiders = epoch.principals[_INSIDE]
            number = insiders[int(len(insiders) * rnd())]
        drawn = self._shared(rng, "InternalAccess", index, number, self.principals[number], relationship)
        drawn.log_odds += _INTERNAL_OFFSET
        return drawn

    def _someone(self, rng: Random, epoch: Epoch, resource: Resource) -> tuple[int, Principal]:
        """A principal outside relationships; its number is -1 if its account occurs only once."""
        rnd = rng.random
        trust = self.single_trusts[KIND_INDEX[resource.type]].draw(rnd())
        if trust == _STRANGER and rnd() < NEVER_SEEN_SHARE:
            return -1, never_seen(rng)
        candidates = epoch.principals[trust]
        place = int(len(candidates) * rnd())
        if trust == _OWN and self.principals[candidates[place]].account == resource.account:
            place = (place + 1) % len(candidates)  # within one account there is no external access
        return candidates[place], self.principals[candidates[place]]

    def _shared(
        self,
        rng: Random,
        finding_type: str,
        index: int,
        number: int,
        principal: Principal,
        relationship: Relationship | None,
    ) -> Drawn:
        rnd = rng.random
        organization, kind = self.organization, self.kind_of[index]
        resource = organization.resources[index]
        draft = self._draft(resource, finding_type, principal)
        if rnd() < _FAILED:
            draft.error = "ACCESS_DENIED" if rnd() < 0.7 else "INTERNAL_ERROR"
            return Drawn(draft, None, index, self.truth.failed(index, kind))
        grant = self.grants[kind].draw(rnd())
        if relationship is not None and relationship.kind == kind and rnd() < 0.7:
            grant = relationship.grant
        if relationship is not None and (principal.key == "Federated" or rnd() < 0.85):
            condition = relationship.condition
        else:
            condition = draw_condition(rng, principal, resource.type, resource.team, organization.id)
        draft.principal_key = principal.key
        draft.principal = principal.value.replace("{account}", resource.account)
        draft.principal_account = principal.account
        draft.actions = _actions(grant[2], principal)
        draft.condition = tuple((k, v.replace(OWN_ACCOUNT, resource.account)) for k, v in condition.items)
        draft.public = principal.trust == _PUBLIC and condition.sort in _OPEN
        draft.same_account = principal.account == resource.account
        restriction = _RESTRICTIONS.draw(rnd())
        # Access Analyzer takes control policies into account for internal access alone.
        draft.restriction = (
            "NOT_APPLICABLE" if finding_type != "InternalAccess" and restriction == "APPLIED" else restriction
        )
        if resource.type == "AWS::S3::Bucket":
            draft.source = "BUCKET_ACL" if principal.key == "CanonicalUser" else _SOURCES.draw(rnd())
        if finding_type == "InternalAccess" and rnd() < 0.06:
            draft.service_restriction = "APPLIED"
        trust = principal.trust
        if trust == _PUBLIC and not draft.public:  # a condition lets in some, not all
            trust = _OWN if condition.sort == CONDITION["organization"] else _STRANGER
        log_odds = self.truth.shared(index, kind, trust, grant[0], condition.sort, number)
        subject = subject_of(principal, condition.items)
        log_odds += self.precedent.effect(self.team_of[index], number, subject)
        return Drawn(draft, principal, index, log_odds)

    def _unused(self, rng: Random, epoch: Epoch) -> Drawn:
        rnd = rng.random
        pool = epoch.entities
        index = pool[int(len(pool) * rnd())]
        resource = self.organization.resources[index]
        of_user = resource.type == "AWS::IAM::User"
        finding_type = (_OF_USERS if of_user else _OF_ROLES).draw(rnd())
        draft = self._draft(resource, finding_type, None)
        if finding_type == "UnusedPermission":
            draft.unused_services = 1 + int(40 * rnd() ** 2)
            draft.unused_actions = draft.unused_services + int(200 * rnd() ** 3)
        return Drawn(draft, None, index, self.truth.unused(index, finding_type, draft.unused_services))

    def _draft(self, resource: Resource, finding_type: str, principal: Principal | None) -> Draft:
        """A finding of the analyzer that reports its kind."""
        if principal is not None and finding_type == "ExternalAccess" and principal.trust == _OWN:
            account, name = resource.account, "account"
        else:
            account, name = self.organization.analyzer_account, _ANALYZERS.get(finding_type, "unused-access")
        analyzer = f"arn:aws:access-analyzer:{resource.region}:{account}:analyzer/{name}"
        return Draft(resource=resource, finding_type=finding_type, analyzer=analyzer)


def _actions(actions: tuple[str, ...], principal: Principal) -> tuple[str, ...]:
    """Federated principals assume a role by an action of their own."""
    if principal.key != "Federated":
        return actions
    if TRUSTS[principal.trust] == "saml":
        return ("sts:AssumeRoleWithSAML",)
    return ("sts:AssumeRoleWithWebIdentity",)
