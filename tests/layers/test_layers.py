"""Imports point one way, as CONTRIBUTING.md says; frameworks stay out of the core."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY: dict[str, set[str]] = {
    "prose": set(),
    "errors": {"prose"},
    "ir": {"errors"},
    "spec": {"errors"},
    "analysis": {"prose", "errors", "ir"},
    "backend": {"prose", "errors", "ir"},
    "lower": {"errors", "ir", "spec"},
    "registry": {"errors", "backend"},
    "live": {"errors"},
    "files": {"errors"},
    "starters": {"errors", "spec"},
    "compiler": {"errors", "ir", "spec", "analysis", "backend", "lower", "registry", "live"},
    "check": {"errors", "ir", "spec", "analysis", "compiler"},
    "parity": {"prose", "errors", "ir", "backend", "registry", "live", "compiler"},
    "convert": {"prose", "errors", "ir", "backend", "registry", "compiler", "files", "parity"},
}
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax"}
CORE = sorted((ROOT / "rescompile").rglob("*.py"))
BACKENDS = sorted((ROOT / "backends").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, relative ones made absolute."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_core_imports_one_way(path: Path) -> None:
    layer = path.relative_to(ROOT / "rescompile").with_suffix("").parts[0]
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in FRAMEWORKS, name
        assert not parts[0].startswith("rescompile_"), name
        assert parts[0] != "numpy" or layer in ("parity", "convert"), name
        ours = parts[0] == "rescompile" and len(parts) > 1 and parts[1] != "__version__"
        if ours and layer in MAY and parts[1] != layer:
            assert parts[1] in MAY[layer], f"{layer} imports {name}"


@pytest.mark.parametrize("path", BACKENDS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_backend_sees_errors_ir_and_the_contract(path: Path) -> None:
    own = path.relative_to(ROOT / "backends").parts[0]
    for name in imports(path):
        parts = name.split(".")
        assert not parts[0].startswith("rescompile_") or parts[0] == own, name
        if parts[0] == "rescompile" and len(parts) > 1:
            assert parts[1] in {"errors", "ir", "backend"}, name
