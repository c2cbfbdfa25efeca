"""Pools: which Keras layer does at the border what PyTorch does, and helpers where none does."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import cast

from rescompile.emit.channels_last import pads_same
from rescompile.emit.layout import Arg, Call, Code, Keyword
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Layer
from rescompile.ir.trace import OpTrace
from rescompile.ops import AvgPool, MaxPool, Pool
from rescompile.record import record

from .convolution import axes
from .view import BLOCK, Argument, Function, Label, Line, Scope, function

SAFE = "zeros never win: x >= 0 here"


class Border(Enum):
    """What happens at the border of a map."""

    VALID = "nothing"
    SAME = "`same` is what is asked for"
    PADDED = "padding before the pool"
    HELPER = "padding that depends on the map, or a mean that does not count it"


@record
class PoolSite:
    """A pool of a definition, with everything that it stands for."""

    node: Layer
    op: Pool
    traces: tuple[OpTrace, ...]

    @property
    def border(self) -> Border:
        found = [cast(Pool, trace.op) for trace in self.traces]
        if all(pads_same(op) for op in found):
            single = all(op.kernel == (1, 1) for op in found)
            return Border.VALID if single else Border.SAME
        reaches = any(op.ceil_mode and max(axes(op.stride)) > 1 for op in found)
        padded = any(set(op.padding) != {0} for op in found)
        if reaches:
            return Border.HELPER
        if isinstance(self.op, AvgPool) and padded and not self.op.count_include_pad:
            return Border.HELPER
        return Border.PADDED if padded else Border.VALID

    @property
    def square(self) -> bool:
        kernel, stride, padding = self.op.kernel, self.op.stride, self.op.padding
        return kernel[0] == kernel[1] and stride[0] == stride[1] and len(set(padding)) == 1

    def window(self, scope: Scope) -> tuple[Arg, ...]:
        kernel, stride = scope.pair(self.op.kernel), scope.pair(self.op.stride)
        return (kernel,) if stride == kernel else (kernel, stride)


class Pools:
    """All pools of a network."""

    def __init__(self, analysis: Analysis, negative: set[int]) -> None:
        self.negative = negative
        self.sites = {
            key: PoolSite(traces[0].node, traces[0].node.op, tuple(traces))
            for key, traces in analysis.traces.items()
            if isinstance(traces[0].node.op, Pool)
        }
        helped = [site for site in self.sites.values() if site.border is Border.HELPER]
        self.maxima = [site for site in helped if isinstance(site.op, MaxPool)]
        self.means = [site for site in helped if isinstance(site.op, AvgPool)]

    def safe(self, site: PoolSite) -> bool:
        """Whether zeros never win: no call sees a negative value."""
        return site.node.id not in self.negative

    def adds(self, trace: OpTrace) -> tuple[str, ...]:
        """Suffixes of the layers that a call has besides the pool itself."""
        site = self.sites[trace.node.id]
        largest = isinstance(site.op, MaxPool) and site.border is Border.HELPER
        helped = largest and all(self.safe(other) for other in self.maxima)
        padded = site.border is Border.PADDED and (isinstance(site.op, AvgPool) or self.safe(site))
        return ("pad",) if helped or padded else ()

    def uses_ops(self, trace: OpTrace) -> bool:
        """Whether a call is made of operations without a name."""
        site = self.sites[trace.node.id]
        return site.border in (Border.PADDED, Border.HELPER) and not self.adds(trace)

    # -- one pool --------------------------------------------------------------------------------

    def apply(
        self, node: Layer, source: str, target: str, label: Label, scope: Scope
    ) -> list[tuple[Code, str]]:
        """The values of `target`, one after the other, each with a comment."""
        site = self.sites[node.id]
        op, border = site.op, site.border
        kind = "MaxPooling2D" if isinstance(op, MaxPool) else "AveragePooling2D"
        same = (Keyword("padding", '"same"'),) if border is Border.SAME else ()
        if border is Border.HELPER:
            return [(self.help(site, source, label, scope), "")]
        made: list[tuple[Code, str]] = []
        if border is Border.PADDED:
            made, source = [self.pad(site, source, label, scope)], target
        pool = Call(f"layers.{kind}", (*site.window(scope), *same, label.keyword()))
        return [*made, (Call(pool, (source,)), "")]

    def pad(self, site: PoolSite, source: str, label: Label, scope: Scope) -> tuple[Code, str]:
        if isinstance(site.op, AvgPool) or self.safe(site):
            note = SAFE if isinstance(site.op, MaxPool) else ""
            sides = scope.sides(site.op.padding)
            pad = Call("layers.ZeroPadding2D", (sides, label.keyword("_pad")))
            return Call(pad, (source,)), note
        infinity = Keyword("constant_values", 'float("-inf")')
        return Call("keras.ops.pad", (source, scope.pads(site.op.padding), infinity)), ""

    def help(self, site: PoolSite, source: str, label: Label, scope: Scope) -> Code:
        """The call of a helper."""
        op, group = site.op, self.maxima if isinstance(site.op, MaxPool) else self.means
        given: list[Arg] = [scope.dim(op.kernel[0]), scope.dim(op.stride[0])]
        if _padded(group) and op.padding[0] != 0:
            given.append(Keyword("padding", scope.dim(op.padding[0])))
        if isinstance(op, AvgPool) and _mixed(group) and op.count_include_pad:
            given.append(Keyword("count_include_pad", "True"))
        if not all(s.op.ceil_mode == op.ceil_mode for s in group) and op.ceil_mode:
            given.append(Keyword("ceil_mode", "True"))
        name = "max_pool" if isinstance(op, MaxPool) else "average_pool"
        return Call(name, (source, *given, label.keyword()))

    # -- the helpers -----------------------------------------------------------------------------

    def functions(self) -> Iterator[Function]:
        if self.maxima:
            about = "Max-pooling in ceil mode: the last window may reach over the edge."
            yield function("max_pool", _arguments(self.maxima), self.maximum(), about)
        if self.means:
            about = "The mean of each window over the pixels that count."
            yield function("average_pool", _arguments(self.means), self.mean(), about)

    def maximum(self) -> Iterator[Line]:
        yield from _rest(self.maxima)
        before = "padding" if _padded(self.maxima) else "0"
        rows, columns = ((before, _plus(before, rest)) for rest in ("rows", "columns"))
        sides = f"({rows[0]}, {rows[1]}), ({columns[0]}, {columns[1]})"
        if all(self.safe(site) for site in self.maxima):
            pad = Call("layers.ZeroPadding2D", (f"({sides})", BLOCK.keyword("_pad")))
            yield Line(f"# {SAFE}")
            yield Line(Call(pad, ("x",)), "x")
        else:
            infinity = Keyword("constant_values", 'float("-inf")')
            yield Line(Call("keras.ops.pad", ("x", f"((0, 0), {sides}, (0, 0))", infinity)), "x")
        yield Line(
            Call(Call("layers.MaxPooling2D", ("pool_size", "stride", BLOCK.keyword())), ("x",)), "x"
        )

    def mean(self) -> Iterator[Line]:
        ceil = any(site.op.ceil_mode for site in self.means)
        if ceil:
            yield from _rest(self.means)
        included = [cast(AvgPool, site.op).count_include_pad for site in self.means]
        before = "padding" if _padded(self.means) else "0"
        if any(included) and before == "padding":
            pad = "((0, 0), (padding, padding), (padding, padding), (0, 0))"
            made = Line(Call("keras.ops.pad", ("x", pad)), "x", 4 if all(included) else 8)
            if not all(included):
                yield Line("if count_include_pad:")
            yield made
            if all(included):
                before = "0"
            else:
                yield Line("0", "padding", 8)
        rows, columns = (_plus(before, rest) if ceil else before for rest in ("rows", "columns"))
        pads = f"((0, 0), ({before}, {rows}), ({before}, {columns}), (0, 0))"
        yield Line(pads, "pads")
        for target, value in (("total", "x"), ("share", "keras.ops.ones_like(x[..., :1])")):
            padded = Call("keras.ops.pad", (value, "pads"))
            yield Line(Call("keras.ops.average_pool", (padded, "pool_size", "stride")), target)
        yield Line("total / share", "x")


def _padded(sites: list[PoolSite]) -> bool:
    return any(site.op.padding[0] != 0 for site in sites)


def _mixed(sites: list[PoolSite]) -> bool:
    return len({cast(AvgPool, site.op).count_include_pad for site in sites}) > 1


def _plus(before: str, rest: str) -> str:
    return rest if before == "0" else f"{before} + {rest}"


def _arguments(sites: list[PoolSite]) -> list[Argument]:
    made = [Argument("pool_size", "int"), Argument("stride", "int")]
    if _padded(sites):
        made.append(Argument("padding", "int", "0"))
    if isinstance(sites[0].op, AvgPool) and _mixed(sites):
        made.append(Argument("count_include_pad", "bool", "False"))
    if len({site.op.ceil_mode for site in sites}) > 1:
        made.append(Argument("ceil_mode", "bool", "False"))
    return made


def _rest(sites: list[PoolSite]) -> Iterator[Line]:
    """What is missing at the end for the last window to be whole."""
    extent = "extent + 2 * padding" if _padded(sites) else "extent"
    missing = (
        f"(pool_size - ({extent})) % stride"
        if " " in extent
        else f"(pool_size - {extent}) % stride"
    )
    if len({site.op.ceil_mode for site in sites}) > 1:
        missing = f"{missing} if ceil_mode else 0"
    each = f"{missing} for extent in x.shape[1:3]"
    if "ceil_mode" not in missing or "padding" not in missing:
        yield Line(f"rows, columns = ({each})")
        return
    yield Line("rows, columns = (")  # too long for one line
    yield Line(each, indent=8)
    yield Line(")")


def reasons(site: PoolSite, place: str) -> Iterator[str]:
    """What no helper can do."""
    if site.border is not Border.HELPER:
        return
    if not site.square:
        yield f"{place}: a pool in ceil mode, or a mean that leaves padding out, must be square"
    for trace in site.traces:
        op = cast(Pool, trace.op)
        windows = zip(axes(op.kernel), axes(op.stride), axes(op.padding[::2]), strict=True)
        if op.ceil_mode and any(stride > kernel - pad for kernel, stride, pad in windows):
            yield f"{place}: in ceil mode the stride must not exceed the kernel less the padding"
