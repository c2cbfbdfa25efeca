"""The nodes of a body: operations, groups, calls of blocks, loops, joins, residuals.

There are two kinds of scope. In a *module* scope (the network itself, the body of a block) every
child has a name. In a *sequence* (a group, a repeat) children without a name are numbered
0, 1, 2, ... as PyTorch numbers an nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from itertools import count
from typing import Any, TypeGuard

from ..errors import Location
from ..expr.dims import Dim, binary
from ..ops import Op
from ..record import record

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


def sources_of(node: Node) -> tuple[str, ...]:
    """The values that a node asks for by their names."""
    if isinstance(node, From):
        return (node.source,)
    if isinstance(node, Layer):
        return (node.op.like,) if node.op.like else ()
    return node.sources if isinstance(node, Call) else ()


def place_of(node: Layer | Call, key: str) -> Location | None:
    """Where the value of a key stands that the spec has for a node; else the node itself."""
    return (node.places or {}).get(key, node.at)
