"""The helper functions for convolutions of an emitted file, `conv` mostly, and their calls.

A helper takes what varies between its convolutions, or is an expression in one of them; what they
agree on is written into it. A single convolution that needs no case distinction is written out
where it stands. Which convolutions share a helper is decided in `sharing.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, cast

from rescompile.emit.layout import Arg, Call, Code, Keyword
from rescompile.expr.dims import Dim, Expr, text
from rescompile.ir.structure import Initializer, Layer
from rescompile.ir.trace import OpTrace
from rescompile.ops import Conv, Pair

from .convolution import Kind, Padding, Site, axes, common_padding, is_depthwise
from .initialise import depthwise_initializer, initializer
from .view import BLOCK, Argument, Function, Label, Line, Scope, function

OPTIONS = ("stride", "padding", "dilation", "groups", "use_bias", "multiplier")
QUOTED = {Padding.VALID: '"valid"', Padding.SAME: '"same"', Padding.HALF: '"same"'}


class ConvHelper:
    """Convolutions of a network that one helper can serve, and how they are written."""

    def __init__(
        self, name: str, sites: list[Site], init: Initializer, depthwise: bool = False
    ) -> None:
        self.name = name
        self.sites = {site.node.id: site for site in sites}
        self.init = init
        self.depthwise = depthwise
        self.common = common_padding(sites)
        self.skips = any(site.skips for site in sites)
        self.either = any(site.kind is Kind.EITHER for site in sites)
        decided = all(len({self.pads(trace) for trace in site.traces}) == 1 for site in sites)
        self.written_out = len(sites) == 1 and decided and not (self.skips or self.either)
        self.options(sites)

    def options(self, sites: list[Site]) -> None:
        """What becomes a parameter, with which default, and what is written into the helper."""
        given = [self.values(site, Scope()) for site in sites]
        self.varying = [key for key in OPTIONS if len({values[key] for values in given}) > 1]
        for key in OPTIONS:
            symbolic = any(self.is_symbolic(site, key) for site in sites)
            tested = (self.skips and key in ("stride", "dilation")) or (
                self.either and key == "groups"
            )
            if key not in self.varying and (symbolic or tested):
                self.varying.append(key)
        padding = '"same"' if any(values["padding"] == '"same"' for values in given) else '"valid"'
        natural = dict(zip(OPTIONS, ("1", padding, "1", "1", "False", "1"), strict=True))
        self.defaults = {
            key: natural[key]
            for key in self.varying
            if any(values[key] == natural[key] for values in given)
        }
        self.fixed = {key: value for values in given[:1] for key, value in values.items()}

    def is_symbolic(self, site: Site, key: str) -> bool:
        """Whether an option is an expression over the parameters of a block."""
        op = site.op
        dims: dict[str, tuple[Dim, ...]] = {"stride": op.stride, "dilation": op.dilation}
        if self.depthwise:
            dims["multiplier"] = (site.multiplier,)
        else:
            dims["groups"] = (op.groups,)
        if self.padding(site) is Padding.GIVEN:
            dims["padding"] = site.quad
        return any(isinstance(dim, Expr) for dim in dims.get(key, ()))

    @property
    def is_function(self) -> bool:
        return not self.written_out

    def padding(self, site: Site) -> Padding:
        """How a convolution of this network is padded."""
        if self.common is not None:
            return self.common
        order = (Padding.SAME, Padding.VALID, Padding.GIVEN)
        return next((way for way in order if way in site.paddings), Padding.SAME)

    def pads(self, trace: OpTrace) -> bool:
        """Whether a call has a layer of its own for the padding."""
        op, way = cast(Conv, trace.op), self.padding(self.sites[trace.node.id])
        strided = max(axes(op.stride)) > 1 and max(axes(op.dilation)) == 1
        return way is Padding.GIVEN or (
            way is Padding.HALF and strided and max(axes(op.kernel)) > 1
        )

    def values(self, site: Site, scope: Scope) -> dict[str, Any]:
        """The options of one convolution as source text."""
        way = self.padding(site)
        return {
            "stride": scope.pair(site.op.stride),
            "padding": QUOTED[way] if way in QUOTED else scope.sides(site.quad),
            "dilation": scope.pair(site.op.dilation),
            "groups": "1" if self.depthwise else scope.dim(site.op.groups),
            "use_bias": str(site.op.bias),
            "multiplier": scope.dim(site.multiplier) if self.depthwise else "1",
        }

    # -- one convolution -------------------------------------------------------------------------

    def apply(
        self, node: Layer, source: str, target: str, label: Label, scope: Scope
    ) -> list[Code]:
        """The values of `target`, one after the other."""
        site = self.sites[node.id]
        values = self.values(site, scope)
        filters = [] if self.depthwise else [scope.dim(site.op.channels)]
        head = (*filters, scope.pair(site.op.kernel))
        if self.written_out:
            made: list[Code] = []
            if self.pads(site.traces[0]):
                pad = Call("layers.ZeroPadding2D", (scope.sides(site.quad), label.keyword("_pad")))
                made, source = [Call(pad, (source,))], target
                values["padding"] = '"valid"'
            return [*made, Call(self.layer(head, values, label, self.depthwise), (source,))]
        varying = [key for key in OPTIONS if key in self.varying]
        given = [Keyword(k, values[k]) for k in varying if values[k] != self.defaults.get(k)]
        return [Call(self.name, (source, *head, *given, label.keyword()))]

    def layer(
        self, head: tuple[Code, ...], values: dict[str, Any], label: Label, depthwise: bool
    ) -> Call:
        """The constructor of the Keras layer."""
        options: list[Arg] = [] if values["stride"] == "1" else [values["stride"]]
        if values["padding"] != '"valid"':
            padding = values["padding"]
            options.append(padding if options else Keyword("padding", padding))
        if values["dilation"] != "1":
            options.append(Keyword("dilation_rate", values["dilation"]))
        bias = [] if values["use_bias"] == "True" else [Keyword("use_bias", values["use_bias"])]
        if not depthwise:
            groups = [] if values["groups"] == "1" else [Keyword("groups", values["groups"])]
            init = Keyword("kernel_initializer", initializer(self.init))
            return Call("layers.Conv2D", (*head, *options, *groups, *bias, init, label.keyword()))
        multiplier = values["multiplier"] if self.depthwise else self.quotient()
        more = [] if multiplier == "1" else [Keyword("depth_multiplier", multiplier)]
        init = Keyword("depthwise_initializer", depthwise_initializer(self.init, multiplier))
        kernel = head[-1:]
        named = (*more, *bias, init, label.keyword())
        return Call("layers.DepthwiseConv2D", (*kernel, *options, *named))

    def quotient(self) -> str:
        """The outputs for each channel where only some convolutions of the helper are depthwise."""
        found = {site.multiplier for site in self.sites.values() if site.multipliers}
        only = found.pop() if len(found) == 1 else None
        return "filters // groups" if only is None or isinstance(only, Expr) else text(only)

    # -- the helper ------------------------------------------------------------------------------

    def function(self) -> Function:
        """The definition of the helper."""
        sites = list(self.sites.values())
        types = {
            "stride": _type([site.op.stride for site in sites]),
            "padding": self.padding_type(),
            "dilation": _type([site.op.dilation for site in sites]),
            "groups": "int",
            "use_bias": "bool",
            "multiplier": "int",
        }
        arguments = [] if self.depthwise else [Argument("filters", "int")]
        arguments.append(Argument("kernel_size", _type([site.op.kernel for site in sites])))
        given = [Argument(k, types[k], self.defaults.get(k)) for k in types if k in self.varying]
        given.sort(key=lambda argument: argument.default is not None)
        return function(self.name, [*arguments, *given], self.lines())

    def padding_type(self) -> str:
        found = set()
        for site in self.sites.values():
            if self.padding(site) is not Padding.GIVEN:
                found.add("str")
                continue
            top, bottom, left, right = site.quad
            pair = "tuple[int, int]"
            if (top, left) != (bottom, right):
                found.add(f"tuple[{pair}, {pair}]")
            else:
                found.add("int" if top == left else pair)
        return " | ".join(sorted(found, key=lambda kind: (kind != "str", len(kind))))

    def lines(self) -> Iterator[Line]:
        values = {key: key if key in self.varying else self.fixed[key] for key in OPTIONS}
        if self.skips:
            yield Line("subsample = 1")
            note = "Keras has no such layer: keep every stride-th pixel instead"
            yield Line("if stride > 1 and dilation > 1:", comment=note)
            yield Line("stride, subsample = 1, stride", indent=8)
        if self.common is Padding.HALF:
            values["padding"] = yield from self.half(values)
        elif any(self.padding(site) is Padding.GIVEN for site in self.sites.values()):
            values["padding"] = yield from self.given(values)
        yield from self.convolve(values)
        if self.skips:
            yield Line("if subsample > 1:")
            pool = Call("layers.MaxPooling2D", ("1", "subsample", BLOCK.keyword("_subsample")))
            yield Line(Call(pool, ("x",)), "x", 8)

    def half(self, values: dict[str, str]) -> Generator[Line, None, str]:
        """Padding by half of the kernel."""
        ops = [op for site in self.sites.values() for op in site.bound]
        tests = ["stride > 1"] if values["stride"] == "stride" else []
        tests += ["kernel_size > 1"] if any(op.kernel == (1, 1) for op in ops) else []
        half = ("kernel_size // 2", BLOCK.keyword("_pad"))
        pad = Call(Call("layers.ZeroPadding2D", half), ("x",))
        if not tests:
            yield Line(pad, "x")
            return '"valid"'
        yield Line('"same"', "padding")
        note = 'here "same" would pad one side only'
        yield Line(f"if {' and '.join(tests)}:", comment=note)
        yield Line(pad, "x", 8)
        yield Line('"valid"', "padding", 8)
        return "padding"

    def given(self, values: dict[str, str]) -> Generator[Line, None, str]:
        """Padding by as much as the caller says."""
        pad = Call(Call("layers.ZeroPadding2D", (values["padding"], BLOCK.keyword("_pad"))), ("x",))
        ways = {self.padding(site) for site in self.sites.values()} - {Padding.GIVEN}
        if "padding" not in self.varying or not ways:
            yield Line(pad, "x")
            return '"valid"'
        words = sorted(QUOTED[way] for way in ways)
        test = f"!= {words[0]}" if len(words) == 1 else f"not in ({', '.join(words)})"
        yield Line(f"if padding {test}:")
        yield Line(pad, "x", 8)
        yield Line('"valid"', "padding", 8)
        return "padding"

    def convolve(self, values: dict[str, str]) -> Iterator[Line]:
        head = ("kernel_size",) if self.depthwise else ("filters", "kernel_size")
        full = self.layer(head, values, BLOCK, self.depthwise)
        if not self.either:
            yield Line(Call(full, ("x",)), "x")
            return
        depthwise = self.layer(head, values, BLOCK, depthwise=True)
        traces = [trace for site in self.sites.values() for trace in site.traces]
        if all(is_depthwise(t) or cast(Conv, t.op).groups == 1 for t in traces):
            full = self.layer(head, {**values, "groups": "1"}, BLOCK, depthwise=False)
            yield Line("if groups == 1:")
        else:
            yield Line("if groups == 1 or groups != x.shape[-1]:")
        yield Line(full, "layer", 8)
        yield Line("else:")
        yield Line(depthwise, "layer", 8)
        yield Line(Call("layer", ("x",)), "x")


def _type(pairs: list[Pair]) -> str:
    either = any(first != second for first, second in pairs)
    return "int | tuple[int, int]" if either else "int"
