"""Translation validation: every emitted file is proved to say what the spec says.

The source is executed against a stand-in of its framework, which computes nothing and makes a term
of every call. The terms, the names and shapes of weights, and what they start as must be those of
the spec. What differs is our bug; it is told by the first step that the code does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ...errors import InternalError
from ...expr.dims import Number
from ...ir.trace import Elaborated
from ..contract import Backend
from .expected import Expected
from .graph import Graph
from .traced import Traced

MAX_TOLD = 5  # differences in one message


def validate(
    backend: Backend,
    elaborated: Elaborated,
    source: str,
    given: Mapping[str, Number] = MappingProxyType({}),
) -> None:
    """Raise `InternalError` unless `source` is the network that was lowered from the spec.

    `given` are arguments for the function that makes it, by their names in the spec, in its order.
    """
    if backend.trace is None:
        raise InternalError(f"the {backend.title} backend has no trace, so nothing can be proved")
    graph = Graph()
    told = backend.weight_name, backend.biased_variance, backend.channels_last
    expected = Expected(elaborated, graph, *told)
    known = len(graph.terms)
    network = elaborated.network
    try:
        traced = backend.trace(source, elaborated, graph, given)
    except Exception as error:
        # Whatever the code raises: a name that nobody bound, an argument that nothing takes.
        what = f"{type(error).__name__}: {error}"
        raise InternalError(_message(backend, network.name, [what])) from error
    found = list(_differences(expected, traced, graph, known))
    if found:
        raise InternalError(_message(backend, network.name, found))


def _message(backend: Backend, name: str, found: list[str]) -> str:
    shown = [*found[:MAX_TOLD], *(["..."] if len(found) > MAX_TOLD else [])]
    lines = "".join(f"\n  = {one}" for one in shown)
    return f"the {backend.title} code for '{name}' is not what the spec says{lines}"


def _differences(expected: Expected, traced: Traced, graph: Graph, known: int) -> Iterator[str]:
    if traced.outputs != expected.outputs:
        yield from _steps(expected, traced, graph, known)
    else:
        yield from _disorder(expected, graph)
    wanted = expected.tensors()
    for owner, leaf in wanted.keys() - traced.tensors.keys():
        yield f"there is no weight '{_name(owner, leaf)}'"
    for owner, leaf in traced.tensors.keys() - wanted.keys():
        yield f"there is a weight '{_name(owner, leaf)}' that the spec does not have"
    for key, tensor in wanted.items():
        if key in traced.tensors and not tensor.agrees(traced.tensors[key]):
            yield f"the weight '{_name(*key)}' is {traced.tensors[key]}, not {tensor}"


def _disorder(expected: Expected, graph: Graph) -> Iterator[str]:
    """Running statistics that the code updates in another order than the spec, or not as often."""
    names = {found: ".".join(step) for step, found in reversed(expected.steps)}
    made = graph.taken_updates()
    for owner, values in expected.updates.items():
        if made.get(owner, []) != values:
            wanted, got = (
                ", ".join(names.get(value, "?") for value in order) or "nothing"
                for order in (values, made.get(owner, []))
            )
            yield f"'{owner}' updates its running statistics at {got}, not at {wanted}"


def _steps(expected: Expected, traced: Traced, graph: Graph, known: int) -> Iterator[str]:
    """The first step of the spec that the code does not have, and what it has there."""
    reached = graph.reachable(traced.outputs)
    path, value = next(
        ((path, value) for path, value in expected.steps if value not in reached),
        ((), expected.outputs[0]),
    )
    names = {found: ".".join(step) for step, found in reversed(expected.steps)}
    names |= {i: graph[i].what for i in graph.inputs.values()}
    yield f"{'.'.join(path) or 'the outputs'} is {_step(graph, value, names)}"
    strange = [
        i
        for i, term in enumerate(graph.terms)
        if i >= known and i in reached and all(x < known for x in term.inputs)
    ]
    yield from (f"the code has {_step(graph, i, names)}" for i in strange[:2])


def _step(graph: Graph, value: int, names: dict[int, str]) -> str:
    """A term in words, with the steps that it takes."""
    term = graph[value]
    owner = f"{term.weights}: " if term.weights else ""
    return f"{owner}{term} of " + " and ".join(names.get(x, graph[x].what) for x in term.inputs)


def _name(owner: str, leaf: str) -> str:
    return f"{owner}.{leaf}" if leaf else owner
