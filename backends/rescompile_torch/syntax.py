"""How PyTorch's modules are written, beside the operations."""

from __future__ import annotations

from dataclasses import replace

from rescompile.emit.classes import syntax
from rescompile.emit.layout import Call, Chain, Code, Items, statement
from rescompile.emit.scope import Scope
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Layer
from rescompile.ops import Conv, Flatten, GlobalAvgPool, LayerScale, Op, Same

from .modules import Site, module
from .reserved import FILE_NAMES, MODULE_ATTRIBUTES


class TorchSyntax(syntax.Syntax):
    """What differs from the syntax of any framework with modules."""

    module, sequence, identity = "nn.Module", "nn.Sequential", "nn.Identity()"
    meanings = syntax.Syntax.meanings | FILE_NAMES
    own = syntax.Syntax.own | {"module"}  # each one in turn, where weights are drawn
    attributes = MODULE_ATTRIBUTES
    inline = (Flatten,)

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        is_map = len(self.analysis.traces[node.id][0].x) == 3
        return module(self.resolved(node), Site(scope.entering(node), is_map, in_place, scope.dim))

    def resolved(self, node: Layer) -> Op:
        """The op of a node, with `same` padding as the pixels that it means here."""
        op = node.op
        if isinstance(op, Conv) and isinstance(op.padding, Same):
            trace = self.analysis.traces[node.id][0]
            assert isinstance(trace.op, Conv)
            return replace(op, padding=trace.op.pads(trace.x))
        return op

    def in_sequence(self, node: Layer, made: Code) -> Code:
        if isinstance(node.op, GlobalAvgPool) and not node.op.keepdims:
            return Call(self.sequence, (made, Call("nn.Flatten")))
        return made

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        if isinstance(node.op, Flatten):
            return f"{statement(source)}.flatten(1)"
        if isinstance(node.op, GlobalAvgPool) and not node.op.keepdims:
            return f"{statement(Call(member, (source,)))}.flatten(1)"
        if isinstance(node.op, LayerScale):
            return Chain("*", (member, source))
        return Call(member, (source,))

    def concat(self, operands: tuple[Code, ...]) -> Code:
        return Call("torch.cat", (Items("[", "]", operands), "1"))

    def split(self, source: str, count: int) -> Code:
        return f"{source}.chunk({count}, 1)"

    def append(self, target: str, made: Code, name: str) -> Code:
        method, args = ("add_module", (name, made)) if name else ("append", (made,))
        return Call(f"{target}.{method}", args)
