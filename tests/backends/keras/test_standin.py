"""The stand-in takes Keras' own arguments, in its order and with its defaults."""

from __future__ import annotations

import inspect

import pytest

from rescompile.emit.validation.graph import Graph
from rescompile_keras.standin import Tracer
from rescompile_keras.standin_initial import INITIALIZERS
from rescompile_keras.standin_layers import Layers

keras = pytest.importorskip("keras")
OWN = Layers(Tracer(Graph()))
NAMES = [name for name in dir(OWN) if name[0].isupper() and name != "Layer"]
SAME_AS_NONE = {"data_format"}  # Keras' None is what keras.config says


def _arguments(function: object) -> dict[str, object]:
    found = inspect.signature(function).parameters  # type: ignore[arg-type]
    return {name: parameter.default for name, parameter in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_the_layer(name: str) -> None:
    own, real = _arguments(getattr(OWN, name)), _arguments(getattr(keras.layers, name))
    positional = [
        argument
        for argument, parameter in inspect.signature(getattr(OWN, name)).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    for argument, default in own.items():
        if argument == "name" or argument.endswith("initializer") or argument in SAME_AS_NONE:
            continue
        assert argument in real, argument
        assert _plain(default) == _plain(real[argument]), argument
    skipped = [a for a in real if a in positional]
    assert [a for a in positional if a in real] == skipped


def _plain(default: object) -> object:
    return default[0] if isinstance(default, tuple) and len(set(default)) == 1 else default


@pytest.mark.parametrize("name", ["VarianceScaling", "RandomNormal", "Constant"])
def test_initialisers_have_the_defaults_of_keras(name: str) -> None:
    own = _arguments(getattr(INITIALIZERS, name))
    real = _arguments(getattr(keras.initializers, name))
    assert own == {argument: real[argument] for argument in own}
