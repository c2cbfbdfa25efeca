"""A network as the reader sees it: network > stage > block call > block > op.

A block's definition is symbolic: attributes are expressions over its parameters and over
`in_channels`, the channels of its input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import Enum
from fractions import Fraction
from typing import cast

from ..errors import Location
from ..expr.dims import Dim, Expr, Number, Var, evaluate
from ..ops import Shape
from ..record import record
from .nodes import Node

Path = tuple[str, ...]
INPUT = "input"  # what comes in, where a spec has no name of its own for it
IN_CHANNELS = "in_channels"
INDEX = "index"
CLASSES = "classes"
BLOCK_INDEX = "block_index"  # the number of a repetition, counted through the whole network
BLOCK_COUNT = "block_count"  # how many there are


def path_of(name: str) -> Path:
    """The path that a name with dots spells, as state dicts have them."""
    return tuple(name.split("."))


def child_path(path: Path, name: str) -> Path:
    """The path of a child; a member of a list, `convs.0`, has that of the list and its number."""
    return (*path, *path_of(name))


class Form(Enum):
    """What a block is: a module of named children, a sequence, or steps for the caller's own."""

    MODULE = "body"
    SEQUENCE = "sequence"
    INLINE = "inline"


@record
class Param:
    """A block parameter. `once`: the first repetition gets the argument, others the default."""

    name: str
    type: type[int] | type[float] | type[bool] = int
    default: Dim | None = None
    once: bool = False


@record
class Block:
    """A definition: `body` over `parameters` and `in_channels`; `lets` name expressions.

    `entering` has the inputs by name, each with what its channels are worth: a name, or a number
    where all calls agree. `outputs` has the inputs and children whose values are given, by the
    names that callers know them by; empty means the last.
    """

    name: str
    form: Form
    body: tuple[Node, ...]
    parameters: tuple[Param, ...] = ()
    lets: tuple[tuple[str, Dim], ...] = ()
    about: str = ""
    entering: Mapping[str, Dim] = field(default_factory=lambda: symbols((INPUT,)))
    outputs: Mapping[str, str] = field(default_factory=dict)
    at: Location | None = field(default=None, compare=False)

    @property
    def called(self) -> dict[str, str]:
        """The names of the values that it gives."""
        return {value: name for name, value in self.outputs.items()}


def channel_names(inputs: Iterable[str]) -> dict[str, str]:
    """What expressions call the channels of each input: `in_channels` where there is but one."""
    names = [*inputs]
    return {name: IN_CHANNELS if len(names) == 1 else f"{name}_channels" for name in names}


def symbols(inputs: Iterable[str]) -> dict[str, Dim]:
    """The channels of each input as the names that stand for them."""
    return {name: Var(called) for name, called in channel_names(inputs).items()}


@record
class Stage:
    """One row of the paper's table: a label and nodes of the network's own scope."""

    label: str
    body: tuple[Node, ...]


@record
class Initializer:
    """How weights are drawn: normal or uniform, with a variance of `scale` over the fan of `mode`.

    Without a mode they are normal with the standard deviation `std`.
    """

    uniform: bool = False
    scale: Fraction = Fraction(2)
    mode: str = ""
    std: float = 0.0

    def text(self) -> str:
        """In words: "kaiming_normal fan_out", "normal 0.01"."""
        if not self.mode:
            return f"normal {self.std}"
        rule = {2: "kaiming_", 1: "lecun_"}.get(int(self.scale), "")
        return f"{rule}{'uniform' if self.uniform else 'normal'} {self.mode}"


@record
class Network:
    """A whole network: the shapes of its inputs, stages in order, and the blocks that they call.

    Its own scope is that of a block: `parameters` with their values for defaults, `classes` among
    them, `lets`, and `entering` for the channels of each input. Its first step starts from the
    only input; of several, steps go back to each by its name. `outputs` names children of that
    scope whose values are returned; empty means the last. `class_name` is what the spec calls its
    class, if it does.
    """

    name: str
    inputs: Mapping[str, Shape]
    stages: tuple[Stage, ...]
    blocks: Mapping[str, Block]
    parameters: tuple[Param, ...] = ()
    lets: tuple[tuple[str, Dim], ...] = ()
    entering: Mapping[str, Dim] = field(default_factory=lambda: symbols((INPUT,)))
    classes: int | None = None  # what the spec declares
    title: str = ""
    class_name: str = ""
    source: str = ""
    spec: str = ""
    outputs: tuple[str, ...] = ()
    conv_init: Initializer = Initializer(mode="fan_out")
    linear_init: Initializer = Initializer(True, Fraction(1, 3), "fan_in")

    @property
    def input(self) -> Shape:
        """The shape of the input that the first step starts from: the first one of several."""
        return next(iter(self.inputs.values()))

    @property
    def body(self) -> tuple[Node, ...]:
        """All nodes of the network's own scope, in order."""
        return tuple(node for stage in self.stages for node in stage.body)

    @property
    def root(self) -> Block:
        """The network's own scope as a block."""
        form, body = Form.MODULE, self.body
        outputs = dict(zip(self.outputs, self.outputs, strict=True))
        how = (self.parameters, self.lets, "", self.entering, outputs)
        return Block(self.name, form, body, *how)

    @property
    def env(self) -> dict[str, Number]:
        """What the names of its own scope are worth."""
        own = {param.name: cast(Number, param.default) for param in self.parameters}
        env = {**self._channels, **own}
        for name, dim in self.lets:
            env[name] = evaluate(dim, env)
        return env

    @property
    def own(self) -> tuple[str, ...]:
        """The names of its own scope that stand for something: `classes`, channels, the rest."""
        called = channel_names(self.entering)
        entering = [called[name] for name, dim in self.entering.items() if isinstance(dim, Expr)]
        names = [param.name for param in self.parameters]
        at = int(CLASSES in names)
        return (*names[:at], *entering, *names[at:])

    def at(self, env: Mapping[str, Number]) -> Network:
        """The same network with other values of its own names."""
        own = tuple(replace(p, default=env.get(p.name, p.default)) for p in self.parameters)
        inputs = {
            name: (cast(int, env.get(channels, shape[0])), *shape[1:])
            for (name, shape), channels in zip(self.inputs.items(), self._channels, strict=True)
        }
        return replace(self, parameters=own, inputs=inputs)

    @property
    def _channels(self) -> dict[str, Number]:
        """What the names are worth that stand for the channels of inputs."""
        called = channel_names(self.inputs)
        return {called[name]: shape[0] for name, shape in self.inputs.items()}
