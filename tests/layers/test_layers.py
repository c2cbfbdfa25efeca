"""Imports point one way, as the table in docs/architecture.md says; frameworks stay out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"```order\n(.*?)```", re.DOTALL)
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "flax", "onnx"}
NUMERIC = {"reference", "worker", "verify", "convert", "conformance"}
SEEN_BY_BACKENDS = {"errors", "record", "expr", "ops", "ir", "emit"}
PACKAGE = {"__init__", "__main__"}  # the front door, which may import anything
FRONT_DOOR = "rescompile"  # `import rescompile` loads nothing by itself
CORE = sorted((ROOT / "rescompile").rglob("*.py"))
BACKENDS = sorted((ROOT / "backends").rglob("*.py"))
OWN = {path.name.removeprefix("rescompile_") for path in (ROOT / "backends").iterdir()}
SHARED = [
    *(ROOT / "tests/unit").rglob("test_*.py"),
    *(ROOT / "tests/conformance").rglob("*.py"),
    *(ROOT / "rescompile/conformance").rglob("*.py"),
]
ASKS = {"source", "get_backend", "Worker", "importorskip", "parametrize"}


def order() -> dict[str, int]:
    """The line of the table on which each package stands."""
    found = TABLE.search((ROOT / "docs/architecture.md").read_text("utf-8"))
    assert found is not None
    lines = found[1].splitlines()
    return {name: i for i, line in enumerate(lines) for name in line.split()}


LINES = order()


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


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT / "rescompile").with_suffix("").parts[0]


def test_every_package_has_its_place() -> None:
    assert {layer_of(path) for path in CORE} - PACKAGE == set(LINES)


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_core_imports_one_way(path: Path) -> None:
    layer = layer_of(path)
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in FRAMEWORKS, name
        assert not parts[0].startswith("rescompile_"), name
        assert parts[0] != "numpy" or layer in NUMERIC, name
        assert parts[0] != "pytest" or layer == "conformance", name
        ours = parts[0] == "rescompile" and len(parts) > 1 and parts[1] != "__version__"
        if ours and layer not in PACKAGE and parts[1] != layer:
            assert LINES[parts[1]] < LINES[layer], f"{layer} imports {name}"


@pytest.mark.parametrize("path", BACKENDS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_backend_sees_errors_ir_and_the_contract(path: Path) -> None:
    own = path.relative_to(ROOT / "backends").parts[0]
    for name in imports(path):
        parts = name.split(".")
        assert not parts[0].startswith("rescompile_") or parts[0] == own, name
        if parts[0] == "rescompile" and len(parts) > 1:
            assert parts[1] in SEEN_BY_BACKENDS, name


@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_what_serves_all_backends_names_none(path: Path) -> None:
    """What is one backend's alone is tested in tests/backends; no test of a unit needs a framework.

    That none starts one sees the fixture in tests/unit/conftest.py.
    """
    tree = ast.parse(path.read_text("utf-8"))
    for name in imports(path):
        assert name.split(".")[0] not in FRAMEWORKS, name
        assert not name.startswith("rescompile_"), name
    asked = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and called(n) in ASKS]
    for node in (inner for call in asked for inner in ast.walk(call)):
        assert not isinstance(node, ast.Constant) or node.value not in OWN, f"line {node.lineno}"


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "backends" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for types alone included."""
    paths = {_module(path): path for path in (*CORE, *BACKENDS)}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        names = {name.removeprefix("backends.") for name in imports(path)}
        found = {n if n in paths else n.rpartition(".")[0] for n in names}
        graph[name] = (found & paths.keys()) - {name, FRONT_DOOR}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
