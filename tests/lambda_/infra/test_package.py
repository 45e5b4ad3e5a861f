"""The functions' zip: small, the same each time, with all that runs and nothing else."""

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra.package import MOST_BYTES, bytecode, install, packages, write
from infra.runtime_files import runtime_files
from tests.synthesis import ROOT, synthesized

ZIP = ROOT / "build/access-triage.zip"
HANDLERS = sorted(file.stem for file in (ROOT / "lambda/handlers").glob("*.py") if file.stem != "__init__")
OF_THE_RUNTIME = {"boto3", "botocore"}
# Where a distribution's name is not the module's.
MODULES = {"pyyaml": "yaml", "aws-lambda-powertools": "aws_lambda_powertools"}


@pytest.fixture
def names() -> set[str]:
    synthesized()
    with zipfile.ZipFile(ZIP) as archive:
        return set(archive.namelist())


@pytest.mark.needs("deploy")
def test_it_is_small(names: set[str]) -> None:
    assert ZIP.stat().st_size <= MOST_BYTES == 8_000_000


@pytest.mark.needs("deploy")
def test_it_holds_the_runtime_alone(names: set[str]) -> None:
    top = {name.partition("/")[0] for name in names}

    assert {"handlers", "scoring"} <= top
    assert not {"training", "embedded", "infra", "numpy", "pandas", "sklearn", "rich", "typer", "boto3"} & top
    assert not [name for name in names if re.match(r"scoring/(cli|live/|doctor/|terminal)", name)]
    assert not [name for name in names if name.endswith(".pyi")]
    assert [name for name in names if "dist-info/licenses/" in name]


@pytest.mark.needs("deploy")
def test_it_is_built_for_the_processor_and_python_of_the_functions(names: set[str]) -> None:
    libraries = {name for name in names if name.endswith(".so")}

    assert libraries
    assert all("cpython-313-aarch64" in name for name in libraries)


@pytest.mark.needs("deploy")
def test_each_module_comes_compiled_for_that_python_or_none_does(names: set[str]) -> None:
    compiled = {name for name in names if name.endswith(".pyc")}
    modules = {name for name in names if name.endswith(".py")}

    assert all(name.endswith(".cpython-313.pyc") for name in compiled)
    if compiled:
        assert {
            re.sub(r"__pycache__/(.*)\.cpython-313\.pyc$", r"\1.py", name) for name in compiled
        } == modules


def test_bytecode_never_looks_at_its_source(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    found = bytecode({"deep/one.py": tmp_path / "one.py"}, tmp_path / "compiled")

    for name, file in found.items():
        assert name == "deep/__pycache__/one.cpython-313.pyc"
        assert file.read_bytes()[4:8] == b"\x01\0\0\0", "hash-based and unchecked (PEP 552)"
        assert str(tmp_path).encode() not in file.read_bytes()


@pytest.mark.needs("deploy")
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, names: set[str]) -> None:
    """Packages installed anew, with the same sources of ours, by whatever Python runs the tests."""
    with zipfile.ZipFile(ZIP) as archive:
        ours = [
            name
            for name in names
            if name.partition("/")[0] in ("handlers", "scoring") and not name.endswith(".pyc")
        ]
        archive.extractall(tmp_path / "ours", ours)
    install(tmp_path / "theirs")
    files = {**packages(tmp_path / "theirs"), **{name: tmp_path / "ours" / name for name in ours}}
    write(tmp_path / "again.zip", {**files, **bytecode(files, tmp_path / "compiled")})

    assert (tmp_path / "again.zip").read_bytes() == ZIP.read_bytes()


def test_the_order_and_the_time_of_files_do_not_matter(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("b.py", "a.py")}
    for name, file in files.items():
        file.write_text(name)
    write(tmp_path / "1.zip", files)
    for file in files.values():
        file.touch()
    write(tmp_path / "2.zip", dict(reversed(files.items())))

    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_the_handlers_run_from_what_is_packed(tmp_path: Path) -> None:
    """With the packages of here: those in the zip are built for another processor."""
    for name, file in runtime_files(ROOT).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(file.read_bytes())
    paths = [str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    imports = "; ".join(f"import handlers.{name}" for name in HANDLERS)
    code = f"import sys; sys.path[:0] = {paths}; {imports}; print(handlers.__file__)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_every_package_that_the_handlers_import_is_locked() -> None:
    ours = {"scoring", "handlers", *sys.stdlib_module_names, *OF_THE_RUNTIME}
    imported = {
        module.partition(".")[0]
        for name, file in runtime_files(ROOT).items()
        if name.endswith(".py")
        for module in _imported(ast.parse(file.read_bytes()))
    }
    locked = re.findall(r"^([\w-]+)==", (ROOT / "lambda/requirements.txt").read_text(), re.MULTILINE)

    assert imported - ours <= {MODULES.get(name, name) for name in locked}


def test_locked_versions_have_hashes_and_name_no_index() -> None:
    text = (ROOT / "lambda/requirements.txt").read_text()
    blocks = re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]

    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "resolved" not in (ROOT / "lambda/package-lock.json").read_text()


def test_what_is_packed_is_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["lambda"]}
    asked = (ROOT / "lambda/requirements.in").read_text().splitlines()
    needed = {line for line in asked if line and not line.startswith("#")}

    assert needed <= declared


def _imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
