"""generated/ is current, and its files are short."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from rescompile.conformance.networks import compiled
from rescompile.language.load import zoo
from rescompile.registry import get_backend

ROOT = Path(__file__).parents[2]
SPECS = sorted(zoo())
BACKENDS = sorted(p.name.removeprefix("rescompile_") for p in ROOT.glob("backends/rescompile_*"))


def golden(path: Path, text: str, request: pytest.FixtureRequest) -> None:
    """The file at `path` holds `text`; with --rewrite it is made to."""
    if request.config.getoption("rewrite"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(("spec", "backend"), list(product(SPECS, BACKENDS)))
def test_generated_is_current(spec: str, backend: str, request: pytest.FixtureRequest) -> None:
    """That the files are right as well, the conformance suite proves."""
    net, target = compiled(spec), get_backend(backend)
    path = ROOT / "generated" / backend / f"{spec}{target.suffix}"
    if target.unsupported(net.parametric):
        assert not path.exists()
        return
    golden(path, target.emit(net.request), request)


@pytest.mark.parametrize(
    ("short", "deep"),
    [
        ("resnet20_cifar", "resnet1202_cifar"),
        ("densenet121", "densenet201"),
        ("efficientnet_b0", "efficientnet_b7"),
        ("regnet_y_800mf", "regnet_y_1_6gf"),
        ("convnext_tiny", "convnext_large"),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_depth_costs_no_lines(backend: str, short: str, deep: str) -> None:
    lines = {name: len(compiled(name).source(backend).splitlines()) for name in (short, deep)}
    assert lines[deep] <= lines[short] + 10


@pytest.mark.parametrize("spec", SPECS)
def test_reports_are_current(spec: str, request: pytest.FixtureRequest) -> None:
    path = ROOT / "generated" / "reports" / f"{spec}.md"
    golden(path, compiled(spec).report().markdown(), request)
