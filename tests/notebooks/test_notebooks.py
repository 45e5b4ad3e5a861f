"""The notebooks run, and what stands in the repository is what their sources say."""

from pathlib import Path

import jupytext
import nbclient
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs(source: Path) -> None:
    notebook = jupytext.read(source)
    nbclient.NotebookClient(notebook, timeout=3600, kernel_name="python3").execute()

    shown = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(map(bool, shown)) >= len(shown) // 2


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_its_pair_says_the_same_and_carries_what_it_shows(source: Path) -> None:
    pair = jupytext.read(source.with_suffix(".ipynb"))
    code = [cell for cell in pair.cells if cell.cell_type == "code"]

    assert [cell.source for cell in pair.cells] == [cell.source for cell in jupytext.read(source).cells]
    assert all(cell.execution_count for cell in code)
    assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]


def test_cells_are_short() -> None:
    cells = [cell for source in SOURCES for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    assert len(SOURCES) == 4
    assert max(len(cell.source.splitlines()) for cell in cells) <= 21
