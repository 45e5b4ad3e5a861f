"""The organization that findings are about: accounts in organizational units, teams, and what they own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from training.simulate import catalogue
from training.simulate.chance import Weighted, seeded
from training.simulate.description import TRUST, Account, Resource, Team
from training.simulate.sharing import Sharing, build_sharing


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
        owned = _resources(rng, members, teams, resources)
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
        for number in range(max(1, round(free * share))):
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
            # A tenth of the workload accounts is opened later; the first of each unit is always there.
            since=round(0.2 + 0.7 * rng.random(), 3)
            if ou in ("Sandbox", "Workloads/Dev") and index % 8 == 7
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


def _resources(
    rng: Random, accounts: tuple[Account, ...], teams: tuple[Team, ...], count: int
) -> tuple[Resource, ...]:
    environments = {ou: environment for ou, environment, _ in catalogue.UNITS}
    homes: dict[str, list[Account]] = {environment: [] for environment in catalogue.ENVIRONMENTS}
    for account in accounts:
        homes[environments.get(account.ou, "shared")].append(account)
    kinds = Weighted([(number, kind.weight) for number, kind in enumerate(catalogue.KINDS)])
    owners = Weighted([(number, team.weight) for number, team in enumerate(teams)])
    places = Weighted([("prod", 0.47), ("staging", 0.13), ("dev", 0.27), ("sandbox", 0.08), ("shared", 0.05)])
    found = []
    for number in range(count):
        kind = catalogue.KINDS[number if number < len(catalogue.KINDS) else kinds.draw(rng.random())]
        owner = owners.draw(rng.random())
        environment = places.draw(rng.random())
        home = homes[environment]
        account = home[owner % len(home)] if rng.random() < 0.8 else rng.choice(home)
        found.append(_resource(rng, number, kind, teams[owner], account, environment))
    return tuple(found)


def _resource(
    rng: Random, number: int, kind: catalogue.Kind, team: Team, account: Account, environment: str
) -> Resource:
    nouns = {"AWS::IAM::Role": catalogue.ROLE_NOUNS, "AWS::IAM::User": catalogue.USER_NOUNS}
    name = f"{team.name}-{rng.choice(nouns.get(kind.type, catalogue.NOUNS))}-{environment}-{number:04d}"
    region = catalogue.REGIONS[0] if rng.random() < 0.7 else rng.choice(catalogue.REGIONS)
    bits = f"{rng.getrandbits(128):032x}"
    arn = kind.arn.format(
        region=region,
        account=account.id,
        name=name,
        uuid=f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}",
        hex="0" + bits[:16],
        suffix=f"{bits[:2].upper()}{bits[2:4]}{bits[4:6].upper()}",
        number=1 + rng.randrange(40),
        day=f"{1 + rng.randrange(28):02d}",
    )
    open_team = team.name in ("marketing", "web", "media", "storefront")
    data_class = Weighted(
        [
            ("public", 0.4 if open_team else 0.05),
            ("internal", 0.5),
            ("confidential", 0.26),
            ("restricted", 0.12),
        ]
    ).draw(rng.random())
    tags = _tags(rng, team, environment, data_class, name)
    aliases: tuple[str, ...] = ()
    if kind.type == "AWS::KMS::Key":
        tags, aliases = _key(rng, team, environment, tags)
    return Resource(
        arn=arn,
        type=kind.type,
        account=account.id,
        region=region,
        name=name,
        tags=tags,
        aliases=aliases,
        team=team.name,
        environment=environment,
        data_class=data_class,
        since=max(account.since, team.since),
    )


def _tags(rng: Random, team: Team, environment: str, data_class: str, name: str) -> dict[str, str]:
    """Tags as the team is used to set them: some missing, a few wrong."""
    tags: dict[str, str] = {}
    if rng.random() < team.tagged:
        said = environment if rng.random() < 0.97 else rng.choice(catalogue.ENVIRONMENTS)
        tags[team.environment_key] = catalogue.ENVIRONMENT_SPELLINGS[said][team.spelling]
    if rng.random() < 0.75 + team.tagged / 4:
        tags[team.team_key] = team.name
    if rng.random() < team.tagged:
        tags[team.data_class_key] = data_class.capitalize()
    if rng.random() < team.managed:
        tags["ManagedBy"] = "terraform"
    if rng.random() < 0.3:
        tags["Project"] = f"{team.name}-{rng.randrange(1, 60)}"
    if "break-glass" in name:
        tags["Purpose"] = "break-glass"
    return tags


def _key(
    rng: Random, team: Team, environment: str, tags: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags and aliases of a key; some development keys are made to be shared, and say so."""
    if environment == "dev" and rng.random() < 0.2:
        return {**tags, team.environment_key: "development", "IsAllowedToShare": "true"}, (
            "alias/DevelopmentKey",
        )
    styles = (f"alias/{environment}/{team.name}", f"alias/{environment}-{team.name}", f"alias/{team.name}")
    aliases = (rng.choice(styles) + f"-{rng.randrange(100)}",) if rng.random() < 0.85 else ()
    return tags, aliases
