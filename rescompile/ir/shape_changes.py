"""Where a shortcut's own steps are taken, as a condition in the code of a block.

Whether a residual's branch changes the shape is decided by elaboration, for every call. The code
needs that as an expression over the block's parameters and input channels, where the calls differ.
Operations tell what changes a shape; of that is kept what explains the decisions, and it must
explain all of them: otherwise no code serves the calls, and the spec is refused.
"""

from __future__ import annotations

from itertools import compress

from ..errors import Diagnostic, SpecError
from ..expr.dims import Dim, ExprError, IfElse, binary, evaluate, logical_and, logical_or
from ..expr.polynomial import not_zero
from ..ops import Shape, show_shape
from ..record import record
from .flow import Flow, SymbolicError
from .nodes import Residual
from .resizing import UNCHANGED, Resizing
from .trace import Env

MAX_TOLD = 3  # shapes in one diagnostic


@record
class Decision:
    """What one instance decided about a residual: its names' values, shapes, and the choice."""

    env: Env
    x: Shape
    y: Shape
    taken: bool


@record
class Change:
    """The condition of a residual whose calls differ in whether the shape changes.

    `flow` has followed the channels of its scope; `kept` tells which of the clues count.
    """

    node: Residual
    flow: Flow
    kept: tuple[bool, ...]

    @property
    def entering(self) -> Dim:
        """The channels that enter the residual."""
        return self.flow.entering[self.node.id]

    @property
    def leaving(self) -> Dim:
        """The channels that leave its branch."""
        return _followed(self.node, self.flow, self.entering)[1]

    def condition(self, entering: Dim | None = None) -> Dim:
        """Strides first, channels last. `entering` is what to call the input's channels."""
        made: Dim = False
        for clue in compress(_clues(self.node, self.flow, entering), self.kept):
            made = logical_or(made, clue)
        return made


def find_change(node: Residual, flow: Flow, decisions: list[Decision]) -> Change:
    """The condition that holds in those calls where the shape changes.

    Raises `SpecError` where none does.
    """
    clues = _clues(node, flow)
    right = [_is_right(clue, decisions) for clue in clues]
    axes = (len(clues) - 1) // 3
    firm = (*(True,) * axes, *(False,) * 2 * axes, True)  # what readers expect to see
    kept = [expected and good for expected, good in zip(firm, right, strict=True)]
    open_ones = [one for one in decisions if one.taken and not _explained(one, clues, kept)]
    for i, clue in enumerate(clues):
        if right[i] and any(_holds(clue, one) for one in open_ones):
            kept[i] = True
            open_ones = [one for one in open_ones if not _holds(clue, one)]
    if open_ones:
        raise SpecError([_inseparable(node, decisions)])
    return Change(node, flow, tuple(kept))


def _clues(node: Residual, flow: Flow, entering: Dim | None = None) -> list[Dim]:
    """What changes the shape, as conditions: strides, pixels won or lost, pools, channels."""
    x = flow.entering[node.id] if entering is None else entering
    inner, y = _followed(node, flow, x)
    try:
        axes = Resizing(inner).body((*node.pre, *node.branch))
    except SymbolicError:
        axes = UNCHANGED
    ratios = [axis.ratio() for axis in axes]
    return [
        *(_unequal(down, up) for up, down in ratios),
        *(not_zero(axis.more) for axis in axes),
        *(axis.fixed for axis in axes),
        binary("!=", x, y),
    ]


def _followed(node: Residual, flow: Flow, x: Dim) -> tuple[Flow, Dim]:
    """The channels in a residual's branch, and those that leave it, where `x` enter."""
    inner = Flow(flow.blocks, flow.area, flow.lets, outputs=flow.outputs)
    return inner, inner.body((*node.pre, *node.branch), x)


def _unequal(left: Dim, right: Dim) -> Dim:
    """`left != right`; the test itself for what a step does that is not always there."""
    if not isinstance(left, IfElse):
        return binary("!=", left, right)
    then, otherwise = _unequal(left.then, right), _unequal(left.otherwise, right)
    return logical_and(left.test, then) if otherwise is False else binary("!=", left, right)


def _is_right(clue: Dim, decisions: list[Decision]) -> bool:
    """Whether a clue has a value in every call, and holds in none that keeps its shape."""
    held = [_holds(clue, one) for one in decisions]
    return None not in held and all(one.taken for one in compress(decisions, held))


def _explained(one: Decision, clues: list[Dim], kept: list[bool]) -> bool:
    return any(_holds(clue, one) for clue in compress(clues, kept))


def _holds(clue: Dim, one: Decision) -> bool | None:
    try:
        return bool(evaluate(clue, one.env))
    except ExprError:
        return None  # it asks for the number of a turn, say


def _inseparable(node: Residual, decisions: list[Decision]) -> Diagnostic:
    seen = dict.fromkeys(
        f"{show_shape(one.x)} "
        + (f"becomes {show_shape(one.y)}" if one.taken else "stays as it is")
        for one in sorted(decisions, key=lambda one: not one.taken)
    )
    label = "; ".join([*seen][:1] + [*seen][-1:]) if len(seen) > MAX_TOLD else "; ".join(seen)
    return Diagnostic(
        "E211",
        "no expression tells in which calls this residual changes the shape",
        node.at,
        label,
        "write two blocks: one for the calls where the shape changes, one for the others",
    )
