"""The helper functions for convolutions of an emitted file, `conv` mostly, and their calls.

A helper takes what varies between its convolutions, or is an expression in one of them; what they
agree on is written into it. A single convolution that needs no case distinction is written out
where it stands. A helper that tests its arguments is only for convolutions for which the tests are
right: what they would mistake gets a helper of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, cast

from rescompile.emit.functions.define import BLOCK
from rescompile.emit.functions.function import Function
from rescompile.emit.layout import Call, Code, Keyword
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument, Scope, ordered
from rescompile.expr.dims import Expr, text
from rescompile.ir.structure import Initializer
from rescompile.ir.trace import OpTrace
from rescompile.ops import Conv, Pair

from .convolution import ConvSite, Kind, Padding, axes, is_depthwise
from .initialise import depthwise_initializer, initializer
from .place import Place
from .vocabulary import CONV, DEPTHWISE, MAX, function, is_symbolic, source, written

# What a helper may take beside filters and kernel, and what it is where nobody says anything else.
NATURAL = {
    "stride": "1",
    "padding": '"valid"',
    "dilation": "1",
    "groups": "1",
    "use_bias": "False",
    "multiplier": "1",
}
QUOTED = {Padding.VALID: '"valid"', Padding.SAME: '"same"', Padding.HALF: '"same"'}
KERAS = {"stride": "strides", "dilation": "dilation_rate", "multiplier": "depth_multiplier"}


def conv_helpers(sites: Iterable[ConvSite], init: Initializer) -> tuple[ConvHelper, ...]:
    """The helpers for some convolutions, each of which has one.

    Apart are depthwise ones; those which are so in some calls, where `groups` does not tell in
    which; and those with a stride and a dilation at once, where others have two numbers for one of
    them, since the helper has to compare both with one.
    """
    found = list(sites)
    tells = all(_tells(site) for site in found if site.kind is not Kind.DEPTHWISE)
    groups: dict[str, list[ConvSite]] = {"conv": [], "grouped_conv": [], "depthwise_conv": []}
    for site in found:
        full = "grouped_conv" if site.kind is Kind.EITHER and not tells else "conv"
        groups["depthwise_conv" if site.kind is Kind.DEPTHWISE else full].append(site)
    made: dict[str, list[ConvSite]] = {}
    for name, group in groups.items():
        pairs = any(a != b for s in group for a, b in (s.op.stride, s.op.dilation))
        made[name] = [site for site in group if not (pairs and site.skips)]
        made[f"dilated_{name}"] = [site for site in group if pairs and site.skips]
    return tuple(ConvHelper(name, group, init) for name, group in made.items() if group)


def _tells(site: ConvSite) -> bool:
    """Whether a convolution is depthwise in just those calls that have a group for each channel."""
    return all(
        is_depthwise(trace) == (cast(Conv, trace.op).groups == trace.x[0] > 1)
        for trace in site.traces
    )


class ConvHelper:
    """Convolutions of a network that one helper can serve, and how they are written."""

    def __init__(self, name: str, sites: list[ConvSite], init: Initializer) -> None:
        self.name, self.init = name, init
        self.sites = {site.node.id: site for site in sites}
        self.depthwise = sites[0].kind is Kind.DEPTHWISE
        self.common = next((way for way in QUOTED if all(way in s.paddings for s in sites)), None)
        self.ways = {self.padding(site) for site in sites}
        self.skips = any(site.skips for site in sites)
        self.either = any(site.kind is Kind.EITHER for site in sites)
        decided = all(len({self.pads(trace) for trace in site.traces}) == 1 for site in sites)
        self.is_function = len(sites) > 1 or not decided or self.skips or self.either
        given = [self.values(site, Scope()) for site in sites]
        self.fixed = given[0]
        self.varying = self._varying(given)
        self.defaults = self._defaults(given)

    def _varying(self, given: list[dict[str, Code]]) -> list[str]:
        """The options that become parameters: `given` are those of each convolution, as text."""
        tested = {"stride", "dilation"} if self.skips else set()
        tested |= {"groups"} if self.either else set()
        for site in self.sites.values():
            tested |= {key for key, said in self.options(site).items() if is_symbolic(said)}
        return [key for key in NATURAL if key in tested or len({v[key] for v in given}) > 1]

    def _defaults(self, given: list[dict[str, Code]]) -> dict[str, str]:
        """What parameters are where nothing is said, if that is so in some call."""
        same = any(values["padding"] == '"same"' for values in given)
        natural = NATURAL | ({"padding": '"same"'} if same else {})
        usual = (k for k in self.varying if any(values[k] == natural[k] for values in given))
        return {key: natural[key] for key in usual}

    def padding(self, site: ConvSite) -> Padding:
        """How a convolution of this network is padded."""
        order = (Padding.SAME, Padding.VALID, Padding.GIVEN)
        # One that no way is right for is refused (`_reasons`), for which its names are asked.
        right = (way for way in order if way in site.paddings)
        return self.common or next(right, Padding.SAME)

    def pads(self, trace: OpTrace) -> bool:
        """Whether a call has a layer of its own for the padding."""
        op, way = cast(Conv, trace.op), self.padding(self.sites[trace.node.id])
        strided = max(axes(op.stride)) > 1 and max(axes(op.dilation)) == 1
        half = way is Padding.HALF and strided and max(axes(op.kernel)) > 1
        return half or way is Padding.GIVEN

    def options(self, site: ConvSite) -> dict[str, Any]:
        """What the spec says of one convolution, or Keras' word for it."""
        op, way = site.op, self.padding(site)
        return {
            "stride": op.stride,
            "padding": QUOTED.get(way) or op.padding,
            "dilation": op.dilation,
            "groups": 1 if self.depthwise else op.groups,
            "use_bias": op.bias,
            "multiplier": site.multiplier if self.depthwise else 1,
        }

    def values(self, site: ConvSite, scope: Scope) -> dict[str, Code]:
        """The same as source text."""
        return {key: source(said, scope) for key, said in self.options(site).items()}

    # -- one convolution -------------------------------------------------------------------------

    def apply(self, at: Place) -> list[Code]:
        """The values of the site's variable, one after the other."""
        site = self.sites[at.node.id]
        values, scope = self.values(site, at.scope), at.scope
        size: dict[str, Code] = {"kernel_size": scope.pair(site.op.kernel)}
        if not self.depthwise:
            size = {"filters": scope.dim(site.op.channels), **size}
        if not self.is_function:
            made, entering = [], at.source
            if self.pads(site.traces[0]):
                padding = {"padding": scope.sides(site.quad)}
                made, entering = [at.layer("ZeroPadding2D", padding, suffix="_pad")], at.target
                values["padding"] = '"valid"'
            layer = self.layer({**size, **values}, at.label.keyword(), self.depthwise)
            return [*made, Call(layer, (entering,))]
        given = [Keyword(k, values[k]) for k in self.varying if values[k] != self.defaults.get(k)]
        return [Call(self.name, (at.source, *size.values(), *given, at.label.keyword()))]

    def layer(self, values: Mapping[str, Code], name: Keyword, depthwise: bool) -> Call:
        """The constructor of the Keras layer."""
        given = {KERAS.get(key, key): value for key, value in values.items()}
        if not depthwise:
            given["kernel_initializer"] = initializer(self.init)
            return written(CONV, given, name)
        multiplier = str(values["multiplier"]) if self.depthwise else self.quotient()
        given["depth_multiplier"] = multiplier
        given["depthwise_initializer"] = depthwise_initializer(self.init, multiplier)
        return written(DEPTHWISE, given, name)

    def quotient(self) -> str:
        """The outputs for each channel where only some convolutions of the helper are depthwise."""
        found = {site.multiplier for site in self.sites.values() if site.multipliers}
        only = found.pop() if len(found) == 1 else None
        return "filters // groups" if only is None or isinstance(only, Expr) else text(only)

    # -- the helper ------------------------------------------------------------------------------

    def function(self) -> Function:
        """The definition of the helper."""
        ops = [site.op for site in self.sites.values()]
        types = {
            "stride": _type(op.stride for op in ops),
            "padding": self.padding_type(),
            "dilation": _type(op.dilation for op in ops),
            "use_bias": "bool",
        }
        arguments = [] if self.depthwise else [Argument("filters", "int")]
        arguments.append(Argument("kernel_size", _type(op.kernel for op in ops)))
        given = [Argument(k, types.get(k, "int"), self.defaults.get(k)) for k in self.varying]
        return function(self.name, ordered([*arguments, *given]), self.lines())

    def padding_type(self) -> str:
        found = {"str"} if self.ways - {Padding.GIVEN} else set()
        for site in self.sites.values():
            if self.padding(site) is Padding.GIVEN:
                top, bottom, left, right = site.quad
                pair = "tuple[int, int]"
                same = "int" if top == left else pair
                found.add(same if (top, left) == (bottom, right) else f"tuple[{pair}, {pair}]")
        return " | ".join(sorted(found, key=lambda kind: (kind != "str", len(kind))))

    def lines(self) -> Iterator[Line]:
        values = {key: key if key in self.varying else self.fixed[key] for key in NATURAL}
        if self.skips:
            yield Line("subsample = 1")
            note = "Keras has no such layer: keep every stride-th pixel instead"
            yield Line("if stride > 1 and dilation > 1:", comment=note)
            yield Line("stride, subsample = 1, stride", indent=8)
        values["padding"] = yield from self.zeros(values)
        yield from self.convolve({"filters": "filters", "kernel_size": "kernel_size", **values})
        if self.skips:
            yield Line("if subsample > 1:")
            pool = {"pool_size": "1", "strides": "subsample"}
            yield Line(Call(written(MAX, pool, BLOCK.keyword("_subsample")), ("x",)), "x", 8)

    def zeros(self, values: Mapping[str, Code]) -> Generator[Line, None, Code]:
        """Zeros around the map where the layer cannot pad as asked; what is left to the layer."""
        amount, tests, note = values["padding"], [], ""
        if self.common is Padding.HALF:
            amount, note = "kernel_size // 2", 'here "same" would pad one side only'
            single = any(op.kernel == (1, 1) for s in self.sites.values() for op in s.bound)
            tests += ["stride > 1"] if values["stride"] == "stride" else []
            tests += ["kernel_size > 1"] if single else []
        elif Padding.GIVEN not in self.ways:
            return values["padding"]
        elif "padding" in self.varying and len(self.ways) > 1:
            words = sorted(QUOTED[way] for way in self.ways - {Padding.GIVEN})
            test = f"!= {words[0]}" if len(words) == 1 else f"not in ({', '.join(words)})"
            tests = [f"padding {test}"]
        pad = written("ZeroPadding2D", {"padding": amount}, BLOCK.keyword("_pad"))
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
        whole = all(is_depthwise(t) or cast(Conv, t.op).groups == 1 for t in traces)
        full = {**values, "groups": "1"} if whole else values
        yield Line("if groups == 1:" if whole else "if groups == 1 or groups != x.shape[-1]:")
        yield Line(self.layer(full, name, depthwise=False), "layer", 8)
        yield Line("else:")
        yield Line(self.layer(values, name, depthwise=True), "layer", 8)
        yield Line(Call("layer", ("x",)), "x")


def _type(pairs: Iterable[Pair]) -> str:
    either = any(first != second for first, second in pairs)
    return "int | tuple[int, int]" if either else "int"
