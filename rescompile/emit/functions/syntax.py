"""What a backend says of its framework, so that functions can be written for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...ir.nodes import JoinKind, Layer
from ...ir.structure import CLASSES, Network, channel_names
from ...record import record
from ..label import Label
from ..layout import Code
from ..lines import Line
from ..program import Program, Target
from ..scope import Argument, Scope
from ..summary import arranged
from .function import Function

Values = list[tuple[Code, str]]  # each with a comment for its line
START = "start"  # the number of a function's first layer in the caller's sequence
STAGE_NAME = "stage"


@record
class Place:
    """Where an operation is written: applied to a variable, by layers called after a label."""

    node: Layer
    source: str
    target: str  # the variable that it gives its value
    label: Label
    scope: Scope


class Syntax(Target):
    """How a target that applies layers to a tensor writes what functions are made of."""

    meanings = Target.meanings | {"str", "x", "name", START}
    own = Target.own | {CLASSES, STAGE_NAME}
    tensor = "Tensor"  # the type of a tensor
    model_type = "Model"  # what the network's function returns
    channels = "{}.shape[-1]"  # the channels of one
    input = "inputs"  # what the network's function calls its input
    stage_name = STAGE_NAME
    layout = "channels_last"
    separator = "_"  # between the parts of a layer's name
    part = ""  # what a function is decorated with that makes an object of a step to be shared
    ordered = True  # whether what is written first is done first

    def layer(self, at: Place) -> Values:
        """The values that the target takes, one after the other; none where it is the source."""
        raise NotImplementedError

    def join(self, kind: JoinKind, operands: tuple[str, ...], label: Label) -> Code:
        raise NotImplementedError

    def split(self, source: str, count: int) -> Code:
        """Equal shares of the channels."""
        raise NotImplementedError

    def after(self, source: str, before: str, label: Label) -> Code:
        """A value, to be used once another is there; where what is written is not `ordered`."""
        raise NotImplementedError

    def arguments(self, network: Network) -> list[Argument]:
        """What the network's function takes beside its number of classes: its inputs' shapes."""
        shapes = ((name, arranged(shape, self.layout)) for name, shape in network.inputs.items())
        return [
            Argument(f"{name}_shape", f"tuple[{', '.join(['int'] * len(shape))}]", str(shape))
            for name, shape in shapes
        ]

    def checks(self, network: Network) -> Iterator[Line]:
        """Lines that refuse other channels than those that are fixed."""
        place = 0 if self.layout == "channels_first" else -1
        called = channel_names(network.inputs)
        for name, shape in network.inputs.items():
            if called[name] not in network.own:
                yield Line(f"if {name}_shape[{place}] != {shape[0]}:")
                yield Line('raise ValueError("the number of channels is fixed")', indent=8)

    def options(self, network: Network) -> list[Argument]:
        """What it takes after that number."""
        return []

    def opening(self, network: Network, inputs: Mapping[str, str]) -> Iterable[Line]:
        """The first lines of the network's function; they give the inputs' variables values."""
        raise NotImplementedError

    def model(self, network: Network, inputs: list[str], results: list[str]) -> Code:
        """What the network's function returns, given the variables of its inputs and results."""
        raise NotImplementedError


Functions = Program[Syntax, Function]
