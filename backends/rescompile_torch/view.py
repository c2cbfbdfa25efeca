"""From the IR to plain values for the template: the file, its helper functions and its classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from rescompile.backend.contract import Request
from rescompile.backend.layout import LINE_LENGTH, Arg, Call, Code, Keyword, signature, statement
from rescompile.backend.naming import Names, class_name, pascal_case
from rescompile.backend.repetition import StageKey, counted, stage_key, staged
from rescompile.ir.expr import Dim, Expr, Var, binary, names, substitute, text
from rescompile.ir.facts import Facts
from rescompile.ir.ops import Conv, Op, Same
from rescompile.ir.record import record
from rescompile.ir.structure import (
    CLASSES,
    IN_CHANNELS,
    INDEX,
    Block,
    Form,
    Layer,
    Node,
    Param,
)
from rescompile.ir.structure import Call as BlockCall
from rescompile.ir.symbolic import RUNNING, Flow, expand

from .modules import HELPERS

SHOWN = {CLASSES: Var("num_classes"), INDEX: Var("i"), RUNNING: Var("width")}
FILE_NAMES = {
    *("torch", "Tensor", "nn", "F", "x", "self", "math", "Any", "Callable", "make_divisible"),
    *HELPERS,
}


@dataclass
class Scope:
    """A definition being rendered: what enters its nodes, and which names its text has used."""

    flow: Flow
    used: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)

    def dim(self, dim: Dim) -> str:
        """An expression as Python source."""
        self.used |= names(dim)
        shown = text(substitute(dim, SHOWN), sigil="")
        if "make_divisible(" in shown:
            self.functions.add("make_divisible")
        return shown

    def entering(self, node: Node) -> str:
        return self.dim(self.flow.entering[id(node)])


@record
class Argument:
    """A constructor argument of an emitted class or function."""

    name: str
    type: str
    default: str | None = None

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@record
class Definition:
    """One class or function of the emitted file, as its lines."""

    name: str
    arguments: tuple[Argument, ...]
    lines: tuple[str, ...]
    forward: tuple[str, ...] = ()
    kind: str = "module"
    about: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """The head: of `__init__` for classes, of the function for functions."""
        given = [argument.declared for argument in self.arguments]
        if self.kind in ("function", "stage"):
            returns = "list[nn.Module]" if self.kind == "function" else "nn.Sequential"
            return signature(self.name, given, returns)
        return signature("__init__", ["self", *given], "None", 4)


class File:
    """Everything in one emitted file; definitions are rendered once, callees first."""

    def __init__(self, request: Request) -> None:
        self.facts: Facts = request.facts
        self.network = request.facts.network
        self.summary = request.summary
        self.names = Names(FILE_NAMES | {self.network.name})
        self.class_name = self.names.take(class_name(self.network.name, self.network.title), "Net")
        self.definitions: dict[str, Definition] = {}
        self.order: list[Definition] = []
        self.stages: dict[StageKey, StageFunction] = {}
        self.helpers: set[str] = set()
        self.functions: set[str] = set()
        self.staged = {call.block for call, _ in staged(self.network.body, self.network.blocks)}

    def block(self, name: str) -> Definition:
        """The definition of a block; rendered at its first use."""
        if name not in self.definitions:
            from .define import define_block

            block = self.network.blocks[name]
            self.definitions[name] = made = define_block(self, block, self.block_name(block))
            self.order.append(made)
        return self.definitions[name]

    def block_name(self, block: Block) -> str:
        if block.form is Form.INLINE:
            return self.names.take(block.name, "_steps")
        return self.names.take(pascal_case(block.name), "Block")

    def stage(self, node: BlockCall) -> StageFunction:
        """The function that makes the repetitions of a block."""
        key = stage_key(node)
        if key not in self.stages:
            wanted = "make_stage" if len(self.staged) == 1 else f"make_{node.block}_stage"
            name = self.names.take(wanted)
            self.stages[key] = made = StageFunction(self, node, name)
            self.order.append(made.definition)
        return self.stages[key]

    def scope(self, flow: Flow) -> Scope:
        return Scope(flow)

    def resolved(self, node: Layer) -> Op:
        """The op of a node, with `same` padding as the pixels that it means here."""
        op = node.op
        if isinstance(op, Conv) and isinstance(op.padding, Same):
            trace = self.facts.traces[id(node)][0]
            assert isinstance(trace.op, Conv)
            return replace(op, padding=trace.op.pads(trace.x))
        return op


def call_args(
    definition: Definition, given: dict[str, str], first: str = "channels"
) -> tuple[Arg, ...]:
    """Arguments for a call: channels by position, the rest by keyword, defaults left out."""
    made: list[Arg] = []
    positional = True
    for argument in definition.arguments:
        value = given[argument.name]
        positional = positional and argument.name in (IN_CHANNELS, first)
        if positional:
            made.append(value)
        elif value != argument.default:
            made.append(Keyword(argument.name, value))
    return tuple(made)


def arguments_of(block: Block, used: set[str]) -> tuple[Argument, ...]:
    """What a block's class takes: `in_channels` if its text needs it, then its parameters."""
    entering = [Argument(IN_CHANNELS, "int")] if IN_CHANNELS in used else []
    given = [_argument(p) for p in block.parameters if p.name in used]
    required = [a for a in given if a.default is None]
    return (*entering, *required, *(a for a in given if a.default is not None))


def _argument(param: Param) -> Argument:
    default = None if param.default is None else text(param.default, "")
    return Argument(param.name, param.type.__name__, default)


class StageFunction:
    """`make_stage`: the repetitions of one block as an nn.Sequential."""

    def __init__(self, file: File, node: BlockCall, name: str) -> None:
        self.file = file
        self.block = file.network.blocks[node.block]
        self.inner = file.block(node.block)
        self.children = node.children
        self.counted = set(counted(node))
        self.name = name
        count = "blocks" if all(a.name != "blocks" for a in self.inner.arguments) else "repeat"
        self.count = Argument(count, "int")
        required = [a for a in self.inner.arguments if a.default is None]
        optional = [a for a in self.inner.arguments if a.default is not None]
        named = [Argument("name", "str")] if "{name}" in self.children else []
        self.arguments = (*required, self.count, *named, *optional)
        taken = {a.name for a in self.arguments}
        self.once = [
            p for p in self.block.parameters if p.once and p.name in taken and p.default is not None
        ]
        self.definition = Definition(name, self.arguments, tuple(self.lines()), kind="stage")

    def call(self, scope: Scope, node: BlockCall) -> Code:
        starts = counted(node)
        args = tuple((name, starts.get(name, dim)) for name, dim in node.args)
        given = given_arguments(self.file, scope, replace(node, args=args), scope.entering(node))
        assert node.repeat is not None
        given[self.count.name] = scope.dim(node.repeat)
        if "{name}" in self.children:
            given["name"] = f'"{node.name}"'
        return Call(self.name, call_args(self.definition, given))

    def lines(self) -> Iterator[str]:
        """The body of the function."""
        output = expand(self.block.lets, self.file.facts.flows[self.block.name][1])
        needs = any(a.name == IN_CHANNELS for a in self.inner.arguments)
        channels = Var(IN_CHANNELS)
        varies = {IN_CHANNELS, *(p.name for p in self.once)} & names(output)
        if needs and varies and output != channels:
            yield from self.growing(output)
            return
        first = self.one(text(channels, ""), first=True)
        leaving = substitute(output, {name: _previous(name) for name in self.counted})
        rest = self.one(text(leaving if needs else channels, ""), first=False)
        count = self.count.name
        if self.children != "{i}":
            yield from self.named(first, rest)
        elif first == rest:
            yield from _generator("stage", first, f"_ in range({count})")
            yield statement(Call("nn.Sequential", ("*stage",)), before="return ", indent=4)
        else:
            yield statement(first, before="first = ", indent=4)
            turns = f"i in range(1, {count})" if self.counted else f"_ in range({count} - 1)"
            yield from _generator("rest", rest, turns)
            yield statement(Call("nn.Sequential", ("first", "*rest")), before="return ", indent=4)

    def one(self, channels: str, first: bool) -> Call:
        given = {a.name: a.name for a in self.inner.arguments}
        given[IN_CHANNELS] = channels
        for param in () if first else self.once:
            given[param.name] = text(cast(Dim, param.default), "")
        for name in () if first else self.counted & given.keys():
            given[name] = f"{name} + i"
        return Call(self.inner.name, call_args(self.inner, given))

    def growing(self, output: Dim) -> Iterator[str]:
        """Not all blocks see the same channels: each sees more than the last, as in a DenseNet."""
        assert isinstance(output, Expr)
        yield "    stage = nn.Sequential()"
        counter = "_" if self.children == "{i}" else "i"  # only names of children use it
        yield f"    for {counter} in range({self.count.name}):"
        yield self.append(self.one(IN_CHANNELS, first=True), 8)
        yield f"        {IN_CHANNELS} = {text(output, '')}"
        for param in self.once:
            yield f"        {param.name} = {text(cast(Dim, param.default), '')}"
        yield from (f"        {name} += 1" for name in sorted(self.counted))
        yield "    return stage"

    def named(self, first: Call, rest: Call) -> Iterator[str]:
        yield "    stage = nn.Sequential()"
        if first != rest:
            yield self.append(first, 4, number="0")
            yield f"    for i in range(1, {self.count.name}):"
        else:
            yield f"    for i in range({self.count.name}):"
        yield self.append(rest, 8)
        yield "    return stage"

    def append(self, module: Code, indent: int, number: str = "") -> str:
        if self.children == "{i}":
            return statement(Call("stage.append", (module,)), indent=indent)
        name = child_name(self.children, number)
        return statement(Call("stage.add_module", (name, module)), indent=indent)


def _previous(name: str) -> Dim:
    """What repetition `i` - 1 got of a parameter that counts up."""
    return binary("-", binary("+", Var(name), Var("i")), 1)


def child_name(pattern: str, number: str = "") -> str:
    """The name of repetition `i`, or of the one with a number, as a string of Python."""
    if number:
        pattern = pattern.replace("{i}", number).replace("{n}", str(int(number) + 1))
    prefix = "f" if "{" in pattern else ""
    return prefix + '"' + pattern.replace("{n}", "{i + 1}") + '"'


def _generator(target: str, each: Call, turns: str) -> Iterator[str]:
    """`target` = a generator of modules, on one line where it fits."""
    whole = f"{statement(each)} for {turns}"
    if len(line := f"    {target} = ({whole})") <= LINE_LENGTH:
        yield line
        return
    yield f"    {target} = ("
    if len(line := f"        {whole}") <= LINE_LENGTH:
        yield line
    else:
        yield statement(each, indent=8)
        yield f"        for {turns}"
    yield "    )"


def given_arguments(
    file: File, scope: Scope, node: BlockCall, entering: str | None = None
) -> dict[str, str]:
    """The arguments of a block call as source text, by name."""
    inner = file.block(node.block)
    given = {name: scope.dim(dim) for name, dim in node.args if _takes(inner, name)}
    if _takes(inner, IN_CHANNELS):
        given[IN_CHANNELS] = scope.entering(node) if entering is None else entering
    return given


def _takes(definition: Definition, name: str) -> bool:
    return any(argument.name == name for argument in definition.arguments)
