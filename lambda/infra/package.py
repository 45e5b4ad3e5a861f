"""Pack the functions' code: ``python -m infra.package ZIP``, in the folder ``lambda``.

The zip holds what runs in Lambda and nothing else, and the same input gives the same bytes: locked versions
with hashes, sorted names, one date, one mode. With a Python of the functions' version at hand it holds the
bytecode too, which saves a cold start the time to compile.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra.runtime_files import runtime_files

PYTHON = "3.13"
PLATFORM = "manylinux2014_aarch64"
MOST_BYTES = 8_000_000

_ROOT = Path(__file__).parents[2]
_LOCK = _ROOT / "lambda/requirements.txt"
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
# What pip notes about how it installed, and what only people and type checkers read or start.
_LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_SUFFIXES_LEFT_OUT = {".c", ".h", ".pyi"}
_FOLDERS_LEFT_OUT = {"bin", "__pycache__", "tests"}


def main() -> None:
    """Write the zip, and say how large it is and what its digest is."""
    parser = argparse.ArgumentParser(description="Pack the functions' code.")
    parser.add_argument("zip", type=Path)
    target: Path = parser.parse_args().zip
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        files = {**packages(Path(folder)), **runtime_files(_ROOT)}
        with tempfile.TemporaryDirectory() as compiled:
            write(target, {**files, **bytecode(files, Path(compiled))})
    content = target.read_bytes()
    if len(content) > MOST_BYTES:
        sys.exit(f"{target} has {len(content):,} bytes, more than {MOST_BYTES:,}")
    print(f"{target}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


def install(folder: Path) -> None:
    """Install the locked packages as they are built for the functions' processor and Python."""
    # the locks hold all that is needed, so that no version is chosen here
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    built = ["--platform", PLATFORM, "--python-version", PYTHON, "--implementation", "cp"]
    exactly = ["--only-binary=:all:", "--require-hashes", "--no-deps", "--requirement", str(_LOCK)]
    subprocess.run([*pip, *built, *exactly, "--target", str(folder)], check=True)  # noqa: S603 - no shell


def packages(folder: Path) -> dict[str, Path]:
    """Return the files of the installed packages, licences among them, by their name in the zip."""
    return {str(file.relative_to(folder)): file for file in _files(folder)}


def bytecode(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Compile modules as the functions' Python would, and return the files by their name in the zip.

    Lambda cannot write beside the code: without these every cold start compiles all that is imported. The
    files are never checked against their sources (PEP 552), whose times the zip does not keep.

    Parameters
    ----------
    folder : Path
        Where to put them.

    Returns
    -------
    dict
        Empty where there is no Python of that version; a line on standard error says so.
    """
    python = shutil.which(f"python{PYTHON}")
    environment = {**os.environ, "PYENV_VERSION": PYTHON}
    if python is None or subprocess.run([python, "-V"], env=environment, capture_output=True).returncode:  # noqa: S603
        print(f"no python{PYTHON} here: the zip holds no bytecode, cold starts take longer", file=sys.stderr)
        return {}
    for name, file in files.items():
        if name.endswith(".py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / name)
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/var/task"]
    subprocess.run([python, "-m", "compileall", *options, str(folder)], env=environment, check=True)  # noqa: S603
    return {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*.pyc"))}


def write(target: Path, files: dict[str, Path]) -> None:
    """Write a zip of files; the same files give the same bytes."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as new:
        with zipfile.ZipFile(new, "w") as archive:
            for name, file in sorted(files.items()):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = _MODE
                entry.create_system = 3  # Unix, wherever it is written
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
        Path(new.name).chmod(0o644)
        shutil.move(new.name, target)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _FOLDERS_LEFT_OUT:
                yield from _files(path)
        elif path.name not in _LEFT_OUT and path.suffix not in _SUFFIXES_LEFT_OUT:
            yield path


if __name__ == "__main__":
    main()
