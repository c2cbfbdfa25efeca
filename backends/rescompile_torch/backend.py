"""The PyTorch backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from rescompile.emit.classes.define import define_network, new_program
from rescompile.emit.classes.syntax import Class
from rescompile.emit.contract import Request
from rescompile.emit.template import environment, helper, tidy
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Form, Layer, Path
from rescompile.ir.trace import CallTrace, Elaborated, GroupTrace, OpTrace, Trace
from rescompile.ops import Conv, ConvTranspose, Op, Permute, Same

from .initialise import DRAWN, initialisers
from .modules import HELPERS, MODULES
from .reserved import FILE_NAMES, MODULE_ATTRIBUTES, SEQUENCE_ATTRIBUTES
from .syntax import TorchSyntax

if TYPE_CHECKING:
    from rescompile.emit.validation.graph import Graph
    from rescompile.emit.validation.traced import Traced

    from .runtime import TorchRuntime

CHANNELS_LAST = "On CPUs it is faster after model.to(memory_format=torch.channels_last)."
FOLDER = FilePath(__file__).parent
TEMPLATES, FOLDER_OF_HELPERS = FOLDER / "templates", FOLDER / "helpers"


class TorchBackend:
    """Emits an nn.Module class for each block, and one for the network."""

    name = "torch"
    title = "PyTorch"
    requires = ("torch",)
    engines = ()
    biased_variance = False
    weight_files = (".pth", ".pt", ".th")
    bare_files: Mapping[str, tuple[str, ...]] = {}
    interchange_files = (".safetensors", ".npz")
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[Any, Any]] = {"emission": MODULES, "initialisation": DRAWN}

    def unsupported(self, analysis: Analysis) -> list[str]:
        return list(dict.fromkeys(_reasons(analysis)))

    def emit(self, request: Request) -> str:
        program = new_program(request.analysis, TorchSyntax(request.analysis))
        network = define_network(program)
        code = list(_code([*program.order, network]))
        names = ("make_divisible", *sorted(HELPERS))
        helpers = [helper(FOLDER_OF_HELPERS, n) for n in names if _mentions(code, rf"{n}\(")]
        code += helpers
        template = environment(TEMPLATES).get_template("module.py.j2")
        source = template.render(
            docstring=request.summary.docstring(advice=_advice(request.analysis)),
            uses_math=_mentions(code, r"math\."),
            uses_torch=_mentions(code, r"torch\."),
            uses_functional=_mentions(code, r"F\."),
            helpers=helpers,
            definitions=program.order,
            network=network,
            initialisers=list(initialisers(request.analysis)),
            name=request.analysis.network.name,
            outputs=len(request.analysis.network.outputs),
        )
        return tidy(source)

    def weight_name(self, path: Path) -> str:
        return ".".join(path)

    def trace(self, source: str, elaborated: Elaborated, graph: Graph) -> Traced:
        from .standin_layers import STANDINS, trace

        texts = {name: helper(FOLDER_OF_HELPERS, name) for name in STANDINS}
        return trace(source, elaborated.network.name, graph, texts)

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


def _code(definitions: list[Class]) -> Iterator[str]:
    for definition in definitions:
        yield from (*definition.lines, *definition.forward)


def _mentions(code: list[str], name: str) -> bool:
    """Whether the code has a name of the file, as a regular expression with what follows it."""
    return any(re.search(rf"(?<![\w.]){name}", text) for text in code)


def _reasons(analysis: Analysis) -> Iterator[str]:
    network = analysis.network
    for name in sorted({network.name, network.class_name} & FILE_NAMES):
        key = "name" if name == network.name else "class_name"
        yield f"'{name}' is a name that the emitted file needs itself; choose another `{key}`"
    yield from _hidden(analysis.elaborated.root.items, (), False)
    for path, trace in analysis.elaborated.flat():
        place = ".".join(path)
        if type(trace.op) in TorchBackend.UNSUPPORTED:
            yield f"{place}: {TorchBackend.UNSUPPORTED[type(trace.op)]}"
        if len({len(t.x) for t in analysis.traces[trace.node.id]}) > 1:
            yield f"{place}: one layer of a block sees maps in one call and vectors in another"
        if _padding_varies(analysis, trace.node):
            yield f"{place}: `same` padding means different pixels in different calls of the block"


def _hidden(items: tuple[Trace, ...], path: Path, sequence: bool) -> Iterator[str]:
    """The children whose names PyTorch's modules need for attributes of their own."""
    for item in items:
        if not isinstance(item, (OpTrace, CallTrace, GroupTrace)):
            for part in item.parts:
                yield from _hidden(part, path, sequence)
            continue
        inner = (*path, item.name)
        if item.name in MODULE_ATTRIBUTES or (sequence and item.name in SEQUENCE_ATTRIBUTES):
            owner = "nn.Module" if item.name in MODULE_ATTRIBUTES else "nn.Sequential"
            reason = f"{'.'.join(inner)}: '{item.name}' is an attribute of {owner}"
            at = item.node.at
            yield f"{reason}; choose another name" + (f" ({at.place})" if at else "")
        if isinstance(item, CallTrace):
            form = item.instance.block.form
            yield from _hidden(item.instance.items, inner, form is not Form.MODULE)
        elif isinstance(item, GroupTrace):
            yield from _hidden(item.items, inner, True)


def _padding_varies(analysis: Analysis, node: Layer) -> bool:
    if not isinstance(node.op, Conv) or not isinstance(node.op.padding, Same):
        return False
    pads = {t.op.pads(t.x) for t in analysis.traces[node.id] if isinstance(t.op, Conv)}
    return len(pads) > 1


backend = TorchBackend()
