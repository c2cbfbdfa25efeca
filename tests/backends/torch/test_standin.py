"""The table takes PyTorch's own arguments, in its order and with its defaults."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

from rescompile.emit.classes.table import Module
from rescompile_torch.modules import TABLE
from rescompile_torch.standin import IMPORTS, STANDINS

torch = pytest.importorskip("torch")
nn = torch.nn
ENTRIES = [pytest.param(entry, id=entry.name) for entry in TABLE]


def real(name: str) -> Any:
    """PyTorch's module, or the helper of emitted files."""
    if name not in STANDINS:
        return getattr(nn, name)
    return getattr(import_module(f"rescompile_torch.helpers.{name}"), name)


@pytest.mark.parametrize("entry", ENTRIES)
def test_arguments_are_those_of_the_module(entry: Module) -> None:
    found = dict(list(inspect.signature(real(entry.name).__init__).parameters.items())[1:])
    by_place = [argument.name for argument in entry.arguments if not argument.keyword]
    assert by_place == list(found)[: len(by_place)]
    for argument in entry.arguments:
        always = argument.keyword and argument.default is inspect.Parameter.empty  # written
        assert always or argument.default == found[argument.name].default, argument.name
    assert not entry.inplace or "inplace" in found


def test_every_helper_has_what_stands_for_it() -> None:
    for name, standin in STANDINS.items():
        (base,) = real(name).__bases__
        assert base.__name__ in {one.__name__ for one in standin.__mro__}


@pytest.mark.parametrize("name", ["normal_", "zeros_", "kaiming_normal_", "kaiming_uniform_"])
def test_initialisers_are_those_of_the_framework(name: str) -> None:
    ours = inspect.signature(getattr(IMPORTS["torch"].nn.init, name)).parameters
    theirs = inspect.signature(getattr(nn.init, name)).parameters
    for argument in list(ours.values())[1:]:
        required = argument.default is inspect.Parameter.empty
        assert required or argument.default == theirs[argument.name].default


def test_what_has_no_argument_here_is_as_the_operation_wants_it() -> None:
    assert nn.ELU().alpha == 1.0
    assert nn.Softplus().beta == 1.0
    assert (nn.Hardtanh().min_val, nn.Hardtanh().max_val) == (-1.0, 1.0)
    assert nn.GELU().approximate == "none"
    assert nn.Upsample(scale_factor=2).align_corners is None
