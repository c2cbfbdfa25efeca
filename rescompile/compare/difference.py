"""What two networks do differently, place by place: of what they compute, not of their text.

Both networks are read as nested items (groups, block calls, operations) with numbers for all
attributes. Items are aligned by name where they own weights, whose names stand in checkpoints, and
by kind where they do not. A residual is read as its branch, followed by an item for its shortcut.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from enum import Enum
from itertools import zip_longest
from typing import Any

from ..cost.describe import describe_op, describe_run
from ..ir.nodes import Call, Reuse
from ..ir.structure import Network, Path
from ..ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
)
from ..ops import Op, show_inputs
from ..record import record

NONE = "none"
REPEAT = "repeat"


@record
class Item:
    """A part of a network: its attributes as text, and in `said` all of it in a few words."""

    kind: str
    name: str
    said: str
    attributes: tuple[tuple[str, str], ...] = ()
    inner: tuple[Item, ...] = ()
    owns: bool = False  # weights, so that its name matters

    @property
    def token(self) -> tuple[str, str]:
        """What items that are aligned share."""
        if self.owns and not self.name.isdigit():
            return self.kind, self.name
        return self.kind, self.said if self.owns else ""


@record
class Change:
    """One difference: `before` or `after` is None where the item is only in one network.

    `place` is the path of the outermost block call around it, `path` leads on from there; `blocks`
    are the names of the block called there, in both networks.
    """

    place: Path
    path: Path
    what: str
    before: str | None
    after: str | None
    blocks: tuple[str, str] = ("", "")

    def text(self) -> str:
        """The change without its place: "stride 2 -> 1"; of a part that is new, what it is."""
        if self.before is None or self.after is None:
            return str(self.after or self.before)
        return f"{self.what} {self.before} -> {self.after}"

    @property
    def sign(self) -> str:
        """A plus for what is new, a minus for what is gone, nothing for what has changed."""
        return "+ " if self.before is None else "- " if self.after is None else ""


def differences(a: Elaborated, b: Elaborated) -> list[Change]:
    """All changes from network `a` to network `b`, in the order of execution."""
    ours, theirs = _network(a.network), _network(b.network)
    found = [
        Change((), (), key, before, theirs[key])
        for key, before in ours.items()
        if before != theirs[key]
    ]
    # A join in a sequence is a block of its own, called after the network, not by the spec.
    xs, ys = (_items(net.root.items, f"{net.network.name}_") for net in (a, b))
    return [*found, *_compare(xs, ys, _Place())]


def _network(network: Network) -> dict[str, str]:
    return {
        "input": show_inputs(network.inputs),
        "classes": str(network.classes or NONE),
        "outputs": ", ".join(network.outputs) or "the last",
        "initial weights of convolutions": network.conv_init.text(),
        "initial weights of linear layers": network.linear_init.text(),
    }


def _items(traces: tuple[Trace, ...], prefix: str) -> tuple[Item, ...]:
    return tuple(item for trace in traces for item in _item(trace, prefix))


def _item(trace: Trace, prefix: str) -> Iterator[Item]:
    for item in _alone(trace, prefix):
        if item.owns:
            whose = f"those of {trace.again.of}" if trace.again else "its own"
            item = replace(item, attributes=(*item.attributes, ("weights", whose)))
        yield item


def _alone(trace: Trace, prefix: str) -> Iterator[Item]:
    """The items of a trace, whosever its weights are."""
    if isinstance(trace, OpTrace):
        owns = bool(trace.op.parameters(trace.x))
        said = describe_op(trace.op, trace.x)
        yield Item(trace.op.word, trace.name, said, tuple(_facts(trace.op)), owns=owns)
    elif isinstance(trace, CallTrace):
        block = trace.instance.block.name.removeprefix(prefix)
        given = [("from", ", ".join(trace.node.sources))] if trace.node.sources else []
        inner = _items(trace.instance.items, prefix)
        yield Item("block", trace.name, block, (("block", block), *given), inner, owns=True)
    elif isinstance(trace, GroupTrace):
        inner, said = _items(trace.items, prefix), describe_run(trace.items)
        if isinstance(trace.node, (Call, Reuse)):
            repeated = (("block", inner[0].said), (REPEAT, str(len(inner))))
            yield Item("repeated", trace.name, said, repeated, inner, owns=True)
        else:
            yield Item("group", trace.name, said, (), inner, owns=True)
    elif isinstance(trace, JoinTrace):
        branches = tuple(
            Item("branch", str(i), describe_run(branch) or "identity", inner=_items(branch, prefix))
            for i, branch in enumerate(trace.branches)
        )
        attributes = (("channels", "split" if trace.node.split else "shared"),)
        yield Item(
            trace.node.kind.value, trace.node.name, describe_run([trace]), attributes, branches
        )
    elif isinstance(trace, FromTrace):
        yield Item("from", "", describe_run([trace]), (("from", trace.node.source),))
    else:
        yield from _items((*trace.pre, *trace.branch), prefix)
        if trace.shortcut is not None:
            yield _shortcut(trace, trace.shortcut, prefix)


def _shortcut(trace: ResidualTrace, steps: tuple[Trace, ...], prefix: str) -> Item:
    kind = trace.node.kind.removesuffix("_always") if steps else "identity"  # here it does so
    tap = " from the preactivation" if steps and trace.node.tap_pre else ""
    return Item("shortcut", "", kind + tap, (("shortcut", kind + tap),), _items(steps, prefix))


def _facts(op: Op) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(op):
        name = field.name.removeprefix("out_")
        yield name, _value(getattr(op, field.name))


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else " x ".join(map(str, value))
    return str(value.value if isinstance(value, Enum) else value)


@record
class _Place:
    """Where items are compared: the block call that is reported, and the way on from it."""

    block: Path = ()
    path: Path = ()
    blocks: tuple[str, str] = ("", "")

    def inside(self, a: Item, b: Item) -> _Place:
        if a.kind == "shortcut":
            return self
        if a.kind == "block" and not self.block:
            return _Place((*self.path, a.name), (), (a.said, b.said))
        return _Place(self.block, (*self.path, a.name), self.blocks)

    def change(self, item: Item, what: str, before: str | None, after: str | None) -> Change:
        own = () if item.kind == "shortcut" else (item.name,)
        return Change(self.block, (*self.path, *own), what, before, after, self.blocks)


def _compare(xs: Sequence[Item], ys: Sequence[Item], place: _Place) -> Iterator[Change]:
    pairs = list(_aligned(xs, ys))
    moved = _moved(pairs)
    for i, (a, b) in enumerate(pairs):
        if a is not None and b is not None:
            yield from _changes(a, b, place)
        elif a is not None and i not in moved.values():
            yield _only(a, a.said, None, place)
        elif b is not None and (was := pairs[moved[i]][0] if i in moved else None) is not None:
            if b.kind != "shortcut":  # it stands where the branch ends
                yield place.change(b, "position", _position(was, xs), _position(b, ys))
            yield from _changes(was, b, place)
        elif b is not None:
            yield _only(b, None, b.said, place)


def _moved(pairs: Sequence[tuple[Item | None, Item | None]]) -> dict[int, int]:
    """The pairs of what is new in one position, and those where the same was before."""
    gone = {i: a for i, (a, b) in enumerate(pairs) if a is not None and b is None}
    found: dict[int, int] = {}
    for i, (a, b) in enumerate(pairs):
        if a is None and b is not None:
            was = next((j for j, other in gone.items() if other.token == b.token), None)
            if was is not None:
                del gone[was]
                found[i] = was
    return found


def _only(item: Item, before: str | None, after: str | None, place: _Place) -> Change:
    if item.kind == "shortcut":
        return place.change(item, "shortcut", before or NONE, after or NONE)
    return place.change(item, item.kind, before, after)


def _position(item: Item, items: Sequence[Item]) -> str:
    i = next(i for i, other in enumerate(items) if other is item)
    return f"after {items[i - 1].name or items[i - 1].kind}" if i else "first"


def _changes(a: Item, b: Item, place: _Place) -> Iterator[Change]:
    if a.owns and a.name != b.name and not (a.name.isdigit() and b.name.isdigit()):
        yield place.change(a, "name", a.name, b.name)
    ours, theirs = dict(a.attributes), dict(b.attributes)
    for what in dict.fromkeys((*ours, *theirs)):
        before, after = ours.get(what, NONE), theirs.get(what, NONE)
        if before != after:
            yield place.change(a, what, before, after)
    inside = place.inside(a, b)
    if a.kind == "repeated":  # how many there are is told already, and what is called
        for one, other in zip(a.inner, b.inner, strict=False):
            yield from _compare(one.inner, other.inner, inside.inside(one, other))
    elif a.kind != "shortcut" or ours == theirs:
        yield from _compare(a.inner, b.inner, inside)


def _aligned(xs: Sequence[Item], ys: Sequence[Item]) -> Iterator[tuple[Item | None, Item | None]]:
    """Items side by side, None beside one that only one side has."""
    ours, theirs = [x.token for x in xs], [y.token for y in ys]
    both = {*ours} & {*theirs}
    for what, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            yield from zip(xs[i1:i2], ys[j1:j2], strict=True)
            continue
        left = list(ys[j1:j2])
        for x in xs[i1:i2]:
            other = next((y for y in left if _is_renamed(x, y, both)), None)
            left = [y for y in left if y is not other]
            yield x, other
        yield from zip_longest([], left)


def _is_renamed(x: Item, y: Item, both: set[tuple[str, str]]) -> bool:
    """Whether one may stand for the other: of one kind, with names that are not in both networks.

    Parts with steps of their own must be made of the same.
    """
    if x.kind != y.kind or x.token in both or y.token in both:
        return False
    return x.said == y.said or not (x.owns and x.inner) or x.name.isdigit()
