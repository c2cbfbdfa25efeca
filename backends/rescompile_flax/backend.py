"""The Flax backend: what it declares, and how images are prepared for its models."""

from __future__ import annotations

import os
import re
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
# What is run a few times takes longer to optimise than to run, but by the first level, which ten
# steps of SGD are worth.
QUICK = "--xla_backend_optimization_level=1"
# Since jaxlib 0.10.2 reductions go to YNNPACK, which crashes in some of them (jax-ml/jax#39257),
# in a PyramidNet's norms in float64 say.
WITHOUT_CRASH = "--xla_cpu_experimental_ynn_fusion_type=-reduce"


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
            from importlib.metadata import version

            os.environ.setdefault("XLA_FLAGS", flags(version("jaxlib")))
        from .runtime import FlaxRuntime

        return FlaxRuntime(patient=measures)


def flags(jaxlib: str) -> str:
    """What XLA is told before models are measured, by a version: it refuses flags it lacks."""
    found = tuple(map(int, re.findall(r"\d+", jaxlib)[:3]))
    return f"{QUICK} {WITHOUT_CRASH}" if found >= (0, 10, 2) else QUICK


backend = FlaxBackend()
