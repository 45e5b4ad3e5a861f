"""Everyone who can be given access: inside the organization, under contract, known, or never heard of."""

from random import Random

from training.simulate.world import catalogue
from training.simulate.world.description import TRUST, Account, Principal
from training.simulate.world.kinds import KINDS

_STRANGERS = 60  # strangers that occur again; most occur only once and are made when they are drawn


def build_principals(rng: Random, accounts: tuple[Account, ...]) -> tuple[Principal, ...]:
    """All principals of an organization, those of the same trust side by side."""
    return (*_insiders(rng, accounts), *_partners(rng), *_vendors(rng), *_others(rng), *_federated(rng))


def never_seen(rng: Random) -> Principal:
    """An account that nobody has heard of."""
    account = f"{4 * 10**11 + int(rng.random() * 6 * 10**11)}"
    return Principal(
        _STRANGER, "AWS", account if rng.random() < 0.6 else f"arn:aws:iam::{account}:root", account
    )


_STRANGER = TRUST["stranger"]


def _insiders(rng: Random, accounts: tuple[Account, ...]) -> list[Principal]:
    found = [
        Principal(
            TRUST["own"],
            "AWS",
            account.id if rng.random() < 0.6 else f"arn:aws:iam::{account.id}:root",
            account.id,
            account.name,
            account.since,
            rng.gauss(0, 1),
        )
        for account in accounts
    ]
    for account in accounts:
        for noun in catalogue.ROLE_NOUNS[:4]:
            path = "user" if rng.random() < 0.1 else "role"
            form = f"arn:aws:iam::{account.id}:{path}/{account.name}-{noun}"
            found.append(
                Principal(
                    TRUST["inside"], "AWS", form, account.id, account.name, account.since, rng.gauss(0, 1)
                )
            )
    return found


def _partners(rng: Random) -> list[Principal]:
    """Business partners under contract: no public list knows them."""
    found = []
    for number in range(len(catalogue.PARTNERS)):
        account = _outside(rng)
        form = rng.choice((account, f"arn:aws:iam::{account}:root", f"arn:aws:iam::{account}:role/exchange"))
        found.append(
            Principal(TRUST["partner"], "AWS", form, account, "", _arrival(rng, number), rng.gauss(0, 1))
        )
    return found


def _vendors(rng: Random) -> list[Principal]:
    """Vendors whose accounts a public list names; every other one is under contract."""
    found = []
    for number, name in enumerate(catalogue.VENDORS):
        account = _outside(rng)
        form = account if rng.random() < 0.5 else f"arn:aws:iam::{account}:root"
        trust = TRUST["vendor" if number % 2 else "contracted"]
        found.append(Principal(trust, "AWS", form, account, name, _arrival(rng, number), rng.gauss(0, 1)))
    return found


def _others(rng: Random) -> list[Principal]:
    found = []
    for _ in range(_STRANGERS):
        account = _outside(rng)
        form = account if rng.random() < 0.6 else f"arn:aws:iam::{account}:user/contractor"
        found.append(Principal(TRUST["stranger"], "AWS", form, account, effect=rng.gauss(0, 1)))
    for service in dict.fromkeys(service for kind in KINDS for service in kind.services):
        found.append(Principal(TRUST["service"], "Service", service, effect=rng.gauss(0, 1)))
    for _ in range(6):
        user = f"{rng.getrandbits(256):064x}"
        found.append(Principal(TRUST["canonical"], "CanonicalUser", user, effect=rng.gauss(0, 1)))
    found.append(Principal(TRUST["public"], "AWS", "*"))
    return found


def _federated(rng: Random) -> list[Principal]:
    """Identity providers; whom a GitHub provider lets in is decided by the subject in the condition."""
    provider = "arn:aws:iam::{account}:oidc-provider/"
    found = [
        Principal(TRUST["pinned"], "Federated", provider + catalogue.GITHUB_OIDC),
        Principal(TRUST["wide"], "Federated", provider + catalogue.GITHUB_OIDC),
        Principal(TRUST["wide"], "Federated", provider + catalogue.EKS_OIDC),
        Principal(TRUST["wide"], "Federated", catalogue.GOOGLE_OIDC),
    ]
    for name in catalogue.SAML_PROVIDERS:
        value = f"arn:aws:iam::{{account}}:saml-provider/{name}"
        found.append(Principal(TRUST["saml"], "Federated", value, effect=rng.gauss(0, 1)))
    return found


def _outside(rng: Random) -> str:
    return f"{rng.randrange(4 * 10**11, 10**12)}"


def _arrival(rng: Random, number: int) -> float:
    """Share of the simulated time before it appears: every seventh comes later."""
    return round(0.15 + 0.7 * rng.random(), 3) if number % 7 == 6 else 0.0
