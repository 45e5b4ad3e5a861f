"""A synthetic organization with known probabilities: a hand-weighted card exists, precedent matters."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from scoring.features.order import ORDERS
from scoring.scorecard.scorecard import Key, Table

TRUST = ("own organization", "contracted", "known vendor", "stranger")
LEVELS = ("List", "Read", "Tagging", "Write", "Permissions management")
PUBLIC = ("not public", "public")
TYPES = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::IAM::Role",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Lambda::Function",
    "AWS::SecretsManager::Secret",
    "AWS::RDS::DBSnapshot",
)
ENVIRONMENTS = ("absent", "development", "test", "production")
DATA = ("absent", "public", "internal", "confidential")
MONOTONE = {"access_level": LEVELS, "public": PUBLIC}
PRECEDENT = (("principal",), ("principal", "owner"), ("principal", "account"))


@dataclass(frozen=True)
class Sample:
    """Rows, their true probability of "unintended", one draw of the labels."""

    X: pd.DataFrame
    probability: np.ndarray
    y: np.ndarray


class Organization:
    """Principals with Zipf counts and home teams; a logit with pair interactions.

    Examples
    --------
    >>> sample = Organization(seed=1).sample(100, seed=2)
    >>> sample.X.shape, sample.probability.shape
    ((100, 10), (100,))
    """

    def __init__(self, seed: int, principals: int = 1500, owners: int = 25, accounts: int = 60) -> None:
        rng = np.random.default_rng(seed)
        self.popularity = 1 / np.arange(1, principals + 1) ** 1.1
        self.popularity /= self.popularity.sum()
        self.trust_of = rng.choice(4, principals, p=[0.45, 0.2, 0.15, 0.2])
        self.home = rng.integers(0, owners, (principals, 3))
        self.account_owner = rng.integers(0, owners, accounts)
        self.effect = {
            "trust": np.array([-1.6, -0.9, 0.3, 1.5]),
            "level": np.array([-0.9, -0.3, 0.0, 0.7, 1.6]),
            "public": np.array([0.0, 2.2]),
            "type": rng.normal(0, 0.4, len(TYPES)),
            "environment": np.array([0.3, -0.9, -0.5, 0.7]),
            "data": np.array([0.2, -0.8, 0.0, 1.3]),
            "owner": rng.normal(0, 0.5, owners),
            "account": rng.normal(0, 0.4, accounts),
            "principal": rng.normal(0, 0.8, principals),
            "trust x type": rng.normal(0, 0.5, (4, len(TYPES))),
            "environment x data": rng.normal(0, 0.5, (4, 4)),
            "owner x type": rng.normal(0, 0.5, (owners, len(TYPES))),
            "home": np.array([0.9, -1.3]),
        }
        self.owners, self.accounts = owners, accounts
        self.shift = 0.0
        self.shift = float(logit(0.1)) - float(np.quantile(self._logit(self._draw(4000, rng)), 0.75))
        self.card = self._hand_card(rng)

    def _draw(self, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        established = rng.random(n) < 0.8
        principal = np.where(
            established,
            rng.choice(len(self.popularity), n, p=self.popularity),
            rng.integers(0, len(self.popularity), n),
        )
        at_home = rng.random(n) < np.where(established, 0.85, 0.15)
        owner = np.where(
            at_home, self.home[principal, rng.integers(0, 3, n)], rng.integers(0, self.owners, n)
        )
        own_accounts = [np.flatnonzero(self.account_owner == o) for o in range(self.owners)]
        account = np.array(
            [
                rng.choice(own_accounts[o]) if len(own_accounts[o]) else rng.integers(self.accounts)
                for o in owner
            ]
        )
        return {
            "principal": principal,
            "owner": owner,
            "account": account,
            "trust": self.trust_of[principal],
            "level": rng.choice(5, n, p=[0.15, 0.35, 0.05, 0.35, 0.1]),
            "public": (rng.random(n) < 0.04).astype(int),
            "type": rng.choice(len(TYPES), n, p=[0.35, 0.15, 0.2, 0.1, 0.06, 0.06, 0.04, 0.04]),
            "environment": rng.choice(4, n, p=[0.25, 0.3, 0.15, 0.3]),
            "data": rng.choice(4, n, p=[0.4, 0.1, 0.3, 0.2]),
        }

    def _logit(self, d: dict[str, np.ndarray]) -> np.ndarray:
        e = self.effect
        total = np.full(len(d["type"]), self.shift)
        for name in d:
            total += e[name][d[name]]
        total += e["trust x type"][d["trust"], d["type"]]
        total += e["environment x data"][d["environment"], d["data"]]
        total += e["owner x type"][d["owner"], d["type"]]
        home = (self.home[d["principal"]] == d["owner"][:, None]).any(axis=1)
        total += e["home"][home.astype(int)]
        total += -0.35 * (np.log(self.popularity[d["principal"]]) + 6)
        return total

    def _hand_card(self, rng: np.random.Generator) -> SimpleNamespace:
        """Sensible but coarse: right signs, noisy weights, no owner, account or principal."""

        def table(column: str, values: tuple[str, ...], effects: np.ndarray) -> Table:
            noisy = np.sort(effects + rng.normal(0, 0.3, len(effects)))[np.argsort(np.argsort(effects))]
            points = np.rint(noisy / np.log(2) * 10).astype(int) * 10
            worst = int(points.max())
            entries: dict[Key, int] = {(v,): int(p) for v, p in zip(values, points, strict=True)}
            # Of an ordered feature a card lists every value: one that does not occur is like the one below.
            last = int(points.min())
            for value in ORDERS.get(column, ()):
                last = entries.setdefault((value,), last)
            return Table(key=(column,), points=entries, default=0, unknown=worst)

        e = self.effect
        tables = (
            table("trust", TRUST, e["trust"]),
            table("access_level", LEVELS, e["level"]),
            table("public", PUBLIC, e["public"]),
            table("environment", ENVIRONMENTS, e["environment"]),
            table("data_class", DATA, e["data"]),
        )
        return SimpleNamespace(base=400, tables=tables)

    def sample(self, n: int, seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        d = self._draw(n, rng)
        probability = expit(self._logit(d))
        columns = {
            "principal": _names("arn:aws:iam::{:012d}:root", len(self.popularity))[d["principal"]],
            "owner": _names("team{}", self.owners)[d["owner"]],
            "account": _names("{:012d}", self.accounts)[d["account"]],
            "trust": np.array(TRUST)[d["trust"]],
            "access_level": np.array(LEVELS)[d["level"]],
            "public": np.array(PUBLIC)[d["public"]],
            "resource_type": np.array(TYPES)[d["type"]],
            "environment": np.array(ENVIRONMENTS)[d["environment"]],
            "data_class": np.array(DATA)[d["data"]],
            "source": rng.choice(["bucket policy", "bucket ACL", "access point"], n),
        }
        return Sample(pd.DataFrame(columns), probability, (rng.random(n) < probability).astype(int))


def _names(form: str, count: int) -> np.ndarray:
    return np.array([form.format(i) for i in range(count)])
