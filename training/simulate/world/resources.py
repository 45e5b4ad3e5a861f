"""What the teams own, tagged as each team is used to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from training.simulate.world import catalogue
from training.simulate.world.chance import Weighted
from training.simulate.world.description import Account, Resource, Team
from training.simulate.world.kinds import KINDS, Kind


def build_resources(
    rng: Random, accounts: tuple[Account, ...], teams: tuple[Team, ...], count: int
) -> tuple[Resource, ...]:
    """Make so many resources and give them to teams and accounts; each type occurs."""
    environments = {ou: environment for ou, environment, _ in catalogue.UNITS}
    homes: dict[str, list[Account]] = {environment: [] for environment in catalogue.ENVIRONMENTS}
    for account in accounts:
        homes[environments.get(account.ou, "shared")].append(account)
    kinds = Weighted([(number, kind.weight) for number, kind in enumerate(KINDS)])
    owners = Weighted([(number, team.weight) for number, team in enumerate(teams)])
    places = Weighted([("prod", 0.47), ("staging", 0.13), ("dev", 0.27), ("sandbox", 0.08), ("shared", 0.05)])
    found = []
    for number in range(count):
        kind = KINDS[number if number < len(KINDS) else kinds.draw(rng.random())]
        owner = owners.draw(rng.random())
        environment = places.draw(rng.random())
        home = homes[environment]
        account = home[owner % len(home)] if rng.random() < 0.8 else rng.choice(home)
        found.append(_resource(rng, number, kind, teams[owner], account, environment))
    return tuple(_one_alias_a_region(found))


def _resource(
    rng: Random, number: int, kind: Kind, team: Team, account: Account, environment: str
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
        tags, aliases = _key(rng, number, team, environment, tags)
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
    rng: Random, number: int, team: Team, environment: str, tags: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags and aliases of a key; some development keys are made to be shared, and say so."""
    if environment == "dev" and rng.random() < 0.2:
        return {**tags, team.environment_key: "development", "IsAllowedToShare": "true"}, (_SHARED_KEY,)
    styles = (f"alias/{environment}/{team.name}", f"alias/{environment}-{team.name}", f"alias/{team.name}")
    aliases = (f"{rng.choice(styles)}-{number:04d}",) if rng.random() < 0.85 else ()
    return tags, aliases


def _one_alias_a_region(resources: Iterable[Resource]) -> Iterator[Resource]:
    """Leave the common alias to the first key of each account and region: KMS refuses a second one."""
    taken: set[tuple[str, str]] = set()
    for resource in resources:
        where = resource.account, resource.region
        if _SHARED_KEY in resource.aliases and where in taken:
            yield replace(resource, aliases=(f"{_SHARED_KEY}-{resource.name[-4:]}",))
            continue
        if _SHARED_KEY in resource.aliases:
            taken.add(where)
        yield resource


_SHARED_KEY = "alias/DevelopmentKey"
