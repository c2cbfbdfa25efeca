"""The layers of an emitted model in Keras' order, by which its files number them, without Keras.

The file is executed against the stand-in, and who called whom is kept beside each value. Keras
sorts a model's operations by how many others follow on the longest way to an output, most first;
among equals the one comes first that is met first on the way back from the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.graph import Graph
from rescompile.ir.trace import Elaborated

from .layers import UNBIASED
from .standin import Tracer


@dataclass(frozen=True)
class KerasLayer:
    """A layer, by class and name."""

    kind: str
    name: str


class Node:
    """One call of a layer, or of a function, which has no name in files."""

    def __init__(self, layer: KerasLayer | None, inputs: tuple[Node, ...]) -> None:
        self.layer = layer
        self.inputs = inputs


class Seen:
    """A value of the stand-in, and the call that made it."""

    def __init__(self, value: Any, node: Node) -> None:
        self.value = value
        self.node = node

    @property
    def shape(self) -> Any:
        return self.value.shape

    def __getitem__(self, index: Any) -> Seen:
        return Seen(self.value[index], Node(None, (self.node,)))

    def __truediv__(self, other: Seen) -> Seen:
        return Seen(self.value / other.value, Node(None, (self.node, other.node)))


def layers_in_order(
    source: str, elaborated: Elaborated, helpers: Mapping[str, str]
) -> list[KerasLayer]:
    """The layers of the model that an emitted file of this network makes, but for its input.

    `helpers` are the sources of what the file may define itself.
    """
    graph = Graph()
    graph.input(elaborated.root.x)
    tracer = Tracer(graph)
    real = tracer.modules()["keras"]
    keras = SimpleNamespace(**vars(real))
    keras.layers, keras.ops = Recorded(real.layers), Functions(real.ops)
    keras.Input = lambda shape, **more: Seen(real.Input(shape, **more), Node(None, ()))
    keras.Model = lambda inputs, outputs, name: outputs
    meanings = {
        "LayerScale": _recorded("LayerScale", tracer.scaled),
        UNBIASED: _recorded(UNBIASED, tracer.unbiased),
        "channel_shuffle": _shuffled(tracer.shuffled),
    }
    fixed = {name: (text, meanings[name]) for name, text in helpers.items()}
    outputs = execute(source, {"keras": keras}, fixed)[elaborated.network.name]()
    return list(_sorted([value.node for value in _flat(outputs)]))


class Recorded:
    """`keras.layers`, of which each layer tells when it is called."""

    def __init__(self, layers: Any) -> None:
        self.layers = layers
        self.Layer = layers.Layer

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return _recorded(kind, getattr(self.layers, kind))


class Functions:
    """`keras.ops`; each call of a function is an operation without a name."""

    def __init__(self, functions: Any) -> None:
        self.functions = functions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given, **more: _called(None, getattr(self.functions, name), given, more)


def _recorded(kind: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def build(*given: Any, **more: Any) -> Callable[[Any], Any]:
        layer = KerasLayer(kind, more["name"])
        call = make(*given, **more)
        return lambda x: _called(layer, call, (x,), {})

    return build


def _shuffled(make: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Seen, groups: int, *, name: str) -> Seen:
        made, node = make(x.value, groups, name=name), x.node
        for kind, suffix in (("Reshape", "_split"), ("Permute", "_swap"), ("Reshape", "")):
            node = Node(KerasLayer(kind, name + suffix), (node,))
        return Seen(made, node)

    return call


def _called(
    layer: KerasLayer | None, function: Callable[..., Any], given: Any, more: dict[str, Any]
) -> Any:
    seen = (value.node for value in _flat([*given, *more.values()]) if isinstance(value, Seen))
    node = Node(layer, tuple(seen))
    made = function(*map(_plain, given), **{key: _plain(value) for key, value in more.items()})
    return [Seen(one, node) for one in made] if isinstance(made, list) else Seen(made, node)


def _plain(given: Any) -> Any:
    if isinstance(given, list):
        return [_plain(value) for value in given]
    return given.value if isinstance(given, Seen) else given


def _flat(given: Any) -> Iterator[Any]:
    if isinstance(given, list):
        for value in given:
            yield from _flat(value)
    else:
        yield given


def _sorted(outputs: list[Node]) -> Iterator[KerasLayer]:
    met: dict[Node, int] = {}
    ahead = outputs[::-1]
    while ahead:
        node = ahead.pop()
        if node not in met:
            met[node] = len(met)
            ahead.extend(node.inputs[::-1])
    following = dict.fromkeys(met, 0)
    for node in _outputs_first(met):
        for before in node.inputs:
            following[before] = max(following[before], following[node] + 1)
    for node in sorted(met, key=lambda node: (-following[node], met[node])):
        if node.layer is not None:
            yield node.layer


def _outputs_first(nodes: Mapping[Node, int]) -> Iterator[Node]:
    """Each before what it takes."""
    waiting = dict.fromkeys(nodes, 0)
    for node in nodes:
        for before in node.inputs:
            waiting[before] += 1
    ready = [node for node, users in waiting.items() if not users]
    while ready:
        node = ready.pop()
        yield node
        for before in node.inputs:
            waiting[before] -= 1
            if not waiting[before]:
                ready.append(before)
