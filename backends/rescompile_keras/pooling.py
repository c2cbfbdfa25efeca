"""Pools: which Keras layer does at the border what PyTorch does, and helpers where none does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from rescompile.emit.borders import Border, border, pads_same
from rescompile.emit.functions.define import BLOCK
from rescompile.emit.functions.function import Function, Shared
from rescompile.emit.functions.syntax import Place, Values
from rescompile.emit.layout import Call, Code, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument
from rescompile.ir.analysis import Analysis
from rescompile.ir.trace import OpTrace
from rescompile.ops import AXIS_NAMES, AvgPool, MaxPool, Pool, Same, Sides
from rescompile.ops.window import ends
from rescompile.record import record

from .vocabulary import Vocabulary, function

SAFE = "zeros never win: x >= 0 here"
INFINITY = Keyword("constant_values", 'float("-inf")')
NATURAL = {"padding": "0", "count_include_pad": "False", "ceil_mode": "False"}


@record
class PoolSite:
    """A pool of a definition, with everything that it stands for; `safe` where zeros never win."""

    op: Pool
    traces: tuple[OpTrace, ...]
    safe: bool
    border: Border

    @property
    def pads(self) -> bool:
        """Whether zeros around the map are a layer of their own."""
        zeros = isinstance(self.op, AvgPool) or self.safe
        return self.border is Border.COUNTED or (self.border is Border.PADDED and zeros)

    @property
    def uneven(self) -> bool:
        """Whether `same` may pad one side more, where Keras' PyTorch engine repeats the edge.

        The means of windows of two pixels are the same with a pixel twice.
        """
        return self.border is Border.SAME and any(map(may_be_uneven, self.traces))

    @property
    def options(self) -> dict[str, Any]:
        """What a helper may have to be told."""
        counted = isinstance(self.op, AvgPool) and self.op.count_include_pad
        said = (self.sides[0], counted, self.op.ceil_mode)
        return dict(zip(NATURAL, said, strict=True))

    @property
    def sides(self) -> Sides:
        """The padding before and after each axis, which is no word here."""
        return cast(Sides, self.op.padding)


class PoolHelper(Shared):
    """The function for the pools of a kind that no layer has."""

    def __init__(self, name: str, sites: list[PoolSite], words: Vocabulary) -> None:
        self.words = words
        said = [site.options for site in sites]
        self.padded = any(options["padding"] != 0 for options in said)
        super().__init__(name, NATURAL, said, ["padding"] if self.padded else [])
        self.defaults = {key: NATURAL[key] for key in self.varying}
        self.safe = all(site.safe for site in sites)

    def call(self, site: PoolSite, at: Place) -> Code:
        """A pool by this function."""
        window = (at.scope.dim(site.op.kernel[0]), at.scope.dim(site.op.stride[0]))
        options = self.told(site.options, at.scope)
        return Call(self.name, (at.source, *window, *options, at.label.keyword()))

    def function(self) -> Function:
        window = [Argument("pool_size", "int"), Argument("stride", "int")]
        lines, about = self.mean(), "The mean of each window over the pixels that count."
        if self.name == "max_pool":
            about = "Max-pooling in ceil mode: the last window may reach over the edge."
            lines = self.maximum()
        return function(self.name, [*window, *self.arguments], lines, about)

    def maximum(self) -> Iterator[Line]:
        yield self.rest()
        sides = ", ".join(self.sides("padding" if self.padded else "0", True))
        pool = {"pool_size": "pool_size", "strides": "stride"}
        if self.safe:
            one = self.words.axes == 1
            amount = {"padding": sides if one else f"({sides})"}
            pad = self.words.zeros.written(amount, BLOCK.keyword("_pad"))
            yield Line(f"# {SAFE}")
            yield Line(Call(pad, ("x",)), "x")
        else:
            pads = f"((0, 0), {sides}, (0, 0))"
            yield Line(Call("keras.ops.pad", ("x", pads, INFINITY)), "x")
        yield Line(Call(self.words.max.written(pool, BLOCK.keyword()), ("x",)), "x")

    def mean(self) -> Iterator[Line]:
        counted, before = self.values["count_include_pad"], "padding" if self.padded else "0"
        ceil = self.values["ceil_mode"] != "False"
        if ceil:
            yield self.rest()
        if self.padded and counted != "False":
            mixed = counted != "True"
            if mixed:
                yield Line("if count_include_pad:")
            pad = f"((0, 0), {', '.join(['(padding, padding)'] * self.words.axes)}, (0, 0))"
            yield Line(Call("keras.ops.pad", ("x", pad)), "x", 8 if mixed else 4)
            if mixed:
                yield Line("0", "padding", 8)
            else:
                before = "0"
        yield Line(f"((0, 0), {', '.join(self.sides(before, ceil))}, (0, 0))", "pads")
        yield from shares()

    def sides(self, before: str, ceil: bool) -> Iterator[str]:
        """The padding of each axis: what is missing for the last window comes after."""
        for rest in AXIS_NAMES[self.words.axes]:
            after = rest if before == "0" else f"{before} + {rest}"
            yield f"({before}, {after if ceil else before})"

    def rest(self) -> Line:
        """What is missing at the end for the last window to be whole."""
        names = AXIS_NAMES[self.words.axes]
        start = "extent" if names[1:] else "x.shape[1]"
        extent = f"({start} + 2 * padding)" if self.padded else start
        missing = f"(pool_size - {extent}) % stride"
        if "ceil_mode" in self.varying:
            missing = f"{missing} if ceil_mode else 0"
        if not names[1:]:
            return Line(missing, names[0])
        each = f"{missing} for extent in x.shape[1:{len(names) + 1}]"
        whole = Line(f"{', '.join(names)} = ({each})")
        return whole if whole.fits else Line(f"{', '.join(names)} = (\n        {each}\n    )")


def shares() -> Iterator[Line]:
    """The mean of a window of a padded map, over the share of the window that is in the map."""
    for target, value in (("total", "x"), ("share", "keras.ops.ones_like(x[..., :1])")):
        padded = Call("keras.ops.pad", (value, "pads"))
        yield Line(Call("keras.ops.average_pool", (padded, "pool_size", "stride")), target)
    yield Line("total / share", "x")


class SamePool(Shared):
    """The function for means by `same` padding that no layer has on every engine.

    Either zeros count, or what they stand for is left out.
    """

    def __init__(self, counted: bool, words: Vocabulary) -> None:
        self.counted, self.words = counted, words
        super().__init__("same_average_pool" if counted else "same_mean_pool", {}, [{}], [])

    def call(self, site: PoolSite, at: Place) -> Code:
        """A pool by this function."""
        window = (at.scope.dim(site.op.kernel[0]), at.scope.dim(site.op.stride[0]))
        return Call(self.name, (at.source, *window, at.label.keyword()))

    def function(self) -> Function:
        window = [Argument("pool_size", "int"), Argument("stride", "int")]
        about = "The mean of each window of `same` padding, whose zeros count."
        if not self.counted:
            about = "The mean of each window's pixels. Keras' PyTorch engine would repeat the edge."
        return function(self.name, window, self.lines(), about)

    def lines(self) -> Iterator[Line]:
        axes = self.words.axes
        yield Line(f"x.shape[1:{axes + 1}]", "sizes")
        yield Line("[(-(-n // stride) - 1) * stride + pool_size for n in sizes]", "ends")
        missing = "[max(end - n, 0) for end, n in zip(ends, sizes, strict=True)]"
        yield Line(missing, "missing")
        yield Line("tuple((n // 2, n - n // 2) for n in missing)", "sides")
        if not self.counted:
            yield Line("((0, 0), *sides, (0, 0))", "pads")
            yield from shares()
            return
        amount = {"padding": "sides[0]" if axes == 1 else "sides"}
        pad = self.words.zeros.written(amount, BLOCK.keyword("_pad"))
        yield Line(Call(pad, ("x",)), "x")
        pool = {"pool_size": "pool_size", "strides": "stride"}
        yield Line(Call(self.words.mean.written(pool, BLOCK.keyword()), ("x",)), "x")


class Pools:
    """All pools of a network; `negative` are the ids of those that may see a negative value."""

    def __init__(self, analysis: Analysis, negative: set[int], words: Vocabulary) -> None:
        self.words = words
        self.sites = {
            key: PoolSite(traces[0].node.op, tuple(traces), key not in negative, border(traces))
            for key, traces in analysis.traces.items()
            if isinstance(traces[0].node.op, Pool)
        }
        self.helpers: dict[type[Pool], PoolHelper] = {}
        sites = self.sites.values()
        self.same: dict[bool, SamePool] = {}  # by whether zeros count
        if any(site.border is Border.COUNTED for site in sites):
            self.same[True] = SamePool(True, words)
        if any(site.uneven for site in sites):
            self.same[False] = SamePool(False, words)
        helped = [site for site in self.sites.values() if site.border is Border.HELPER]
        for kind, name in ((MaxPool, "max_pool"), (AvgPool, "average_pool")):
            if found := [site for site in helped if type(site.op) is kind]:
                self.helpers[kind] = PoolHelper(name, found, words)

    def pads(self, trace: OpTrace) -> bool:
        """Whether a call has a layer of its own for the padding."""
        site = self.sites[trace.node.id]
        helped = site.border is Border.HELPER and isinstance(site.op, MaxPool)
        return site.pads or (helped and self.helpers[MaxPool].safe)

    def uses_ops(self, trace: OpTrace) -> bool:
        """Whether a call is made of operations without a name."""
        site = self.sites[trace.node.id]
        helped = site.border in (Border.PADDED, Border.HELPER) or site.uneven
        return helped and not self.pads(trace)

    def apply(self, at: Place, given: dict[str, Code]) -> Values:
        """The values of the place's variable; `given` are the arguments of the layer that pools."""
        site = self.sites[at.node.id]
        op, made, entering = site.op, list[tuple[Code, str]](), at.source
        if site.border is Border.COUNTED or site.uneven:
            return [(self.same[site.border is Border.COUNTED].call(site, at), "")]
        if site.border is Border.HELPER:
            return [(self.helpers[type(op)].call(site, at), "")]
        if site.pads:
            note = SAFE if isinstance(op, MaxPool) else ""
            padding = {"padding": at.scope.sides(ends(site.sides))}
            made.append((self.words.zeros.applied(at, padding, suffix="_pad"), note))
        elif site.border is Border.PADDED:
            pads = at.scope.pads(ends(site.sides))
            made.append((Call("keras.ops.pad", (at.source, pads, INFINITY)), ""))
        elif site.border is Border.SAME:
            given["padding"] = '"same"'
        entering = at.target if made else at.source
        layer = self.words.max if isinstance(op, MaxPool) else self.words.mean
        return [*made, (layer.applied(at, given, entering), "")]


def asks_for_size(op: AvgPool) -> bool:
    """Whether the function of a mean pads as many pixels as the size of the map tells."""
    return op.ceil_mode or (isinstance(op.padding, Same) and not pads_same(op))


def may_be_uneven(trace: OpTrace) -> bool:
    """Whether `same` pads more after some map than before it, in a mean of more than two pixels."""
    op: Any = trace.op
    windows = zip(op.kernel, op.stride, strict=True)
    uneven = any(kernel > 1 and (stride > 1 or kernel % 2 == 0) for kernel, stride in windows)
    means = isinstance(op, AvgPool) and isinstance(op.padding, Same)
    return means and uneven and max(op.kernel) > 2


def reasons(site: PoolSite, place: str) -> Iterator[str]:
    """What no helper can do."""
    if site.border not in (Border.HELPER, Border.COUNTED) and not site.uneven:
        return
    kernel, stride, padding = site.op.kernel, site.op.stride, site.op.padding
    if isinstance(padding, Same):
        if any(len({*how}) > 1 for how in (kernel, stride)):
            yield f"{place}: a mean with `same` padding must be square here"
        return
    if any(len({*how}) > 1 for how in (kernel, stride, padding)):
        yield f"{place}: a pool in ceil mode, or a mean that leaves padding out, must be square"
    for trace in site.traces:
        op: Any = trace.op
        windows = zip(op.kernel, op.stride, op.padding[::2], strict=True)
        if op.ceil_mode and any(stride > kernel - pad for kernel, stride, pad in windows):
            yield f"{place}: in ceil mode the stride must not exceed the kernel less the padding"
