"""The house as it stands keeps its rules, and each rule can fail."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import (
    House,
    bad_manners,
    circles,
    impurities,
    open_storages,
    read_declared,
    repeated_names,
    steps_back,
    undeclared_packages,
    upward_imports,
    work_at_import,
)

ROOT = Path(__file__).parents[1]

Rule = Callable[[House], Iterator[str]]


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return listed.stdout.rstrip("\0").split("\0") if listed.returncode == 0 else []


@pytest.fixture(scope="module")
def house() -> House:
    return House.at(ROOT)


def test_the_house_is_seen(house: House) -> None:
    assert {
        "triage",
        "scoring",
        "scoring.findings.finding",
        "scoring.decision.decide",
        "handlers",
        "training",
    } <= house.trees.keys()


@pytest.mark.parametrize(
    "rule", [upward_imports, steps_back, circles, repeated_names, impurities, open_storages, work_at_import]
)
def test_rule_holds(rule: Rule, house: House) -> None:
    assert "\n".join(sorted(rule(house))) == ""


def test_every_package_that_is_imported_is_declared(house: House) -> None:
    assert "\n".join(sorted(undeclared_packages(house, read_declared(ROOT)))) == ""


def test_manners() -> None:
    assert "\n".join(sorted(bad_manners(ROOT, tracked_files()))) == ""


# Each rule, on a house of a few lines that breaks it.
BROKEN: list[tuple[Rule, dict[str, str], str]] = [
    (
        upward_imports,
        {"scoring.a": "def f():\n    from training import b", "training.b": ""},
        "scoring.a imports training.b",
    ),
    (upward_imports, {"handlers.a": "import training"}, "handlers.a imports training"),
    (
        upward_imports,
        {"embedded.a": "import training.train", "training.train": ""},
        "embedded.a imports training.train",
    ),
    (
        upward_imports,
        {"infra.a": "from scoring.decision.decide import decide"},
        "infra.a imports scoring.decision.decide",
    ),
    (
        steps_back,
        {"scoring.findings.a": "import scoring.decision.decide", "scoring.decision.decide": ""},
        "scoring.findings.a imports scoring.decision.decide, which comes later",
    ),
    (
        steps_back,
        {"scoring.aws.a": "from scoring.policy import policy", "scoring.policy.policy": ""},
        "scoring.aws.a imports scoring.policy.policy, which comes later",
    ),
    (
        steps_back,
        {
            "scoring.explanation.a": "if TYPE_CHECKING:\n    from scoring.review import page",
            "scoring.review.page": "",
        },
        "scoring.explanation.a imports scoring.review.page, which comes later",
    ),
    (steps_back, {"scoring.attic": ""}, "scoring.attic has no place in the order of the folders"),
    (
        circles,
        {"scoring.a": "import scoring.b", "scoring.b": "from scoring import a"},
        "scoring.a imports scoring.b, which leads back to it",
    ),
    (
        circles,
        {"scoring.a": "import scoring.b", "scoring.b": "if TYPE_CHECKING:\n    from scoring import a"},
        "scoring.a imports scoring.b, which leads back to it",
    ),
    (
        circles,
        {"scoring.a": "from scoring.a import b", "scoring.a.b": "import scoring.a"},
        "scoring.a imports scoring.a.b, which leads back to it",
    ),
    (
        repeated_names,
        {"scoring.a": "class Page: ...", "scoring.b": "Page = tuple[str, ...]"},
        "Page is a class of scoring.a and of scoring.b",
    ),
    (
        impurities,
        {"scoring.decision.decide": "import scoring.x", "scoring.x": "import boto3.session"},
        "scoring.x imports boto3.session",
    ),
    (
        impurities,
        {"scoring.decision.decide": "def f():\n    return os.environ['A']"},
        "scoring.decision.decide uses environ on line 2",
    ),
    (
        impurities,
        {"scoring.explanation.explain": "stamp = lambda: datetime.now(UTC)"},
        "scoring.explanation.explain uses now on line 1",
    ),
    (
        open_storages,
        {
            "scoring.pipeline.a": "from scoring.decision_log.storage import Put",
            "scoring.decision_log.storage": "",
        },
        "scoring.pipeline.a imports scoring.decision_log.storage",
    ),
    (
        open_storages,
        {"training.a": "def f(log):\n    return log.storage.get(('x', 'latest'))"},
        "training.a uses a storage on line 2",
    ),
    (
        open_storages,
        {"scoring.decision_log.a": "client.query(KeyConditionExpression='finding_id = :id')"},
        "scoring.decision_log.a says KeyConditionExpression",
    ),
    (
        work_at_import,
        {"handlers.a": "clients = make_clients()"},
        "handlers.a calls make_clients when it is imported",
    ),
    (work_at_import, {"handlers.a": "def f(now=clock()): ..."}, "handlers.a calls clock when it is imported"),
    (
        work_at_import,
        {"scoring.a": "class A:\n    text = path.read_text()"},
        "scoring.a calls read_text when it is imported",
    ),
]


def parsed(sources: dict[str, str]) -> House:
    return House({name: ast.parse(source) for name, source in sources.items()})


@pytest.mark.parametrize(("rule", "sources", "complaint"), BROKEN)
def test_rule_can_fail(rule: Rule, sources: dict[str, str], complaint: str) -> None:
    assert complaint in list(rule(parsed(sources)))


def test_a_package_that_is_not_declared_is_found() -> None:
    declared = {"": {"pyyaml"}, "train": {"pandas"}}
    house = parsed({"scoring.a": "import yaml, pandas, json", "training.b": "import pandas"})

    assert [line.partition(",")[0] for line in undeclared_packages(house, declared)] == [
        "scoring.a imports pandas"
    ]


def test_bad_manners_are_found(tmp_path: Path) -> None:
    (tmp_path / "utils.py").write_text("# TO" + "DO: later\n")
    (tmp_path / "note.md").write_text("see /" + "home/someone/access-triage\n")

    assert list(bad_manners(tmp_path, ["utils.py", "note.md", "gone.py"])) == [
        "utils.py says nothing about what is in it",
        "utils.py:1 is unfinished",
        "note.md:1 names a path of one machine",
    ]
