"""The Keras backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rescompile.backend.contract import Request
from rescompile.backend.layout import signature
from rescompile.backend.template import environment, tidy
from rescompile.ir.facts import Facts
from rescompile.ir.ops import AvgPool, BatchNorm, Conv, Op, Pool
from rescompile.ir.structure import Loop, walk

from .body import network_lines
from .facts import all_layers, is_depthwise, overhangs, pool_pads
from .initialise import constant
from .layers import keras_momentum
from .view import File, has_condition

if TYPE_CHECKING:
    from .runtime import KerasRuntime

TEMPLATES = Path(__file__).parent / "templates"
HELPERS = ("make_divisible", "LayerScale", "average_pool", "channel_shuffle", "batch_norm")


class KerasBackend:
    """Emits a functional model, built by one function for each block."""

    name = "keras"
    title = "Keras"
    UNSUPPORTED: Mapping[type[Op], str] = {}

    def unsupported(self, facts: Facts) -> list[str]:
        return list(dict.fromkeys(_reasons(facts)))

    def emit(self, request: Request) -> str:
        file = File(request)
        lines, result, classes = network_lines(file)
        network = file.network
        channels, height, width = network.input
        arguments = [f"input_shape: tuple[int, int, int] = ({height}, {width}, {channels})"]
        arguments += [f"classes: int = {network.classes}"] if classes else []
        convs = [
            list(helper.lines())
            for helper in (file.style.conv, file.style.depthwise_conv)
            if helper.nodes
        ]
        template = environment(TEMPLATES).get_template("module.py.j2")
        source = template.render(
            docstring=request.summary.docstring("channels_last"),
            constants=list(_constants(file)),
            helpers=[name for name in HELPERS if name in file.style.uses],
            convs=convs,
            functions=file.order,
            name=network.name,
            head=signature(network.name, arguments, "keras.Model"),
            lines=lines,
            result=result,
        )
        return tidy(source)

    def runtime(self) -> KerasRuntime:
        from .runtime import KerasRuntime

        return KerasRuntime()


def _constants(file: File) -> Iterator[str]:
    style = file.style
    if style.one_norm and "batch_norm" in style.uses:
        (norm,) = style.norms
        assert isinstance(norm, BatchNorm)
        yield "# Given explicitly: Keras' momentum is the weight of the old statistics."
        yield f"BN_MOMENTUM = {keras_momentum(norm.momentum)!r}"
        yield f"BN_EPSILON = {norm.epsilon!r}"
    network = file.network
    if style.conv.nodes or "CONV_INIT" in style.uses:
        yield constant("CONV_INIT", network.conv_init)
    if style.depthwise_conv.nodes or "DEPTHWISE_INIT" in style.uses:
        (multiplier,) = {t.y[0] // t.x[0] for n in style.depthwise for t in file.facts.traces[n]}
        yield constant("DEPTHWISE_INIT", network.conv_init, multiplier)
    if "DENSE_INIT" in style.uses:
        yield constant("DENSE_INIT", network.linear_init)


def _reasons(facts: Facts) -> Iterator[str]:
    names: Counter[str] = Counter()
    for path, trace in facts.elaborated.flat():
        place = ".".join(path)
        names["_".join(path)] += 1
        if isinstance(trace.op, Conv):
            yield from _conv_reasons(trace.op, place)
        if isinstance(trace.op, Pool):
            found = facts.traces[id(trace.node)]
            if len({pool_pads(t) for t in found}) > 1:
                yield f"{place}: the padding of a pool in ceil mode differs between calls"
            pads_counted = isinstance(trace.op, AvgPool) and trace.op.count_include_pad
            if pads_counted and overhangs(trace) and any(p != 0 for p in trace.op.padding):
                yield f"{place}: an average over padding in ceil mode has no Keras equivalent"
    for name, count in names.items():
        if count > 1:
            yield f"'{name}': {count} layers get this name when their paths are joined by _"
        if any(c in name for c in "/."):
            yield f"'{name}': Keras takes no / or . in the name of a layer"
    for block in facts.network.blocks.values():
        loops = [node for node in walk(block.body) if isinstance(node, Loop)]
        if any(has_condition(loop.body) for loop in loops):
            yield f"block '{block.name}': a condition inside repeated steps makes numbers unknown"
        if block.form.value == "inline" and has_condition(block.body):
            yield f"block '{block.name}': a condition among inline steps makes numbers unknown"
    yield from _depthwise_reasons(facts)


def _conv_reasons(op: Conv, place: str) -> Iterator[str]:
    strides = [s for s in op.stride if s != 1]
    if strides and any(d != 1 for d in op.dilation):
        yield f"{place}: Keras has no convolution with both a stride and a dilation"


def _depthwise_reasons(facts: Facts) -> Iterator[str]:
    nodes = [n for n in all_layers(facts.network) if isinstance(n.op, Conv)]
    found = [n for n in nodes if id(n) in facts.traces and is_depthwise(facts, n)]
    ratios = {t.y[0] // t.x[0] for n in found for t in facts.traces[id(n)]}
    if len(ratios) > 1 and facts.network.conv_init.kind != "normal":
        yield "depthwise convolutions with different multipliers need different initialisers"


backend = KerasBackend()
