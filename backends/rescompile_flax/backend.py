"""The Flax backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from rescompile.emit.classes.refusals import refusals
from rescompile.emit.classes.source import source
from rescompile.emit.contract import ENGINE, Request
from rescompile.emit.preprocessing import PreprocessingRequest, preprocessing
from rescompile.emit.template import helper
from rescompile.errors import UnsupportedError
from rescompile.expr.dims import Number
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path
from rescompile.ir.trace import Elaborated
from rescompile.ops import Op

from .operations import TABLE
from .places import places
from .syntax import FlaxSyntax

if TYPE_CHECKING:
    from rescompile.emit.validation.graph import Graph
    from rescompile.emit.validation.traced import Traced

    from .files import FlaxFiles
    from .runtime import FlaxRuntime

FOLDER = FilePath(__file__).parent
# As tests/backends/flax measures it.
EXACT = "JAX rounds up to 1 of 1,000 values otherwise than PyTorch, by 1 of 255 levels."


class FlaxBackend:
    """Emits an nnx.Module class for each block, and one for the network."""

    name = "flax"
    title = "Flax"
    suffix = ".py"
    requires = ("flax", "jax")
    by_default = False
    engines = ()
    no_training = ""
    biased_variance = True
    weight_files = (".msgpack",)
    bare_files: Mapping[str, tuple[str, ...]] = {".msgpack": ("msgpack",)}
    interchange_files = ()
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[Any, Any]] = {"emission": TABLE}

    def unsupported(self, analysis: Analysis) -> list[str]:
        return list(dict.fromkeys(refusals(analysis, FlaxSyntax(analysis), self.UNSUPPORTED)))

    def emit(self, request: Request) -> str:
        return source(request, FlaxSyntax(request.analysis), FOLDER)

    def preprocessing(self, request: PreprocessingRequest) -> str:
        plan = request.preparation
        if plan.resize is not None and plan.interpolation == "bicubic" and not plan.antialias:
            reason = "preprocessing: bicubic without antialias is another than PyTorch's"
            raise UnsupportedError(self.title, request.network, [reason])
        return preprocessing(request, FOLDER / "templates", EXACT if plan.resize else "")

    def weight_name(self, path: Path) -> str:
        return ".".join(path)

    def trace(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        from rescompile.emit.validation.execute import execute
        from rescompile.emit.validation.modules import Value, trace

        from .standin import IMPORTS, STANDINS, Rngs

        fixed = {name: (helper(FOLDER / "helpers", name), STANDINS[name]) for name in STANDINS}
        make = execute(source, IMPORTS, fixed)[elaborated.network.name]
        paths = {place: path for path, place in places(elaborated).items()}
        model = make(*given.values(), rngs=Rngs())
        inputs = [Value(graph, term) for term in graph.inputs.values()]
        return trace(model, inputs, lambda place: ".".join(paths.get(place, place)))

    def files(self) -> FlaxFiles:
        from .files import FlaxFiles

        return FlaxFiles()

    def runtime(self) -> FlaxRuntime:
        from .runtime import FlaxRuntime

        return FlaxRuntime(patient=ENGINE in os.environ)  # a measurement gives weights mostly


backend = FlaxBackend()
