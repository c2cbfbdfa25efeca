"""How NNX modules are written, beside the operations."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import replace

from rescompile.emit.classes import syntax
from rescompile.emit.classes.table import Site
from rescompile.emit.code import Attribute
from rescompile.emit.layout import Arg, Call, Chain, Code, Items, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Scope
from rescompile.emit.table import number
from rescompile.ir.analysis import Analysis
from rescompile.ir.initial import initializer
from rescompile.ir.structure import Initializer, Layer
from rescompile.ops import (
    Activation,
    AvgPool,
    ChannelMax,
    ChannelMean,
    ConvTranspose,
    Flatten,
    GlobalPool,
    LayerScale,
    Op,
    Weighted,
)

from .operations import DRAWN, HELPERS, ROWS, SAID, SHARED, TABLE, Row, spread

INLINE = (Activation, ChannelMax, ChannelMean, Flatten, GlobalPool)


class FlaxSyntax(syntax.Syntax):
    """What differs from the syntax of any framework with modules."""

    module, sequence, identity = "nnx.Module", "nnx.Sequential", "nnx.Sequential()"
    tensor, forward, starts = "jax.Array", "__call__", ""
    part, optional = "Callable", ""
    members, named, layout = "{}.layers", False, "channels_last"
    declared, passed = ("*", "rngs: nnx.Rngs"), (Keyword("rngs", "rngs"),)
    helpers = ("make_divisible", *HELPERS)
    presets = frozenset(row.preset for row in ROWS if row.preset)
    file_names = frozenset(("Callable", "jax", "jnp", "math", "nnx", "partial", *helpers)) | presets
    meanings = syntax.Syntax.meanings | file_names | {"cls", "rngs"}  # cls: of Module.__new__
    attributes = syntax.Syntax.attributes | frozenset(
        ("iter_children", "iter_modules", "perturb", "set_attributes", "sow")
    )
    # Functions whose arguments are numbers.
    inline = tuple(kind for kind in TABLE if issubclass(kind, INLINE) and kind.stateless)

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.silent = tuple(kind for kind, rows in TABLE.items() if not rows)
        self.called: dict[str, Row] = {}  # modules that are called by a preset, by its name
        found: dict[Row, list[Op]] = {}
        for _, trace in analysis.elaborated.flat():
            if (row := row_of(trace.op, len(trace.x))) is not None and row.preset:
                found.setdefault(row, []).append(trace.op)
        for row, ops in found.items():
            self.called[row.preset] = _with_defaults(row, ops)

    def row(self, node: Layer) -> Row | None:
        """The row that writes a layer."""
        return row_of(node.op, len(self.analysis.traces[node.id][0].x))

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        op, row = _resolved(node.op), self.row(node)
        if row is None:
            return "nnx.identity"
        site = Site(scope.entering(node), 0, False, scope.dim)
        if isinstance(op, LayerScale):
            return Call("nnx.Param", (Call("jnp.full", (site.channels, number(op.init))),))
        used = self.called.get(row.preset, row)
        args = used.write(op, scope.dim, site.channels)
        if row.is_function:
            return Call("partial", (row.found, *args)) if args else row.found
        return Call(row.preset or row.found, (*args, *self.passed))

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        row = self.row(node)
        if row is None:
            return source
        if isinstance(node.op, LayerScale):
            return Chain("*", (member, source))
        if isinstance(node.op, self.inline):
            return Call(row.found, (source, *row.write(node.op, str)))
        return Call(member, (source,))

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("jnp.concatenate", (Items("[", "]", operands), Keyword("axis", "-1")))

    def split(self, source: str, count: int) -> Code:
        return f"jnp.split({source}, {count}, axis=-1)"

    def listed(self, made: Code) -> Code:
        return Attribute(made, "layers")

    def constants(self, used: Set[str]) -> list[str]:
        """The presets, each with what its layers have in common."""
        return [
            str(Line(Call("partial", (row.found, *self.common(row))), row.preset, 0))
            for row in ROWS
            if row.preset in used
        ]

    def common(self, row: Row) -> Iterator[Arg]:
        """What a preset says of a module."""
        defaults = {
            argument.name: argument.default for argument in self.called[row.preset].arguments
        }
        for argument in row.arguments:
            if argument is DRAWN:
                assert issubclass(row.kind, Weighted)
                yield Keyword(
                    argument.name, drawing(initializer(self.analysis.network, row.kind.role))
                )
            elif argument.name not in defaults:
                yield Keyword(argument.name, argument.form.write((), str))
            elif defaults[argument.name] != argument.default:
                value = defaults[argument.name]
                yield Keyword(argument.name, number(value) if type(value) is float else repr(value))


def row_of(op: Op, rank: int) -> Row | None:
    """The row that writes an op on values of a rank; None for what is nothing here."""
    rows = TABLE[type(op)]
    return next(row for row in rows if row.says(op, rank)) if rows else None


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
    module = "nnx.initializers"
    if not how.mode:
        return Call(f"{module}.normal", (number(how.std),))
    whole = how.scale.denominator == 1
    scale = f"{how.scale}.0" if whole else str(how.scale).replace("/", " / ")
    distribution = "uniform" if how.uniform else "normal"
    return Call(f"{module}.variance_scaling", (scale, f'"{how.mode}"', f'"{distribution}"'))


def _resolved(op: Op) -> Op:
    """An op as Flax has it."""
    if isinstance(op, ConvTranspose):
        return spread(op)
    if isinstance(op, AvgPool) and not op.ceil_mode and all(side == 0 for side in op.padding):
        return replace(op, count_include_pad=True)  # Flax's default, and there is none to count
    return op
