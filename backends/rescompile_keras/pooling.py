"""Pools: which Keras layer does at the border what PyTorch does, and helpers where none does."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import cast

from rescompile.emit.channels_last import pads_same
from rescompile.emit.functions.define import BLOCK
from rescompile.emit.functions.function import Function
from rescompile.emit.layout import Call, Code, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument, Scope
from rescompile.ir.analysis import Analysis
from rescompile.ir.trace import OpTrace
from rescompile.ops import AvgPool, MaxPool, Pool
from rescompile.record import record

from .convolution import axes
from .place import Place
from .vocabulary import MAX, MEAN, function, source, written

SAFE = "zeros never win: x >= 0 here"
INFINITY = Keyword("constant_values", 'float("-inf")')


class Border(Enum):
    """What happens at the border of a map."""

    VALID = "nothing"
    SAME = "`same` is what is asked for"
    PADDED = "padding before the pool"
    HELPER = "padding that depends on the map, or a mean that does not count it"


@record
class PoolSite:
    """A pool of a definition, with everything that it stands for; `safe` where zeros never win."""

    op: Pool
    traces: tuple[OpTrace, ...]
    safe: bool

    @property
    def border(self) -> Border:
        found = [cast(Pool, trace.op) for trace in self.traces]
        if all(pads_same(op) for op in found):
            single = all(op.kernel == (1, 1) for op in found)
            return Border.VALID if single else Border.SAME
        reaches = any(op.ceil_mode and max(axes(op.stride)) > 1 for op in found)
        padded = any(set(op.padding) != {0} for op in found)
        left_out = isinstance(self.op, AvgPool) and not self.op.count_include_pad
        if reaches or (padded and left_out):
            return Border.HELPER
        return Border.PADDED if padded else Border.VALID

    @property
    def square(self) -> bool:
        kernel, stride, padding = self.op.kernel, self.op.stride, self.op.padding
        return kernel[0] == kernel[1] and stride[0] == stride[1] and len(set(padding)) == 1

    def options(self, scope: Scope) -> dict[str, Code]:
        """What a helper may have to be told, as source text."""
        counted = isinstance(self.op, AvgPool) and self.op.count_include_pad
        said = (self.op.padding[0], counted, self.op.ceil_mode)
        return {key: source(value, scope) for key, value in zip(NATURAL, said, strict=True)}


NATURAL = {"padding": "0", "count_include_pad": "False", "ceil_mode": "False"}


class Helper:
    """The function for the pools of a kind that no layer has."""

    def __init__(self, name: str, sites: list[PoolSite]) -> None:
        self.name, self.sites = name, sites
        given = [site.options(Scope()) for site in sites]
        found = {key: {values[key] for values in given} for key in NATURAL}
        self.padded = found["padding"] != {"0"}
        self.counts = found["count_include_pad"]
        self.ceils = found["ceil_mode"]
        self.varying = ["padding"] if self.padded else []
        self.varying += [key for key in ("count_include_pad", "ceil_mode") if len(found[key]) > 1]
        self.safe = all(site.safe for site in sites)

    def call(self, site: PoolSite, at: Place) -> Code:
        """A pool by this function."""
        window = (at.scope.dim(site.op.kernel[0]), at.scope.dim(site.op.stride[0]))
        values = site.options(at.scope)
        options = [Keyword(k, values[k]) for k in self.varying if values[k] != NATURAL[k]]
        return Call(self.name, (at.source, *window, *options, at.label.keyword()))

    def function(self) -> Function:
        arguments = [Argument("pool_size", "int"), Argument("stride", "int")]
        for key in self.varying:
            kind = "int" if key == "padding" else "bool"
            arguments.append(Argument(key, kind, NATURAL[key]))
        if self.name == "max_pool":
            about = "Max-pooling in ceil mode: the last window may reach over the edge."
            return function(self.name, arguments, self.maximum(), about)
        about = "The mean of each window over the pixels that count."
        return function(self.name, arguments, self.mean(), about)

    def maximum(self) -> Iterator[Line]:
        yield from self.rest()
        rows, columns = self.sides("padding" if self.padded else "0", True)
        pool = {"pool_size": "pool_size", "strides": "stride"}
        if self.safe:
            amount = {"padding": f"({rows}, {columns})"}
            pad = written("ZeroPadding2D", amount, BLOCK.keyword("_pad"))
            yield Line(f"# {SAFE}")
            yield Line(Call(pad, ("x",)), "x")
        else:
            pads = f"((0, 0), {rows}, {columns}, (0, 0))"
            yield Line(Call("keras.ops.pad", ("x", pads, INFINITY)), "x")
        yield Line(Call(written(MAX, pool, BLOCK.keyword()), ("x",)), "x")

    def mean(self) -> Iterator[Line]:
        ceil, before = "True" in self.ceils, "padding" if self.padded else "0"
        if ceil:
            yield from self.rest()
        if self.padded and "True" in self.counts:
            mixed = "False" in self.counts
            if mixed:
                yield Line("if count_include_pad:")
            pad = "((0, 0), (padding, padding), (padding, padding), (0, 0))"
            yield Line(Call("keras.ops.pad", ("x", pad)), "x", 8 if mixed else 4)
            if mixed:
                yield Line("0", "padding", 8)
            else:
                before = "0"
        rows, columns = self.sides(before, ceil)
        yield Line(f"((0, 0), {rows}, {columns}, (0, 0))", "pads")
        for target, value in (("total", "x"), ("share", "keras.ops.ones_like(x[..., :1])")):
            padded = Call("keras.ops.pad", (value, "pads"))
            yield Line(Call("keras.ops.average_pool", (padded, "pool_size", "stride")), target)
        yield Line("total / share", "x")

    def sides(self, before: str, ceil: bool) -> Iterator[str]:
        """The padding of rows and of columns: what is missing for the last window comes after."""
        for rest in ("rows", "columns"):
            after = rest if before == "0" else f"{before} + {rest}"
            yield f"({before}, {after if ceil else before})"

    def rest(self) -> Iterator[Line]:
        """What is missing at the end for the last window to be whole."""
        extent = "(extent + 2 * padding)" if self.padded else "extent"
        missing = f"(pool_size - {extent}) % stride"
        if "ceil_mode" in self.varying:
            missing = f"{missing} if ceil_mode else 0"
        each = f"{missing} for extent in x.shape[1:3]"
        if "ceil_mode" in self.varying and self.padded:  # too long for one line
            yield from (Line("rows, columns = ("), Line(each, indent=8), Line(")"))
        else:
            yield Line(f"rows, columns = ({each})")


class Pools:
    """All pools of a network; `negative` are the ids of those that may see a negative value."""

    def __init__(self, analysis: Analysis, negative: set[int]) -> None:
        self.sites = {
            key: PoolSite(traces[0].node.op, tuple(traces), key not in negative)
            for key, traces in analysis.traces.items()
            if isinstance(traces[0].node.op, Pool)
        }
        self.helpers: dict[type[Pool], Helper] = {}
        for kind, name in ((MaxPool, "max_pool"), (AvgPool, "average_pool")):
            found = [s for s in self.sites.values() if type(s.op) is kind]
            helped = [site for site in found if site.border is Border.HELPER]
            if helped:
                self.helpers[kind] = Helper(name, helped)

    def functions(self) -> list[Function]:
        return [helper.function() for helper in self.helpers.values()]

    def adds(self, trace: OpTrace) -> tuple[str, ...]:
        """Suffixes of the layers that a call has besides the pool itself."""
        site = self.sites[trace.node.id]
        if site.border is Border.HELPER:
            padded = isinstance(site.op, MaxPool) and self.helpers[MaxPool].safe
        else:
            padded = site.border is Border.PADDED and (isinstance(site.op, AvgPool) or site.safe)
        return ("pad",) if padded else ()

    def uses_ops(self, trace: OpTrace) -> bool:
        """Whether a call is made of operations without a name."""
        border = self.sites[trace.node.id].border
        return border in (Border.PADDED, Border.HELPER) and not self.adds(trace)

    def apply(self, at: Place, given: dict[str, Code]) -> list[tuple[Code, str]]:
        """The values of the place's variable, one after the other, each with a comment.

        `given` are the arguments of the layer that pools, by the table of operations.
        """
        site = self.sites[at.node.id]
        op, border, made, entering = site.op, site.border, [], at.source
        if border is Border.HELPER:
            return [(self.helpers[type(op)].call(site, at), "")]
        if border is Border.PADDED:
            made, entering = [self.pad(site, at)], at.target
        if given["strides"] == given["pool_size"]:
            del given["strides"]
        if border is Border.SAME:
            given["padding"] = '"same"'
        pool = at.layer(MAX if isinstance(op, MaxPool) else MEAN, given, entering)
        return [*made, (pool, "")]

    def pad(self, site: PoolSite, at: Place) -> tuple[Code, str]:
        if isinstance(site.op, AvgPool) or site.safe:
            note = SAFE if isinstance(site.op, MaxPool) else ""
            padding = {"padding": at.scope.sides(site.op.padding)}
            return at.layer("ZeroPadding2D", padding, suffix="_pad"), note
        pads = at.scope.pads(site.op.padding)
        return Call("keras.ops.pad", (at.source, pads, INFINITY)), ""


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
