"""The definitions of one emitted file: each is rendered once, under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

from ..expr.dims import Dim, Var, binary, text
from ..ir.analysis import Analysis
from ..ir.counting import counted
from ..ir.nodes import Call
from ..ir.structure import IN_CHANNELS, INDEX, Block, channel_names
from ..ir.taps import tapped, taps
from ..ops import Shape, show_shape
from ..record import record
from .naming import Names, shown_names
from .repetition import StageKey, stage_key, staged
from .scope import COUNTERS, Argument, Scope, ordered
from .summary import arranged

COUNT = "#"  # the number of repetitions among the arguments of a stage
ENTERING = Var(IN_CHANNELS)
NAME = "{name}"  # the stage's own name there
COUNTS = ("blocks", "repeat", "repetitions", "count")  # what the number is called


@record
class Definition:
    """A class or function of the emitted file."""

    name: str
    arguments: tuple[Argument, ...]
    lines: tuple[str, ...]
    about: tuple[str, ...] = ()

    def takes(self, key: str) -> bool:
        """Whether it has a parameter of that name in the spec."""
        return any(argument.key == key for argument in self.arguments)


class Target:
    """What a target says of names and shapes: the syntax of each backend is one."""

    # What definitions rely on, of Python and of the file: nothing in them is called so.
    meanings = frozenset(("bool", "float", "int", "max", "min", "range", "round", "tuple"))
    # What they call values of their own: no definition is called so.
    own = frozenset((*COUNTERS, *COUNTS, IN_CHANNELS))
    stage_name = "name"  # what a stage calls the name that it is given
    named = True  # whether members of a sequence can have names, not only numbers
    layout = "channels_first"  # how the target arranges maps; or channels_last

    def block_name(self, block: Block) -> tuple[str, str]:
        """What a block is called, and what is appended where that is taken."""
        return block.name, "_block"


S = TypeVar("S", bound=Target)
D = TypeVar("D", bound=Definition)


class Program(Generic[S, D]):
    """A file in the making: definitions in order, callees first, and the names given out."""

    def __init__(
        self,
        analysis: Analysis,
        syntax: S,
        define_block: Callable[[Program[S, D], Block, str], D],
        define_stage: Callable[[Program[S, D], Stage[D]], D],
        *names: str,
    ) -> None:
        self.analysis, self.network, self.syntax = analysis, analysis.network, syntax
        self.define_block, self.define_stage = define_block, define_stage
        self.order: list[D] = []
        self.blocks: dict[str, D] = {}
        self.stages: dict[StageKey, Stage[D]] = {}
        self.taps = taps(analysis.elaborated)
        # The nodes of groups whose values are kept: what comes after may not overwrite them.
        self.tapped = {node for node, _ in tapped(self.network, self.taps)}
        blocks = self.network.blocks
        self.names = Names({*syntax.meanings, *syntax.own, self.network.name, *names})
        take = self.names.take
        self.block_names = {key: take(*syntax.block_name(b)) for key, b in blocks.items()}
        calls = (call for call, _ in staged(self.network.body, blocks))
        keys = dict.fromkeys(stage_key(call, syntax.named) for call in calls)
        one = len({block for block, *_ in keys}) == 1
        self.stage_names = {
            key: take("make_stage" if one else f"make_{key[0]}_stage") for key in keys
        }
        given = {*self.block_names.values(), *self.stage_names.values()}
        self.meanings = syntax.meanings | given  # what a name inside a definition would hide

    def block(self, name: str) -> D:
        """The definition of a block; rendered at its first use."""
        if name not in self.blocks:
            block = self.network.blocks[name]
            made = self.define_block(self, block, self.block_names[name])
            self.blocks[name] = made
            self.order.append(made)
        return self.blocks[name]

    def stage(self, node: Call) -> Stage[D]:
        """The function that repeats a block."""
        key = stage_key(node, self.syntax.named)
        if key not in self.stages:
            self.stages[key] = stage = Stage(self, node, self.stage_names[key])
            stage.definition = self.define_stage(self, stage)
            self.order.append(stage.definition)
        return self.stages[key]

    def scope(self, block: Block) -> Scope:
        """The scope of a block's definition, or of a function that repeats it."""
        shown = shown_names(block, self.meanings)
        own = (*(param.name for param in block.parameters), *(name for name, _ in block.lets))
        written = (text(shown.get(name, Var(name)), "") for name in own)
        taken = {*self.meanings, *written, *channel_names(block.entering).values()}
        return Scope(self.analysis.flows[block.name][0], shown, taken)

    def root_scope(self, shown: dict[str, Dim], *own: str) -> Scope:
        """The scope of the network itself.

        Its values are called as `own` has it, and the names of the spec as `shown` does.
        """
        taken = {*self.meanings, *own}
        hidden = {**shown_names(self.network.root, taken), **shown}
        written = (text(hidden.get(name, Var(name)), "") for name in self.network.own)
        return Scope(self.analysis.root_flow, hidden, {*taken, *written})

    def note(self, shape: Shape | None, last: bool = False) -> str:
        """A comment for the shape of a value, whose channels may be last anyway."""
        layout = "channels_last" if last else self.syntax.layout
        return show_shape(arranged(shape, layout)) if shape else ""

    def arguments(self, scope: Scope, *without: str) -> tuple[Argument, ...]:
        """What the network's function takes: the names that it leaves open, with their values."""
        kinds, env = {param.name: param.type for param in self.network.parameters}, self.network.env
        return tuple(
            Argument(scope.dim(Var(name)), kinds.get(name, int).__name__, str(env[name]), name)
            for name in self.network.own
            if name not in without
        )

    def called(self, scope: Scope, node: Call) -> tuple[D, dict[str, str]]:
        """What is called for a block, or for its repetitions that are alike; the arguments."""
        if node.repeat is None:
            return self.block(node.block), self.given(scope, node)
        stage = self.stage(node)
        return stage.definition, stage.given(scope, node)

    def given(self, scope: Scope, node: Call, entering: str = "") -> dict[str, str]:
        """The arguments of a block call as source text; `entering` are its channels."""
        inner = self.block(node.block)
        given = {name: scope.dim(dim) for name, dim in node.args if inner.takes(name)}
        called = channel_names(self.network.blocks[node.block].entering).values()
        if any(map(inner.takes, called)):
            flow = scope.flow
            dims = flow.given.get(node.id) or (flow.entering[node.id],)
            for name, dim in zip(called, dims, strict=True):
                given |= {name: entering or scope.dim(dim)} if inner.takes(name) else {}
        return given


class Stage(Generic[D]):
    """The function that repeats one block, for all calls that are alike by `stage_key`.

    What the first repetition gets is told by the function's arguments; of the others those that are
    given once have their default, and those that count have more by one each time.
    """

    definition: D

    def __init__(self, program: Program[Any, D], node: Call, name: str) -> None:
        self.program, self.node, self.name = program, node, name
        self.block = program.network.blocks[node.block]
        self.inner = program.block(node.block)
        self.counted = {name for name in counted(node) if self.inner.takes(name)}
        self.scope = program.scope(self.block)
        self.count = Argument(self.scope.fresh(*COUNTS), "int", of=COUNT)
        self.label = Argument(self.scope.fresh(program.syntax.stage_name), "str", of=NAME)
        named = [self.label] if program.syntax.named and NAME in node.children else []
        self.arguments = ordered(self.inner.arguments, self.count, *named)
        self.once = {
            param.name: param.default
            for param in self.block.parameters
            if param.once and param.default is not None and self.inner.takes(param.name)
        }

    @property
    def alike(self) -> bool:
        """Whether all repetitions get the same, but for the channels that enter them."""
        return not (self.once or self.counted)

    def given(self, scope: Scope, node: Call) -> dict[str, str]:
        """The arguments of a call of the function."""
        starts = counted(node)
        args = tuple((name, starts.get(name, dim)) for name, dim in node.args)
        given = self.program.given(scope, replace(node, args=args))
        return given | {COUNT: scope.dim(cast(Dim, node.repeat)), NAME: f'"{node.name}"'}

    def turn(self, first: bool, channels: Dim = ENTERING) -> dict[str, str]:
        """The arguments of one repetition, which `channels` enter."""
        given = {argument.key: argument.name for argument in self.inner.arguments}
        if IN_CHANNELS in given:
            given[IN_CHANNELS] = self.scope.dim(channels)
        if not first:
            given |= {name: self.scope.dim(default) for name, default in self.once.items()}
            for name in self.counted:
                given[name] = self.scope.dim(binary("+", Var(name), Var(INDEX)))
        return given
