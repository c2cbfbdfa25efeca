"""The table takes Flax's and JAX's own arguments, in their order and with their defaults."""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

import pytest

from rescompile import ops
from rescompile_flax.operations import HELPERS, ROWS, Row
from rescompile_flax.standin import IMPORTS

nnx = pytest.importorskip("flax.nnx")
jax = pytest.importorskip("jax")
helpers = pytest.importorskip("rescompile_flax.helpers")
jnp = jax.numpy
TENSOR = ops.LayerScale  # which is no call of a module


def real(row: Row) -> Any:
    """What a row is in the framework, or the helper of emitted files."""
    if row.own:
        return getattr(helpers, row.name)
    library, _, name = row.name.partition(".")
    return attrgetter(name)({"nnx": nnx, "jax": jax, "jnp": jnp}[library])


@pytest.mark.parametrize("row", [r for r in ROWS if r.kind is not TENSOR], ids=lambda r: r.name)
def test_arguments_are_those_of_the_framework(row: Row) -> None:
    made = real(row)
    signature = inspect.signature(made if row.is_function else made.__init__)
    found = dict(list(signature.parameters.items())[0 if row.kind is ops.Scale else 1 :])
    by_place = [argument.name for argument in row.arguments if not argument.keyword]
    assert row.kind is ops.Scale or by_place == list(found)[: len(by_place)]
    for argument in (a for a in row.arguments if a.keyword):
        always = argument.default is inspect.Parameter.empty  # it is always written
        assert argument.name in found
        assert always or argument.default == found[argument.name].default, argument.name


def test_every_helper_is_in_a_file() -> None:
    for name in HELPERS:
        assert callable(getattr(helpers, name))


def test_what_has_no_argument_here_is_as_the_operation_wants_it() -> None:
    x = jnp.array([[-2.0, 0.5], [3.0, 7.0]])
    assert jnp.allclose(nnx.softmax(x).sum(-1), 1.0)
    assert nnx.elu(x)[0, 0] == pytest.approx(-0.8646647)
    assert nnx.hard_tanh(x).tolist() == [[-1.0, 0.5], [1.0, 1.0]]
    assert nnx.celu(x)[0, 0] == pytest.approx(-0.8646647)


@pytest.mark.parametrize("name", ["variance_scaling", "normal"])
def test_initialisers_are_those_of_the_framework(name: str) -> None:
    ours = inspect.signature(getattr(IMPORTS["flax"].nnx.initializers, name)).parameters
    theirs = inspect.signature(getattr(nnx.initializers, name)).parameters
    assert list(ours) == list(theirs)[: len(ours)]
