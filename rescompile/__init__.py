"""rescompile: from a YAML spec of a convolutional network to PyTorch and Keras source and costs.

import rescompile

net = rescompile.load("specs/resnet34.yaml")
print(net.report().text())
print(net.source("torch"))
model = net.module("torch")  # a live nn.Module; needs PyTorch
rescompile.plot(["resnet18", net]).savefig("plot.svg")  # needs matplotlib
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from .api import Architecture
    from .api import open_spec as load
    from .chart import plot
    from .convert.pretrained import pretrained
    from .errors import RescompileError, SpecError, UnsupportedError
    from .overviews import overview

__all__ = [
    "Architecture",
    "RescompileError",
    "SpecError",
    "UnsupportedError",
    "load",
    "overview",
    "plot",
    "pretrained",
]


def __dir__() -> list[str]:
    return sorted(("__version__", *__all__))


def __getattr__(name: str) -> object:
    # Imported at first use, so that `import rescompile` and `--help` cost next to nothing.
    if name in ("load", "Architecture"):
        from . import api

        return api.open_spec if name == "load" else api.Architecture
    if name == "plot":
        from . import chart

        return chart.plot
    if name == "pretrained":
        from .convert.pretrained import pretrained

        return pretrained
    if name == "overview":
        from .overviews import overview

        return overview
    if name in __all__:
        from . import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'rescompile' has no attribute {name!r}")
