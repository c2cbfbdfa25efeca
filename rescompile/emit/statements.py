"""Statements: an assignment each, and what can stand on its right."""

from __future__ import annotations

from ..expr.dims import Dim
from ..ir.nodes import Call, Child, Group, Join, JoinKind, Residual, Reuse
from ..record import record

LANE = "x"  # the variable that runs through a body


@record
class Apply:
    """`node` applied to the variable `source`, or one of `others`, which have its name.

    It is applied another time where it is `again`, as often as that says.
    """

    node: Child
    source: str
    others: tuple[Child, ...] = ()
    again: Reuse | None = None

    @property
    def step(self) -> Child | Reuse:
        """The node that stands there."""
        return self.again or self.node

    @property
    def nodes(self) -> tuple[Child, ...]:
        """The alternatives, mostly one."""
        return (self.node, *self.others)


@record
class Several:
    """A block of which the call takes values by their names, or gives several; all in variables.

    It is applied another time where it is `again`.
    """

    node: Call
    sources: tuple[str, ...]
    again: Reuse | None = None

    @property
    def step(self) -> Call | Reuse:
        """The node that stands there."""
        return self.again or self.node

    @property
    def source(self) -> str:
        """The first of the variables that it takes."""
        return self.sources[0]


@record
class Part:
    """The nodes `start` to `stop` of a group: its members from `first` to `last`, or to the end."""

    node: Group
    source: str
    start: int
    stop: int
    first: int
    last: int | None


@record
class Copy:
    """Another name for a variable; `of` is the id of the node whose value that is, if told."""

    source: str
    of: int | None = None


@record
class Select:
    """`source` through a shortcut's step where that is taken, else `otherwise` as it is."""

    node: Residual
    step: Child
    source: str
    otherwise: str


@record
class Split:
    """The channels of `source` in equal shares, as many as the names in the target."""

    source: str
    count: int


Operand = str | Apply


@record
class Combine:
    """Operands brought together. Where `when` is false only the first operand remains.

    That operand may be a layer under the same condition, applied to what remains without it.
    """

    node: Join | Residual
    kind: JoinKind
    operands: tuple[Operand, ...]
    when: Dim = True


Value = Apply | Several | Part | Copy | Select | Combine | Split


@record
class Assign:
    """The names in the target are separated by commas where there are several."""

    target: str
    value: Value


def reads(value: Value) -> set[str]:
    """The variables that a value is made of."""
    if isinstance(value, Several):
        return {*value.sources}
    if isinstance(value, Combine):
        return {one.source if isinstance(one, Apply) else one for one in value.operands}
    more = {value.otherwise} if isinstance(value, Select) else set[str]()
    return {value.source} | more
