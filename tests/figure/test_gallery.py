"""The pictures and the page in generated/ are what the specs say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from rescompile.conformance.networks import compiled
from rescompile.figure import figure
from rescompile.language.load import zoo, zoo_directory

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "generated/figures"
PAPER = sorted(path.stem for path in zoo_directory().glob("*.yaml"))
FIG3 = ("vgg19", "plain34", "resnet34")


def golden(path: Path, text: str, request: pytest.FixtureRequest) -> None:
    """The file at `path` holds `text`; with --rewrite it is made to."""
    if request.config.getoption("rewrite"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{path.name} is stale: make generated"


@pytest.mark.parametrize("name", sorted(zoo()))
def test_folded_figures_are_current(name: str, request: pytest.FixtureRequest) -> None:
    golden(FIGURES / f"{name}.svg", compiled(name).figure().svg(), request)


@pytest.mark.parametrize("name", PAPER)
def test_paper_figures_are_current(name: str, request: pytest.FixtureRequest) -> None:
    golden(FIGURES / f"paper/{name}.svg", compiled(name).figure("paper").svg(), request)


def test_figure_3_is_current(request: pytest.FixtureRequest) -> None:
    nets = [compiled(name).analysis for name in FIG3]
    golden(FIGURES / "paper/fig3.svg", figure(nets, "paper").svg(), request)


def test_there_are_no_other_figures() -> None:
    found = {path.relative_to(FIGURES).as_posix() for path in FIGURES.rglob("*") if path.is_file()}
    wanted = {f"{name}.svg" for name in zoo()} | {f"paper/{name}.svg" for name in (*PAPER, "fig3")}
    assert found == wanted


def test_the_gallery_is_current(request: pytest.FixtureRequest) -> None:
    found = importlib.util.spec_from_file_location("gallery", ROOT / "docs/gallery.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    golden(module.GALLERY, module.render(), request)
