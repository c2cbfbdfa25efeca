"""How Keras' functional models are written, beside the operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rescompile.emit.functions import syntax
from rescompile.emit.functions.syntax import Place, Values
from rescompile.emit.label import Label
from rescompile.emit.layout import Call, Code, Items, Keyword
from rescompile.emit.lines import Line
from rescompile.ir.nodes import JoinKind
from rescompile.ir.structure import INPUT, Network

from .layers import Style, apply
from .vocabulary import AFTER, JOINS, PART, RESERVED, TENSOR

RECURSION = 1000  # Python's default limit, which is Keras' own on the length of a path
# A residual network has about 1.2 layers on a path for each operation, by its joins and explicit
# paddings: with a sixth to spare, this many come near the limit. No path has more than twice as
# many layers as there are operations, which is what is asked for then.
LAYERS_PER_OPERATION = 1.4
# Keras' layers, joins and shapes follow a global setting, and some networks would build without it.
CHANNELS_LAST = (
    'if keras.config.image_data_format() != "channels_last":',
    "    raise ValueError(\"call keras.config.set_image_data_format('channels_last') first\")",
)


class KerasSyntax(syntax.Syntax):
    """What a file of a network agrees on is its style."""

    tensor = TENSOR
    model_type = "keras.Model"
    own = syntax.Syntax.own | {"inputs"}
    part, ordered = PART, False  # Keras sorts the calls of a model by their depth

    def __init__(self, style: Style) -> None:
        self.style = style
        network = style.analysis.network
        self.meanings = syntax.Syntax.meanings | RESERVED | style.helper_names() | {network.name}
        self.own = self.own | {argument.name for argument in self.arguments(network)}

    @property
    def recursion_limit(self) -> int:
        """The limit that building the model may need, in thousands; 0 where the default will do."""
        operations = self.style.analysis.elaborated.root.layers
        if operations * LAYERS_PER_OPERATION <= RECURSION:
            return 0
        return -(-2 * operations // RECURSION) * RECURSION

    def layer(self, at: Place) -> Values:
        return apply(at, self.style)

    def join(self, kind: JoinKind, operands: tuple[str, ...], label: Label) -> Code:
        layer = JOINS[kind].written({}, label.keyword())
        return Call(layer, (Items("[", "]", operands),))

    def after(self, source: str, before: str, label: Label) -> Code:
        return Call(Call(AFTER, (label.keyword("_after"),)), (Items("[", "]", (source, before)),))

    def split(self, source: str, count: int) -> Code:
        return Call("keras.ops.split", (source, str(count), Keyword("axis", "-1")))

    def opening(self, network: Network, inputs: Mapping[str, str]) -> Iterator[Line]:
        if self.recursion_limit:
            raised = f"max(sys.getrecursionlimit(), {self.recursion_limit:_})"
            yield Line(f"sys.setrecursionlimit({raised})", comment="Keras recurses over layers")
        yield from map(Line, CHANNELS_LAST)
        yield from self.checks(network)
        for name, variable in inputs.items():
            called = () if name == INPUT else (Keyword("name", f'"{name}"'),)
            yield Line(Call("keras.Input", (f"{name}_shape", *called)), variable)

    def model(self, network: Network, inputs: list[str], results: list[str]) -> Code:
        ends = [Items("[", "]", tuple(x)) if len(x) > 1 else x[0] for x in (inputs, results)]
        return Call("keras.Model", (*ends, Keyword("name", f'"{network.name}"')))
