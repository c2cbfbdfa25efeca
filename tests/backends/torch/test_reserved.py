"""The names that a child cannot have are those that the installed PyTorch's modules have."""

from __future__ import annotations

import pytest

from rescompile.reserved import ATTRIBUTES

nn = pytest.importorskip("torch").nn


def attributes(module: object) -> set[str]:
    """The attributes that a name of a spec, which begins with a letter, can hide."""
    return {name for name in dir(module) if not name.startswith("_")}


def test_no_attribute_of_a_module_is_missing() -> None:
    assert attributes(nn.Module()) | attributes(nn.Sequential()) <= ATTRIBUTES


def test_names_are_changed_for_a_reason() -> None:
    """A name that PyTorch 2.13 has; others may have lost some."""
    import torch

    if not torch.__version__.startswith("2.13"):
        pytest.skip("the list is of PyTorch 2.13")
    assert attributes(nn.Sequential()) == ATTRIBUTES
