"""The PyTorch backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, cast

from rescompile.emit.classes.backend import ClassesBackend
from rescompile.emit.contract import RANKS
from rescompile.emit.preprocessing import Preparation, PreprocessingRequest, preprocessing
from rescompile.ir.analysis import Analysis
from rescompile.ops import AvgPool, Conv, ConvTranspose, Permute, Same, StdConv, show_shape

from .initialise import DRAWN
from .modules import MODULES
from .syntax import TorchSyntax

if TYPE_CHECKING:
    from rescompile.emit.validation.modules import StandIn

    from .runtime import TorchRuntime

CHANNELS_LAST = "On CPUs it is faster after model.to(memory_format=torch.channels_last)."
FOLDER = FilePath(__file__).parent


class TorchBackend(ClassesBackend):
    """Emits an nn.Module class for each block, and one for the network."""

    name, title = "torch", "PyTorch"
    by_default = True
    requires = ("torch",)
    weight_files = (".pth", ".pt", ".th")
    interchange_files = (".safetensors", ".npz")
    tables: Mapping[str, dict[Any, Any]] = {"emission": MODULES, "initialisation": DRAWN}
    syntax, helpers = TorchSyntax, FOLDER / "helpers"

    def standin(self) -> StandIn:
        from .standin import STANDIN

        return STANDIN

    def unsupported(self, analysis: Analysis) -> list[str]:
        found = (*super().unsupported(analysis), *_varying(analysis), *_small(analysis))
        return list(dict.fromkeys(found))

    def advice(self, analysis: Analysis) -> str:
        """Where channels_last pays: in benchmarks/models.py wherever maps stay maps throughout."""
        found = [trace.op for _, trace in analysis.elaborated.flat()]
        convolves = any(isinstance(op, (Conv, ConvTranspose)) for op in found)
        stays = not any(isinstance(op, Permute) for op in found)
        return CHANNELS_LAST if convolves and stays else ""

    def preprocessing(self, request: PreprocessingRequest) -> str:
        return preprocessing(request, FOLDER / "templates", _exactness(request.preparation))

    def runtime(self) -> TorchRuntime:
        from .runtime import TorchRuntime

        return TorchRuntime()


def _varying(analysis: Analysis) -> Iterator[str]:
    """The layers of blocks that would have to be other modules in other calls."""
    for path, trace in analysis.elaborated.flat():
        place, calls = ".".join(path), analysis.traces[trace.node.id]
        if len(analysis.ranks(trace.node)) > 1:
            yield f"{place}: {RANKS}"
        same = isinstance(trace.node.op, StdConv) and trace.node.op.padding is Same.SAME
        if same and len({cast(Conv, call.op).pads(call.x) for call in calls}) > 1:
            yield f"{place}: `same` padding means different pixels in different calls of the block"


def _small(analysis: Analysis) -> Iterator[str]:
    """The means of clips with windows that reach over both borders of a map: measured on 2.13."""
    for path, trace in analysis.elaborated.flat():
        if isinstance(trace.op, AvgPool) and len(trace.x) == 4:
            extents, kernel = trace.x[1:], cast("tuple[int, ...]", trace.op.kernel)
            if any(n < k for n, k in zip(extents, kernel, strict=True)):
                size, window = (show_shape(shape) for shape in (extents, kernel))
                yield f"{'.'.join(path)}: PyTorch takes no mean of {window} pixels of {size}"


def _exactness(plan: Preparation) -> str:
    """How near the file comes to torchvision's transforms, as tests/backends/torch measures it."""
    exact = "torchvision makes the same of a tensor of uint8"
    if plan.resize is None:
        return f"{exact}, and of a PIL image."
    levels = "1 of 255 levels"
    if plan.interpolation == "bicubic":
        levels += ", or 2, and more at sharp edges"
    return f"{exact}; of a PIL image, up to a fifth of its values differ by {levels}."


backend = TorchBackend()
