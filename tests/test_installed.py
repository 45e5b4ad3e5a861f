"""The wheel in an environment of its own, started where folders lie about that are called like our packages.

Its dependencies come from the environment of the tests, by a path: what is tested is what the wheel holds.
"""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.processes import PATIENCE

ROOT = Path(__file__).parents[1]
MOST = 1_000_000  # bytes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, timeout=PATIENCE, capture_output=True)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the commands of an environment that has the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, timeout=PATIENCE, capture_output=True)
    [packages] = folder.glob("lib/python*/site-packages")
    # A path in a .pth file: the editable access-triage of that environment is not followed from here.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_is_small_and_typed(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    assert {"triage.py", "scoring/py.typed", "training/py.typed", "scoring/policy/policy.toml"} <= names
    assert any(name.endswith("licenses/NOTICE") for name in names)


@pytest.mark.parametrize("program", ["triage", "access-triage"])
def test_it_runs_beside_packages_of_the_same_names(program: str, programs: Path, tmp_path: Path) -> None:
    for name in ("scoring", "training", "handlers", "embedded", "infra"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the wrong package')\n")
    sample = ROOT / "tests" / "events" / "external-public-bucket.json"
    command = [str(programs / program), "score", str(sample), "--format", "jsonl"]
    ran = subprocess.run(command, cwd=tmp_path, check=False, timeout=PATIENCE, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["outcome"] == "alert"
