"""The ONNX backend: what it declares, what it cannot do, and how images are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rescompile import ops
from rescompile.emit.classes.backend import ClassesBackend
from rescompile.emit.contract import RANKS
from rescompile.emit.preprocessing import NUMPY, PreprocessingRequest, preprocessing
from rescompile.ir.analysis import Analysis
from rescompile.ops import Shape

from .operations import KINDS
from .syntax import HELPERS, OnnxSyntax, meant_pads

if TYPE_CHECKING:
    from rescompile.emit.validation.modules import StandIn

# As tests/backends/onnx measures it.
EXACTNESS = "PyTorch rounds up to 1 of 1,000 values otherwise, by 1 of 255 levels."


class OnnxBackend(ClassesBackend):
    """Emits modules of onnxscript, and what makes a ModelProto of them with a function a block."""

    name, title = "onnx", "ONNX"
    requires = ("onnx", "onnxscript", "onnxruntime")
    no_training = "A graph of ONNX says what a network computes in evaluation."
    weight_files = (".onnx",)
    tables: Mapping[str, dict[Any, Any]] = {"emission": KINDS}
    syntax, helpers = OnnxSyntax, HELPERS

    def standin(self) -> StandIn:
        from .standin import standin

        return standin()

    def unsupported(self, analysis: Analysis) -> list[str]:
        found = super().unsupported(analysis)
        for path, trace in analysis.elaborated.flat():
            dilated = isinstance(trace.op, ops.Conv) and any(
                step != 1 for step in trace.op.dilation
            )
            if dilated and len(meant_pads(trace.node, analysis)) > 1:
                reason = "`same` beside a dilation means different pixels in different calls"
                found.append(f"{'.'.join(path)}: {reason}")
            if isinstance(trace.op, ops.Pool) and _drops_a_window(trace.op, trace.x):
                reason = "opset 21 infers a window more where the last one would begin in padding"
                found.append(f"{'.'.join(path)}: {reason}")
            scales = isinstance(trace.op, ops.LayerScale) and not trace.op.shared
            if scales and len(analysis.ranks(trace.node)) > 1:
                found.append(f"{'.'.join(path)}: {RANKS}")
        return found

    def preprocessing(self, request: PreprocessingRequest) -> str:
        promise = EXACTNESS if request.preparation.resize is not None else ""
        return preprocessing(request, NUMPY, promise)

    def runtime(self) -> Any:  # which does not train
        from .runtime import OnnxRuntime

        return OnnxRuntime()


def _drops_a_window(op: ops.Pool, x: Shape) -> bool:
    """Whether ceil mode leaves out a window because it would begin behind the map."""
    axes = zip(x[1:], op.output(x)[1:], op.slides(x), strict=True)
    return op.ceil_mode and any(
        -(-(size + sum(pads) - kernel) // stride) + 1 != made
        for size, made, (kernel, stride, pads) in axes
    )


backend = OnnxBackend()
