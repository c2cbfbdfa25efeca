"""The Flax backend: what it declares, and how images are prepared for its models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from rescompile.emit.classes.backend import ClassesBackend
from rescompile.emit.contract import ENGINE
from rescompile.emit.preprocessing import PreprocessingRequest, preprocessing, refuse_bicubic

from .operations import TABLE
from .syntax import FlaxSyntax

if TYPE_CHECKING:
    from rescompile.emit.validation.modules import StandIn

    from .files import FlaxFiles

FOLDER = FilePath(__file__).parent
# As tests/backends/flax measures it.
EXACT = "JAX rounds up to 1 of 1,000 values otherwise than PyTorch, by 1 of 255 levels."
# What is run once or a few times takes longer to optimise than to run.
FLAGS = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


class FlaxBackend(ClassesBackend):
    """Emits an nnx.Module class for each block, and one for the network."""

    name, title = "flax", "Flax"
    requires = ("flax", "jax")
    biased_variance = channels_last = True
    weight_files = (".msgpack",)
    bare_files: Mapping[str, tuple[str, ...]] = {".msgpack": ("msgpack",)}
    tables: Mapping[str, dict[Any, Any]] = {"emission": TABLE}
    syntax, helpers = FlaxSyntax, FOLDER / "helpers.py"

    def standin(self) -> StandIn:
        from .standin import STANDIN

        return STANDIN

    def preprocessing(self, request: PreprocessingRequest) -> str:
        refuse_bicubic(self.title, request)
        promise = EXACT if request.preparation.resize else ""
        return preprocessing(request, FOLDER / "templates", promise, "channels_last")

    def files(self) -> FlaxFiles:
        from .files import FlaxFiles

        return FlaxFiles()

    def runtime(self) -> Any:  # all its files are bare
        measures = ENGINE in os.environ  # JAX reads flags when it is imported
        if measures:
            os.environ.setdefault("XLA_FLAGS", FLAGS)
        from .runtime import FlaxRuntime

        return FlaxRuntime(patient=measures)


backend = FlaxBackend()
