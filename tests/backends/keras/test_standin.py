"""The table of layers has Keras' own arguments, in its order and with its defaults.

What is written and what is read back come from this table, so that no proof of an emitted file
could see an error in it: every layer, argument, default and variable is compared with the real one.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from rescompile_keras.layers import TABLE
from rescompile_keras.standin_initial import INITIALIZERS
from rescompile_keras.vocabulary import LAYERS, OWN

keras = pytest.importorskip("keras")
REQUIRED = inspect.Parameter.empty
# What an argument is given where a variable of the layer is to be made, and a shape that fits.
GIVEN: dict[str, Any] = {
    "filters": 4,
    "kernel_size": 1,
    "units": 4,
    "groups": 2,
    "init": 0.5,
    "momentum": 0.9,
    "epsilon": 1e-3,
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


@pytest.mark.parametrize("name", LAYERS)
def test_arguments_are_those_of_the_layer(name: str) -> None:
    found = init_arguments(name)
    for argument, parameter in LAYERS[name].parameters.items():
        assert argument in found, argument
        if parameter.default is not REQUIRED:
            assert parameter.default == plain(found[argument].default), argument


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_given_by_position_comes_first_and_in_order(name: str) -> None:
    own = [p.name for p in LAYERS[name].parameters.values() if p.kind is not p.KEYWORD_ONLY]
    assert own == list(init_arguments(name))[: len(own)]


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_that_keras_requires_is_left_out(name: str) -> None:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for argument, parameter in init_arguments(name).items():
        if parameter.default is REQUIRED and parameter.kind not in kinds:
            assert LAYERS[name].parameters[argument].default is REQUIRED


def test_the_table_speaks_of_layers_and_arguments_that_there_are() -> None:
    for op, entry in TABLE.items():
        if entry.parts:  # a function that files define themselves, of such layers
            assert {layer for layer, _ in entry.parts} <= {"Reshape", *LAYERS}, op
            continue
        assert (entry.layer in LAYERS) == bool(entry.layer), op
        for argument in (*entry.given, *entry.fixed):
            assert argument in LAYERS[entry.layer].parameters, (op, argument)
        for attribute in entry.given.values():
            assert attribute in inspect.signature(op).parameters, (op, attribute)


@pytest.mark.parametrize(
    "name", [n for e in TABLE.values() if e.variables for n in (e.layer, e.other) if n]
)
def test_variables_are_those_of_the_layer_in_its_order(name: str) -> None:
    (entry,) = (entry for entry in TABLE.values() if name in (entry.layer, entry.other))
    layer = real(name)(**{a: GIVEN[a] for a in LAYERS[name].parameters if a in GIVEN})
    layer.build((None, 4) if name == "Dense" else (None, 3, 3, 4))
    assert [v.name for v in layer.variables] == list(entry.variables.values())
    for variable in entry.variables.values():
        assert getattr(layer, variable) is not None


def plain(default: object) -> object:
    return default[0] if isinstance(default, tuple) and len(set(default)) == 1 else default


@pytest.mark.parametrize("name", vars(INITIALIZERS))
def test_initialisers_have_the_defaults_of_keras(name: str) -> None:
    own = {key: p.default for key, p in arguments(getattr(INITIALIZERS, name)).items()}
    found = arguments(getattr(keras.initializers, name))
    assert own == {argument: found[argument].default for argument in own}
