"""The rules of the house: the arrows between folders and inside the runtime, purity, manners."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

SOURCES = {
    "triage": ".",
    "scoring": ".",
    "training": ".",
    "handlers": "lambda",
    "embedded": "lambda",
    "infra": "lambda",
}

# What a folder may import of the others, and the extras whose packages it may need.
ARROWS: dict[str, tuple[set[str], set[str]]] = {
    "scoring": (set(), {"parquet"}),
    "training": ({"scoring"}, {"train", "scale", "notebooks", "ui"}),
    "handlers": ({"scoring"}, {"lambda"}),
    "embedded": ({"scoring", "handlers", "training.simulate"}, {"demo"}),
    "infra": ({"scoring.aws.enrich"}, {"deploy"}),
    "triage": ({"scoring", "training", "embedded"}, set()),
}

# The way of a finding through `scoring`, from the ground up: a folder imports those before it, none after it.
ORDER = (
    ("scoring.files",),
    ("scoring.points",),
    ("scoring.findings",),
    ("scoring.policy", "scoring.aws"),
    ("scoring.features",),
    ("scoring.scorecard",),
    ("scoring.decision",),
    ("scoring.explanation",),
    ("scoring.decision_log",),
    ("scoring.pipeline",),
    ("scoring.review",),
    ("scoring.cli",),
)
PURE = ("findings", "policy", "features", "scorecard", "decision", "explanation")
IMPURE_IMPORTS = {
    "boto3",
    "botocore",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "time",
    "scoring.aws",
}
IMPURE_NAMES = {"environ", "getenv", "now", "utcnow", "today", "urandom"}
AT_IMPORT = {"client", "resource", "Session", "open", "read_text", "read_bytes", "urlopen", *IMPURE_NAMES}
HANDLERS_AT_IMPORT = {"getLogger", "frozenset", "lru_cache", "compile", "TypeVar"}

# How the decision log is stored: only its folder knows the storages, only one module how to ask DynamoDB.
LOG = "scoring.decision_log"
STORAGES = {f"{LOG}.{name}" for name in ("storage", "dynamodb", "sqlite")}
DYNAMODB = re.compile(
    r"TransactItems|RequestItems|(Update|Condition|KeyCondition|Filter)Expression|ExpressionAttribute(Names|Values)"
)

# Packages of environments of their own, which are not here to say what they belong to.
ELSEWHERE = {"aws_cdk": ["aws-cdk-lib"], "cdk_nag": ["cdk-nag"]}

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:work|root|Users|home/\w+)/\w")


class House:
    """The modules of the house, parsed, under the names they are imported by."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self.trees = trees

    @classmethod
    def at(cls, root: Path) -> "House":
        """Read the modules below the root of the project."""
        trees = {}
        for package, source in SOURCES.items():
            base = root / source
            for path in sorted([*base.glob(f"{package}.py"), *base.glob(f"{package}/**/*.py")]):
                name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
                trees[name] = ast.parse(path.read_text())
        return cls(trees)

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """What each module imports: inside functions and for type checkers too."""
        return {name: self.imported_in(tree) for name, tree in self.trees.items()}

    def imported_in(self, tree: ast.AST) -> set[str]:
        """Full names of the modules imported below a node."""
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names} & self.trees.keys()
                found |= names
                if len(names) < len(node.names):
                    found.add(node.module)
        return found

    def reached(self, start: str) -> set[str]:
        """Every module of the house that this one imports, directly or through others."""
        seen, waiting = {start}, [start]
        while waiting:
            new = self.imports[waiting.pop()] & self.trees.keys() - seen
            seen |= new
            waiting.extend(new)
        return seen


def is_within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def upward_imports(house: House) -> Iterator[str]:
    """A folder imports another that it may not know."""
    for name in house.trees:
        package = name.partition(".")[0]
        allowed = {package, *ARROWS[package][0]}
        for imported in house.imports[name]:
            if is_within(imported, SOURCES) and not is_within(imported, allowed):
                yield f"{name} imports {imported}"


def steps_back(house: House) -> Iterator[str]:
    """A folder of `scoring` imports one that comes after it, or one beside it."""
    stages = {folder: stage for stage, folders in enumerate(ORDER) for folder in folders}

    def folder_of(module: str) -> str:
        return ".".join(module.split(".")[:2])

    for name in house.trees:
        folder = folder_of(name)
        if is_within(name, ["scoring"]) and name != "scoring" and folder not in stages:
            yield f"{name} has no place in the order of the folders"
        for imported in house.imports[name]:
            other = folder_of(imported)
            if folder != other and stages.get(other, -1) >= stages.get(folder, len(ORDER)):
                yield f"{name} imports {imported}, which comes later"


def circles(house: House) -> Iterator[str]:
    """Modules import each other in a circle, be it for type checkers alone."""
    for name in house.trees:
        for imported in house.imports[name] & house.trees.keys() - {name}:
            if name in house.reached(imported):
                yield f"{name} imports {imported}, which leads back to it"


def repeated_names(house: House) -> Iterator[str]:
    """Two public classes of `scoring` share a name: one word would stand for two things."""
    homes: dict[str, list[str]] = {}
    for module, tree in house.trees.items():
        if is_within(module, ["scoring"]):
            for name in _classes(tree):
                homes.setdefault(name, []).append(module)
    for name, modules in homes.items():
        if len(modules) > 1 and not name.startswith("_"):
            yield f"{name} is a class of {' and of '.join(modules)}"


def _classes(tree: ast.Module) -> Iterator[str]:
    """Names of the classes that a module defines, and of the types that it gives a name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield from re.findall(r"^[A-Z][a-z]\w*$", node.targets[0].id)


def impurities(house: House) -> Iterator[str]:
    """The core, or what it rests on, has a client, a clock, the environment or chance in it."""
    pure = [f"scoring.{name}" for name in PURE]
    core: set[str] = set().union(*(house.reached(name) for name in house.trees if is_within(name, pure)))
    for name in core:
        yield from (
            f"{name} imports {imported}"
            for imported in house.imports[name]
            if is_within(imported, IMPURE_IMPORTS)
        )
        yield from (
            f"{name} uses {node.attr} on line {node.lineno}"
            for node in ast.walk(house.trees[name])
            if isinstance(node, ast.Attribute) and node.attr in IMPURE_NAMES
        )


def open_storages(house: House) -> Iterator[str]:
    """The decision log's storage is used by others than the log, or by the log in DynamoDB's own words."""
    for name, tree in house.trees.items():
        if not is_within(name, [LOG]):
            yield from (f"{name} imports {found}" for found in house.imports[name] & STORAGES)
            yield from (
                f"{name} uses a storage on line {node.lineno}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and node.attr == "storage"
            )
        if name != f"{LOG}.dynamodb":
            yield from (f"{name} says {word}" for word in _words(tree) if DYNAMODB.fullmatch(word))


def _words(tree: ast.Module) -> Iterator[str]:
    """Names of arguments, and texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def undeclared_packages(house: House, declared: dict[str, set[str]]) -> Iterator[str]:
    """A package is imported that neither the base nor the extras of the folder bring along."""
    distributions = {**packages_distributions(), **ELSEWHERE}
    for name, tree in house.trees.items():
        package = name.partition(".")[0]
        allowed = declared[""].union(*(declared.get(extra, ()) for extra in ARROWS[package][1]))
        for imported in {imported.partition(".")[0] for imported in house.imported_in(tree)}:
            if imported not in stdlib_module_names and imported not in SOURCES:
                found = {spelt(distribution) for distribution in distributions.get(imported, [imported])}
                if not found & allowed:
                    yield f"{name} imports {imported}, which pyproject.toml does not declare for {package}"


def read_declared(root: Path) -> dict[str, set[str]]:
    """Names of the distributions that are declared, by extra; those of the base under the empty name."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: {spelt(re.split(r"[\[<>=!~; ]", r)[0]) for r in group} for extra, group in groups.items()}


def spelt(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def calls_at_import(tree: ast.AST) -> Iterator[str]:
    """Names of what is called when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            early = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            early += getattr(node, "decorator_list", [])
            yield from calls_at_import(ast.Tuple(early, ast.Load()))
            continue
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "a call")
        yield from calls_at_import(node)


def work_at_import(house: House) -> Iterator[str]:
    """Something is read, connected or looked up while a module is imported."""
    for name, tree in house.trees.items():
        for called in calls_at_import(tree):
            if called in AT_IMPORT or (is_within(name, ["handlers"]) and called not in HANDLERS_AT_IMPORT):
                yield f"{name} calls {called} when it is imported"


def bad_manners(root: Path, files: Iterable[str]) -> Iterator[str]:
    """Files that are unfinished, named for nothing, or know the machine they were written on."""
    for file in files:
        path = root / file
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        is_code = path.suffix == ".py" and not file.startswith("tests/")
        if path.name in ("utils.py", "helpers.py", "common.py", "misc.py"):
            yield f"{file} says nothing about what is in it"
        for number, line in enumerate(text.splitlines(), 1):
            if is_code and UNFINISHED.search(line):
                yield f"{file}:{number} is unfinished"
            if MACHINE_PATH.search(line):
                yield f"{file}:{number} names a path of one machine"
