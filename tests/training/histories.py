"""Small histories, written by hand: findings on queues, with whatever surrounds and follows them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scoring.features import features
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.record import read_case
from scoring.policy import policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.live_aws import Run
from training.dataset.dataset import Dataset, read_dataset

Record = dict[str, Any]

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCOUNT = "111122223333"
PARTNER = "444455556666"
STRANGER = "999988887777"


def at(days: float) -> str:
    """A moment so many days after the beginning."""
    return (START + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def record(
    number: int,
    day: float | None = 0.0,
    *,
    verdict: str | None = None,
    decided: float | None = None,
    source: str = "review-link",
    by: str = "ada",
    tags: Mapping[str, str] | None = None,
    bare: bool = False,
    principal: str = PARTNER,
    account: str = ACCOUNT,
    in_org: bool = False,
    unknown: Mapping[str, str] | None = None,
    finding: Mapping[str, Any] | None = None,
    **more: Any,
) -> Record:
    """A record of a finding that came up on some day; `decided` is the day of its verdict."""
    times = {} if day is None else {"createdAt": at(day), "updatedAt": at(day)}
    raw = {
        "id": f"finding-{number}",
        "resource": f"arn:aws:sqs:eu-west-1:{account}:queue-{number}",
        "resourceType": "AWS::SQS::Queue",
        "resourceOwnerAccount": account,
        "status": "ACTIVE",
        "isPublic": False,
        "principal": {"AWS": principal},
        "action": ["sqs:ReceiveMessage"],
        "condition": {},
        **times,
        **(finding or {}),
    }
    made: Record = {"finding": {name: value for name, value in raw.items() if value is not None}, **more}
    if not bare:
        made["context"] = {
            "tags": dict(tags or {}),
            "aliases": [],
            "resource_account": {"id": account, "name": "orders-prod", "ou": "Workloads/Prod", "tags": {}},
            "principal_account": {"id": principal, "in_org": in_org},
            "reactivated_by": None,
        }
        if unknown:
            made["context"]["unknown"] = dict(unknown)
            for name in unknown:
                del made["context"][name]
    if verdict is not None:
        moment = at(decided if decided is not None else (day or 0.0) + 0.5)
        made["label"] = {"verdict": verdict, "by": by, "at": moment, "source": source}
    return made


def write(path: Path, records: Iterable[Record]) -> str:
    """Write records as JSON lines."""
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return str(path)


def read(path: Path, records: Iterable[Record]) -> Dataset:
    """Make a dataset of records that are all as they should be."""

    def fail(fault: str) -> None:
        raise AssertionError(fault)

    return read_dataset([write(path, records)], report=fail)


def trained(run: Run, records: Iterable[Record], folder: Path, *options: object) -> tuple[Scorecard, Path]:
    """Train on some records and return the version's scorecard and folder."""
    folder.mkdir(exist_ok=True)
    result = run("train", write(folder / "h.jsonl", records), "--out", folder / "m", *options)
    assert (result.code, result.err) == (0, "")
    name = result.out.strip().splitlines()[-1].split(": ")[0]
    return formats.load(name), Path(name)


def scores(card: Scorecard, records: Iterable[Record]) -> list[int]:
    return [card.score(features_of(one))[0] for one in records]


def features_of(one: Record) -> dict[str, str]:
    case = read_case(one)
    assert isinstance(case.finding, Finding)
    return features.features_of(Exposure(case.finding, case.context, policy.load()))


def copy_of(registry: Path, folder: Path) -> Path:
    """A registry that a test may change."""
    copy = folder / "models"
    for path in registry.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(registry)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return copy
