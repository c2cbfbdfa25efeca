"""Names for what a network's own scope would say over and over: `c16 = make_divisible(...)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..expr.dims import Dim, Expr, Function, Var, names, operands, replaced, text
from ..ops import attributes, map_attributes
from .nodes import Call, Layer, Node
from .structure import INDEX, Network, Stage
from .walk import rebuilt, walk

LONG = 20  # characters of an expression from which on it gets a name
# What it is called for, where that is not the attribute; a number that it is made of follows.
SHORT = {"channels": "c", "features": "c"}


def with_lets(network: Network) -> Network:
    """The network with a name for each long call of a function in its own scope."""
    taken = {*(param.name for param in network.parameters), *(name for name, _ in network.lets)}
    known: dict[Expr, Var] = {}
    for key, term in _terms(network):
        if term not in known:
            number = "".join(re.findall(r"\d+", text(term))[:1])
            name = next(n for n in _names(SHORT.get(key, key), number) if n not in taken)
            taken.add(name)
            known[term] = Var(name)
    if not known:
        return network
    stages = tuple(Stage(s.label, _named(s.body, known)) for s in network.stages)
    made = tuple((var.name, term) for term, var in known.items())
    return replace(network, stages=stages, lets=(*network.lets, *made))


def _names(stem: str, number: str) -> Iterator[str]:
    yield f"{stem}{number}"
    yield from (f"{stem}{number}_{i}" for i in range(2, 10_000))


def _terms(network: Network) -> Iterator[tuple[str, Expr]]:
    """The outermost long calls of functions, each with what it is given for."""
    waiting: list[tuple[str, Dim]] = []
    for node in walk(network.body):
        if isinstance(node, Layer):
            given = ((key, getattr(node.op, key)) for key in attributes(type(node.op)))
            waiting += [(key, dim) for key, dim in given if isinstance(dim, Expr)]
        elif isinstance(node, Call):
            waiting += node.args
    while waiting:
        key, dim = waiting.pop(0)
        if not isinstance(dim, Expr):
            continue
        if isinstance(dim, Function) and len(text(dim)) > LONG and INDEX not in names(dim):
            yield key, dim
        else:
            waiting[:0] = [(key, part) for part in operands(dim)]


def _named(body: tuple[Node, ...], known: Mapping[Expr, Var]) -> tuple[Node, ...]:
    return tuple(_named_node(node, known) for node in body)


def _named_node(node: Node, known: Mapping[Expr, Var]) -> Node:
    if isinstance(node, Layer):
        return replace(node, op=map_attributes(node.op, lambda dim: replaced(dim, known)))
    if isinstance(node, Call):
        return replace(node, args=tuple((n, replaced(dim, known)) for n, dim in node.args))
    return rebuilt(node, lambda body: _named(body, known))
