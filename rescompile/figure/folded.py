"""The folded style: the stages of a network in a strip, and each kind of block in a panel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ..cost.breakdown import Rows
from ..cost.cost import Cost, Costs
from ..expr.dims import Dim
from ..ir.analysis import Analysis
from ..ir.nodes import (
    Call,
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
    is_several,
)
from ..ir.structure import Block, Form, Path, child_path
from ..ir.taps import tapped, taps
from ..ir.trace import (
    CallTrace,
    Elaborated,
    GroupTrace,
    OpTrace,
    Trace,
    is_again,
    standing,
    walk_traces,
)
from ..ir.walk import shared, sources, walk
from ..ops import AdaptivePool, AvgPool, GlobalPool, MaxPool, Weighted, show_shape
from ..table import short
from . import words
from .diagram import Element, Framed, Goto, Parallel, Shortcut, Step
from .scene import TIMES, Text

SIGNS = {JoinKind.ADD: "+", JoinKind.MULTIPLY: TIMES, JoinKind.CONCAT: "concat"}
POOLS = (MaxPool, AvgPool, AdaptivePool, GlobalPool)
Known = dict[int, list[tuple[Path, Trace]]]  # by node: where it runs, and what it does there


@dataclass
class Draft:
    """A box in the making: what it says, the nodes that it stands for, and how often it stands."""

    main: str
    kind: str
    nodes: list[int]
    names: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)  # norms, activations and what else comes with it
    note: str = ""
    times: str = ""
    count: int = 1

    def is_like(self, other: Draft) -> bool:
        """Whether two boxes in a row say the same, so that one of them is enough."""
        same = (self.main, self.more, self.note, self.times)
        return same == (other.main, other.more, other.note, other.times) and not self.times


@dataclass
class Builder:
    """Elements of nodes. `known` has the numbers of a network's own scope; a block has none."""

    blocks: Mapping[str, Block]
    entering: Mapping[int, Dim]
    prefix: str
    kept: frozenset[str]  # steps that later ones go back to
    known: Known = field(default_factory=dict)
    costs: Costs | None = None
    outputs: frozenset[str] = frozenset()  # steps that the network returns
    shared: frozenset[str] = frozenset()  # steps that are applied again
    taps: Mapping[int, str] = field(default_factory=dict)  # what those in groups are called, by id
    stage: str = ""  # told beside the next box
    apart: set[int] = field(default_factory=set)  # calls of which each has a box of its own

    def elements(self, nodes: Iterable[Node], told: bool = True) -> tuple[Element, ...]:
        """Elements in order; `told` where facts stand beside them."""
        return tuple(self._finished(part, told) for part in self._parts(nodes, told))

    def _parts(self, nodes: Iterable[Node], told: bool) -> list[Draft | Element]:
        """What becomes elements; groups without a condition are opened."""
        made: list[Draft | Element] = []
        for node in nodes:
            if isinstance(node, Layer):
                self._layer(node, made)
            elif isinstance(node, Call):
                self._add(self._call(node), made)
            elif isinstance(node, Reuse):
                self._add(self._again(node), made)
            elif isinstance(node, Group) and node.when is True:
                inner = self._parts(node.body, told)
                named = self._named(node)
                if self.kept.intersection(named) and inner and isinstance(inner[-1], Draft):
                    inner[-1].names = [*named, *inner[-1].names]
                for part in inner:
                    self._add(part, made)
            else:
                made.append(self._other(node, told))
        return made

    def _add(self, part: Draft | Element, made: list[Draft | Element]) -> None:
        """One more part; a box that says what the one before says makes it count twice."""
        last = made[-1] if made else None
        if isinstance(part, Draft) and isinstance(last, Draft) and self._repeats(last, part):
            last.count += part.count
            last.nodes += part.nodes
            last.names = [*part.names, *last.names]
        else:
            made.append(part)

    def _repeats(self, last: Draft, part: Draft) -> bool:
        alone = self.apart.intersection(part.nodes) or self.kept.intersection(last.names)
        return last.is_like(part) and not alone

    def _layer(self, node: Layer, made: list[Draft | Element]) -> None:
        """A layer; norms, activations and the like stand in the box of what they follow."""
        text = self._operation(node)
        note = "" if node.when is True else words.condition(node.when)
        last = made[-1] if made else None
        if node.op.light and isinstance(last, Draft) and self._takes_more(last):
            last.more.append(f"{text} {note}".strip())
            last.nodes.append(node.id)
            last.names = [*self._named(node), *last.names]
            return
        kind = "layer" if isinstance(node.op, Weighted) else "step"
        kind = "pool" if isinstance(node.op, POOLS) else kind
        made.append(Draft(text, kind, [node.id], self._named(node), note=note))

    def _operation(self, node: Layer) -> str:
        """A layer in words: with numbers where it runs but once, else with expressions."""
        found = [trace for _, trace in self.known.get(node.id, ()) if isinstance(trace, OpTrace)]
        if len(found) == 1:
            return words.operation(found[0].op, found[0].x[0])
        return words.operation(node.op, self.entering.get(node.id))

    def _takes_more(self, last: Draft) -> bool:
        return last.kind != "call" and not self.kept.intersection(last.names)

    def _call(self, node: Call) -> Draft:
        note = "" if node.when is True else words.condition(node.when)
        times = "" if node.repeat is None else words.times(node.repeat)
        text = words.call(node, self.blocks[node.block])
        return Draft(text, "call", [node.id], self._named(node), note=note, times=times)

    def _again(self, node: Reuse) -> Draft:
        """A step once more: its weights are told where it stands first."""
        times = "" if node.repeat is None else words.times(node.repeat)
        return Draft(f"{node.of} again", "call", [node.id], self._named(node), times=times)

    def _other(self, node: Node, told: bool) -> Element:
        if isinstance(node, Group):
            return Framed(words.condition(node.when), self.elements(node.body, told))
        if isinstance(node, Loop):
            return Framed(words.times(node.count) or f"{TIMES} 1", self.elements(node.body, told))
        if isinstance(node, From):
            return Goto(node.source, _step(node.source))
        if isinstance(node, Join):
            ways = tuple(self.elements(branch.body, False) for branch in node.branches)
            return Parallel(ways, self._joint(node, SIGNS[node.kind], told), node.split)
        assert isinstance(node, Residual)
        return self._residual(node, told)

    def _joint(self, node: Join | Residual, sign: str, told: bool) -> Step:
        facts, size = self._facts([node.id]) if told else (), self._size(node.id)
        style = "main" if len(sign) == 1 else "small"
        identity = f"{self.prefix}.{node.name}"
        names = (node.name,)
        return Step((Text(sign, style),), "join", identity, node.name, names, facts, size)

    def _residual(self, node: Residual, told: bool) -> Element:
        before = self.elements(node.pre, False) if node.tap_pre else ()
        inner = (*(() if node.tap_pre else node.pre), *node.branch)
        notes: tuple[str, ...] = ()
        if node.when is not True:
            notes = (*words.folded(words.condition(node.when), 20), "else no shortcut")
        way = self.elements(node.shortcut, False)
        if way and node.where is Where.SHAPE_CHANGES:
            notes = (*notes, "where the shape", "changes, else", "the identity")
        return Shortcut(
            self.elements(inner, False),
            "projection" if way else "identity",
            way,
            before,
            self._joint(node, "+", told),
            notes,
            f"{self.prefix}.{node.name}.shortcut",
            f"{node.kind} shortcut",
            (node.name,),
        )

    def _finished(self, made: Draft | Element, told: bool) -> Element:
        if not isinstance(made, Draft):
            return made
        names = made.names
        lines = [Text(line) for line in words.folded(made.main)]
        lines += [Text(line, "small") for line in words.folded(", ".join(made.more), 40)]
        lines += [Text(line, "note") for line in words.folded(made.note, 40)]
        lines += [Text(f"output {n}", "note") for n in names if n in self.outputs]
        lines += [Text(n, "note") for n in names if n in self.shared]
        if times := made.times or (f"{TIMES} {made.count}" if made.count > 1 else ""):
            lines.append(Text(times, "head"))
        first, last = (names[-1], names[0]) if names else ("", "")
        path = first if first == last else f"{first} to {last}"
        facts = self._facts(made.nodes) if told else ()
        return Step(
            tuple(lines),
            made.kind,
            ".".join(part for part in (self.prefix, last) if part),
            ": ".join(part for part in (path, made.main) if part),
            tuple(names),
            facts,
            self._size(made.nodes[-1]),
        )

    def _named(self, node: Layer | Call | Group | Reuse) -> list[str]:
        name = self.taps.get(node.id, node.name)
        return [] if name is None else [name]

    def _size(self, node: int) -> tuple[int, ...] | None:
        found = self.known.get(node)
        return found[-1][1].y[1:] if found else None

    def _facts(self, nodes: Iterable[int]) -> tuple[str, ...]:
        """Output, parameters and multiply-adds of some nodes, in words."""
        if self.costs is None:
            return ()
        traces = [trace for node in nodes for _, trace in self.known.get(node, ())]
        if not traces:
            return ()
        stage, self.stage = self.stage, ""
        return told(stage, show_shape(traces[-1].y), sum(map(self.costs.trace, traces), Cost()))


def told(stage: str, output: str, cost: Cost) -> tuple[str, ...]:
    """The facts of a row of the strip: its stage, output, parameters, multiply-adds."""
    return (stage, output, *(short(n) if n else "" for n in (cost.parameters, cost.macs)))


def strip(analysis: Analysis, opened: Iterable[str] = ()) -> tuple[Element, ...]:
    """The network's own scope; a stage in `opened` has its blocks one by one."""
    network = analysis.network
    known = located(analysis.elaborated)
    entering = analysis.root_flow.entering
    again = shared(network.body)
    kept = _steps(network.body).union(network.outputs, again)
    outputs = frozenset(network.outputs)
    names = dict(tapped(network, taps(analysis.elaborated)))
    builder = Builder(
        *(network.blocks, entering, network.name, kept, known, Costs(), outputs, again, names)
    )
    made: list[Element] = []
    for stage in network.stages:
        wanted, builder.stage = stage.label in opened, stage.label
        parts = [list(_unfolded(node, known)) if wanted else [node] for node in stage.body]
        nodes = [node for part in parts for node in part]
        builder.apart = {node.id for node in nodes} if wanted else set()
        made += builder.elements(nodes)
    return tuple(made)


def located(elaborated: Elaborated) -> Known:
    """The traces of the network's own scope by node, with their paths; calls are not entered.

    Those of an inline block stand in the scope of its call, in the order of the calls.
    """
    found: Known = {}
    rows, inline = Rows(elaborated), list[tuple[Path, tuple[Trace, ...]]]()

    def enter(items: tuple[Trace, ...], path: Path) -> None:
        for unit in rows.pieces(items, path, whole=True):
            item = unit.items[0]
            if unit.instance is not None:
                inline.append((path, unit.items))
                continue
            found.setdefault(standing(item).id, []).append((child_path(path, item.name), item))
            whole = isinstance(item, CallTrace) or isinstance(item.node, Call) or is_again(item)
            for part in () if whole else item.parts:
                enter(part, path if item.shares_scope else child_path(path, item.name))

    enter(elaborated.root.items, ())
    blocks, calls = elaborated.network.blocks, iter(inline)
    for node in walk(elaborated.network.body):
        if isinstance(node, Call) and blocks[node.block].form is Form.INLINE:
            for path, items in islice(calls, int(node.repeat or 1)):  # type: ignore[arg-type]
                found.setdefault(node.id, []).extend(((*path, i.name), i) for i in items)
    return found


def _step(source: str) -> str:
    """The step that a value comes from, which may give several."""
    return source.partition(".")[0]


def _steps(body: tuple[Node, ...]) -> frozenset[str]:
    """Values that are gone back to, and the calls that give several of them."""
    return sources(body).union(str(node.name) for node in walk(body) if is_several(node))


def _unfolded(node: Node, known: Known) -> Iterator[Node]:
    """The repetitions of a call one by one, each with its own arguments."""
    if not isinstance(node, Call) or node.repeat is None:
        yield node
        return
    calls = [one for _, item in known[node.id] for one in _calls(item)]
    for item in calls:
        args = tuple((name, item.instance.env[name]) for name, _ in node.args)
        one = Call(node.block, args, item.name)
        known[one.id] = [((item.name,), item)]
        yield one


def _calls(item: Trace) -> Iterator[CallTrace]:
    for _, one in walk_traces([item], enter=lambda item: isinstance(item, GroupTrace)):
        if isinstance(one, CallTrace):
            yield one


@dataclass
class Panel:
    """A kind of block: its head, the values that it names, and what it is made of."""

    head: tuple[Text, ...]
    body: tuple[Element, ...]
    id: str


def panels(analysis: Analysis) -> list[Panel]:
    """A panel for each block that is called, in the order in which they come up."""
    network = analysis.network
    order: list[str] = []
    _reach(network.body, network.blocks, order)
    made = []
    for name in order:
        block = network.blocks[name]
        flow, _ = analysis.flows[name]
        prefix = f"{network.name}.{name}"
        again = shared(block.body)
        kept = _steps(block.body) | again
        builder = Builder(network.blocks, flow.entering, prefix, kept, shared=again)
        head = [Text(line, "head") for line in words.folded(words.definition(block), 38)]
        for let, dim in block.lets:
            head += [
                Text(line, "small") for line in words.folded(f"{let} = {words.shown(dim)}", 50)
            ]
        made.append(Panel(tuple(head), builder.elements(block.body, False), prefix))
    return made


def _reach(nodes: Iterable[Node], blocks: Mapping[str, Block], order: list[str]) -> None:
    for node in walk(tuple(nodes)):
        if isinstance(node, Call) and node.block not in order:
            order.append(node.block)
            _reach(blocks[node.block].body, blocks, order)
