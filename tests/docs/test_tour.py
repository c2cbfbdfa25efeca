"""docs/tour.ipynb runs from its first cell to its last, and shows what it says that it shows."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "docs/tour.ipynb"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook, and the same one executed in a folder of its own, with this interpreter."""
    for package in ("nbclient", "nbformat", "ipykernel", "torch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the tour needs {package}: `pip install {package}`")
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "backends")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))  # whatever its user has set up
    stored = nbformat.read(TOUR, as_version=4)
    nbformat.validate(stored)
    executed = nbformat.from_dict(stored)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    place = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(
        executed,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources=place,
        coalesce_streams=True,  # a busy machine prints one output in two pieces
    )
    client.execute()
    executed.metadata.language_info = {"name": "python"}  # its version is this machine's
    return stored, executed


def test_the_tour_shows_what_it_says(runs: Any, request: pytest.FixtureRequest) -> None:
    """Every output is stored as it comes; `--rewrite` stores those of this run."""
    import nbformat

    stored, executed = runs
    if request.config.getoption("rewrite"):
        TOUR.write_text(nbformat.writes(executed, indent=1) + "\n", encoding="utf-8")
        stored = nbformat.read(TOUR, as_version=4)
    assert executed.cells == stored.cells


def test_the_tour_is_whole_and_names_no_machine() -> None:
    text = TOUR.read_text("utf-8")
    headings = ("Load", "Report", "Figure", "Change", "Compare", "Source", "Train a step")
    assert all(f"## {heading}" in text for heading in headings)
    assert "Traceback" not in text
    assert "/tmp" not in text
    assert str(Path.home()) not in text
    assert '"the loss fell\\n",' in text  # as an output, not in the code
