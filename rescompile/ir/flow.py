"""Channels as expressions: what reaches each node of a block, in terms of the block's parameters.

Emitters need it to write `in_channels` arguments and loops; lowering needs it for projections.
The extents of maps stay numbers: they enter only where a flatten makes them channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from ..errors import Location
from ..expr.assume import assuming, knowing
from ..expr.dims import (
    Binary,
    Dim,
    Expr,
    ExprError,
    IfElse,
    Var,
    binary,
    if_else,
    logical_or,
    names,
    small,
    substitute,
)
from ..expr.polynomial import gathered, product, total
from ..ops import Flatten
from .nodes import Call, From, Group, Join, JoinKind, Layer, Loop, Node, Residual, Reuse, is_several
from .structure import INDEX, Block, channel_names
from .taps import Tap

Blocks = Mapping[str, Block]
RUNNING = "running channels"  # what enters the next turn of a loop; no spec has such a name
MAX_CHAIN = 16  # repetitions written out where there is no closed form
Taps = Mapping[int, tuple[Tap, ...]]
Area = Callable[[Layer], int]
Named = tuple[tuple[str, Dim], ...]  # arguments, or lets


class SymbolicError(ValueError):
    """A channel count that no expression over the parameters tells; `at` is the step's place."""

    at: Location | None = None


@dataclass
class Flow:
    """Follows channels through a body; `entering` tells what reaches each node, by its id."""

    blocks: Blocks
    area: Area | None = None  # the pixels of the map at a flatten
    lets: Named = ()
    entering: dict[int, Dim] = field(default_factory=dict)
    named: dict[str, Dim] = field(default_factory=dict)  # what leaves the steps of this scope
    # What leaves blocks, each found out once.
    outputs: dict[str, tuple[Dim, ...]] = field(default_factory=dict)
    given: dict[int, tuple[Dim, ...]] = field(default_factory=dict)  # to calls that name values
    ends: dict[int, list[Dim]] = field(default_factory=dict)  # what leaves the branches of a join
    taps: Taps = field(default_factory=dict)  # what is taken of groups, by their ids

    def block(self, block: Block) -> Dim:
        """The channels that leave a block's last step, over its names, lets not expanded."""
        self.named.update(block.entering)
        return self.body(block.body, next(iter(block.entering.values())))

    def leaving(self, block: Block) -> tuple[Dim, ...]:
        """The channels of all values that a block gives."""
        y = self.block(block)
        return tuple(map(self.value, block.outputs.values())) or (y,)

    def body(self, nodes: tuple[Node, ...], x: Dim) -> Dim:
        for node in nodes:
            try:
                x = small(self.node(node, x))
            except SymbolicError as error:
                error.at = error.at or node.at
                raise
            if not isinstance(node, (Loop, From)) and node.name:
                self.named[node.name] = x
        return x

    def sequence(self, nodes: tuple[Node, ...], x: Dim) -> Dim:
        """A body whose names are no names of this scope."""
        outer, self.named = self.named, {}
        y = self.body(nodes, x)
        self.named = outer
        return y

    def value(self, source: str) -> Dim:
        """The channels of a value that a step goes back to."""
        if source not in self.named:
            raise SymbolicError(f"inside of it no step '{source}' is there to go back to")
        return self.named[source]

    def node(self, node: Node, x: Dim) -> Dim:
        if is_several(node) and node.sources:
            x = self.value(node.sources[0])
        if not isinstance(node, (Layer, Group, Call, Loop)) or node.when is True:
            self.entering[node.id] = x
            return self.through(node, x)
        self.entering[node.id] = inside = assuming(x, knowing(node.when))
        y = self.through(node, inside)
        if _keeps(node.when, expand(self.lets, y), expand(self.lets, x)):
            return y
        x = assuming(x, knowing(node.when, False))
        if isinstance(x, IfElse) and x.then == y:  # an earlier step leads there too
            return if_else(logical_or(x.test, node.when), y, x.otherwise)
        return if_else(node.when, y, x)

    def through(self, node: Node, x: Dim) -> Dim:
        """The channels that leave a node, its condition apart."""
        if isinstance(node, Layer):
            if isinstance(node.op, Flatten):
                if self.area is None:
                    raise SymbolicError("the channels after a flatten depend on the image size")
                return product((x, self.area(node)))
            return node.op.leaving(x)
        if isinstance(node, Group):
            start = 0
            for tap in self.taps.get(node.id, ()):
                x = self.named[tap.output] = self.sequence(node.body[start : tap.stop], x)
                start = tap.stop
            return self.sequence(node.body[start:], x)
        if isinstance(node, From):
            return self.value(node.source)
        if isinstance(node, Reuse):
            if node.repeat is not None:
                return x
            for output, name in zip(node.outputs, node.leaving, strict=True):
                self.named[name] = self.value(f"{node.of}.{output}")
            return self.left(node)
        if isinstance(node, Loop):
            return self.loop(node, x)
        if isinstance(node, Call):
            return self.call(node, x)
        if isinstance(node, Join):
            return self.join(node, x)
        return self.residual(node, x)

    def left(self, node: Reuse) -> Dim:
        """What leaves a step that is applied again: as many channels come in each time."""
        if node.of not in self.named:
            raise SymbolicError(f"no step '{node.of}' is there to be applied again")
        return self.named[node.of]

    def loop(self, node: Loop, x: Dim) -> Dim:
        """What enters the nodes of a loop is told by the name `RUNNING`, if it changes.

        So it is where the turns of a loop around it tell it: inside, their number has no name.
        """
        y = self.iterate(lambda c: self.body(node.body, c), node.count, x)
        if INDEX in names(x) or self.body(node.body, x) != x:
            self.body(node.body, Var(RUNNING))
        return y

    def join(self, node: Join, x: Dim) -> Dim:
        each = binary("//", x, len(node.branches)) if node.split else x
        ends = [self.body(branch.body, each) for branch in node.branches]
        if node.kind is JoinKind.CONCAT:
            whole = node.split and all(end == each for end in ends)
            return x if whole else total(ends)
        self.ends[node.id] = ends
        wide = [end for end in ends if end != 1] or ends  # a single map is spread over the others
        return next((end for end in wide if not isinstance(end, Expr)), wide[0])

    def residual(self, node: Residual, x: Dim) -> Dim:
        tapped = self.body(node.pre, x)
        self.body(node.shortcut, tapped if node.tap_pre else x)
        return self.body(node.branch, tapped)

    def call(self, node: Call, x: Dim) -> Dim:
        block = self.blocks[node.block]
        if is_several(node):
            return self.several(node, block, x)
        if node.repeat is None:
            return self.once(node, block, x)
        x = self.once(replace(node, args=at_index(node.args, 0)), block, x)
        rest, alone = binary("-", node.repeat, 1), binary("==", node.repeat, 1)
        if alone is True:
            return x
        return self.iterate(lambda c: self.once(node, block, c, False), rest, x, 1, alone)

    def several(self, node: Call, block: Block, x: Dim) -> Dim:
        """Of a call that names values, whose turns are as many as a number says."""
        xs = self.given[node.id] = tuple(map(self.value, node.sources)) or (x,)
        for i in range(1 if node.repeat is None else cast(int, node.repeat)):
            ys = self.turn(node, block, xs, i == 0)
            if i > 0 and ys == xs:
                break
            if i > MAX_CHAIN:
                raise SymbolicError("the channels after the repetitions have no closed form")
            xs = ys
        self.named.update(zip(node.leaving, xs, strict=False))
        return xs[0]

    def once(self, node: Call, block: Block, x: Dim, first: bool = True) -> Dim:
        """The channels that leave one repetition, the first one or any other."""
        return self.turn(node, block, (x,), first)[0]

    def turn(self, node: Call, block: Block, xs: tuple[Dim, ...], first: bool) -> tuple[Dim, ...]:
        """The same of all values that a block is given, and gives."""
        if node.block not in self.outputs:
            found = block_outputs(block, self.blocks, self.area, self.outputs)
            self.outputs[node.block] = found
        given = arguments(node, block, xs, first)
        return tuple(gathered(substitute(y, given)) for y in self.outputs[node.block])

    def iterate(
        self, step: Callable[[Dim], Dim], count: Dim, x: Dim, first: int = 0, never: Dim = False
    ) -> Dim:
        """`count` steps from index `first` on: one that forgets its input, a constant growth, ...

        `never` is the condition under which there are none. Raises `SymbolicError` for a long
        chain of anything else.
        """
        y = step(Var(RUNNING))
        if RUNNING not in names(y):
            return if_else(never, x, substitute(y, {INDEX: binary("-", count, 1 - first)}))
        if INDEX not in names(y):
            if substitute(y, {RUNNING: y}) == y:
                return if_else(never, x, substitute(y, {RUNNING: x}))
            growth = _growth(y)
            if growth is not None:
                return total((x, product((count, growth))))
        if isinstance(count, int) and count <= MAX_CHAIN:
            for i in range(first, first + count):
                x = substitute(y, {RUNNING: x, INDEX: i})
            return x
        raise SymbolicError("the channels after the repetitions have no closed form")


def _growth(y: Dim) -> Dim | None:
    """What a step adds to its input, if it adds the same each time."""
    growth = total((y,), Var(RUNNING))
    return None if RUNNING in names(growth) else growth


def at_index(args: Named, index: int) -> Named:
    return tuple((name, substitute(dim, {INDEX: index})) for name, dim in args)


def arguments(node: Call, block: Block, xs: tuple[Dim, ...], first: bool = True) -> dict[str, Dim]:
    """The values of a block's names under a call whose inputs have `xs` channels."""
    given = dict(node.args)
    env: dict[str, Dim] = dict(zip(channel_names(block.entering).values(), xs, strict=True))
    for param in block.parameters:
        dim = given.get(param.name)
        if dim is None or (param.once and not first and param.default is not None):
            dim = param.default
        assert dim is not None, "lowering fills in every argument"
        env[param.name] = dim
    return env


def _keeps(when: Dim, y: Dim, x: Dim) -> bool:
    """Whether `y` is `x` wherever `when` is false, as `4 * n` is 4 where not `n != 1`.

    Then `y` is worth the same with and without the step. `y if when else x` would say no more, but
    all code after the step would have to repeat it.
    """
    if not isinstance(when, Binary) or when.op != "!=" or not isinstance(when.left, Var):
        return False
    where = {when.left.name: when.right}
    try:
        return substitute(y, where) == substitute(x, where)
    except ExprError:
        return False


def block_outputs(
    block: Block,
    blocks: Blocks,
    area: Area | None = None,
    known: dict[str, tuple[Dim, ...]] | None = None,
) -> tuple[Dim, ...]:
    """Output channels of a block over its parameters and input channels; lets are expanded.

    `known` are those of other blocks.
    """
    flow = Flow(blocks, area, block.lets, outputs={} if known is None else known)
    return tuple(expand(block.lets, y) for y in flow.leaving(block))


def expand(lets: Named, dim: Dim) -> Dim:
    """`dim` with a block's lets written out."""
    for name, value in reversed(lets):
        dim = substitute(dim, {name: value})
    return dim
