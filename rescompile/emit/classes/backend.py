"""A backend whose target has modules: how its files are emitted, refused and proved."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ...expr.dims import Number
from ...ir.analysis import Analysis
from ...ir.trace import Elaborated
from ..contract import Backend, Request
from ..template import helper
from .places import places
from .refusals import refusals
from .source import source
from .syntax import Syntax

if TYPE_CHECKING:
    from ..validation.graph import Graph
    from ..validation.modules import StandIn
    from ..validation.traced import Traced


class ClassesBackend(Backend):
    """Emits a class of modules for each block, and one for the network.

    `syntax` tells how the file of a network is written; `helpers` is where the helpers are that
    files define, a folder or a Python file.
    """

    syntax: type[Syntax]
    helpers: FilePath

    @abstractmethod
    def standin(self) -> StandIn:
        """What stands for the framework in a proof."""

    def advice(self, analysis: Analysis) -> str:
        """A line of the docstring, if there is anything to say."""
        return ""

    def unsupported(self, analysis: Analysis) -> list[str]:
        found = refusals(analysis, self.syntax(analysis), self.UNSUPPORTED)
        return list(dict.fromkeys(found))

    def emit(self, request: Request) -> str:
        syntax = self.syntax(request.analysis)
        return source(request, syntax, self.helpers, self.advice(request.analysis))

    def trace(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        from ..validation.execute import execute
        from ..validation.modules import trace
        from ..validation.traced import TraceError

        found = self.standin()
        fixed = {name: (helper(self.helpers, name), made) for name, made in found.helpers.items()}
        scope = execute(source, found.imports, fixed)
        for name, (_, meaning) in fixed.items():
            if meaning is None and scope.get(name) is not None:
                raise TraceError(f"'{name}' has another text than that helper")
        found.ready(scope, elaborated, bool(given))
        model = scope[elaborated.network.name](*given.values(), **found.passed)
        inputs = (found.tensor(graph, term) for term in graph.inputs.values())
        paths = {place: path for path, place in places(elaborated, self.syntax).items()}
        return trace(model, inputs, lambda place: ".".join(paths.get(place, place)), found.given)
