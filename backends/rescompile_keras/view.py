"""From the IR to plain values for the template: the file and its functions, callees first."""

from __future__ import annotations

from dataclasses import dataclass

from rescompile.backend.contract import Request
from rescompile.backend.layout import Arg, Keyword, signature
from rescompile.backend.naming import Names
from rescompile.ir.expr import Dim, Var, names, product, substitute, text, total
from rescompile.ir.facts import Facts
from rescompile.ir.structure import IN_CHANNELS, INDEX, Block, Form, Group, Layer, Loop, Node, Param
from rescompile.ir.structure import Call as BlockCall
from rescompile.ir.symbolic import RUNNING, arguments

from .layers import Style

TENSOR = "keras.KerasTensor"
RESERVED = {
    *("keras", "layers", "x", "name", "start", "i", "inputs", "outputs", "input_shape", "classes"),
    *("conv", "depthwise_conv", "batch_norm", "average_pool", "channel_shuffle", "make_divisible"),
    *("LayerScale", "BN_MOMENTUM", "BN_EPSILON", "CONV_INIT", "DEPTHWISE_INIT", "DENSE_INIT"),
}
SHOWN = {INDEX: Var("i"), RUNNING: Var("x.shape[-1]")}


def source(dim: Dim) -> str:
    """An expression as Python source."""
    return text(substitute(dim, SHOWN), sigil="")


@dataclass(frozen=True)
class Argument:
    name: str
    type: str = "int"
    default: str | None = None

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@dataclass(frozen=True)
class Function:
    """One function of the emitted file."""

    name: str
    arguments: tuple[Argument, ...]
    lines: tuple[str, ...]
    about: str = ""
    numbered: bool = False  # takes `start`, the number of its first layer in the caller's sequence

    @property
    def signature(self) -> str:
        given = [f"x: {TENSOR}", *(a.declared for a in self.arguments), "*", "name: str"]
        if self.numbered:
            given.append("start: int = 0")
        return signature(self.name, given, TENSOR)

    def args(self, given: dict[str, str], name: str, start: Dim = 0) -> tuple[Arg, ...]:
        """Arguments for a call: `channels` by position, the rest by keyword, defaults left out."""
        made: list[Arg] = []
        for i, argument in enumerate(self.arguments):
            value = given[argument.name]
            if i == 0 and argument.name == "channels":
                made.append(value)
            elif value != argument.default:
                made.append(Keyword(argument.name, value))
        made.append(Keyword("name", name))
        if self.numbered and start != 0:
            made.append(Keyword("start", source(start)))
        return tuple(made)


class File:
    """Everything in one emitted file; functions are rendered once, callees first."""

    def __init__(self, request: Request) -> None:
        self.facts: Facts = request.facts
        self.network = request.facts.network
        self.style = Style(self.facts)
        self.names = Names(RESERVED)
        self.names.take(self.network.name)
        self.functions: dict[str, Function] = {}
        self.stages: dict[tuple[str, str], Function] = {}
        self.order: list[Function] = []

    def block(self, name: str) -> Function:
        """The function of a block; rendered at its first use."""
        if name not in self.functions:
            from .body import block_function

            block = self.network.blocks[name]
            self.functions[name] = made = block_function(self, block, self.take(block.name))
            self.order.append(made)
        return self.functions[name]

    def take(self, wanted: str) -> str:
        return self.names.take(wanted, "_block")

    def stage(self, node: BlockCall) -> Function:
        """The function that repeats a block."""
        key = (node.block, node.children)
        if key not in self.stages:
            from .body import stage_function

            single = len({b for b, _ in _repeated(self)}) == 1
            name = self.take("make_stage" if single else f"make_{node.block}_stage")
            self.stages[key] = made = stage_function(self, node, name)
            self.order.append(made)
        return self.stages[key]


def _repeated(file: File) -> set[tuple[str, str]]:
    from rescompile.ir.structure import walk

    bodies = [file.network.body, *(block.body for block in file.network.blocks.values())]
    return {
        (node.block, node.children)
        for body in bodies
        for node in walk(body)
        if isinstance(node, BlockCall) and node.repeat is not None and not uses_index(node)
    }


def uses_index(node: BlockCall) -> bool:
    """Whether the arguments of a repeated call depend on the number of the repetition."""
    return any(INDEX in names(dim) for _, dim in node.args)


def arguments_of(block: Block, used: set[str]) -> tuple[Argument, ...]:
    """The parameters that a function's text uses, those with a default last."""
    given = [_argument(p) for p in block.parameters if p.name in used]
    required = [a for a in given if a.default is None]
    return (*required, *(a for a in given if a.default is not None))


def _argument(param: Param) -> Argument:
    default = None if param.default is None else text(param.default, "")
    return Argument(param.name, param.type.__name__, default)


def consumed(body: tuple[Node, ...], file: File) -> Dim:
    """How many numbers a body takes in the sequence where it stands; no conditions inside."""
    return total(_consumed(node, file) for node in body)


def _consumed(node: Node, file: File) -> Dim:
    if isinstance(node, Loop):
        return product((node.count, consumed(node.body, file)))
    if isinstance(node, BlockCall):
        block = file.network.blocks[node.block]
        if block.form is Form.INLINE:
            return substitute(consumed(block.body, file), arguments(node, block, Var(IN_CHANNELS)))
        if node.repeat is not None and node.name is None:
            return node.repeat
    return 1


def has_condition(body: tuple[Node, ...]) -> bool:
    """Whether anything directly in a sequence is there only sometimes."""
    return any(
        (isinstance(n, (Layer, Group, BlockCall)) and n.when is not True)
        or (isinstance(n, Loop) and has_condition(n.body))
        for n in body
    )


def plus(position: Dim, more: Dim) -> Dim:
    return total((position, more))
