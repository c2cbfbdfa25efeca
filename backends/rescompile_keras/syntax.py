"""How Keras' functional models are written, beside the operations."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.emit.functions import syntax
from rescompile.emit.functions.syntax import Place, Values
from rescompile.emit.label import Label
from rescompile.emit.layout import Call, Code, Items, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument
from rescompile.ir.structure import IN_CHANNELS, JoinKind, Network

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
    own = syntax.Syntax.own | {"inputs", "input_shape"}
    part, ordered = PART, False  # Keras sorts the calls of a model by their depth

    def __init__(self, style: Style) -> None:
        self.style = style
        network = style.analysis.network.name
        self.meanings = syntax.Syntax.meanings | RESERVED | style.helper_names() | {network}

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

    def arguments(self, network: Network) -> list[Argument]:
        channels, *extents = network.input
        kind = f"tuple[{', '.join(['int'] * len(network.input))}]"
        return [Argument("input_shape", kind, str((*extents, channels)))]

    def opening(self, network: Network) -> Iterator[Line]:
        if self.recursion_limit:
            raised = f"max(sys.getrecursionlimit(), {self.recursion_limit:_})"
            yield Line(f"sys.setrecursionlimit({raised})", comment="Keras recurses over layers")
        yield from map(Line, CHANNELS_LAST)
        if IN_CHANNELS not in network.own:
            yield Line(f"if input_shape[-1] != {network.input[0]}:")
            yield Line('raise ValueError("the number of channels is fixed")', indent=8)
        yield Line("keras.Input(input_shape)", self.input)

    def model(self, network: Network, result: Code) -> Code:
        return Call("keras.Model", (self.input, result, Keyword("name", f'"{network.name}"')))
