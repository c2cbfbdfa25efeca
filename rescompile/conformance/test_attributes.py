"""No attribute of an operation is dropped: each one shows in what a backend emits.

Operations, attributes and backends are not named here. Of each attribute two values are tried that
a backend takes, the others being the same and, where it takes that, not their defaults: the code
must differ. That it is right for each of them is proved as it is for every file, and that it is
refused for every other shows what the proof is worth.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from functools import cache
from itertools import combinations, permutations, product
from typing import Any

import pytest

from ..emit.contract import Backend
from ..emit.validation import validate
from ..emit.validation.expected import Expected
from ..emit.validation.graph import Graph
from ..errors import InternalError
from ..ir.trace import Elaborated
from ..ops import OPS, Op, is_default
from ..registry import get_backend
from .single import LIES, VALUES, elaborated, emitted, fields

Made = tuple[Elaborated, str]
ATTRIBUTES = [
    pytest.param(kind, field.name, id=f"{kind.word}-{field.name}")
    for kind in OPS
    for field in fields(kind)
    if field.name not in LIES
]


def is_optional(field: Any) -> bool:
    return field.default is not dataclasses.MISSING


def values(field: Any) -> list[Any]:
    """What to give for an attribute, its default last."""
    found = [value for value in VALUES[field.type] if not is_default(value, field.default)]
    return [*found, field.default] if is_optional(field) else found


def made(backend: Backend, op: Op) -> Made | None:
    """The first network with an operation that a backend takes, and its source."""
    for network in elaborated(op):
        found = emitted(backend, network)
        if not isinstance(found, list):
            return network, found[1]
    return None


def code(backend: Backend, source: str) -> str:
    """What a file says, without comments where it is Python."""
    return ast.dump(ast.parse(source)) if backend.suffix == ".py" else source


def others(kind: type[Op], name: str) -> Iterator[dict[str, Any]]:
    """Values for all attributes but one: others than their defaults, or these, and two that vary.

    All that there are would be a hundred thousand where a backend takes none of them.
    """
    rest = {f.name: f for f in fields(kind) if f.name not in (name, *LIES)}
    unusual = {name: values(field)[0] for name, field in rest.items()}
    usual = {
        name: field.default if is_optional(field) else unusual[name] for name, field in rest.items()
    }
    for base in (unusual, usual):
        for names in combinations(rest, min(2, len(rest))):
            for given in product(*(values(rest[name]) for name in names)):
                yield base | dict(zip(names, given, strict=True))


def is_told(backend: Backend, name: str) -> bool:
    """Whether an attribute makes a difference; what runs may be unbiased in any case."""
    if name == "vector":
        return not backend.channels_last
    return name != "unbiased" or backend.biased_variance or backend.runtime is None


def texts(backend: Backend, found: dict[Any, Made]) -> set[str]:
    return {code(backend, source) for _, source in found.values()}


@cache
def variants(backend: str, kind: Any, name: str) -> dict[Any, Made]:
    """Networks that differ in an attribute alone; one where a backend takes no other value.

    Beside some values of the others it may be of no account, as what a pool without padding counts.
    """
    (field,) = (f for f in fields(kind) if f.name == name)
    target, taken = get_backend(backend), dict[Any, Made]()
    alike: dict[Any, Made] = {}
    for rest in others(kind, name):
        tried = {value: made(target, kind(**rest, **{name: value})) for value in values(field)}
        found = {value: one for value, one in tried.items() if one is not None}
        if len(found) > 1:
            if len(texts(target, found)) == len(found) or not is_told(target, name):
                return found
            alike = alike or found
        taken |= found
    return alike or taken


def meaning(backend: Backend, network: Elaborated) -> tuple[Any, ...]:
    """What the proof wants of the file of a network."""
    graph = Graph()
    told = backend.weight_name, backend.biased_variance, backend.channels_last
    wanted = Expected(network, graph, *told)
    tensors = {key: str(tensor) for key, tensor in wanted.tensors().items()}
    return wanted.outputs, list(graph.terms), tensors


@pytest.mark.parametrize(("kind", "name"), ATTRIBUTES)
def test_every_attribute_shows_in_the_code(backend: str, kind: Any, name: str) -> None:
    target = get_backend(backend)
    found = variants(backend, kind, name)
    if len(found) > 1:
        assert len(texts(target, found)) == (len(found) if is_told(target, name) else 1)
        return
    (field,) = (f for f in fields(kind) if f.name == name)
    assert set(found) == {field.default}, "a backend takes the default alone, and refuses the rest"


@pytest.mark.needs("trace")
@pytest.mark.parametrize(("kind", "name"), ATTRIBUTES)
def test_the_proof_tells_every_attribute(backend: str, kind: Any, name: str) -> None:
    """The file with one value is refused for the network with another, unless both are the same.

    On a map of that size, say, it may be of no account how a pool rounds.
    """
    target = get_backend(backend)
    found = variants(backend, kind, name)
    for a, b in permutations(found, 2):
        if meaning(target, found[a][0]) != meaning(target, found[b][0]):
            with pytest.raises(InternalError, match="is not what the spec says"):
                validate(target, found[a][0], found[b][1])
