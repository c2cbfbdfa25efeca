import functools
from collections.abc import Callable
from typing import Any

from onnx import helper

from .constants import DOMAIN
from .Graph import Graph
from .op import op
from .Value import Value


def block(build: Callable[..., Value]) -> Callable[..., Value]:
    """Make an ONNX function of the nodes that a block adds, and one node of a call."""

    @functools.wraps(build)
    def call(x: Value, *args: Any, name: str, **options: Any) -> Value:
        graph, body = x.graph, Graph(x.graph.dtype, x.graph.rng, name)
        start = Value(body, body.free("x"), x.type)
        y = build(start, *args, name=name, **options)
        if y is start:
            y = op.Identity(y, name=f"{name}.y")
        body.result, label = y.name, graph.local(name)
        for key, weight in body.weights.items():
            graph.weights[graph.free(f"{label}.{key}")] = weight
        inputs = [x.name, *(f"{label}.{key}" for key in body.weights)]
        made = Value(graph, graph.free(label), y.type)
        kind, ends = build.__name__, [made.name]
        node = helper.make_node(kind, inputs, ends, label, domain=DOMAIN)
        graph.nodes.append(node)
        graph.calls += [*body.calls, (node, body)]
        return made

    return call
