"""The PyTorch backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, cast

from rescompile.emit.classes.refusals import refusals
from rescompile.emit.classes.source import source
from rescompile.emit.contract import Request
from rescompile.emit.preprocessing import Preparation, PreprocessingRequest, preprocessing
from rescompile.emit.template import helper
from rescompile.expr.dims import Number
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path
from rescompile.ir.trace import Elaborated
from rescompile.ops import AvgPool, Conv, ConvTranspose, Op, Permute, Same, show_shape

from .initialise import DRAWN
from .modules import MODULES
from .syntax import TorchSyntax

if TYPE_CHECKING:
    from rescompile.emit.validation.graph import Graph
    from rescompile.emit.validation.traced import Traced

    from .runtime import TorchRuntime

CHANNELS_LAST = "On CPUs it is faster after model.to(memory_format=torch.channels_last)."
FOLDER = FilePath(__file__).parent


class TorchBackend:
    """Emits an nn.Module class for each block, and one for the network."""

    name = "torch"
    title = "PyTorch"
    suffix = ".py"
    by_default = True
    requires = ("torch",)
    engines = ()
    no_training = ""
    biased_variance = False
    weight_files = (".pth", ".pt", ".th")
    bare_files: Mapping[str, tuple[str, ...]] = {}
    interchange_files = (".safetensors", ".npz")
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[Any, Any]] = {"emission": MODULES, "initialisation": DRAWN}

    def unsupported(self, analysis: Analysis) -> list[str]:
        found = refusals(analysis, TorchSyntax(analysis), self.UNSUPPORTED)
        return list(dict.fromkeys((*found, *_varying(analysis), *_small(analysis))))

    def emit(self, request: Request) -> str:
        analysis = request.analysis
        return source(request, TorchSyntax(analysis), FOLDER, _advice(analysis))

    def preprocessing(self, request: PreprocessingRequest) -> str:
        return preprocessing(request, FOLDER / "templates", _exactness(request.preparation))

    def weight_name(self, path: Path) -> str:
        return ".".join(path)

    def trace(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        from rescompile.emit.validation.execute import execute
        from rescompile.emit.validation.modules import trace

        from .standin import IMPORTS, STANDINS, Tensor

        fixed = {name: (helper(FOLDER / "helpers", name), STANDINS[name]) for name in STANDINS}
        model = execute(source, IMPORTS, fixed)[elaborated.network.name](*given.values())
        return trace(model, Tensor(graph, 0), self.weight_name)

    def files(self) -> None:
        return None

    def runtime(self) -> TorchRuntime:
        from .runtime import TorchRuntime

        return TorchRuntime()


def _advice(analysis: Analysis) -> str:
    """Where channels_last pays: in benchmarks/models.py wherever maps stay maps throughout."""
    found = [trace.op for _, trace in analysis.elaborated.flat()]
    convolves = any(isinstance(op, (Conv, ConvTranspose)) for op in found)
    return CHANNELS_LAST if convolves and not any(isinstance(op, Permute) for op in found) else ""


def _varying(analysis: Analysis) -> Iterator[str]:
    """The layers of blocks that would have to be other modules in other calls."""
    for path, trace in analysis.elaborated.flat():
        place, calls = ".".join(path), analysis.traces[trace.node.id]
        if len({len(call.x) for call in calls}) > 1:
            yield f"{place}: one layer of a block sees maps in one call and vectors in another"
        same = getattr(trace.node.op, "padding", None) is Same.SAME
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
