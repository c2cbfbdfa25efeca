"""From a network of modules to its model: a function for each kind of block, and `export`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import OpBuilder, build_function, nn

DOMAIN, OPSETS = "", {"": 21}
INPUTS: dict[str, tuple[int, ...]] = {}
OUTPUTS: list[str] = []
conv_init: Any = None
linear_init: Any = None


def parameter(shape: Sequence[int], start: Any) -> nn.Parameter:
    """A tensor that starts as a number, or as what is drawn of its shape."""
    made = nn.Parameter(shape)
    made.meta["start"] = start
    return made


def trace(module: nn.Module, names: Sequence[str], xs: Sequence[ir.Value]) -> ir.Function:
    """A module as a function of values, and then of its weights."""

    def build(op: OpBuilder, *known: ir.Value) -> list[ir.Value]:
        made = module.forward(op, *known)
        ys: list[ir.Value] = []
        for y in made if isinstance(made, tuple) else [made]:
            ys.append(op.Identity(y) if y in (*known, *ys) else y)
        graph = op.builder.graph
        for name, weight in module.named_parameters():
            graph.initializers.pop(weight.name, None)
            own = ir.val(name, weight.dtype, weight.shape)
            own.meta.update(weight.meta)
            graph.inputs.append(own)
            for node, place in weight.uses():
                if node.graph is graph:
                    node.replace_input_with(place, own)
        return ys

    named = zip(names, xs, strict=True)
    inputs = [ir.val(name, x.dtype, x.shape) for name, x in named]
    how = {"domain": DOMAIN, "opset_imports": OPSETS}
    made = build_function(build, inputs, name=type(module).__name__, **how)
    for node in made:
        if any(y.type is None for y in node.outputs):  # the builder goes on
            raise ValueError(f"{node.name}: {node.metadata_props}")
    return made


def function(kind: Any) -> Any:
    """Make a function of the model of a module, and a node of each call."""

    def call(self: nn.Module, op: OpBuilder, *xs: ir.Value) -> Any:
        names = self.forward.__code__.co_varnames[2 : 2 + len(xs)]
        body = trace(self, names, xs)
        op.builder.push_module(self.name)
        made = op.call(body, *xs, *self.parameters())
        op.builder.pop_module()
        ys = (made,) if isinstance(made, ir.Value) else tuple(made)
        for y, inner in zip(ys, body.outputs, strict=True):
            y.type, y.shape = inner.type, inner.shape
        ys[0].producer().meta["body"] = body
        return ys if len(ys) > 1 else made

    kind.__call__ = call
    return kind


def structure(body: ir.Function) -> str:
    """All that a function is but for the values of attributes."""
    made = [value for node in body for value in node.outputs]
    place = {value: i for i, value in enumerate([*body.inputs, *made])}
    shown: list = [value.name for value in body.inputs]
    for node in body:
        inputs = [*map(place.get, node.inputs)]
        shown += [node.op_type, inputs, *node.attributes]
    return str([*shown, *map(place.get, body.outputs)])


def find(nodes: Any, found: dict[tuple, list[ir.Node]]) -> None:
    """The calls of each function, inner ones first; other nodes make another function."""
    for node in nodes:
        if body := node.meta.get("body"):
            find(body, found)
            kind = body.name, structure(body)
            found.setdefault(kind, []).append(node)
            number = [k for k in found if k[0] == body.name].index(kind)
            node.op_type += f"_{number + 1}" if number else ""


def shared(calls: list[ir.Node]) -> ir.Function:
    """The function of some calls: what they differ in are its attributes."""
    bodies, names = [call.meta["body"] for call in calls], dict[tuple, str]()
    first, graph = calls[0], bodies[0].graph
    for steps in zip(*bodies, strict=True):
        for key in [*steps[0].attributes]:
            said = [step.attributes[key] for step in steps]
            values = tuple(ir.to_proto(a).SerializeToString() for a in said)
            if len({*values}) == 1:
                continue
            if values not in names:
                name = key
                while name in names.values():
                    name += "_2"
                names[values] = name
                for call, one in zip(calls, said, strict=True):
                    call.attributes.add(ir.Attr(name, one.type, one.value))
            told = ir.RefAttr(key, names[values], said[0].type)
            steps[0].attributes.add(told)
    for value in [*graph.inputs, *(y for node in graph for y in node.outputs)]:
        value.shape = None  # calls have others
    own = [ir.Attr(n, first.attributes[n].type, None) for n in names.values()]
    return ir.Function(DOMAIN, first.op_type, graph=graph, attributes=own)


def export(net: nn.Module, dtype: str = "float32", seed: int = 0, **shapes: Any) -> onnx.ModelProto:
    """The model of a network, for any number of images, with weights that are drawn."""
    kind = ir.DataType.from_numpy(np.dtype(dtype))
    for weight in net.parameters():
        weight.type = ir.TensorType(kind)
    given, rng = {**INPUTS, **shapes}, np.random.default_rng(seed)
    xs = [ir.val(name, kind, ["N", *given[name]]) for name in INPUTS]
    graph = trace(net, [*INPUTS], xs).graph
    for weight in graph.inputs[len(xs) :]:
        start, shape = weight.meta["start"], weight.shape.numpy()
        drawn = start(rng, shape) if callable(start) else start
        weight.const_value = ir.tensor(np.full(shape, drawn, dtype), kind)
        graph.register_initializer(weight)
    del graph.inputs[len(xs) :]
    for y, name in zip(graph.outputs, OUTPUTS, strict=True):
        y.name = f"{name}.y" if name in graph.initializers else name
    found: dict[tuple, list[ir.Node]] = {}
    find(graph, found)
    functions = [shared(calls) for calls in found.values()]
    model = ir.Model(graph, ir_version=10, functions=functions)
    common.ClearMetadataAndDocStringPass()(model)
    model.doc_string = __doc__
    return ir.to_proto(model)
