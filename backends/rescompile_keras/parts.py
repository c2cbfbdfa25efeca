"""Models in a model, while a file is proved: layers that are called more than once.

A part is a function that builds layers. Keras calls it once; here each call of the model executes
it with the value that is given, and has to find the layers that it found the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rescompile.emit.validation.traced import TraceError
from rescompile.emit.validation.values import START, Built, Calls, Node, Tracer, Value
from rescompile.ops import Op

from .vocabulary import AFTER

Build = Callable[[Value], "Value | tuple[Value, ...]"]


@dataclass(eq=False)
class Part:
    """The model that `shared_layers` makes of a function, for inputs of a shape."""

    tracer: Tracer
    build: Build
    shape: tuple[int | None, ...]
    name: str
    layer: Built | None = None  # once it was called
    names: frozenset[str] = frozenset()  # of its layers
    last: Node | None = None  # its last call

    def __call__(self, x: Value) -> Value | tuple[Value, ...]:
        if any(n not in (None, m) for n, m in zip(self.shape, x.extents, strict=True)):
            raise TraceError(f"{self.name} is called with {x.extents}, and made for {self.shape}")
        tracer, updates = self.tracer, self.tracer.graph.updates
        before = sum(map(len, updates.values()))
        made = self.inside(x)
        assert self.layer is not None
        ordered = self.last is None or reaches(x.node, self.last)
        if sum(map(len, updates.values())) > before and not ordered:
            raise TraceError(f"{self.name} may be called in another order than it is written in")
        made = tracer.parts(self.layer, x, made)
        self.last = made[0].node
        return made[0] if len(made) == 1 else tuple(made)

    def inside(self, x: Value) -> list[Value]:
        """What the function makes of a value, from the layers of the first call."""
        tracer = self.tracer
        outer = tracer.calls, tracer.names, tracer.sizeless
        tracer.calls, tracer.names = [], tracer.names - self.names
        tracer.sizeless |= None in self.shape
        known = frozenset(tracer.names)
        built = self.build(replace(x, node=START))
        made = [*built] if isinstance(built, tuple) else [built]
        ends = [value.node for value in made]
        layer = Built("Functional", self.name, Op(), inside=Calls(tracer.calls, ends))
        if self.layer is None:
            self.layer, self.names = layer, frozenset(tracer.names - known)
        elif layer.said != self.layer.said:
            raise TraceError(f"{self.name} has other layers for another input")
        tracer.calls, names, tracer.sizeless = outer
        tracer.names = names | self.names
        return made


def reaches(node: Node, wanted: Node) -> bool:
    """Whether a call is made with what another one gives, whatever is in between."""
    seen, ahead = set[Node](), [node]
    while ahead:
        one = ahead.pop()
        if one is wanted:
            return True
        if one not in seen:
            seen.add(one)
            ahead.extend(one.inputs)
    return False


def shared(tracer: Tracer) -> Callable[..., Callable[[Build], Part]]:
    """The helper of that name."""

    def decorator(shape: tuple[int | None, ...], *, name: str) -> Callable[[Build], Part]:
        return lambda build: Part(tracer, build, tuple(shape), name)

    return decorator


def after(tracer: Tracer) -> Callable[..., Callable[[list[Value]], Value]]:
    """The layer of that name: the first of two values."""

    def decorator(*, name: str) -> Callable[[list[Value]], Value]:
        layer = Built(AFTER, tracer.named(name), Op())
        return lambda values: tracer.called(layer, values, values[0])

    return decorator
