"""How NNX modules are written, beside the operations."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from rescompile.emit.classes import syntax
from rescompile.emit.layout import Arg, Call, Chain, Code, Items, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Scope
from rescompile.emit.table import fraction, literal, number
from rescompile.expr.terms import Expr
from rescompile.ir.analysis import Analysis
from rescompile.ir.initial import initializer
from rescompile.ir.nodes import Layer, Node
from rescompile.ir.structure import Initializer
from rescompile.ops import (
    AvgPool,
    ConvTranspose,
    LayerScale,
    Op,
    Scale,
    UpsampleTo,
    Weighted,
    attribute_dims,
)

from .operations import DRAWN, HELPERS, ROWS, SAID, SHARED, TABLE, Row, spread


class FlaxSyntax(syntax.Syntax):
    """What differs from the syntax of any framework with modules."""

    module, sequence, identity = "nnx.Module", "nnx.Sequential", "nnx.Sequential()"
    listing = "nnx.List"
    tensor, forward, starts = "jax.Array", "__call__", ""
    part, optional = "Callable", ""
    holds, named, layout = "layers", False, "channels_last"
    declared, passed = ("*", "rngs: nnx.Rngs"), (Keyword("rngs", "rngs"),)
    imports = (("", "import jax"), ("jnp", "import jax.numpy as jnp"), ("", "from flax import nnx"))
    helpers = ("make_divisible", *HELPERS)
    presets = frozenset(filter(None, (row.preset for row in ROWS)))
    file_names = frozenset(("Callable", "jax", "jnp", "math", "nnx", "partial", *helpers)) | presets
    meanings = syntax.Syntax.meanings | file_names | {"cls", "rngs"}  # cls: of Module.__new__
    attributes = syntax.Syntax.attributes | frozenset(
        ("iter_children", "iter_modules", "perturb", "set_attributes", "sow")
    )
    silent = tuple(kind for kind, rows in TABLE.items() if not rows)

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(analysis)
        found: dict[Row, list[Op]] = {}
        for _, trace in analysis.elaborated.flat():
            if (row := row_of(trace.node.op, len(trace.x))) is not None and row.preset:
                found.setdefault(row, []).append(trace.op)
        # Modules that are called by a preset, each as what is left to say.
        self.called = {row.preset: _with_defaults(row, ops) for row, ops in found.items()}

    def row(self, node: Layer) -> Row | None:
        """The row that writes a layer."""
        return row_of(node.op, len(self.analysis.traces[node.id][0].x))

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        op, row = _resolved(node.op), self.row(node)
        if row is None:
            return "nnx.identity"
        entering = scope.entering(node)
        if isinstance(op, LayerScale):
            shape = "()" if op.shared else entering
            return Call("nnx.Param", (Call("jnp.full", (shape, number(op.init), "float")),))
        args = self.called.get(row.preset, row).write(op, scope.dim, entering)
        if row.is_function:
            return Call("Apply", (row.name, *args)) if args else row.name
        return Call(row.preset or row.name, (*args, *self.passed))

    def inlined(self, node: Layer) -> bool:
        """Functions are, whose arguments are numbers."""
        row = self.row(node)
        numbers = not any(isinstance(dim, Expr) for dim in attribute_dims(node.op))
        return row is not None and row.is_function and (numbers or isinstance(node.op, UpsampleTo))

    def nothing(self, nodes: Sequence[Node]) -> str | None:
        """A function in the place of functions: Flax takes an attribute for what it was first."""
        functions = {isinstance(node, Layer) and self.is_function(node) for node in nodes}
        if len(functions) > 1:
            return None
        return "nnx.identity" if functions == {True} else self.identity

    def is_function(self, node: Layer) -> bool:
        row = self.row(node)
        return row is None or row.is_function

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        row = self.row(node)
        if row is None:
            return source
        if isinstance(node.op, LayerScale):
            return Chain("*", (member, source))
        if self.inlined(node):
            args = row.write(_resolved(node.op), str)
            if isinstance(node.op, Scale):
                return Chain("*", (str(args[0]), source))
            return Call(row.name, (source, *args))
        return Call(member, (source,))

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("jnp.concatenate", (Items("[", "]", operands), Keyword("axis", "-1")))

    def split(self, source: str, count: int) -> Code:
        return f"jnp.split({source}, {count}, axis=-1)"

    def constants(self, used: Set[str]) -> list[str]:
        """The presets, each with what its layers have in common."""
        return [
            str(Line(Call("partial", (row.name, *self.common(row))), row.preset, 0))
            for row in ROWS
            if row.preset in used
        ]

    def common(self, row: Row) -> Iterator[Arg]:
        """What a preset says of a module."""
        usual = {argument.name: argument.default for argument in self.called[row.preset].arguments}
        for argument in row.arguments:
            if issubclass(row.kind, Weighted) and argument is DRAWN:
                how = initializer(self.analysis.network, row.kind.role)
                yield Keyword(argument.name, drawing(how))
            elif argument in SAID:
                yield Keyword(argument.name, argument.form.write((), str))
            elif usual[argument.name] != argument.default:
                yield Keyword(argument.name, literal(usual[argument.name]))


def row_of(op: Op, rank: int) -> Row | None:
    """The row that writes an op on values of a rank; None for what is nothing here."""
    rows = TABLE[type(op)]
    return next(row for row in rows if row.serves(op, rank)) if rows else None


def _with_defaults(row: Row, ops: list[Op]) -> Row:
    """A row whose defaults are what most of some layers have; what all have is none of its own."""
    arguments = []
    for argument in row.arguments:
        if argument.name in SHARED:
            ((value, _),) = Counter(map(argument.value, ops)).most_common(1)
            default = ast.literal_eval(str(argument.form.write(value, str)))
            argument = replace(argument, default=default)
        if argument not in SAID:
            arguments.append(argument)
    return replace(row, arguments=tuple(arguments))


def drawing(how: Initializer) -> Code:
    """What draws a kernel. Flax's fans are PyTorch's, in groups as well."""
    if not how.mode:
        return Call("nnx.initializers.normal", (number(how.std),))
    words = (f'"{word}"' for word in (how.mode, "uniform" if how.uniform else "normal"))
    return Call("nnx.initializers.variance_scaling", (fraction(how.scale), *words))


def _resolved(op: Op) -> Op:
    """An op as Flax has it."""
    if isinstance(op, ConvTranspose):
        return spread(op)
    if isinstance(op, AvgPool) and not (op.ceil_mode or op.is_padded):
        return replace(op, count_include_pad=True)  # Flax's default, and there is none to count
    return op
