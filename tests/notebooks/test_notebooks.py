"""The notebooks run, and what stands in the repository is what their sources say."""

from pathlib import Path

import jupytext
import nbclient
import pytest

from tests.training.histories import record, write

FOLDER = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs(source: Path) -> None:
    notebook = jupytext.read(source)
    nbclient.NotebookClient(notebook, timeout=3600, kernel_name="python3").execute()

    shown = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(map(bool, shown)) >= len(shown) // 2


@pytest.mark.parametrize("verdicts", ["with verdicts", "without"])
@pytest.mark.parametrize("name", ["01_first_look", "04_review_explanations"])
def test_it_runs_on_a_pulled_history_without_context(name: str, verdicts: str, tmp_path: Path) -> None:
    """Nothing is known around the findings, so a guardrail stands before each of them."""
    verdict = "expected" if verdicts == "with verdicts" else None
    made = [record(n, n // 5, verdict=verdict, source="console", bare=True) for n in range(60)]
    history = write(tmp_path / "history.jsonl", made)
    notebook = jupytext.read(FOLDER / f"{name}.py")
    for cell in notebook.cells:
        cell.source = cell.source.replace("HISTORY = None", f"HISTORY = {history!r}")
    assert any(history in cell.source for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=3600, kernel_name="python3").execute()


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
