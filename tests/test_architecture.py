"""The house as it stands keeps its rules, and each rule can fail."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import (
    LONGEST,
    House,
    bad_manners,
    circles,
    impurities,
    read_declared,
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
        "scoring.finding",
        "scoring.decide",
        "handlers",
        "training",
    } <= house.trees.keys()


@pytest.mark.parametrize("rule", [upward_imports, steps_back, circles, impurities, work_at_import])
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
    (upward_imports, {"infra.a": "from scoring.decide import decide"}, "infra.a imports scoring.decide"),
    (
        steps_back,
        {"scoring.features": "import scoring.x", "scoring.x": "import scoring.decide", "scoring.decide": ""},
        "scoring.features reaches scoring.decide, which comes later",
    ),
    (
        steps_back,
        {"scoring.finding": "import scoring.enrich.s3", "scoring.enrich.s3": ""},
        "scoring.finding reaches scoring.enrich.s3, which comes later",
    ),
    (
        circles,
        {"scoring.a": "import scoring.b", "scoring.b": "from scoring import a"},
        "scoring.a imports scoring.b, which leads back to it",
    ),
    (
        impurities,
        {"scoring.decide": "import scoring.x", "scoring.x": "import boto3.session"},
        "scoring.x imports boto3.session",
    ),
    (
        impurities,
        {"scoring.decide": "def f():\n    return os.environ['A']"},
        "scoring.decide uses environ on line 2",
    ),
    (
        impurities,
        {"scoring.explain": "stamp = lambda: datetime.now(UTC)"},
        "scoring.explain uses now on line 1",
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
    (tmp_path / "long.py").write_text("\n" * (LONGEST + 1))
    (tmp_path / "utils.py").write_text("# TO" + "DO: later\n")
    (tmp_path / "note.md").write_text("see /" + "home/someone/access-triage\n")

    assert list(bad_manners(tmp_path, ["long.py", "utils.py", "note.md", "gone.py"])) == [
        f"long.py has more than {LONGEST} lines",
        "utils.py says nothing about what is in it",
        "utils.py:1 is unfinished",
        "note.md:1 names a path of one machine",
    ]
