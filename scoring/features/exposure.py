"""One finding with everything that features and guardrails ask of it, worked out once."""

import msgspec

from scoring.findings.access import tags
from scoring.findings.access.access_level import AccessLevel, access_level
from scoring.findings.access.conditions import judge, narrowing
from scoring.findings.access.oidc_subjects import judge_claims
from scoring.findings.access.principal import INSIDE, VOUCHED, parse
from scoring.findings.access.reach import NOT_KNOWN, Reach, TrustContext, reach_of, widest_kind, widest_trust
from scoring.findings.arn import bucket_of, partition_of
from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import Absent, Fact, Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES, TABLE
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
    conditions : tuple of JudgedCondition
        The conditions but for the claims of identity providers.
    reaches : list of Reach
        Whom each principal's part of the grant reaches.
    trust : str
        The farthest that anybody is let in; see `scoring.findings.access.principal.TRUST`, or ``not known``,
        ``unknown`` (it is not even known whether anybody is) or ``not applicable``.
    foreign_accounts : set of str
        Numbers of the accounts, other than the resource's, that are given access.
    access : AccessLevel
        The access level of the finding's actions.
    is_public : bool or None
        Whether anyone on the internet can get in; None where nobody can tell.
    is_meant_to_be_public : bool or None
        Whether the policy lists the bucket and nobody is given more than reading; None: nobody knows. It does
        not matter whether anyone gets in: what everyone may read, some may read too.
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
            if principal.account and principal.account != finding.account
        }
        self.resource_account = self._own(context.resource_account)
        issuers = [p.issuer for p in self.principals if p.kind == "OIDC" and p.issuer]
        self.issuers = tuple(dict.fromkeys(issuers)) if issuers else ()
        self.conditions = (
            judge(finding.conditions, self.issuers, policy.listed_conditions, self._service())
            if finding.conditions
            else ()
        )
        self.reaches: list[Reach] = self._reaches()
        self.principal_account = self._foreign(context.principal_account)
        self.access: AccessLevel = access_level(finding.actions)
        self.trust = self._trust()
        self.is_public = self._is_public()
        self.is_meant_to_be_public = self._is_meant_to_be_public()
        self.lacking = self._lacking()

    @property
    def kind(self) -> str:
        """How many hands are reached; see `scoring.findings.access.principal.KINDS`, or not known."""
        return widest_kind([reach.kind for reach in self.reaches]) if self.reaches else "unknown"

    @property
    def narrowing(self) -> str:
        """How conditions narrow the grant beside saying who is let in."""
        return narrowing(self.conditions) if self.conditions else "none"

    @property
    def not_judged(self) -> tuple[str, ...]:
        """Keys of conditions that nobody has judged, claims of identity providers included."""
        if not self.finding.conditions:
            return ()
        keys = [one.key for one in self.conditions if one.state == "not judged"]
        for issuer in self.issuers:
            keys += judge_claims(issuer, self.finding.conditions).not_judged
        return tuple(dict.fromkeys(keys))

    @property
    def contradictions(self) -> tuple[str, ...]:
        """Keys of conditions that count as absent, since they contradict what is known of a principal."""
        return tuple(dict.fromkeys(key for reach in self.reaches for key in reach.contradictions))

    def _is_meant_to_be_public(self) -> bool | None:
        if (
            not self.policy.public_buckets
            or bucket_of(self.finding.resource) not in self.policy.public_buckets
        ):
            return False
        if self.finding.resource_type != "AWS::S3::Bucket" and self.is_known_resource_type:
            return False
        if self.access.level not in ("List", "Read", None):
            return False
        return True if self.is_known_resource_type and self.access.level else None

    @property
    def is_outside(self) -> bool:
        """Whether access leaves the organization, or may do so for all we know."""
        is_inside = self.trust in INSIDE and self.is_public is False
        return self.is_granting and not is_inside

    def _service(self) -> str:
        row = TABLE.get(self.finding.resource_type)
        return row.service if row else ""

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
        lacks_account = self.trust == NOT_KNOWN and any(reach.lacks_account for reach in self.reaches)
        return bool(self.foreign_accounts) or not self.is_readable or lacks_account

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
        if finding.is_public:
            return True
        if finding.finding_type == "InternalAccess" or not self.is_granting:
            return False
        # What AWS says stands, but for what was judged to let in anyone.
        opens = [reach.is_open for reach in self.reaches]
        if True in opens:
            return True
        if finding.is_public is None or not self.is_known_finding_type or not self.is_readable:
            return None
        return None if None in opens else False

    def _trust(self) -> str:
        finding = self.finding
        if not self.is_granting:
            return "not applicable"
        if finding.finding_type == "InternalAccess":
            inside = {"INTRA_ACCOUNT": "own account", "INTRA_ORG": "own organization"}
            return inside.get(finding.access_type or "", "unknown")
        if not self.reaches or not self.is_known_finding_type:
            return "unknown"
        return widest_trust([reach.trust for reach in self.reaches])

    def _reaches(self) -> list[Reach]:
        if not self.principals:
            return []
        policy, finding = self.policy, self.finding
        context = TrustContext(
            own_account=finding.account,
            own_organization=self._organization_id(),
            in_organization=self._in_organization,
            contracted=self._contracted(),
            vendors=self._vendors(),
            buckets=policy.own_buckets,
            distributions=policy.own_distributions,
            providers=policy.own_providers,
            subjects=policy.listed_subjects,
        )
        reaches = [
            reach_of(principal, self.conditions, finding.conditions, context) for principal in self.principals
        ]
        home = partition_of(finding.resource) or "aws"
        return [
            _of_another_partition(reach, value)
            if partition_of(value) not in (home, "") and reach.trust in VOUCHED
            else reach
            for reach, (_, value) in zip(reaches, finding.principals, strict=True)
        ]

    def _in_organization(self, account: str) -> bool | None:
        if isinstance(self.context.principal_account, Absent):
            return False
        described = self._described(account)
        return described.in_org if described else None

    def _contracted(self) -> frozenset[str]:
        fact = self.context.principal_account
        known = self.policy.contracted
        vendor = fact.value.vendor if isinstance(fact, Present) else None
        if isinstance(fact, Present) and vendor and vendor.casefold() in self.policy.contracted_vendors:
            return known if fact.value.id in known else known | {fact.value.id}
        return known

    def _vendors(self) -> frozenset[str]:
        fact = self.context.principal_account
        known = self.policy.vendor_accounts
        if not isinstance(fact, Present) or not fact.value.vendor or fact.value.id in known:
            return known
        return known | {fact.value.id}

    def _described(self, account: str) -> PrincipalAccount | None:
        fact = self.context.principal_account
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


def _of_another_partition(reach: Reach, value: str) -> Reach:
    """Place an account of another partition: no organization reaches into it, whatever its number is."""
    return msgspec.structs.replace(
        reach, trust=NOT_KNOWN, unowned=f"{value}, in another partition than the resource"
    )
