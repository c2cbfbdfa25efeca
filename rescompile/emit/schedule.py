"""From a definition's structure to statements in order, with a variable for each live value.

Both kinds of emitter need it: one that calls modules in a `forward`, and one that applies layers to
tensors. `x` runs through; a shortcut or a branch gets a variable of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeGuard

from ..expr.dims import Dim
from ..ir.structure import (
    Call,
    Child,
    From,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Node,
    Residual,
    Where,
)
from ..ops import StochasticDepth
from ..record import record
from .naming import free


@record
class Apply:
    """`node` applied to the variable `source`."""

    node: Child
    source: str


@record
class Copy:
    """Another name for a variable."""

    source: str


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


@record
class Assign:
    """The names in the target are separated by commas where the value is split."""

    target: str
    value: Apply | Copy | Select | Combine | Split


@dataclass
class Scheduler:
    """Makes the statements of one body. `inline` lets a branch of one step stand in its join.

    `kept` names the children whose values are returned, or used again by later ones: each has a
    variable of its own.
    """

    inline: bool = False
    kept: frozenset[str] = frozenset()
    reserved: Iterable[str] = ()
    statements: list[Assign] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = {"x", *self.reserved}
        self.held: dict[str, str] = {}  # child -> the variable that keeps its value
        self.lane = "x"  # the variable of the branch that is being scheduled

    def body(self, nodes: tuple[Node, ...], var: str) -> str:
        """Schedule nodes from the variable `var` on; returns the variable with the result."""
        for node in nodes:
            var = self.node(node, var)
        return var

    def node(self, node: Node, var: str) -> str:
        if isinstance(node, Residual):
            return self.residual(node, var)
        if isinstance(node, Join):
            return self.join(node, var)
        if isinstance(node, From):
            return self.held[node.source]
        assert not isinstance(node, Loop), "loops stand in sequences only"
        target = self.target(node.name, self.free(var))
        self.statements.append(Assign(target, Apply(node, var)))
        return target

    def target(self, name: str | None, otherwise: str) -> str:
        """A variable for the value of a child: its own where it is kept."""
        if name is None or name not in self.kept:
            return otherwise
        self.held[name] = self.fresh(name)
        return self.held[name]

    def free(self, var: str) -> str:
        """`var`, or the variable of this branch where `var` keeps a value."""
        return self.lane if var in self.held.values() else var

    def fresh(self, wanted: str) -> str:
        name = free(self.used, wanted)
        self.used.add(name)
        return name

    def residual(self, node: Residual, var: str) -> str:
        branch = node.branch
        if (
            self.inline
            and len(branch) == 1
            and _plain(branch[0])
            and branch[0].name not in self.kept
            and not (node.pre or node.shortcut)
        ):
            operands = (Apply(branch[0], var), var)
            return self.combine(node, JoinKind.ADD, operands, var, node.when)
        shortcut = self.fresh("shortcut")
        both = bool(node.pre) and node.tap_pre and node.where is Where.SHAPE_CHANGES
        if both:
            tapped = self.branch(node.pre, var, self.fresh("preactivation"))
            self.shortcut(node, tapped, var, shortcut)
            end = self.branch(_body_of(node), tapped, self.free(var))
        elif node.tap_pre:
            tapped = self.body(node.pre, var)
            self.shortcut(node, tapped, var, shortcut)
            end = self.body(_body_of(node), tapped)
        else:
            self.shortcut(node, var, var, shortcut)
            end = self.body((*node.pre, *_body_of(node)), var)
        last = riding(node)
        whole: Operand = end if last is None else Apply(last, end)
        return self.combine(node, JoinKind.ADD, (whole, shortcut), var, node.when)

    def shortcut(self, node: Residual, source: str, raw: str, target: str) -> None:
        """The shortcut into `target`: its one step from `source`, or the identity from `raw`."""
        if not node.shortcut:
            self.statements.append(Assign(target, Copy(raw)))
            return
        (step,) = node.shortcut
        assert isinstance(step, (Layer, Group, Call)), "a shortcut is one step"
        if node.where is Where.ALWAYS and node.when is True:
            self.statements.append(Assign(target, Apply(step, source)))
        else:
            self.statements.append(Assign(target, Select(node, step, source, raw)))

    def join(self, node: Join, var: str) -> str:
        operands: list[Operand] = []
        several = node.split or sum(1 for branch in node.branches if branch.body) > 1
        shares = self.split(node, var) if node.split else ()
        for i, branch in enumerate(node.branches):
            source, body = shares[i] if shares else var, branch.body
            if body and isinstance(body[0], From):
                source, body = self.held[body[0].source], body[1:]
            first = body[0] if body else None
            if first is None:
                operands.append(source)
            elif self.inline and len(body) == 1 and _plain(first) and first.name not in self.kept:
                operands.append(Apply(first, source))
            elif shares and source == shares[i]:
                operands.append(self.within(body, source))
            else:
                gate = node.kind is JoinKind.MULTIPLY and not several
                name = branch.name or (
                    "gate" if gate else _branch_name(var, i) if several else "branch"
                )
                operands.append(self.branch(body, source, self.fresh(name)))
        return self.combine(node, node.kind, tuple(operands), var, True)

    def split(self, node: Join, var: str) -> tuple[str, ...]:
        """A variable for each branch with its share of the channels."""
        names = [b.name or _branch_name(var, i) for i, b in enumerate(node.branches)]
        shares = tuple(self.fresh(name) for name in names)
        self.statements.append(Assign(", ".join(shares), Split(var, len(shares))))
        return shares

    def within(self, body: tuple[Node, ...], var: str) -> str:
        """A branch that starts from a variable of its own."""
        outer, self.lane = self.lane, var
        end = self.body(body, var)
        self.lane = outer
        return end

    def branch(self, body: tuple[Node, ...], var: str, target: str) -> str:
        """A branch from `var`, which stays as it is, into `target`."""
        outer, self.lane = self.lane, target
        first, rest = body[0], body[1:]
        if isinstance(first, (Layer, Group, Call)):
            variable = self.target(first.name, target)
            self.statements.append(Assign(variable, Apply(first, var)))
        else:
            variable, rest = target, body
            self.statements.append(Assign(target, Copy(var)))
        end = self.body(rest, variable)
        self.lane = outer
        return end

    def combine(
        self,
        node: Join | Residual,
        kind: JoinKind,
        operands: tuple[Operand, ...],
        var: str,
        when: Dim,
    ) -> str:
        target = self.target(node.name, self.free(var))
        self.statements.append(Assign(target, Combine(node, kind, operands, when)))
        return target


def riding(node: Residual) -> Layer | None:
    """The last layer of a branch that drops it, if it is there only where the shortcut is."""
    last = node.branch[-1] if node.branch else None
    if not isinstance(last, Layer) or not isinstance(last.op, StochasticDepth):
        return None
    return last if last.when is not True and last.when == node.when else None


def _body_of(node: Residual) -> tuple[Node, ...]:
    return node.branch[:-1] if riding(node) else node.branch


def _branch_name(var: str, i: int) -> str:
    """What a branch without a name is called: in a branch itself, after that one."""
    return f"{var}{chr(ord('a') + i)}" if var.startswith("branch") and i < 26 else f"branch{i + 1}"


def _plain(node: Node) -> TypeGuard[Child]:
    """Whether a node is one module call without a condition."""
    return isinstance(node, (Layer, Group, Call)) and node.when is True
