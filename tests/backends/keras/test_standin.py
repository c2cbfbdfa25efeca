"""The table of layers has Keras' own arguments, in its order and with its defaults.

What is written and what is read back come from this table, so that no proof of an emitted file
could see an error in it: every layer, argument, default and variable is compared with the real one.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from rescompile.emit.functions.layer import Layer
from rescompile_keras.initialise import INITIALIZERS
from rescompile_keras.vocabulary import FUNCTIONS, LAYERS, OWN, ROWS

keras = pytest.importorskip("keras")
REQUIRED = inspect.Parameter.empty
# What an argument is given where a variable of the layer is to be made, and a shape that fits.
GIVEN: dict[str, Any] = {
    "filters": 4,
    "units": 4,
    "groups": 2,
    "init": 0.5,
    "size": 3,
    "use_bias": True,
    "gain": True,
    "momentum": 0.9,
    "epsilon": 1e-3,
    "alpha_initializer": "zeros",
    "kernel_initializer": "zeros",
    "depthwise_initializer": "zeros",
}


def real(layer: str) -> Any:
    """The class in Keras, or the one that a file defines."""
    if layer in OWN:
        return getattr(importlib.import_module(f"rescompile_keras.helpers.{layer}"), layer)
    return getattr(keras.layers, layer)


def arguments(made: object) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(made).parameters)  # type: ignore[arg-type]


def init_arguments(layer: str) -> dict[str, inspect.Parameter]:
    """Those of a class, or of the one whose arguments it takes."""
    made = real(layer)
    found = arguments(made)
    return found if set(found) - {"args", "kwargs"} else arguments(made.__mro__[1])


def own_arguments(layer: str) -> dict[str, inspect.Parameter]:
    """Those that the vocabulary has; the same in all its rows for a layer."""
    first, *rest = (dict(row.signature.parameters) for row in LAYERS[layer])
    assert all(found == first for found in rest)
    return first


@pytest.mark.parametrize("name", LAYERS)
def test_arguments_are_those_of_the_layer(name: str) -> None:
    found = init_arguments(name)
    for argument, parameter in own_arguments(name).items():
        assert argument in found, argument
        if parameter.default is not REQUIRED:
            assert parameter.default == plain(found[argument].default), argument


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_given_by_position_comes_first_and_in_order(name: str) -> None:
    own = [p.name for p in own_arguments(name).values() if p.kind is not p.KEYWORD_ONLY]
    assert own == list(init_arguments(name))[: len(own)]


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_that_keras_requires_is_left_out(name: str) -> None:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for argument, parameter in init_arguments(name).items():
        if parameter.default is REQUIRED and parameter.kind not in kinds:
            assert own_arguments(name)[argument].default is REQUIRED


def test_the_vocabulary_speaks_of_layers_and_attributes_that_there_are() -> None:
    for row in FUNCTIONS:  # that files define themselves, of such layers
        assert {layer for layer, _ in row.parts} <= {"Reshape", *LAYERS}, row.name
    for row in (*ROWS, *FUNCTIONS):
        for argument in row.arguments:
            told = {argument.of} if isinstance(argument.of, str) else {*argument.of}
            assert told <= {*inspect.signature(row.kind).parameters}, row.name


@pytest.mark.parametrize("row", [row for row in ROWS if row.variables], ids=lambda row: row.name)
def test_variables_are_those_of_the_layer_in_its_order(row: Layer) -> None:
    name = row.name
    axes = next((axes for axes in (1, 3) if f"{axes}D" in name), 2)
    given = GIVEN | {"kernel_size": (1,) * axes}
    layer = real(name)(**{a: given[a] for a in own_arguments(name) if a in given})
    layer.build((None, 4) if name == "Dense" else (None, *[3] * axes, 4))
    assert [v.name for v in layer.variables] == list(row.variables.values())
    for variable in row.variables.values():
        assert getattr(layer, variable) is not None


def plain(default: object) -> object:
    return default[0] if isinstance(default, tuple) and len(set(default)) == 1 else default


@pytest.mark.parametrize("name", vars(INITIALIZERS))
def test_initialisers_have_the_defaults_of_keras(name: str) -> None:
    own = {key: p.default for key, p in arguments(getattr(INITIALIZERS, name)).items()}
    found = arguments(getattr(keras.initializers, name))
    assert own == {argument: found[argument].default for argument in own}
