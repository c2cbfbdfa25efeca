"""What a backend says of its framework, so that functions can be written for it."""

from __future__ import annotations

from collections.abc import Iterable

from ...ir.structure import CLASSES, JoinKind, Layer, Network
from ...record import record
from ..label import Label
from ..layout import Code
from ..lines import Line
from ..program import Program, Target
from ..scope import Argument, Scope
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

    def again(self, source: str, first: Label, label: Label) -> str:
        """The head of the block in which a step has the weights of the first; without a `part`."""
        raise NotImplementedError

    def after(self, source: str, before: str, label: Label) -> Code:
        """A value, to be used once another is there; where what is written is not `ordered`."""
        raise NotImplementedError

    def arguments(self, network: Network) -> list[Argument]:
        """What the network's function takes beside its number of classes."""
        raise NotImplementedError

    def options(self, network: Network) -> list[Argument]:
        """What it takes after that number."""
        return []

    def opening(self, network: Network) -> Iterable[Line]:
        """The first lines of the network's function; the last gives the input its value."""
        raise NotImplementedError

    def model(self, network: Network, result: Code) -> Code:
        """What the network's function returns."""
        raise NotImplementedError


Functions = Program[Syntax, Function]
