"""The helper functions for convolutions of an emitted file, `conv` mostly, and their calls.

A helper takes what varies between its convolutions, or is an expression in one of them. A single
convolution that needs no case distinction is written out where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, cast

from ...expr.dims import Expr, text
from ...ir.trace import OpTrace
from ...ops.window import ends
from ...record import record
from ..borders import Padding
from ..layout import Call, Code, Keyword
from ..lines import Line
from ..scope import Argument, ordered
from .convolutions import ConvSite, is_depthwise
from .define import BLOCK
from .function import Function, Shared, function, type_of
from .layer import DRAWN, Layer
from .syntax import Place, Values

# What a helper may take beside filters and kernel, and what it is where nobody says anything else.
NATURAL = {
    "stride": "1",
    "padding": '"valid"',
    "dilation": "1",
    "groups": "1",
    "use_bias": "False",
    "multiplier": "1",
}
QUOTED = {
    Padding.VALID: '"valid"',
    Padding.SAME: '"same"',
    Padding.HALF: '"same"',
    Padding.CAUSAL: '"causal"',
}


@record
class ConvLayers:
    """The layers of which a target makes convolutions.

    `zeros` stand around a map; a pool of one pixel keeps every stride-th one. `initial` makes what
    draws a kernel; of a depthwise one it is told the outputs for each channel, as source.
    """

    title: str
    tensor: str
    full: Layer
    depthwise: Layer
    zeros: Layer
    pool: Layer
    initial: Callable[[str | None], Code]

    def pad(self, amount: Code, name: Keyword) -> Call:
        return self.zeros.written({self.zeros.arguments[0].name: amount}, name)

    def thin(self, stride: str, name: Keyword) -> Call:
        return self.pool.written(self.pool.named({"kernel": "1", "stride": stride}), name)


class ConvHelper(Shared):
    """Convolutions of a network that one helper can serve, and how they are written."""

    def __init__(self, name: str, sites: list[ConvSite], target: ConvLayers) -> None:
        self.target = target
        self.sites = {site.node.id: site for site in sites}
        self.depthwise = sites[0].depthwise
        # A layer for depthwise convolutions pads no sequence before alone.
        self.either = any(site.either for site in sites)
        self.causal = () if self.depthwise or self.either else (Padding.CAUSAL,)
        known = (Padding.VALID, Padding.SAME, Padding.HALF, *self.causal)
        self.common = next((way for way in known if all(way in s.paddings for s in sites)), None)
        self.ways = {self.padding(site) for site in sites}
        self.skips = any(site.skips for site in sites)
        decided = all(len({self.pads(trace) for trace in site.traces}) == 1 for site in sites)
        self.is_function = len(sites) > 1 or not decided or self.skips or self.either
        said = [self.options(site) for site in sites]
        same = any(options["padding"] == '"same"' for options in said)
        tested = [*["stride", "dilation"] * self.skips, *["groups"] * self.either]
        super().__init__(name, NATURAL | ({"padding": '"same"'} if same else {}), said, tested)

    def padding(self, site: ConvSite) -> Padding:
        """How a convolution of this network is padded."""
        order = (Padding.SAME, Padding.VALID, *self.causal, Padding.GIVEN)
        # One that no way is right for is refused (`_reasons`), for which its names are asked.
        right = (way for way in order if way in site.paddings)
        return self.common or next(right, Padding.SAME)

    def pads(self, trace: OpTrace) -> bool:
        """Whether a call has a layer of its own for the padding."""
        op: Any = trace.op
        way = self.padding(self.sites[trace.node.id])
        strided = max(op.stride) > 1 and max(op.dilation) == 1
        half = way is Padding.HALF and strided and max(op.kernel) > 1
        return half or way is Padding.GIVEN

    def options(self, site: ConvSite) -> dict[str, Any]:
        """What the spec says of one convolution, or the layers' word for it."""
        op = site.op
        return {
            "stride": op.stride,
            "padding": QUOTED.get(self.padding(site)) or tuple(ends(cast(Any, op.padding))),
            "dilation": op.dilation,
            "groups": 1 if self.depthwise else op.groups,
            "use_bias": op.bias,
            "multiplier": site.multiplier if self.depthwise else 1,
        }

    # -- one convolution -------------------------------------------------------------------------

    def apply(self, at: Place) -> Values:
        """The values of the place's variable, one after the other."""
        site, scope = self.sites[at.node.id], at.scope
        options, size = self.options(site), {"kernel_size": scope.extents(site.op.kernel)}
        if not self.depthwise:
            size = {"filters": scope.dim(site.op.channels), **size}
        if self.is_function:
            given = (*size.values(), *self.told(options, scope), at.label.keyword())
            return [(Call(self.name, (at.source, *given)), "")]
        made: Values = []
        values = size | {key: scope.code(said) for key, said in options.items()}
        if self.pads(site.traces[0]):
            pad = self.target.pad(
                scope.sides(ends(cast(Any, site.op.padding))), at.label.keyword("_pad")
            )
            made.append((Call(pad, (at.source,)), ""))
            values["padding"] = '"valid"'
        layer = self.layer(values, at.label.keyword(), self.depthwise)
        return [*made, (Call(layer, (at.target if made else at.source,)), "")]

    def layer(self, values: Mapping[str, Code], name: Keyword, depthwise: bool) -> Call:
        """The constructor of the layer."""
        row, multiplier = self.target.full, None
        if depthwise:
            row = self.target.depthwise
            multiplier = str(values["multiplier"]) if self.depthwise else self.quotient()
            values = {**values, "channels": multiplier}
        drawn = next(a.name for a in row.arguments if a.form is DRAWN)
        return row.written(row.named(values) | {drawn: self.target.initial(multiplier)}, name)

    def quotient(self) -> str:
        """The outputs for each channel where only some convolutions of the helper are depthwise."""
        found = {site.multiplier for site in self.sites.values() if site.multipliers}
        only = found.pop() if len(found) == 1 else None
        return "filters // groups" if only is None or isinstance(only, Expr) else text(only)

    # -- the helper ------------------------------------------------------------------------------

    def function(self) -> Function:
        """The definition of the helper."""
        arguments = [] if self.depthwise else [Argument("filters", "int")]
        kernels = (site.op.kernel for site in self.sites.values())
        arguments += [Argument("kernel_size", type_of(kernels)), *self.arguments]
        return function(self.name, ordered(arguments), self.lines(), tensor=self.target.tensor)

    def lines(self) -> Iterator[Line]:
        values = self.values
        if self.skips:
            yield Line("subsample = 1")
            note = f"{self.target.title} has no such layer: keep every stride-th pixel instead"
            yield Line("if stride > 1 and dilation > 1:", comment=note)
            yield Line("stride, subsample = 1, stride", indent=8)
        values["padding"] = yield from self.zeros(values)
        yield from self.convolve({"filters": "filters", "kernel_size": "kernel_size", **values})
        if self.skips:
            yield Line("if subsample > 1:")
            thin = self.target.thin("subsample", BLOCK.keyword("_subsample"))
            yield Line(Call(thin, ("x",)), "x", 8)

    def zeros(self, values: Mapping[str, Code]) -> Generator[Line, None, Code]:
        """Zeros around the map where the layer cannot pad as asked; what is left to the layer."""
        amount, tests, note = values["padding"], [], ""
        if self.common is Padding.HALF:
            amount, note = "kernel_size // 2", 'here "same" would pad one side only'
            single = any(max(op.kernel) == 1 for s in self.sites.values() for op in s.bound)
            tests += ["stride > 1"] if values["stride"] == "stride" else []
            tests += ["kernel_size > 1"] if single else []
        elif Padding.GIVEN not in self.ways:
            return values["padding"]
        elif "padding" in self.varying and len(self.ways) > 1:
            words = sorted(QUOTED[way] for way in self.ways - {Padding.GIVEN})
            test = f"!= {words[0]}" if len(words) == 1 else f"not in ({', '.join(words)})"
            tests = [f"padding {test}"]
        pad = self.target.pad(amount, BLOCK.keyword("_pad"))
        if not tests:
            yield Line(Call(pad, ("x",)), "x")
            return '"valid"'
        if note:
            yield Line('"same"', "padding")
        yield Line(f"if {' and '.join(tests)}:", comment=note)
        yield Line(Call(pad, ("x",)), "x", 8)
        yield Line('"valid"', "padding", 8)
        return "padding"

    def convolve(self, values: Mapping[str, Code]) -> Iterator[Line]:
        name = BLOCK.keyword()
        if not self.either:
            yield Line(Call(self.layer(values, name, self.depthwise), ("x",)), "x")
            return
        traces = [trace for site in self.sites.values() for trace in site.traces]
        whole = all(is_depthwise(t) or cast(Any, t.op).groups == 1 for t in traces)
        full = {**values, "groups": "1"} if whole else values
        yield Line("if groups == 1:" if whole else "if groups == 1 or groups != x.shape[-1]:")
        yield Line(self.layer(full, name, depthwise=False), "layer", 8)
        yield Line("else:")
        yield Line(self.layer(values, name, depthwise=True), "layer", 8)
        yield Line(Call("layer", ("x",)), "x")
