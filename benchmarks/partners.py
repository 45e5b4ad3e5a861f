"""A second organization, by other rules than `training.simulate`: partners, rollouts, drift, reviewers.

Each quarter new partners come, and some of the old ones leave. A partner works with one or two teams on one
kind of data: sharing that with it is fine, anything else is seldom. Each decision is rolled out to several
buckets on one day. What is tolerated shrinks over the two years. Four people review, the strictest of whom
finds one finding in twelve unintended that the others do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import expit

BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, QUARTER = 730, 91
TEAMS: Final = ("billing", "search", "media", "risk", "stores", "people")
DATA: Final = ("public", "internal", "confidential")
PURPOSES: Final = ("exports", "logs", "models", "invoices", "backups")
ACTIONS: Final = (("s3:ListBucket",), ("s3:GetObject",), ("s3:PutObject",), ("s3:PutBucketPolicy",))
PARTNERS, ROLLOUT = 12, 3.0
STRICTNESS: Final = (0.0, 0.0, 0.02, 0.12)


class Made(NamedTuple):
    """A record, with what only the simulation knows of it."""

    record: dict[str, Any]
    probability: float
    unintended: bool


def partners(findings: int, *, seed: int) -> Iterator[Made]:
    """Yield so many findings in the order of time, each with a verdict.

    Examples
    --------
    >>> made = list(partners(50, seed=1))
    >>> len(made), made == list(partners(50, seed=1)), 0 < made[0].probability < 1
    (50, True, True)
    """
    rng = np.random.default_rng(seed)
    quarters = DAYS // QUARTER + 1
    accounts = rng.choice(10**12, PARTNERS * quarters, replace=False)
    home = rng.integers(0, len(TEAMS), (len(accounts), 2))
    purpose = rng.integers(0, len(PURPOSES), len(accounts))
    fame = rng.normal(0, 0.7, len(accounts))
    number = 0
    for day in np.sort(rng.random(1 + int(findings / ROLLOUT * 1.5))) * DAYS:
        partner = _partner(rng, int(day // QUARTER))
        team = int(rng.choice(home[partner])) if rng.random() < 0.8 else int(rng.integers(len(TEAMS)))
        what = int(purpose[partner]) if rng.random() < 0.8 else int(rng.integers(len(PURPOSES)))
        level, data = int(rng.choice(4, p=[0.2, 0.5, 0.25, 0.05])), int(rng.choice(3, p=[0.2, 0.5, 0.3]))
        is_home, is_usual = team in home[partner], what == purpose[partner]
        tolerated = 0.8 * (day / DAYS - 0.5)
        risk = -2.6 + fame[partner] + (0, 0.1, 0.9, 2.5)[level] + (-0.5, 0, 0.8)[data] + tolerated
        risk += (0.0 if is_home else 1.6) + (0.0 if is_usual else 1.2)
        probability = float(expit(risk))
        is_bad = bool(rng.random() < probability)
        for _ in range(int(rng.geometric(1 / ROLLOUT))):
            # One in ten of a rollout is a case of its own.
            own = bool(rng.random() < probability) if rng.random() < 0.1 else is_bad
            yield Made(
                _record(rng, number, float(day), int(accounts[partner]), team, what, level, data, own),
                probability,
                own,
            )
            number += 1
            if number == findings:
                return
    raise AssertionError("the rollouts drawn are too few")


def _partner(rng: np.random.Generator, quarter: int) -> int:
    """Return a partner of this quarter or one of the three before, the newer ones more often."""
    back = min(quarter, int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1])))
    zipf = 1 / np.arange(1, PARTNERS + 1)
    return (quarter - back) * PARTNERS + int(rng.choice(PARTNERS, p=zipf / zipf.sum()))


def _record(
    rng: np.random.Generator,
    number: int,
    day: float,
    account: int,
    team: int,
    what: int,
    level: int,
    data: int,
    is_bad: bool,
) -> dict[str, Any]:
    reviewer = int(rng.integers(len(STRICTNESS)))
    says_bad = is_bad or bool(rng.random() < STRICTNESS[reviewer])
    return bucket_record(
        number,
        BEGIN + timedelta(days=day, seconds=number % 600),
        f"{TEAMS[team]}-{PURPOSES[what]}-{int(rng.integers(40)):03}",
        f"{account:012}",
        ACTIONS[level],
        {"owner": TEAMS[team], "data-classification": DATA[data]},
        unintended=says_bad,
        by=f"reviewer-{reviewer}",
        in_organization=False,
    )


def bucket_record(
    number: int,
    at: datetime,
    bucket: str,
    account: str,
    actions: tuple[str, ...],
    tags: dict[str, str],
    *,
    unintended: bool,
    by: str = "owner",
    in_organization: bool,
) -> dict[str, Any]:
    """Return the record of a finding on a bucket that an account is given access to, with its verdict."""
    owner, moment = "111122223333", at.strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "status": "ACTIVE",
        "resourceType": "AWS::S3::Bucket",
        "resource": f"arn:aws:s3:::{bucket}",
        "createdAt": moment,
        "analyzedAt": moment,
        "updatedAt": moment,
        "accountId": owner,
        "region": "eu-west-1",
        "principal": {"AWS": account},
        "action": list(actions),
        "condition": {},
        "isDeleted": False,
        "isPublic": False,
        "sources": [{"type": "POLICY"}],
    }
    return {
        "finding": {
            "version": "0",
            "id": f"{number:08x}-0000-4000-8000-000000000001",
            "detail-type": "Access Analyzer Finding",
            "source": "aws.access-analyzer",
            "account": owner,
            "time": moment,
            "region": "eu-west-1",
            "resources": [f"arn:aws:access-analyzer:eu-west-1:{owner}:analyzer/organization"],
            "detail": detail,
        },
        "context": {
            "tags": tags,
            "aliases": [],
            "resource_account": {
                "id": owner,
                "name": "data",
                "ou": "Data",
                "tags": {},
                "org_id": "o-0000000000",
            },
            "principal_account": {"id": account, "in_org": in_organization, "vendor": None},
            "reactivated_by": None,
        },
        "label": {
            "verdict": "unintended" if unintended else "expected",
            "by": by,
            "at": (at + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "source": "review-link",
        },
    }
