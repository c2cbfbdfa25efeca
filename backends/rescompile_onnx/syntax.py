"""How modules of onnxscript are written, beside the operations."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from pathlib import Path as FilePath
from typing import cast

from rescompile import ops
from rescompile.emit.classes import syntax
from rescompile.emit.classes.table import Site, serving
from rescompile.emit.layout import Arg, Call, Code, Items, Keyword, signature
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument, Scope
from rescompile.emit.table import Render, fraction, literal, number
from rescompile.emit.template import helpers
from rescompile.ir.analysis import Analysis
from rescompile.ir.initial import initializer
from rescompile.ir.nodes import JoinKind, Layer
from rescompile.ir.structure import INPUT, Initializer, Network
from rescompile.ops import Op, Same

from .operations import FUNCTIONS, KINDS

HELPERS = FilePath(__file__).parent / "helpers"
JOINS = {JoinKind.ADD: "op.Add", JoinKind.MULTIPLY: "op.Mul"}
IMAGES = "images"  # what an only input is called that has no name
INLINE = (
    *(ops.Activation, ops.ChannelMax, ops.ChannelMean, ops.Flatten, ops.GlobalPool, ops.Permute),
    ops.UpsampleTo,
)
DRAWN = {"conv_init": ops.Role.CONV, "linear_init": ops.Role.LINEAR}


def perm(rank: int, last: bool) -> list[int]:
    """The order of N x C x H x W, say, with the channels last, or first again."""
    return [0, *range(2, rank + 1), 1] if last else [0, rank, *range(1, rank)]


class OnnxSyntax(syntax.Syntax):
    """What differs from the syntax of any framework with modules."""

    module, sequence, identity = "nn.Module", "Sequential", "Sequential()"
    listing, tensor, optional = "nn.ModuleList", "ir.Value", "nn.Module"
    context, overwrites, decorator = (Argument("op", "OpBuilder"),), False, "@function"
    imports = (
        ("np", "import numpy as np"),
        ("", "import onnx"),
        ("", "import onnx_ir as ir"),
        ("", "from onnx_ir.passes import common"),
        ("", "from onnxscript import OpBuilder, build_function, nn"),
    )
    helpers = ("make_divisible", *helpers(HELPERS))
    always = frozenset(("export", "Sequence", "Any"))
    file_names = frozenset(
        (
            *(*helpers, *DRAWN, "DOMAIN", "OPSETS", "INPUTS", "OUTPUTS", "OpBuilder", "Sequence"),
            *("build_function", "common", "ir", "math", "nn", "np", "onnx", "Any"),
        )
    )
    meanings = syntax.Syntax.meanings | file_names | {"op"}
    attributes = syntax.Syntax.attributes | {"name"}
    inline = tuple(kind for kind in KINDS if issubclass(kind, INLINE) and kind is not ops.Prelu)

    def made(
        self, node: Layer, dim: Render = str, channels: str = ""
    ) -> tuple[str, tuple[Arg, ...]]:
        """What is called for a layer, and its arguments; `channels` enter it."""
        op: Op = node.op
        rows = KINDS[type(op)]
        site = Site(channels, len(self.analysis.traces[node.id][0].x), False, dim)
        if isinstance(op, ops.Permute):
            return "op.Transpose", (Keyword("perm", str(perm(site.rank, op.last))),)
        if isinstance(op, ops.LayerScale):
            axes = ["1" if op.shared else channels, *("1" for _ in range(1, site.rank))]
            axes = axes[:1] if op.vector else [] if op.shared else axes
            return "parameter", (f"[{', '.join(axes)}]", number(op.init))
        slides = isinstance(op, (ops.Conv, ops.Pool))
        if slides and len(meant := meant_pads(node, self.analysis)) == 1:
            op = replace(cast("ops.Conv | ops.Pool", op), padding=meant.pop())
        row = serving(rows, op, site.rank)
        return row.name, row.write(op, dim, channels)

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        name, args = self.made(node, scope.dim, scope.entering(node))
        if name.startswith("op."):
            return Call("Apply", (f'"{name[3:]}"', *args))
        return Call("Apply", (name, *args)) if name in FUNCTIONS else Call(name, args)

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        if isinstance(node.op, ops.LayerScale):
            rank = len(self.analysis.traces[node.id][0].x)
            spread = node.op.vector and not node.op.shared and rank > 1
            factor = Call("op.Unsqueeze", (member, str([*range(1, rank)]))) if spread else member
            return Call("op.Mul", (source, factor))
        if not isinstance(node.op, self.inline):
            return self.call(member, source)
        name, args = self.made(node)
        context = () if name.startswith("op.") else ("op",)
        return Call(name, (*context, source, *args))

    def join(self, kind: JoinKind, operands: tuple[Code, ...]) -> Code:
        first, *others = operands
        for other in others:
            first = Call(JOINS[kind], (first, other))
        return first

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("op.Concat", (*operands, Keyword("axis", "1")))

    def split(self, source: str, count: int) -> Code:
        return f"op.Split({source}, axis=1, num_outputs={count}, _outputs={count})"

    def numbered(self, sequence: str) -> str:
        return f"list({sequence})"  # `[0]` looks for a member that is called "0"

    def append(self, target: str, made: Code, name: str) -> Code:
        method, args = ("add_module", (name, made)) if name else ("append", (made,))
        return Call(f"{target}.{method}", args)

    def constants(self, used: Set[str]) -> list[str]:
        """What the helpers ask for, and the functions that draw weights."""
        network = self.analysis.network
        lines = [f'DOMAIN = "{network.name}"  # of the functions', 'OPSETS = {"": 21, DOMAIN: 1}']
        lines.append(str(Line(shapes(network), "INPUTS", 0)))
        lines.append(str(Line(Items("[", "]", tuple(map(literal, names(network)))), "OUTPUTS", 0)))
        for name, role in DRAWN.items():
            if name in used:
                lines += ["", "", *drawing(name, initializer(network, role))]
        return lines


def meant_pads(node: Layer, analysis: Analysis) -> set[ops.Sides]:
    """What `same` padding means, pixel by pixel, in the calls of a convolution or a pool."""
    if getattr(node.op, "padding", 0) is not Same.SAME:
        return set()
    return {
        cast("ops.Conv | ops.Pool", trace.op).pads(trace.x) for trace in analysis.traces[node.id]
    }


def shapes(network: Network) -> Code:
    """The inputs of a model with their shapes."""
    found = {IMAGES if name == INPUT else name: shape for name, shape in network.inputs.items()}
    return Items("{", "}", tuple(f'"{name}": {shape}' for name, shape in found.items()))


def names(network: Network) -> tuple[str, ...]:
    """What the outputs of a model are called."""
    return network.outputs or ("output",)


def drawing(name: str, how: Initializer) -> list[str]:
    """A function that draws weights of a shape, in PyTorch's layout."""
    lines = [signature(name, ["rng: np.random.Generator", "shape: Sequence[int]"], "np.ndarray")]
    if not how.mode:
        return [*lines, f"    return rng.normal(0.0, {how.std!r}, shape)"]
    fan = "math.prod(shape[1:])" if how.mode == "fan_in" else "shape[0] * math.prod(shape[2:])"
    scale = fraction(how.scale * (3 if how.uniform else 1))
    lines.append(f"    fan = {fan}")
    if how.uniform:
        lines.append(f"    limit = math.sqrt({scale} / fan)")
        return [*lines, "    return rng.uniform(-limit, limit, shape)"]
    return [*lines, f"    return rng.normal(0.0, math.sqrt({scale} / fan), shape)"]
