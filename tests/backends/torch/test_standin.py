"""The stand-in takes PyTorch's own arguments, in its order and with its defaults."""

from __future__ import annotations

import inspect

import pytest

from rescompile_torch.standin_layers import CLASSES, LEAVES

nn = pytest.importorskip("torch").nn


@pytest.mark.parametrize("name", LEAVES)
def test_arguments_are_those_of_the_module(name: str) -> None:
    own = inspect.signature(LEAVES[name]).parameters
    real = dict(list(inspect.signature(getattr(nn, name).__init__).parameters.items())[1:])
    given = [n for n, p in own.items() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert given == list(real)[: len(given)]
    for argument, parameter in own.items():
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL:  # the operation's attributes
            default = parameter.default
            required = inspect.Parameter.empty if default is not None else None
            wanted = required if argument == "scale_factor" else real[argument].default
            assert default == wanted, argument


@pytest.mark.parametrize("name", [name for name, made in CLASSES.items() if made.overwrites])
def test_what_works_in_place_can_do_so(name: str) -> None:
    assert "inplace" in inspect.signature(getattr(nn, name)).parameters


def test_defaults_of_attributes_are_those_of_the_module() -> None:
    assert LEAVES["LeakyReLU"]()[0].slope == nn.LeakyReLU().negative_slope
    assert LEAVES["Dropout"]()[0].rate == nn.Dropout().p
    assert nn.ELU().alpha == 1.0  # the operation has no attribute for it
