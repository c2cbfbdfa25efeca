"""From a definition's structure to statements in order, with a variable for each live value.

Both kinds of emitter need it: one that calls modules in a `forward`, and one that applies layers to
tensors. `x` runs through; a shortcut or a branch gets a variable of its own.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import cast

from ..expr.dims import Dim
from ..ir.choices import together
from ..ir.nodes import (
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
    Reuse,
    Where,
    gives_several,
    is_several,
)
from ..ir.structure import INPUT
from ..ir.taps import Tap
from ..ir.walk import shared
from ..ops import StochasticDepth
from .naming import Names, free
from .statements import LANE, Apply, Assign, Combine, Copy, Operand, Part, Select, Several, Split


def variables(
    inputs: Iterable[str], kept: Container[str], reserved: Iterable[str], only: str = "inputs"
) -> dict[str, str]:
    """The variable in which each input of a body comes.

    It is the body's own `x` where there is one input that is not `kept` for later steps; where it
    is, an input without a name is called as `only` says.
    """
    names = [*inputs]
    if names == [INPUT] and INPUT not in kept:
        return {INPUT: LANE}
    free_ones = Names({LANE, *reserved})
    return {name: free_ones.take(only if name == INPUT else name, "_") for name in names}


@dataclass
class Scheduler:
    """Makes the statements of one body. `inline` lets a branch of one step stand in its join.

    `kept` names the children whose values are returned, or used again by later ones: each has a
    variable of its own, for which `called` may have a better word. So have the `taps` of groups, by
    the groups' ids. `inputs` are the variables of what comes in (see `variables`).
    """

    inline: bool = False
    kept: frozenset[str] = frozenset()
    called: Mapping[str, str] = field(default_factory=dict)
    reserved: Set[str] = frozenset()
    taps: Mapping[int, tuple[Tap, ...]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=lambda: {INPUT: LANE})
    statements: list[Assign] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = {LANE, *self.reserved, *self.inputs.values()}
        self.live = {*self.used}  # those of which the value may still be asked for
        # The variables that keep the values of inputs and children, by their names.
        self.held = {name: kept for name, kept in self.inputs.items() if kept != LANE}
        self.lane = LANE  # the variable of the branch that is being scheduled
        self.steps: dict[str, Child] = {}  # those so far that are applied again
        self.shared = frozenset[str]()

    def run(self, nodes: tuple[Node, ...]) -> str:
        """Schedule all of a module scope; returns the variable with the result."""
        self.shared = shared(nodes)
        return self.body(nodes, next(iter(self.inputs.values())))

    def body(self, nodes: tuple[Node, ...], var: str) -> str:
        """Schedule nodes from the variable `var` on; returns the variable with the result."""
        for node, *others in together(nodes):
            var = self.node(node, var, cast("list[Child]", others))
        return var

    def node(self, node: Node, var: str, others: Iterable[Child] = ()) -> str:
        if isinstance(node, Residual):
            return self.residual(node, var)
        if isinstance(node, Join):
            return self.join(node, var)
        if isinstance(node, From):
            return self.held[node.source]
        if gives_several(node):
            return self.several(node, var)
        if isinstance(node, Reuse):
            target = self.target(node.name, self.lane)
            self.statements.append(Assign(target, self.again(node, var)))
            return target
        assert not isinstance(node, Loop), "loops stand in sequences only"
        if isinstance(node, Group) and node.id in self.taps:
            return self.parts(node, var)
        if is_several(node):
            return self.several(node, var)
        target = self.target(node.name, self.lane)
        self.apply(node, var, target, others)
        return target

    def several(self, node: Call | Reuse, var: str) -> str:
        """A call of a block that takes values by their names, or gives several."""
        again = node if isinstance(node, Reuse) else None
        call = node if isinstance(node, Call) else cast(Call, self.steps[node.of])
        given = (var,) if again else tuple(self.held[one] for one in call.sources) or (var,)
        if node.name in self.shared:
            self.steps[str(node.name)] = call
        if node.outputs:
            turning = node.repeat is not None  # what a turn gives, the next one takes
            for value in node.leaving:
                if value in self.kept or turning:
                    self.held[value] = self.fresh(self.called.get(value, value))
            targets = [self.held.get(value, "_") for value in node.leaving]
        else:
            targets = [self.target(node.name, self.lane)]
        self.statements.append(Assign(", ".join(targets), Several(call, given, again)))
        return next((name for name in targets if name != "_"), self.lane)

    def apply(self, node: Child, var: str, target: str, others: Iterable[Child] = ()) -> None:
        """Give `target` what a node makes of `var`."""
        if node.name in self.shared:
            self.steps[str(node.name)] = node
        self.statements.append(Assign(target, Apply(node, var, tuple(others))))

    def again(self, node: Reuse, var: str) -> Apply:
        return Apply(self.steps[node.of], var, again=node)

    def parts(self, node: Group, var: str) -> str:
        """A group part by part: after each there is a value that is returned."""
        start = first = 0
        for tap in self.taps[node.id]:
            made = Part(node, var, start, tap.stop, first, tap.members)
            self.statements.append(Assign(self.lane, made))
            self.held[tap.output] = self.fresh(tap.output)
            self.statements.append(
                Assign(self.held[tap.output], Copy(self.lane, node.body[tap.stop - 1].id))
            )
            start, first, var = tap.stop, tap.members, self.lane
        if start < len(node.body):
            made = Part(node, var, start, len(node.body), first, None)
            self.statements.append(Assign(self.lane, made))
        if (target := self.target(node.name, self.lane)) != self.lane:
            self.statements.append(Assign(target, Copy(self.lane)))
        return target

    def target(self, name: str | None, otherwise: str) -> str:
        """A variable for the value of a child: its own where it is kept."""
        if name is None or name not in self.kept:
            return otherwise
        self.held[name] = self.fresh(self.called.get(name, name))
        return self.held[name]

    def fresh(self, wanted: str) -> str:
        name = free(self.live, *([wanted, f"{wanted}_"] if wanted in self.reserved else [wanted]))
        self.live.add(name)
        self.used.add(name)
        return name

    def residual(self, node: Residual, var: str) -> str:
        alone = None if node.pre or node.shortcut else self.single(node.branch)
        if alone is not None:
            return self.combine(node, JoinKind.ADD, (Apply(alone, var), var), node.when)
        outer = {*self.live}
        both = bool(node.pre) and node.tap_pre and node.where is Where.SHAPE_CHANGES
        if both:
            tapped = self.branch(node.pre, var, self.fresh("preactivation"))
            shortcut = self.shortcut(node, tapped, var)
            end = self.body(_body_of(node), tapped)
        elif node.tap_pre:
            tapped = self.body(node.pre, var)
            shortcut = self.shortcut(node, tapped, var)
            end = self.body(_body_of(node), tapped)
        else:
            shortcut = self.shortcut(node, var, var)
            end = self.body((*node.pre, *_body_of(node)), var)
        last = conditional_drop(node)
        whole: Operand = end if last is None else Apply(last, end)
        return self.combine(node, JoinKind.ADD, (whole, shortcut), node.when, outer)

    def shortcut(self, node: Residual, source: str, raw: str) -> str:
        """The variable of a shortcut: of its one step from `source`, or of the identity of `raw`.

        That needs another name only where the branch, which comes next, overwrites it.
        """
        if not node.shortcut and raw != self.lane:
            return raw
        target = self.fresh("shortcut")
        if not node.shortcut:
            self.statements.append(Assign(target, Copy(raw)))
            return target
        (step,) = node.shortcut
        assert isinstance(step, Child), "a shortcut is one step"
        if node.where is Where.ALWAYS and node.when is True:
            self.statements.append(Assign(target, Apply(step, source)))
        else:
            self.statements.append(Assign(target, Select(node, step, source, raw)))
        return target

    def join(self, node: Join, var: str) -> str:
        operands: list[Operand] = []
        outer = {*self.live}
        several = node.split or sum(1 for branch in node.branches if branch.body) > 1
        shares = self.split(node, var) if node.split else ()
        for i, branch in enumerate(node.branches):
            source, body = shares[i] if shares else var, branch.body
            if body and isinstance(body[0], From):
                source, body = self.held[body[0].source], body[1:]
            alone = self.single(body)
            if not body:
                operands.append(source)
            elif alone is not None:
                operands.append(Apply(alone, source))
            elif shares and source == shares[i]:
                operands.append(self.branch(body, source, source))
            else:
                gate = node.kind is JoinKind.MULTIPLY and not several
                called = "gate" if gate else "branch"
                if several:
                    called = _branch_name(self.lane, i)
                if body != branch.body and isinstance(body[-1], (Call, Group)):
                    called = str(body[-1].name).replace(".", "_")  # made of another value
                operands.append(self.branch(body, source, self.fresh(branch.name or called)))
        return self.combine(node, node.kind, tuple(operands), True, outer)

    def single(self, body: tuple[Node, ...]) -> Child | None:
        """The step that is all of a branch, where it may stand in the join."""
        first = body[0] if self.inline and len(body) == 1 else None
        if not isinstance(first, Child) or first.when is not True:
            return None
        if first.name in self.kept or first.name in self.shared:  # calls of those keep their order
            return None
        return first

    def split(self, node: Join, var: str) -> tuple[str, ...]:
        """A variable for each branch with its share of the channels."""
        names = [b.name or _branch_name(self.lane, i) for i, b in enumerate(node.branches)]
        shares = tuple(self.fresh(name) for name in names)
        self.statements.append(Assign(", ".join(shares), Split(var, len(shares))))
        return shares

    def branch(self, body: tuple[Node, ...], var: str, target: str) -> str:
        """A branch from `var` into `target`; a `var` of another name stays as it is."""
        outer, self.lane = self.lane, target
        end = self.body(body, var)
        self.lane = outer
        return end

    def combine(
        self,
        node: Join | Residual,
        kind: JoinKind,
        operands: tuple[Operand, ...],
        when: Dim,
        outer: Iterable[str] = (),
    ) -> str:
        """Bring operands together; then only the `outer` variables and the kept ones are live."""
        target = self.target(node.name, self.lane)
        self.statements.append(Assign(target, Combine(node, kind, operands, when)))
        if outer:
            self.live = {*outer, *self.held.values()}
        return target


def conditional_drop(node: Residual) -> Layer | None:
    """The stochastic depth of a branch that is there only where the shortcut is, if it has one.

    Such a block is `x = drop(x) + shortcut` or `x` as it is: one condition decides both, so the
    drop stands in the sum. It has no weights; its layer may be there where it is not used.
    """
    last = node.branch[-1] if node.branch else None
    if not isinstance(last, Layer) or not isinstance(last.op, StochasticDepth):
        return None
    return last if last.when is not True and last.when == node.when else None


def _body_of(node: Residual) -> tuple[Node, ...]:
    return node.branch[:-1] if conditional_drop(node) else node.branch


def _branch_name(var: str, i: int) -> str:
    """What a branch without a name is called: in a branch itself, after that one."""
    return f"{var}{chr(ord('a') + i)}" if var.startswith("branch") and i < 26 else f"branch{i + 1}"
