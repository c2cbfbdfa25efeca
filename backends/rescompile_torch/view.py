"""From the IR to plain values for the template: the file, its helper functions and its classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rescompile.emit.contract import Request
from rescompile.emit.layout import Arg, Keyword, signature
from rescompile.emit.naming import Names, class_name, pascal_case, shown_names
from rescompile.emit.repetition import StageKey, stage_key, staged
from rescompile.expr.dims import Dim, Var, names, substitute, text
from rescompile.ir.analysis import Analysis
from rescompile.ir.flow import Flow
from rescompile.ir.structure import CLASSES, IN_CHANNELS, Block, Form, Layer, Node, Param
from rescompile.ir.structure import Call as BlockCall
from rescompile.ops import Conv, Op, Same
from rescompile.record import record

from .reserved import BUILTINS, FILE_NAMES, LOCALS, NUM_CLASSES

if TYPE_CHECKING:
    from .stage import StageFunction


@dataclass
class Scope:
    """A definition being rendered: what enters its nodes, and which names its text has used.

    `shown` tells how names are written that Python has a meaning for. `taken` are the names that
    have one here; a variable of the emitter's own is called otherwise.
    """

    flow: Flow
    shown: dict[str, Dim]
    taken: set[str]
    used: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)

    def dim(self, dim: Dim) -> str:
        """An expression as Python source."""
        self.used |= names(dim)
        shown = text(substitute(dim, self.shown), sigil="")
        if "make_divisible(" in shown:
            self.functions.add("make_divisible")
        return shown

    def entering(self, node: Node) -> str:
        return self.dim(self.flow.entering[node.id])

    def fresh(self, *wanted: str) -> str:
        """A name for a variable: the first one that is free, or that with a number."""
        numbered = (f"{wanted[0]}{number}" for number in range(2, 10_000))
        name = next(name for name in (*wanted, *numbered) if name not in self.taken)
        self.taken.add(name)
        return name

    @contextmanager
    def variable(self, name: str, *wanted: str) -> Iterator[str]:
        """A fresh variable, inside, for what expressions there call `name`."""
        outer, asked = self.shown.get(name), name in self.used
        self.used.discard(name)
        made = self.fresh(*wanted)
        self.shown[name] = Var(made)
        yield made
        self.taken.remove(made)
        self.used = self.used | {name} if asked else self.used - {name}
        if outer is None:
            del self.shown[name]
        else:
            self.shown[name] = outer


@record
class Argument:
    """A constructor argument of an emitted class or function; `of` is its name in the spec."""

    name: str
    type: str
    default: str | None = None
    of: str = ""

    @property
    def key(self) -> str:
        """What calls know it by."""
        return self.of or self.name

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
        self.analysis: Analysis = request.analysis
        self.network = request.analysis.network
        self.summary = request.summary
        self.names = Names({*FILE_NAMES, *LOCALS, self.network.name})
        called = class_name(self.network.name, self.network.title)
        self.class_name = self.network.class_name or self.names.take(called, "Net")
        self.names.taken.add(self.class_name)
        self.definitions: dict[str, Definition] = {}
        self.order: list[Definition] = []
        self.stages: dict[StageKey, StageFunction] = {}
        self.helpers: set[str] = set()
        self.functions: set[str] = set()
        blocks = self.network.blocks
        self.block_names = {name: self._block_name(block) for name, block in blocks.items()}
        self.stage_names = self._stage_names()
        # What a name inside a definition would hide.
        self.globals = {
            *FILE_NAMES,
            *BUILTINS,
            *self.block_names.values(),
            *self.stage_names.values(),
        }

    def block(self, name: str) -> Definition:
        """The definition of a block; rendered at its first use."""
        if name not in self.definitions:
            from .define import define_block

            block = self.network.blocks[name]
            self.definitions[name] = made = define_block(self, block, self.block_names[name])
            self.order.append(made)
        return self.definitions[name]

    def stage(self, node: BlockCall) -> StageFunction:
        """The function that makes the repetitions of a block."""
        from .stage import StageFunction

        key = stage_key(node)
        if key not in self.stages:
            self.stages[key] = made = StageFunction(self, node, self.stage_names[key])
            self.order.append(made.definition)
        return self.stages[key]

    def _block_name(self, block: Block) -> str:
        if block.form is Form.INLINE:
            return self.names.take(block.name, "_steps")
        return self.names.take(pascal_case(block.name), "Block")

    def _stage_names(self) -> dict[StageKey, str]:
        calls = [call for call, _ in staged(self.network.body, self.network.blocks)]
        alone = len({call.block for call in calls}) == 1
        found: dict[StageKey, str] = {}
        for call in calls:
            if (key := stage_key(call)) not in found:
                found[key] = self.names.take("make_stage" if alone else f"make_{call.block}_stage")
        return found

    def scope(self, block: Block) -> Scope:
        """The scope of a block's definition, or of a function that repeats it."""
        shown = shown_names(block, {*self.globals, "self"})
        own = {*(param.name for param in block.parameters), *(name for name, _ in block.lets)}
        written = {text(shown.get(name, Var(name)), "") for name in own}
        taken = {*self.globals, *written, "self", IN_CHANNELS}
        return Scope(self.analysis.flows[block.name][0], shown, taken)

    def root_scope(self) -> Scope:
        """The scope of the network's own class."""
        shown: dict[str, Dim] = {CLASSES: Var(NUM_CLASSES)}
        return Scope(self.analysis.root_flow, shown, {*self.globals, "self", NUM_CLASSES})

    def resolved(self, node: Layer) -> Op:
        """The op of a node, with `same` padding as the pixels that it means here."""
        op = node.op
        if isinstance(op, Conv) and isinstance(op.padding, Same):
            trace = self.analysis.traces[node.id][0]
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
        value = given[argument.key]
        positional = positional and argument.key in (IN_CHANNELS, first)
        if positional:
            made.append(value)
        elif value != argument.default:
            made.append(Keyword(argument.name, value))
    return tuple(made)


def arguments_of(block: Block, scope: Scope) -> tuple[Argument, ...]:
    """What a block's class takes: `in_channels` if its text needs it, then its parameters."""
    entering = [Argument(IN_CHANNELS, "int")] if IN_CHANNELS in scope.used else []
    given = [_argument(p, scope) for p in block.parameters if p.name in scope.used]
    required = [a for a in given if a.default is None]
    return (*entering, *required, *(a for a in given if a.default is not None))


def _argument(param: Param, scope: Scope) -> Argument:
    default = None if param.default is None else text(param.default, "")
    return Argument(scope.dim(Var(param.name)), param.type.__name__, default, of=param.name)


def given_arguments(
    file: File, scope: Scope, node: BlockCall, entering: str = ""
) -> dict[str, str]:
    """The arguments of a block call as source text, by name; `entering` are its channels."""
    inner = file.block(node.block)
    given = {name: scope.dim(dim) for name, dim in node.args if takes(inner, name)}
    if takes(inner, IN_CHANNELS):
        given[IN_CHANNELS] = entering or scope.entering(node)
    return given


def takes(definition: Definition, name: str) -> bool:
    """Whether a definition has a parameter of that name in the spec."""
    return any(argument.key == name for argument in definition.arguments)
