"""One finding with everything that features and guardrails ask of it, worked out once."""

from scoring.findings.access import tags
from scoring.findings.access.access_level import AccessLevel, access_level
from scoring.findings.access.conditions import Narrowing, narrowing
from scoring.findings.access.principal import TRUST, Principal, parse, trust
from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import Absent, Fact, Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.policy import Policy

_FINDING_TYPES, _RESOURCE_TYPES = frozenset(FINDING_TYPES), frozenset(RESOURCE_TYPES)
_OTHER_ACCOUNT = Unknown("describes another account")


class Exposure:
    """A finding, its context and the policy, and what follows from them.

    Attributes
    ----------
    is_known_finding_type, is_known_resource_type : bool
        Whether this version knows the type.
    tags : dict
        Folded keys to folded values; empty where the tags are absent or unknown.
    principals : list of Principal
        Who is given access.
    is_readable : bool
        Whether the finding says who is given access, in terms that this version understands.
    is_granting : bool
        Whether somebody is given access (not so for unused access).
    trust : str
        The farthest of the principals; see `scoring.findings.access.principal.TRUST`, or ``unknown`` or
        ``not applicable``.
    foreign_accounts : set of str
        Numbers of the accounts, other than the resource's, that are given access.
    access : AccessLevel
        The access level of the finding's actions.
    is_public : bool or None
        Whether anyone on the internet can get in; None where nobody can tell.
    lacking : list of (str, str)
        Names of the facts that are not known though nothing may be archived without them, each with why.
    """

    def __init__(self, finding: Finding, context: Context, policy: Policy) -> None:
        self.finding, self.context, self.policy = finding, context, policy
        self.is_known_finding_type = finding.finding_type in _FINDING_TYPES
        self.is_known_resource_type = finding.resource_type in _RESOURCE_TYPES
        self.principals = [parse(kind, value) for kind, value in finding.principals]
        self.is_readable = bool(self.principals) and all(p.is_readable for p in self.principals)
        self.is_granting = bool(
            not finding.is_unused_access or self.principals or finding.actions or finding.is_public
        )
        self.tags = tags.fold(context.tags.value) if isinstance(context.tags, Present) else {}
        self.foreign_accounts = {
            principal.account
            for principal in self.principals
            if principal.account and principal.account != finding.account and principal.issuer is None
        }
        self.resource_account = self._own(context.resource_account)
        self.narrowing: Narrowing = narrowing(finding.conditions, self._organization_id())
        self.principal_account = self._foreign(context.principal_account)
        self.trust = self._trust()
        self.access: AccessLevel = access_level(finding.actions)
        self.is_public = self._is_public()
        self.lacking = self._lacking()

    @property
    def is_meant_to_be_public(self) -> bool | None:
        """Whether the policy lists the bucket and nobody is given more than reading; None: nobody knows."""
        if self.finding.resource.rsplit(":", 1)[-1] not in self.policy.public_buckets:
            return False
        if self.finding.resource_type != "AWS::S3::Bucket" and self.is_known_resource_type:
            return False
        if self.access.level not in ("List", "Read", None):
            return False
        return True if self.is_known_resource_type and self.access.level else None

    @property
    def is_outside(self) -> bool:
        """Whether access leaves the organization, or may do so for all we know."""
        is_inside = self.trust in ("own account", "own organization") and self.is_public is False
        return self.is_granting and not is_inside

    def _lacking(self) -> list[tuple[str, str]]:
        lacking: list[tuple[str, str]] = []
        may_have_aliases = self.finding.resource_type == "AWS::KMS::Key" or not self.is_known_resource_type
        if isinstance(self.context.tags, Unknown):
            lacking.append(("tags", self.context.tags.reason))
        if isinstance(self.context.aliases, Unknown) and may_have_aliases:
            lacking.append(("aliases", self.context.aliases.reason))
        if isinstance(self.resource_account, Unknown):
            lacking.append(("resource_account", self.resource_account.reason))
        if isinstance(self.principal_account, Unknown) and self.names_other_account:
            lacking.append(("principal_account", self.principal_account.reason))
        return lacking

    @property
    def names_other_account(self) -> bool:
        """Whether an AWS account other than the resource's is given access, or may be for all we know."""
        is_inside = self.finding.finding_type == "InternalAccess" and self.finding.access_type
        if is_inside or not self.is_granting:
            return False
        return bool(self.foreign_accounts) or not self.is_readable

    @property
    def vendor(self) -> str | None:
        """The vendor or contracted party behind the principal's account, where known."""
        for principal in self.principals:
            account = principal.account
            if account is None or account == self.finding.account or principal.issuer is not None:
                continue
            if account in self.policy.allow.accounts:
                return self.policy.allow.accounts[account]
            found = self._described(account)
            if found is not None and found.vendor:
                return found.vendor
            if account in self.policy.known_vendors:
                return self.policy.known_vendors[account]
        return None

    def unknown(self) -> tuple[str, ...]:
        """Names of the facts that are not known: the needed ones, and whatever was asked for and refused."""
        names = [name for name, _ in self.lacking]
        reactivated = self.context.reactivated_by
        if isinstance(reactivated, Unknown) and reactivated.asked:
            names.append("reactivated_by")
        if self.context.details:
            names += [
                f"details.{name}"
                for name, fact in sorted(self.context.details.items())
                if isinstance(fact, Unknown) and fact.asked
            ]
        return tuple(names)

    def _is_public(self) -> bool | None:
        finding = self.finding
        if finding.is_public or self.trust == "anyone":
            return True
        if finding.finding_type == "InternalAccess" or not self.is_granting:
            return False
        if finding.is_public is None or not self.is_known_finding_type:
            return None
        if self.trust != "unknown":
            return False
        if not self.is_readable:
            return None
        names_accounts = all(principal.account and principal.issuer is None for principal in self.principals)
        return False if names_accounts or self.narrowing.narrows else None

    def _trust(self) -> str:
        finding = self.finding
        if not self.is_granting:
            return "not applicable"
        if finding.finding_type == "InternalAccess":
            inside = {"INTRA_ACCOUNT": "own account", "INTRA_ORG": "own organization"}
            return inside.get(finding.access_type or "", "unknown")
        if not self.principals or not self.is_known_finding_type:
            return "unknown"
        placed = [self._trust_in(principal) for principal in self.principals]
        if "anyone" in placed:
            return "anyone"
        return "unknown" if "unknown" in placed else max(placed, key=TRUST.index)

    def _trust_in(self, principal: Principal) -> str:
        described = self._described(principal.account) if principal.account else None
        contracted = self.policy.contracted
        vendor = described.vendor if described else None
        if principal.account and vendor and vendor.casefold() in self.policy.contracted_vendors:
            contracted = contracted | {principal.account}
        in_organization = described.in_org if described else None
        if isinstance(self.principal_account, Absent):
            in_organization = False
        return trust(
            principal,
            self.narrowing,
            conditions=self.finding.conditions,
            own_account=self.finding.account,
            in_organization=in_organization,
            contracted=contracted,
            vendor=bool(vendor) or principal.account in self.policy.known_vendors,
        )

    def _described(self, account: str) -> PrincipalAccount | None:
        fact = self.principal_account
        return fact.value if isinstance(fact, Present) and fact.value.id == account else None

    def _own(self, fact: Fact[Account]) -> Fact[Account]:
        if isinstance(fact, Present) and fact.value.id != self.finding.account:
            return _OTHER_ACCOUNT
        return fact

    def _foreign(self, fact: Fact[PrincipalAccount]) -> Fact[PrincipalAccount]:
        if not isinstance(fact, Present):
            return fact
        foreign = self.foreign_accounts
        if len(foreign) > 1 or (foreign and fact.value.id not in foreign):
            return _OTHER_ACCOUNT
        return Unknown("organization not known") if foreign and fact.value.in_org is None else fact

    def _organization_id(self) -> str | None:
        if self.policy.organization_id:
            return self.policy.organization_id
        account = self.resource_account
        return account.value.org_id if isinstance(account, Present) else None
