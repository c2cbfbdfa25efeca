"""Modules without state: one serves all steps of a scope that are equal in all attributes."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable

from rescompile.emit.layout import Code, statement
from rescompile.ir.structure import Layer

from .reserved import MODULE_ATTRIBUTES

Use = tuple[Layer, Code]  # and the constructor of its module


def is_shared(layer: Layer) -> bool:
    """Whether a module that serves the layer may serve others too."""
    return layer.op.stateless and layer.when is True


def shared_names(steps: Iterable[Use], taken: set[str]) -> dict[int, str]:
    """The attribute that serves each step, by the id of its layer; `taken` are the scope's names.

    Steps have one module if its constructor is the same to the letter, whether it works in place
    included, and their names are but for a number. It is called by that name, `relu` for relu1 and
    relu2, unless another one is; else as the first of its steps.
    """
    alike: dict[tuple[str, str], list[Layer]] = {}
    for layer, code in steps:
        alike.setdefault((_base(layer), statement(code)), []).append(layer)
    wanted = Counter(base for (base, _), layers in alike.items() if len(layers) > 1)
    found: dict[int, str] = {}
    for (base, _), layers in alike.items():
        free = base not in taken | MODULE_ATTRIBUTES and not keyword.iskeyword(base)
        called = base if len(layers) > 1 and wanted[base] == 1 and free else str(layers[0].name)
        found |= {layer.id: called for layer in layers}
    return found


def _base(layer: Layer) -> str:
    return str(layer.name).rstrip("0123456789")
