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
from rescompile.ops.window import ints

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
            if (why := _infers_no_pads(trace.op)) and len(meant_pads(trace.node, analysis)) > 1:
                reason = f"`same` {why} means different pixels in different calls"
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


def _infers_no_pads(op: ops.Op) -> str:
    """Where onnxruntime does not infer what `same` means."""
    if isinstance(op, ops.Conv) and any(step != 1 for step in op.dilation):
        return "beside a dilation"
    steps = zip(ints(op.kernel), ints(op.stride), strict=True) if isinstance(op, ops.Pool) else ()
    return "of a pool with gaps between its windows" if any(k < s for k, s in steps) else ""


def _drops_a_window(op: ops.Pool, x: Shape) -> bool:
    """Whether ceil mode leaves out a window because it would begin behind the map."""
    axes = zip(x[1:], op.output(x)[1:], op.slides(x), strict=True)
    return op.ceil_mode and any(
        -(-(size + sum(pads) - kernel) // stride) + 1 != made
        for size, made, (kernel, stride, pads) in axes
    )


backend = OnnxBackend()
