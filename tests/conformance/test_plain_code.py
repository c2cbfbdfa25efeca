"""Emitted code says no more than it has to: short conditions, no arm and no loop for nothing.

Of every shipped file, as its syntax tree has it; whether an arm is ever taken is seen by executing
the file against the stand-in of its framework, with the defaults and with other arguments.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import execute, validate
from rescompile.expr.dims import FUNCTIONS, make_divisible
from rescompile.registry import backend_names, get_backend

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path for name in backend_names() for path in sorted((ROOT / "generated" / name).glob("*.py"))
]
# The proof executes every file; what is asked here of its arms, of some by default.
TARGETS = [
    pytest.param(name, marks=[] if get_backend(name).by_default else [pytest.mark.slow])
    for name in backend_names()
]
LONG = 60  # characters of a condition
KNOWN = {"min": min, "max": max, "int": int, "round": round, "range": range, "math": math}
KNOWN |= {"make_divisible": make_divisible}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in FILES:
        yield path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))


def test_every_backend_has_files() -> None:
    assert {path.parent.name for path in FILES} == set(backend_names())


def test_conditions_are_short() -> None:
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, (ast.If, ast.IfExp, ast.While)):
                shown = ast.unparse(node.test)
                assert len(shown) <= LONG, f"{path}:{node.lineno}: {shown}"


def test_no_loop_has_one_turn_or_none() -> None:
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, (ast.For, ast.comprehension)):
                assert not is_idle(node.iter), f"{path}: for ... in {ast.unparse(node.iter)}"


def is_idle(turns: ast.expr) -> bool:
    """Whether a range is written out of which it is clear that it has one turn at most."""
    found = value(turns, {})
    return isinstance(found, range) and len(found) < 2


def test_defaults_have_a_meaning() -> None:
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for wrong in crashes(node.body, defaults(node)):
                    pytest.fail(f"{path}: the defaults of {node.name} give no value to {wrong}")


def defaults(node: ast.FunctionDef) -> dict[str, Any]:
    """The arguments that have one, and what it is."""
    given = node.args.defaults
    named = node.args.args[len(node.args.args) - len(given) :]
    return {one.arg: ast.literal_eval(what) for one, what in zip(named, given, strict=True)}


def crashes(body: Iterable[ast.stmt], known: dict[str, Any]) -> Iterator[str]:
    """The expressions of statements that have no value where names have the values of `known`."""
    for statement in body:
        if isinstance(statement, ast.If) and (holds := value(statement.test, known)) is not None:
            yield from crashes(statement.body if holds else statement.orelse, known)
            continue
        inner = [*getattr(statement, "body", ()), *getattr(statement, "orelse", ())]
        yield from crashes(inner, dict(known))
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.expr):
                yield from without_value(node, known)
        assigned = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and is_set(n)}
        for name in assigned & known.keys():
            del known[name]


def is_set(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def without_value(node: ast.expr, known: dict[str, Any]) -> Iterator[str]:
    if isinstance(node, ast.IfExp) and (holds := value(node.test, known)) is not None:
        node = node.body if holds else node.orelse
    if isinstance(node, ast.BinOp):
        try:
            value(node, known)
        except ArithmeticError:
            yield ast.unparse(node)
            return
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            yield from without_value(inner, known)


def value(node: ast.expr, known: dict[str, Any]) -> Any:
    """What an expression is worth, None where its names do not tell. Raises `ArithmeticError`."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    if not names <= known.keys() | KNOWN.keys():
        return None
    code = compile(ast.Expression(node), "<default>", "eval")
    try:
        return eval(code, {"__builtins__": {}}, {**KNOWN, **known})
    except TypeError:
        return None


# Arms.


class Marked(ast.NodeTransformer):
    """Calls `reached` with a number in every arm of every condition, but those that refuse."""

    def __init__(self) -> None:
        self.arms: list[str] = []

    def mark(self, node: ast.If | ast.IfExp, arm: str) -> ast.Call:
        self.arms.append(f"line {node.lineno}, where ({ast.unparse(node.test)}) is {arm}")
        name = ast.Name("reached", ast.Load())
        return ast.Call(name, [ast.Constant(len(self.arms) - 1)], [])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function of the language stands in a file as everywhere."""
        return node if node.name in FUNCTIONS else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.If:
        for arm, body in (("true", node.body), ("false", node.orelse)):
            if body and not isinstance(body[0], ast.Raise):
                body.insert(0, ast.Expr(self.mark(node, arm)))
        self.generic_visit(node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        arms = [
            ast.Subscript(
                ast.Tuple([part, self.mark(node, arm)], ast.Load()), ast.Constant(0), ast.Load()
            )
            for arm, part in (("true", node.body), ("false", node.orelse))
        ]
        return ast.IfExp(self.visit(node.test), *map(self.generic_visit, arms))


class Recorder:
    """Stands for `compile` and `exec` where emitted code is executed, and sees which arms run."""

    def __init__(self) -> None:
        self.marked = Marked()
        self.reached: set[int] = set()

    def compile(self, source: str, name: str, mode: str) -> Any:
        self.marked.arms.clear()  # the same ones each time that the file is executed
        tree = ast.fix_missing_locations(self.marked.visit(ast.parse(source)))
        return compile(tree, name, mode)

    def exec(self, code: Any, scope: dict[str, Any]) -> None:
        scope["reached"] = self.reached.add
        exec(code, scope)

    @property
    def missing(self) -> list[str]:
        return [arm for i, arm in enumerate(self.marked.arms) if i not in self.reached]


@pytest.mark.parametrize("target", TARGETS)
def test_every_arm_is_taken(to_run: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, backend = open_spec(to_run), get_backend(target)
    source = (ROOT / f"generated/{target}/{net.name}.py").read_text("utf-8")
    recorder = Recorder()
    for word in ("compile", "exec"):
        monkeypatch.setattr(execute, word, getattr(recorder, word), raising=False)
    validate(backend, net.lowered, source)
    if (other := net.varying.other) is not None:
        given = {key: other.network.env[key] for key in net.parametric.network.own}
        validate(backend, other, source, given)
    assert not recorder.missing
