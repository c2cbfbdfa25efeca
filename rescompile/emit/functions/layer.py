"""Layers that are applied to a tensor: a table of them is written as source, and read back.

A layer takes the arguments that emitted files give it, in its framework's order, and a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ...ops import Op
from ...record import record
from ..layout import Arg, Call, Code, Keyword
from ..table import Constructor, Form, Render, literal
from .syntax import Place


def _border(given: str) -> tuple[()]:
    if given not in ("valid", "same", "causal"):
        raise ValueError(f"padding '{given}'")
    return ()


# Arguments that say nothing of an operation by themselves, and are written by who knows more: any,
# an initialiser, and how a layer pads.
ASIDE, DRAWN = (Form(lambda _, dim: "", lambda given: ()) for _ in range(2))
BORDER = Form(lambda _, dim: "", _border)


@record
class Layer(Constructor):
    """A class of layers, found in `module`; or a function that files define, which has `parts`.

    `variables` are its tensors by the names that the IR has for them, in the order of files; parts
    are layers, each with what it adds to the name. One that is `depthwise` tells a convolution of
    a single channel, which is applied to each.
    """

    module: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[tuple[str, str], ...] = ()
    depthwise: bool = False

    def codes(self, op: Op, dim: Render) -> dict[str, Code]:
        """What its arguments say of an operation, as source."""
        codes = {a.name: a.form.write(a.value(op), dim) for a in self.arguments}
        return {name: code for name, code in codes.items() if code != ""}

    def named(self, codes: Mapping[str, Code]) -> dict[str, Code]:
        """What is said of attributes, by its arguments; what is none of them as it is."""
        names = {a.of: a.name for a in self.arguments}
        return {names.get(key, key): code for key, code in codes.items()}

    def written(self, given: Mapping[str, Code], name: Keyword) -> Call:
        """A layer, constructed: defaults are left out, what follows them is given by keyword."""
        made: list[Arg] = []
        positional = True
        for argument in self.arguments:
            default = given[argument.like] if argument.like else literal(argument.default)
            value = given.get(argument.name, default)
            positional &= not argument.keyword and value != default
            if value != default:
                made.append(value if positional else Keyword(argument.name, value))
        return Call(f"{self.module}{self.name}", (*made, name))

    def applied(
        self, at: Place, given: Mapping[str, Code], entering: str = "", suffix: str = ""
    ) -> Call:
        """A layer, applied to the place's source, or to another variable."""
        return Call(self.written(given, at.label.keyword(suffix)), (entering or at.source,))
