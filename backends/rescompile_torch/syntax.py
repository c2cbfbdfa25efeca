"""How PyTorch's modules are written, beside the operations."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from rescompile.emit.classes import syntax
from rescompile.emit.classes.table import Site
from rescompile.emit.code import Attribute
from rescompile.emit.layout import Call, Chain, Code, Items
from rescompile.emit.lines import Writer
from rescompile.emit.scope import Scope
from rescompile.ir.nodes import Layer
from rescompile.ir.trace import OpTrace
from rescompile.ops import (
    AvgPool,
    Conv,
    Flatten,
    GlobalPool,
    LayerScale,
    Op,
    Pool,
    Same,
    UpsampleTo,
)

from .initialise import initialise
from .modules import HELPERS, INTERPOLATE, MODULES


class TorchSyntax(syntax.Syntax):
    """What differs from the syntax of any framework with modules."""

    module, sequence, identity = "nn.Module", "nn.Sequential", "nn.Identity()"
    listing = "nn.ModuleList"
    imports = (
        ("torch", "import torch"),
        ("", "from torch import Tensor, nn"),
        ("F", "from torch.nn import functional as F"),
    )
    helpers = ("make_divisible", *sorted(HELPERS))
    file_names = frozenset(("F", "Tensor", "math", "nn", "torch", *helpers))
    meanings = syntax.Syntax.meanings | file_names | {"isinstance"}
    own = syntax.Syntax.own | {"module"}  # each one in turn, where weights are drawn
    inline = (Flatten, UpsampleTo)

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        traces = self.analysis.traces[node.id]
        site = Site(scope.entering(node), len(traces[0].x), in_place, scope.dim)
        return MODULES[type(node.op)](_resolved(node.op, traces), site)

    def in_sequence(self, node: Layer, made: Code) -> Code:
        if isinstance(node.op, GlobalPool) and not node.op.keepdims:
            return Call(self.sequence, (made, Call("nn.Flatten")))
        return made

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        if isinstance(node.op, Flatten):
            return Call(Attribute(source, "flatten"), ("1",))
        if isinstance(node.op, UpsampleTo):
            return Call("F.interpolate", (source, *INTERPOLATE.write(node.op, str)))
        if isinstance(node.op, GlobalPool) and not node.op.keepdims:
            return Call(Attribute(Call(member, (source,)), "flatten"), ("1",))
        if isinstance(node.op, LayerScale):
            rank = len(self.analysis.traces[node.id][0].x)
            spread = node.op.vector and not node.op.shared and rank > 1
            sizes = ("-1", *("1",) * (rank - 1))
            return Chain("*", (Call(f"{member}.view", sizes) if spread else member, source))
        return Call(member, (source,))

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("torch.cat", (Items("[", "]", operands), "1"))

    def split(self, source: str, count: int) -> Code:
        return f"{source}.chunk({count}, 1)"

    def append(self, target: str, made: Code, name: str) -> Code:
        method, args = ("add_module", (name, made)) if name else ("append", (made,))
        return Call(f"{target}.{method}", args)

    def finish(self, lines: Writer) -> None:
        initialise(self.analysis, lines)


def _resolved(op: Op, traces: list[OpTrace]) -> Op:
    """An op as PyTorch has it: `same` padding is the pixels that it means in all calls."""
    if isinstance(op, Conv) and isinstance(op.padding, Same):
        meant = {cast(Conv, trace.op).pads(trace.x) for trace in traces}
        return replace(op, padding=meant.pop()) if len(meant) == 1 else op
    if isinstance(op, Pool) and isinstance(op.padding, Same):
        meant = {cast(Pool, trace.op).pads(trace.x) for trace in traces}
        pads = next(iter(meant))
        if len(meant) > 1 or pads[::2] != pads[1::2]:  # PyTorch's pools pad opposite sides alike
            return op
        op = replace(op, padding=pads)
    if isinstance(op, AvgPool) and not op.is_padded:
        return replace(op, count_include_pad=True)  # PyTorch's default, and there is none to count
    if isinstance(op, GlobalPool):
        return replace(op, keepdims=True)  # a vector is what is made of that
    return op
