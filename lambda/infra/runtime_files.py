"""Which files of ours the functions need: what the handlers import, however deep, and the data."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCES = {"handlers": Path("lambda"), "scoring": Path()}
DATA_SUFFIXES = {".toml", ".json", ".j2", ".css"}


def runtime_files(root: Path) -> dict[str, Path]:
    """Find the files.

    Parameters
    ----------
    root : Path
        Of the project.

    Returns
    -------
    dict
        Name in the zip to file, sorted by name.
    """
    found: dict[str, Path] = {}
    waiting = [f"handlers.{file.stem}" for file in (root / "lambda/handlers").glob("*.py")]
    while waiting:
        for name, file in _with_packages(waiting.pop(), root):
            if name not in found:
                found[name] = file
                waiting += _imported(file)
    for file in (root / "scoring").rglob("*"):
        if file.suffix in DATA_SUFFIXES:
            found[file.relative_to(root).as_posix()] = file
    return dict(sorted(found.items()))


def _with_packages(module: str, root: Path) -> Iterator[tuple[str, Path]]:
    """Give the files that importing a module of ours reads: its own, and its packages'."""
    parts = module.split(".")
    base = SOURCES.get(parts[0])
    if base is None:
        return
    for length in range(1, len(parts) + 1):
        place = "/".join(parts[:length])
        for name in (f"{place}/__init__.py", f"{place}.py"):
            if (root / base / name).is_file():
                yield name, root / base / name


def _imported(file: Path) -> Iterator[str]:
    """Name what a file imports, inside functions too; ``from a import b`` may mean the module ``a.b``."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
