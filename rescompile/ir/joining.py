"""The shapes at a join: what each branch gets of the input, and what the branches make together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import Diagnostic, SpecError
from ..expr.dims import Dim, text
from ..ops import Shape, ShapeError, StochasticDepth, bounded
from .call_stack import CallStack
from .nodes import Join, JoinKind, Layer, Node, Residual
from .trace import CallTrace, GroupTrace, JoinTrace, Trace, walk_traces


def share(node: Join, x: Shape, stack: CallStack) -> Shape:
    """What each branch gets where the channels are split between them. Raises `SpecError`."""
    count = len(node.branches)
    if x[0] % count:
        help = "choose a number of channels that the number of branches divides"
        message = f"{x[0]} channels cannot be split evenly between {count} branches"
        raise stack.error(ShapeError(message, help=help), node.at)
    return (x[0] // count, *x[1:])


def joined(node: Join, shapes: list[Shape], stack: CallStack) -> Shape:
    """The shape that branches of these shapes make. Raises `SpecError` where they do not fit."""
    if node.kind is JoinKind.CONCAT:
        rest = {shape[1:] for shape in shapes}
        if len(rest) > 1:
            what = "height and width"
            raise stack.mismatch(node.at, "concatenates", node.branches, shapes, what)
        try:
            return bounded((sum(shape[0] for shape in shapes), *shapes[0][1:]))
        except ShapeError as error:
            raise stack.error(error, node.at) from None
    whole = spread(shapes)
    if whole is None:
        verb = "multiplies" if node.kind is JoinKind.MULTIPLY else "adds"
        raise stack.mismatch(node.at, verb, node.branches, shapes, "shape")
    return whole


def spread(shapes: Sequence[Shape]) -> Shape | None:
    """The shape of a sum or a product, None where values of these shapes do not fit together.

    What is one value for each channel is spread over all positions, and one map over all channels.
    """
    if len({len(shape) for shape in shapes}) > 1:
        return None
    whole = tuple(map(max, zip(*shapes, strict=True)))
    one = (1,) * (len(whole) - 1)
    fit = (shape[0] in (1, whole[0]) and shape[1:] in (one, whole[1:]) for shape in shapes)
    return whole if all(fit) else None


def check_spread(item: JoinTrace, ends: Sequence[Dim]) -> None:
    """Raise `SpecError` where a branch has a single channel in some calls and more in others.

    Which channels leave the join is told by the others; `ends` are those of the branches.
    """
    if item.node.kind is JoinKind.CONCAT:
        return
    for shape, end in zip(item.ends, ends, strict=True):
        if shape[0] == 1 != item.y[0] and end != 1:
            message = f"a branch has one channel here, which are `{text(end)}` in general"
            help = "write `channels: 1` where one map is to be spread over all channels"
            raise SpecError([Diagnostic("E203", message, item.node.at, help=help)])


class Ways:
    """Branches and shortcuts whose steps are left out, which would be identities.

    A call never adds or multiplies its own input for a branch that has steps. For a branch of a
    concatenation, and for a shortcut, some calls may take the input as it is, but not all.
    """

    def __init__(self) -> None:
        self.optional: dict[int, tuple[str, Node]] = {}
        self.taken: set[int] = set()

    def branch(
        self,
        node: Join | Residual,
        body: tuple[Node, ...],
        items: tuple[Trace, ...],
        stack: CallStack,
    ) -> None:
        """Judge what one call makes of a branch. Raises `SpecError`."""
        if isinstance(node, Join) and node.kind is JoinKind.CONCAT:
            self.note("branch", body, items)
            return
        steps = [step for step in body if not _is_drop(step)]
        taken = [item for item in items if not _is_drop(item.node)]
        if steps and _is_idle(taken):
            raise _untaken("branch", steps[0], stack)

    def note(self, what: str, body: tuple[Node, ...], items: tuple[Trace, ...]) -> None:
        """Note what one call makes of a way, called `what`, that other calls may take."""
        if body:
            self.optional[body[0].id] = what, body[0]
            if not _is_idle(items):
                self.taken.add(body[0].id)

    def check(self, stack: CallStack) -> None:
        """Raise `SpecError` for a way with steps that no call takes."""
        for key, (what, step) in self.optional.items():
            if key not in self.taken:
                raise _untaken(what, step, stack)


def _untaken(what: str, step: Node, stack: CallStack) -> SpecError:
    error = ShapeError(f"no step of this {what} is taken", help=LEFT_OUT)
    return stack.error(error, step.at, code="E212")


LEFT_OUT = "write `[]` if the identity is meant, and leave out the whole where it is not"


def _is_drop(node: Node) -> bool:
    """What drops a branch in training is no step of it."""
    return isinstance(node, Layer) and isinstance(node.op, StochasticDepth)


def _is_idle(items: Iterable[Trace]) -> bool:
    """Whether traces do nothing: sequences and blocks without an operation, join or value."""
    return all(isinstance(item, (CallTrace, GroupTrace)) for _, item in walk_traces(items))
