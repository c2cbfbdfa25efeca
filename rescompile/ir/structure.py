"""A network as the reader sees it: network > stage > block call > block > op.

A block's definition is symbolic: attributes are expressions over its parameters and over
`in_channels`, the channels of its input. There are two kinds of scope. In a *module* scope (the
network itself, the body of a block) every child has a name. In a *sequence* (a group, a repeat)
children without a name are numbered 0, 1, 2, ... as PyTorch numbers an nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from enum import Enum
from fractions import Fraction
from itertools import count
from typing import Any, TypeGuard, TypeVar, cast

from ..errors import Location
from ..expr.dims import Dim, Expr, Number, Var, binary, evaluate
from ..ops import Op, Permute, Shape
from ..record import record

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


Places = Mapping[str, Location]  # where values stand, by their keys
_numbers = count()


def node_id() -> Any:
    """The field by which tables know a node; a node that is changed keeps it."""
    return field(default_factory=_numbers.__next__, compare=False, kw_only=True)


@record
class Layer:
    """One operation. `when` is the condition under which it is there at all."""

    op: Op
    name: str | None = None
    when: Dim = True
    at: Location | None = field(default=None, compare=False)
    places: Places | None = field(default=None, compare=False)
    id: int = node_id()


@record
class Group:
    """Nodes one after the other in a sequence of their own."""

    body: tuple[Node, ...]
    name: str | None = None
    when: Dim = True
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()


@record
class Call:
    """A block put to use; with `repeat`, that many times in a row.

    `children` names the repetitions: `{i}` counts from zero, `{n}` from one, `{name}` is the call's
    own name. `args` may use `index`, the number of the repetition.

    `sources` are the values that the block is given, where those are named; `outputs` names the
    values that it gives, where those are several. From turn to turn they are handed on in order.
    """

    block: str
    args: tuple[tuple[str, Dim], ...] = ()
    name: str | None = None
    repeat: Dim | None = None
    children: str = "{i}"
    when: Dim = True
    sources: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    at: Location | None = field(default=None, compare=False)
    places: Places | None = field(default=None, compare=False)
    id: int = node_id()

    @property
    def leaving(self) -> tuple[str, ...]:
        """What the values are called that it gives, where those are several."""
        return leaving(self)


@record
class Loop:
    """Nodes repeated `count` times inside the sequence where the loop stands.

    `when` is whether that is ever, which its code need not ask: no turn makes nothing.
    """

    count: Dim
    body: tuple[Node, ...]
    when: Dim = True
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()


def is_repeated(repeat: Dim | None) -> Dim:
    """Whether what is repeated so often is there at all."""
    return True if repeat is None else binary("!=", repeat, 0)


class JoinKind(Enum):
    ADD = "add"
    MULTIPLY = "multiply"
    CONCAT = "concat"


@record
class Branch:
    """One way from a join's input to the join; an empty body is the identity."""

    body: tuple[Node, ...]
    name: str | None = None


@record
class Join:
    """Parallel branches from one input, brought together by `kind`.

    With `split` the branches share the input's channels: each gets as many, in order.
    """

    kind: JoinKind
    branches: tuple[Branch, ...]
    name: str
    split: bool = False
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()


class Where(Enum):
    """When a shortcut's own steps are taken; otherwise it is the identity."""

    ALWAYS = "always"
    SHAPE_CHANGES = "where the shape changes"


@record
class Residual:
    """y = branch(pre(x)) + shortcut(x), the first-class form of add.

    An empty `shortcut` is the identity. `tap_pre` says that the shortcut's steps start from
    pre(x); the identity always starts from x. Where `when` is false nothing is added.
    """

    branch: tuple[Node, ...]
    shortcut: tuple[Node, ...]
    where: Where = Where.ALWAYS
    pre: tuple[Node, ...] = ()
    tap_pre: bool = False
    kind: str = "identity"
    when: Dim = True
    name: str = "add"
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()


@record
class From:
    """The value that left the step called `source`, or an input, instead of what comes in.

    The step stands earlier in the same module scope, in the same list of nodes or in one around it;
    a residual's parts see their own values only.
    """

    source: str
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()


@record
class Reuse:
    """The step called `of` again, with the same weights; with `repeat`, that many times in a row.

    That step is a layer, a group or a call without a condition, and stands earlier in the same
    module scope, in whatever list of nodes, but in no shortcut. `outputs` are those of a call.
    """

    of: str
    name: str | None = None
    repeat: Dim | None = None
    outputs: tuple[str, ...] = ()
    at: Location | None = field(default=None, compare=False)
    id: int = node_id()

    @property
    def once(self) -> bool:
        """Whether its code needs no loop."""
        return self.repeat is None or self.repeat == 1

    @property
    def leaving(self) -> tuple[str, ...]:
        """What the values are called that it gives, where those are several."""
        return leaving(self)


def leaving(node: Call | Reuse) -> tuple[str, ...]:
    """What the values are called that a call gives, the first time or again."""
    return tuple(f"{node.name}.{output}" for output in node.outputs)


Child = Layer | Group | Call  # what has a place, a name and a condition of its own
Node = Child | Loop | Join | Residual | From | Reuse


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


def children(node: Node) -> Iterator[tuple[Node, ...]]:
    """The node lists directly inside a node, in the order of execution."""
    if isinstance(node, (Group, Loop)):
        yield node.body
    elif isinstance(node, Join):
        yield from (branch.body for branch in node.branches)
    elif isinstance(node, Residual):
        yield from (node.pre, node.shortcut, node.branch)


Body = tuple[Node, ...]
NodeT = TypeVar("NodeT", bound=Node)


def rebuilt(node: NodeT, change: Callable[[Body], Body]) -> NodeT:
    """`node` with `change` applied to each list of nodes directly inside of it, in that order."""
    if isinstance(node, (Group, Loop)):
        return replace(node, body=change(node.body))
    if isinstance(node, Join):
        branches = tuple(replace(branch, body=change(branch.body)) for branch in node.branches)
        return replace(node, branches=branches)
    if isinstance(node, Residual):
        pre, shortcut = change(node.pre), change(node.shortcut)
        return replace(node, pre=pre, shortcut=shortcut, branch=change(node.branch))
    return node


def channels_last(body: tuple[Node, ...]) -> set[int]:
    """The ids of the nodes whose values have the channels last: those of `positions`."""
    found: set[int] = set()
    last = False
    for node in body:
        if isinstance(node, Layer) and isinstance(node.op, Permute):
            last = node.op.last
        if last:
            found.add(node.id)
        for inner in children(node):
            found |= channels_last(inner)
    return found


def is_several(node: Node | None) -> TypeGuard[Call]:
    """Whether a call takes values by their names, or gives several."""
    return isinstance(node, Call) and bool(node.sources or node.outputs)


def gives_several(node: Node | None) -> TypeGuard[Call | Reuse]:
    """Whether a call gives several values, the first time or again."""
    return isinstance(node, (Call, Reuse)) and bool(node.outputs)


def forgets(node: Node) -> bool:
    """Whether a node makes nothing of what comes in."""
    if isinstance(node, Join):
        return all(b.body and isinstance(b.body[0], From) for b in node.branches)
    return isinstance(node, From) or (is_several(node) and bool(node.sources))


def sources(body: tuple[Node, ...]) -> frozenset[str]:
    """The values of a module scope that later steps go back to, or take the sizes of."""
    return frozenset(name for node in walk(body) for name in sources_of(node))


def sources_of(node: Node) -> tuple[str, ...]:
    """The values that a node asks for by their names."""
    if isinstance(node, From):
        return (node.source,)
    if isinstance(node, Layer):
        return (node.op.like,) if node.op.like else ()
    return node.sources if isinstance(node, Call) else ()


def shared(body: tuple[Node, ...]) -> frozenset[str]:
    """The steps of a module scope whose weights later steps have as well."""
    return frozenset(node.of for node in walk(body) if isinstance(node, Reuse))


def place_of(node: Layer | Call, key: str) -> Location | None:
    """Where the value of a key stands that the spec has for a node; else the node itself."""
    return (node.places or {}).get(key, node.at)


def walk(body: tuple[Node, ...]) -> Iterator[Node]:
    """Every node of a definition, outer ones first; calls are not entered."""
    for node in body:
        yield node
        for inner in children(node):
            yield from walk(inner)
