"""How the graph of a network is written: joins, and every operation by one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, cast

from rescompile import ops
from rescompile.emit.functions import syntax
from rescompile.emit.functions.syntax import Place, Values
from rescompile.emit.label import Label
from rescompile.emit.layout import Call, Code, Items, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument
from rescompile.emit.table import Constructor
from rescompile.emit.template import helpers
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import INPUT, JoinKind, Layer, Network
from rescompile.ops import Op

from .vocabulary import FUNCTIONS, JOINS, OPERATORS, to_first, to_last

FILE = FilePath(__file__).parent / "helpers.py"
CORE = ("Value", "Graph", "Operators", "block", "functions", "function", "model")
# What emitted functions rely on: neither a network, nor a value of a block can be called so.
RESERVED = frozenset(
    (
        *(*helpers(FILE), "op", "OPSET", "DOMAIN", "OPSETS", "conv_init", "linear_init"),
        *("functools", "dataclass", "replace", "Callable", "Sequence", "Any", "math", "np", "onnx"),
        *("helper", "numpy_helper", "infer_node_outputs", "make_divisible", "bytes", "dict"),
        *("isinstance", "len", "list", "property", "range", "set", "sum", "tuple", "zip"),
        *("ValueError", "enumerate", "graph", "dtype", "seed"),
    )
)
Rule = Callable[[Any, Place, Analysis], Values]


def _said(row: Constructor, op: Op, at: Place, prefix: str, *more: Keyword) -> Code:
    given = (at.source, *row.write(op, at.scope.dim), *more, at.label.keyword())
    return Call(f"{prefix}{row.name}", given)


def _rule(prefix: str, *rows: Constructor) -> Rule:
    def write(op: Op, at: Place, analysis: Analysis) -> Values:
        return [(_said(next(row for row in rows if row.fits(op)), op, at, prefix), "")]

    return write


def _global_pool(op: ops.GlobalPool, at: Place, analysis: Analysis) -> Values:
    name = next(row.name for row in OPERATORS if row.kind is type(op))
    if op.keepdims:
        return [(Call(f"op.{name}", (at.source, at.label.keyword())), "")]
    pooled = Call(f"op.{name}", (at.source, at.label.keyword(".map")))
    return [(pooled, ""), (Call("op.Flatten", (at.target, at.label.keyword())), "")]


def _norm(op: ops.LayerNorm | ops.GlobalResponseNorm, at: Place, analysis: Analysis) -> Values:
    map_first = not op.positions and any(len(t.x) > 1 for t in analysis.traces[at.node.id])
    axis = (Keyword("axis", "1"),) if map_first else ()
    row = next(row for row in FUNCTIONS if row.kind is type(op))
    return [(_said(row, op, at, "", *axis), "")]


def _permute(op: ops.Permute, at: Place, analysis: Analysis) -> Values:
    axes = len(analysis.network.input) - 1
    order = Keyword("perm", str(to_last(axes) if op.last else to_first(axes)))
    return [(Call("op.Transpose", (at.source, order, at.label.keyword())), "")]


def dilated_pads(node: Layer, analysis: Analysis) -> set[ops.Sides]:
    """What `same` means, pixel by pixel, in calls of a dilated convolution; nothing of others.

    onnxruntime takes no dilation beside `auto_pad`.
    """
    op = node.op
    if not isinstance(op, ops.Conv) or op.padding is not ops.Same.SAME:
        return set()
    called = [(cast(ops.Conv, trace.op), trace.x) for trace in analysis.traces[node.id]]
    plain = all(step == 1 for one, _ in called for step in one.dilation)
    return set() if plain else {one.pads(x) for one, x in called}


def _conv(op: ops.Conv, at: Place, analysis: Analysis) -> Values:
    pads = dilated_pads(at.node, analysis)
    plain = _rule("", *(row for row in FUNCTIONS if row.kind is type(op)))
    return plain(replace(op, padding=pads.pop()) if pads else op, at, analysis)


TABLE: dict[type[Op], Rule] = {
    **{row.kind: _rule("op.", *(r for r in OPERATORS if r.kind is row.kind)) for row in OPERATORS},
    **{row.kind: _rule("", *(r for r in FUNCTIONS if r.kind is row.kind)) for row in FUNCTIONS},
    **dict.fromkeys((ops.Conv, ops.StdConv), _conv),
    ops.GlobalAvgPool: _global_pool,
    ops.GlobalMaxPool: _global_pool,
    ops.LayerNorm: _norm,
    ops.GlobalResponseNorm: _norm,
    ops.Permute: _permute,
}


class OnnxSyntax(syntax.Syntax):
    """Values know the graph that they are in, so that operators are applied to them alone."""

    tensor, model_type = "Value", "onnx.ModelProto"
    channels, layout, separator = "{}.shape[1]", "channels_first", "."
    input = "images"
    meanings = syntax.Syntax.meanings | RESERVED
    own = syntax.Syntax.own | {"images", "dtype", "seed", "rng"}

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.meanings = self.meanings | {analysis.network.name}
        self.own = self.own | {argument.name for argument in self.arguments(analysis.network)}

    def layer(self, at: Place) -> Values:
        return TABLE[type(at.node.op)](at.node.op, at, self.analysis)

    def join(self, kind: JoinKind, operands: tuple[str, ...], label: Label) -> Code:
        name = f"op.{JOINS[kind]}"
        if kind is JoinKind.CONCAT:
            return Call(name, (*operands, Keyword("axis", "1"), label.keyword()))
        *before, last = operands
        if len(before) == 1:
            return Call(name, (*operands, label.keyword()))
        inner = Label(label.text, ".").child(str(len(before) - 1))
        return Call(name, (self.join(kind, tuple(before), inner), last, label.keyword()))

    def again(self, source: str, first: Label, label: Label) -> str:
        return f"with Again({source}, {first.code()}, {label.code()}):"

    def split(self, source: str, count: int) -> Code:
        return Call("split", (source, str(count)))

    def options(self, network: Network) -> list[Argument]:
        return [Argument("dtype", "str", '"float32"'), Argument("seed", "int", "0")]

    def opening(self, network: Network, inputs: Mapping[str, str]) -> Iterator[Line]:
        yield from self.checks(network)
        yield Line("Graph(dtype, np.random.default_rng(seed))", "graph")
        for name, variable in inputs.items():
            called = self.input if name == INPUT else name
            yield Line(f'graph.value("{called}", ("N", *{name}_shape))', variable)

    def model(self, network: Network, inputs: list[str], results: list[str]) -> Code:
        ends = [Items("[", "]", tuple(names)) for names in (inputs, results)]
        return Call("model", (f'"{network.name}"', *ends))
