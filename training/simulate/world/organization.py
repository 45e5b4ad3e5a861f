"""The organization that findings are about: accounts in organizational units, teams, and what they own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from training.simulate.world import catalogue
from training.simulate.world.chance import seeded
from training.simulate.world.description import TRUST, Account, Resource, Team
from training.simulate.world.resources import build_resources
from training.simulate.world.sharing import Sharing, build_sharing


@dataclass(frozen=True, slots=True)
class Organization:
    """A synthetic organization, complete enough to be created on an AWS of one's own.

    Examples
    --------
    >>> organization = Organization.build(seed=3, accounts=10, resources=60)
    >>> len(organization.accounts), len(organization.resources)
    (10, 60)
    >>> [account.ou for account in organization.accounts][:3]
    ['Security', 'Security', 'Infrastructure']
    """

    seed: int
    id: str
    accounts: tuple[Account, ...]
    ous: tuple[str, ...]
    teams: tuple[Team, ...]
    resources: tuple[Resource, ...]
    contracted: Mapping[str, str]  # account -> name of those under contract: partners and vendors
    vendors: Mapping[str, str]  # account -> name of the vendors that a public list would know
    sharing: Sharing = field(repr=False)

    @property
    def analyzer_account(self) -> str:
        """The account of the organization's analyzers."""
        return self.accounts[1].id

    @classmethod
    def build(cls, seed: int = 0, *, accounts: int = 40, resources: int = 2000) -> "Organization":
        """Make an organization of a given size.

        Parameters
        ----------
        seed
            The same seed and sizes give the same organization.
        accounts
            Member accounts, at least 8.
        resources
            Resources over all accounts, at least 40: each of the resource types occurs.
        """
        if accounts < 8 or resources < 40:
            raise ValueError(f"at least 8 accounts and 40 resources, got {accounts} and {resources}")
        rng = seeded(seed, "organization")
        members = _accounts(rng, accounts)
        teams = _teams(rng, max(6, min(len(catalogue.TEAMS), accounts * 3 // 5)))
        owned = build_resources(rng, members, teams, resources)
        organization_id = f"o-{rng.getrandbits(40):010x}"
        partners = iter(catalogue.PARTNERS)
        sharing = build_sharing(rng, members, teams, owned, organization_id)
        return cls(
            seed=seed,
            id=organization_id,
            accounts=members,
            ous=("Workloads", *dict.fromkeys(account.ou for account in members)),
            teams=teams,
            resources=owned,
            contracted={
                principal.account: principal.name or next(partners)
                for principal in sharing.principals
                if principal.trust in (TRUST["partner"], TRUST["contracted"])
            },
            vendors={
                principal.account: principal.name
                for principal in sharing.principals
                if principal.trust in (TRUST["vendor"], TRUST["contracted"])
            },
            sharing=sharing,
        )

    def substituted(
        self, *, accounts: Mapping[str, str] | None = None, arns: Mapping[str, str] | None = None
    ) -> "Organization":
        """The same organization under identifiers that an AWS chose when it was created there.

        Parameters
        ----------
        accounts
            Old account id -> new one; replaced wherever it occurs.
        arns
            Old resource ARN (with old or new account ids) -> new one.
        """
        numbers = accounts or {}
        names = {_rewritten(old, numbers): new for old, new in (arns or {}).items()}
        return replace(
            self,
            accounts=tuple(
                replace(account, id=numbers.get(account.id, account.id)) for account in self.accounts
            ),
            resources=tuple(
                replace(
                    resource,
                    arn=names.get(_rewritten(resource.arn, numbers), _rewritten(resource.arn, numbers)),
                    account=numbers.get(resource.account, resource.account),
                )
                for resource in self.resources
            ),
            sharing=self.sharing.rewritten(lambda text: _rewritten(text, numbers)),
        )


def _rewritten(text: str, numbers: Mapping[str, str]) -> str:
    for old, new in numbers.items():
        if old in text:
            return text.replace(old, new)
    return text


def _accounts(rng: Random, count: int) -> tuple[Account, ...]:
    free = count - len(catalogue.FIXED_ACCOUNTS)
    places = list(catalogue.FIXED_ACCOUNTS)
    for ou, environment, share in catalogue.UNITS:
        for number in range(max(1, int(free * share))):
            team = catalogue.TEAMS[number % len(catalogue.TEAMS)]
            suffix = "" if number < len(catalogue.TEAMS) else f"-{number // len(catalogue.TEAMS) + 1}"
            owner = (
                f"sandbox-{number + 1:02d}" if environment == "sandbox" else f"{team}-{environment}{suffix}"
            )
            places.append((owner, ou))
    while len(places) < count:
        places.append((f"sandbox-x{len(places):02d}", "Sandbox"))
    numbers: dict[str, None] = {}
    while len(numbers) < count:
        numbers[f"{rng.randrange(10**11, 4 * 10**11):012d}"] = None
    return tuple(
        Account(
            id=number,
            name=name,
            ou=ou,
            tags={"cost-center": f"cc-{rng.randrange(100, 140)}"} if rng.random() < 0.7 else {},
            # Some are opened later, never the production ones.
            since=round(0.2 + 0.7 * rng.random(), 3)
            if ou in ("Sandbox", "Workloads/Dev", "Workloads/Staging") and index % 6 == 5
            else 0.0,
        )
        for index, (number, (name, ou)) in enumerate(zip(numbers, places[:count], strict=True))
    )


def _teams(rng: Random, count: int) -> tuple[Team, ...]:
    return tuple(
        Team(
            name=name,
            weight=1.0 / (1 + number) ** 0.6,
            since=round(0.25 + 0.6 * rng.random(), 3) if number % 12 == 11 else 0.0,
            environment_key=rng.choice(catalogue.ENVIRONMENT_KEYS),
            spelling=rng.randrange(3),
            team_key=rng.choice(catalogue.TEAM_KEYS),
            data_class_key=rng.choice(catalogue.DATA_CLASS_KEYS),
            tagged=0.72 + 0.27 * rng.random(),
            managed=0.25 + 0.7 * rng.random(),
        )
        for number, name in enumerate(catalogue.TEAMS[:count])
    )
