"""What the runtimes have in common whose models keep their layers by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..ir.analysis import Analysis
from ..ir.structure import Path

RATES = ("p", "rate")  # what layers call the rate at which they drop


class LayerRuntime:
    """A runtime of a framework where a path, joined by the `separator`, is the name of a layer."""

    separator = "."

    def layers(self, model: Any) -> Mapping[str, Any]:
        """Every layer of a model by its name."""
        raise NotImplementedError

    def found(self, model: Any, analysis: Analysis, paths: Iterable[Path]) -> dict[Path, Any]:
        """The layers that there are at some paths."""
        layers = self.layers(model)
        named = ((path, self.separator.join(path)) for path in paths)
        return {path: layers[name] for path, name in named if name in layers}

    def quiet(self, model: Any) -> None:
        """As `Runtime.quiet`."""
        for layer in self.layers(model).values():
            for name in RATES:
                if isinstance(getattr(layer, name, None), float):
                    setattr(layer, name, 0.0)

    def rates(self, model: Any, analysis: Analysis, paths: list[Path]) -> dict[Path, float]:
        """As `Runtime.rates`."""
        return {
            path: float(getattr(layer, name))
            for path, layer in self.found(model, analysis, paths).items()
            for name in RATES
            if hasattr(layer, name)
        }
