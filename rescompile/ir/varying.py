"""Which names of a network's own scope its code leaves open, as arguments with a default.

The number of classes, the channels of the image, and the parameters of a spec may get other values
where the network stays the same but for widths and rates: what depends on them is neither whether
or how often a step is there, nor a window, nor what makes two values fit. That is asked of every
definition, and then tried: another network is elaborated with other values, of which the emitted
code is proved as well. What cannot vary keeps its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from operator import mul

from ..errors import SpecError
from ..expr.dims import Dim, ExprError, Number, names
from ..ops import Conv, ConvTranspose, SliceChannels, attributes
from .elaborate import elaborate
from .flow import RUNNING, Flow, SymbolicError, block_outputs, expand
from .nodes import Call, From, Join, JoinKind, Layer, Loop, Node, Residual, Reuse, Where
from .structure import CLASSES, IN_CHANNELS, INDEX, Block, Network, channel_names
from .taps import taps
from .trace import Elaborated, Instance, OpTrace
from .walk import walk

Name = tuple[str, str]  # a block and a name in it; the network's own scope is called ""
ROOT = ""
MOST_CALLS = 20_000  # from which on trying other values would take longer than a build may
# The attributes that may depend on what is left open, whatever the operation.
WIDTHS = ("channels", "features", "groups", "rate", "factor", "before", "after")


@dataclass(frozen=True)
class Varying:
    """What is left open: names of the network's own scope, each with all that depends on it.

    `other` has other values for them; it is None where none is open.
    """

    reached: Mapping[str, frozenset[Name]]
    other: Elaborated | None = None

    @property
    def touched(self) -> frozenset[Name]:
        """What depends on any of them."""
        return frozenset[Name]().union(*self.reached.values())


NOTHING = Varying({})


def varying(made: Elaborated) -> Varying:
    """What the code of a network that was lowered may leave open."""
    network = made.network
    reach = _Reach(made)
    if _calls(network) > MOST_CALLS:
        touched = reach.touched_by(CLASSES) if CLASSES in network.own else frozenset()
        return Varying({CLASSES: touched} if touched else {})
    reached = {name: reach.touched_by(name) for name in reach.names}
    other, values = made, dict[str, Number]()
    for name in (name for name, touched in reached.items() if touched):
        for value in _others(name, network.env[name]):
            with suppress(SpecError):
                tried = elaborate(network.at({**values, name: value}))
                if _are_alike(other, tried):
                    other, values[name] = tried, value
                break
    return Varying({name: reached[name] for name in values}, other if values else None)


def _calls(network: Network) -> int:
    """How many calls its code may make, those inside of calls included."""
    known: dict[str, int] = {}

    def count(block: Block) -> int:
        if block.name not in known:
            calls = [node for node in walk(block.body) if isinstance(node, Call)]
            repeats = [node.repeat if isinstance(node.repeat, int) else 1 for node in calls]
            inside = [1 + count(network.blocks[node.block]) for node in calls]
            known[block.name] = sum(map(mul, repeats, inside))
        return known[block.name]

    return count(replace(network.root, name=ROOT))


def _others(name: str, value: Number) -> Iterator[Number]:
    """Other values to try, the one that is most likely to fit first."""
    if name in (CLASSES, IN_CHANNELS):
        yield from (value + 2, value + 1, 2 * value)
    elif isinstance(value, int):
        yield from (2 * value, value + 1, value + 2, value - 1)
    else:
        yield from (0.5 * value, 0.75 * value, 1.25 * value, 1.5 * value, 2.0 * value)


def _are_alike(made: Elaborated, other: Elaborated) -> bool:
    """Whether two have the same layers but for widths and rates.

    A convolution in groups that stay as many is another layer where its channels do not, and so is
    one that filters each channel by itself, with so many filters, or is transposed and in groups,
    in one network alone.
    """
    pairs = zip_longest(made.flat(), other.flat())
    for one, another in pairs:
        if one is None or another is None:
            return False
        a, b = one[1], another[1]
        if one[0] != another[0] or type(a.op) is not type(b.op):
            return False
        groups = getattr(a.op, "groups", 1) if isinstance(a.op, Conv) else 1
        if groups != 1 and groups == getattr(b.op, "groups", 1) and a.x[0] != b.x[0]:
            return False
        if _form(a) != _form(b):
            return False
    return True


def _form(trace: OpTrace) -> tuple[int, bool]:
    """How many filters each channel has by itself, and whether it is transposed and in groups."""
    op, groups = trace.op, getattr(trace.op, "groups", 1)
    depthwise = isinstance(op, Conv) and groups == trace.x[0] > 1
    filters = trace.y[0] // groups if depthwise else 0
    return filters, isinstance(op, ConvTranspose) and groups > 1


class _Reach:
    """How far names of the network's own scope reach, by arguments and by channels."""

    def __init__(self, made: Elaborated) -> None:
        self.network = made.network
        self.blocks = made.network.blocks
        self.scopes: dict[str, tuple[Block, tuple[Instance, ...]]] = {
            ROOT: (made.network.root, (made.root,)),
            **{key: (self.blocks[key], found) for key, found in made.instances.items()},
        }
        self.areas = {trace.node.id: trace.y[0] // trace.x[0] for _, trace in made.flat()}
        self.outputs: dict[str, tuple[Dim, ...]] = {}
        self.taps = taps(made)
        self.flows: dict[str, Flow] = {}
        self.touched: frozenset[Name] = frozenset()
        with suppress(SymbolicError, ExprError):
            self.flows = {key: self.flow(block) for key, (block, _) in self.scopes.items()}

    @property
    def names(self) -> list[str]:
        """The names that may be asked for: without channels as expressions `classes` alone."""
        own = self.network.own
        return [name for name in own if name == CLASSES or self.flows]

    def flow(self, block: Block) -> Flow:
        flow = Flow(self.blocks, self.area, block.lets, outputs=self.outputs, taps=self.taps)
        flow.block(block)
        return flow

    def area(self, node: Layer) -> int:
        return self.areas.get(node.id, 1)

    def touched_by(self, name: str) -> frozenset[Name]:
        """All that depends on a name of the network's own; nothing where that cannot vary."""
        self.touched = frozenset({(ROOT, name)})
        size = 0
        try:
            while size < len(self.touched):  # until no call passes it on
                size = len(self.touched)
                for key in self.scopes:
                    self.touched |= frozenset(self.passed(key))
            return frozenset() if any(map(self.decides, self.scopes)) else self.touched
        except (SymbolicError, ExprError):
            return frozenset()  # no expression tells what it would change

    def depends(self, key: str, *dims: Dim) -> bool:
        """Whether expressions in a scope depend on the name."""
        block = self.scopes[key][0]
        mentioned = {name for dim in dims for name in names(expand(block.lets, dim))}
        own = {name for scope, name in self.touched if scope == key}
        return bool(mentioned & own) or (RUNNING in mentioned and bool(own))

    def passed(self, key: str) -> Iterator[Name]:
        """What the calls in a scope hand on, the channels that enter a block included."""
        for node in walk(self.scopes[key][0].body):
            if not isinstance(node, Call) or node.block not in self.scopes:
                continue  # what is never called has no instance
            yield from ((node.block, name) for name, dim in node.args if self.depends(key, dim))
            if key not in self.flows:
                continue
            block, flow = self.blocks[node.block], self.flows[key]
            channels = [(node.block, name) for name in channel_names(block.entering).values()]
            given = flow.given.get(node.id) or (flow.entering.get(node.id, 0),)
            if self.depends(key, *given):
                yield from channels
            elif node.repeat is not None:
                leaving = block_outputs(block, self.blocks, self.area, self.outputs)
                if self.depends(node.block, *leaving):
                    yield from channels

    def decides(self, key: str) -> bool:
        """Whether more than widths and rates depend on the name in a scope."""
        block, instances = self.scopes[key]
        return any(self.decided(key, node, instances) for node in walk(block.body))

    def decided(self, key: str, node: Node, instances: tuple[Instance, ...]) -> bool:
        when = True if isinstance(node, (Join, From, Reuse)) else node.when
        if self.depends(key, when) and self.settled(instances, node.id, "when"):
            return True
        if isinstance(node, Call):
            return self.counts(key, node)
        if isinstance(node, Loop):
            return self.depends(key, node.count)
        if isinstance(node, Reuse):
            return self.depends(key, node.repeat or 0)
        flow = self.flows.get(key)
        x = flow.entering.get(node.id, 0) if flow else 0
        if isinstance(node, Layer):
            return self.shapes(key, node, x)
        if isinstance(node, Join):
            return flow is not None and self.fits(key, node, flow, x)
        if isinstance(node, Residual):
            return flow is not None and self.adds(key, node, flow, x)
        return False

    def settled(self, instances: tuple[Instance, ...], node: int, what: str) -> bool:
        """Whether all calls decide alike, so that the code would not ask."""
        return len({one.decisions.get((node, what)) for one in instances} - {None}) < 2

    def shapes(self, key: str, node: Layer, x: Dim) -> bool:
        """Whether an operation would be another one."""
        op = node.op
        for name in attributes(type(op)):
            value = getattr(op, name)
            dims = value if isinstance(value, tuple) else (value,)
            if name not in WIDTHS and self.depends(key, *dims):
                return True
        return isinstance(op, SliceChannels) and self.depends(key, x)

    def counts(self, key: str, node: Call) -> bool:
        """Whether repetitions depend on the name, or what differs between them does."""
        by_number = [dim for _, dim in node.args if INDEX in names(dim)]
        return self.depends(key, node.repeat or 0, *by_number)

    def fits(self, key: str, node: Join, flow: Flow, x: Dim) -> bool:
        """Whether branches that have the same channels might have others."""
        if node.split:
            return self.depends(key, x)
        ends = [end for branch in node.branches if (end := flow.body(branch.body, x)) != 1]
        if node.kind is JoinKind.CONCAT or not self.depends(key, *ends):
            return False
        lets = self.scopes[key][0].lets
        return len({expand(lets, end) for end in ends}) > 1

    def adds(self, key: str, node: Residual, flow: Flow, x: Dim) -> bool:
        """Whether what is added might not fit, or might be added otherwise."""
        tapped = flow.body(node.pre, x)
        y = flow.body(node.branch, tapped)
        given = node.where is Where.ALWAYS and node.shortcut
        carried = flow.body(node.shortcut, tapped if node.tap_pre else x) if given else x
        block, instances = self.scopes[key]
        if expand(block.lets, carried) == expand(block.lets, y) or not self.depends(key, x, y):
            return False
        if self.depends(key, node.when):
            return False  # the condition is about just that
        return self.settled(instances, node.id, "shortcut")
