"""The ONNX backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from rescompile.emit.contract import Request
from rescompile.emit.functions.define import network_function, new_program
from rescompile.emit.functions.numbering import uncountable
from rescompile.emit.preprocessing import PreprocessingRequest, preprocessing
from rescompile.emit.template import environment, helper, helpers, mentions, tidy
from rescompile.expr.dims import Number
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Form, Initializer, Path, channel_names
from rescompile.ir.trace import Elaborated
from rescompile.ops import Op

from .syntax import CORE, FILE, RESERVED, TABLE, OnnxSyntax, dilated_pads
from .vocabulary import OPSET

if TYPE_CHECKING:
    from rescompile.emit.validation.graph import Graph
    from rescompile.emit.validation.traced import Traced

    from .runtime import OnnxRuntime

FOLDER = FilePath(__file__).parent
# As tests/backends/onnx measures it.
EXACTNESS = "PyTorch rounds up to 1 of 1,000 values otherwise, by 1 of 255 levels."
TEMPLATES = FOLDER / "templates"


class OnnxBackend:
    """Emits a builder of a ModelProto, in which each kind of block is a function."""

    name = "onnx"
    title = "ONNX"
    suffix = ".py"
    by_default = False
    requires = ("onnx", "onnxruntime")
    engines = ()
    no_training = "A graph of ONNX says what a network computes in evaluation."
    biased_variance = False
    weight_files = (".onnx",)
    bare_files: Mapping[str, tuple[str, ...]] = {}
    interchange_files: tuple[str, ...] = ()
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[type[Op], Any]] = {"emission": TABLE}

    def unsupported(self, analysis: Analysis) -> list[str]:
        return list(dict.fromkeys(_reasons(analysis)))

    def emit(self, request: Request) -> str:
        network = request.analysis.network
        program = new_program(request.analysis, OnnxSyntax(request.analysis))
        head, lines = network_function(program)
        code = [*lines, *(line for one in program.order for line in one.lines)]
        texts: list[str] = []
        for name, text in reversed(helpers(FILE).items()):  # those that others use come first there
            if name in CORE or mentions([*code, *texts], rf"{name}\("):
                texts.insert(0, text)
        if mentions(code, r"make_divisible\("):
            texts.insert(0, helper(FOLDER, "make_divisible"))
        drawn = {"conv_init": network.conv_init, "linear_init": network.linear_init}
        initial = {name: _draw(how) for name, how in drawn.items() if mentions(texts, name)}
        formulas = [line for one in initial.values() for line in one]
        blocks = {b.name for b in network.blocks.values() if b.form is not Form.INLINE}
        functions = {program.blocks[name].name for name in blocks & program.blocks.keys()}
        source = (
            environment(TEMPLATES)
            .get_template("module.py.j2")
            .render(
                docstring=request.summary.docstring(),
                opset=OPSET,
                name=network.name,
                uses_math=mentions([*code, *formulas], r"math\."),
                initial=initial,
                helpers=texts,
                functions=[(one, one.name in functions) for one in program.order],
                head=head,
                lines=lines,
            )
        )
        return tidy(source)

    def preprocessing(self, request: PreprocessingRequest) -> str:
        resized = request.preparation.resize is not None
        return preprocessing(request, TEMPLATES, EXACTNESS if resized else "")

    def weight_name(self, path: Path) -> str:
        return ".".join(path)

    def trace(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        from .standin import trace

        network, arguments = elaborated.network, dict[str, Number](given)
        for channels in channel_names(network.inputs).values():
            arguments.pop(channels, None)
        values = (*network.inputs.values(), *arguments.values()) if given else ()
        return trace(source, network.name, graph, helpers(FILE), values)

    def files(self) -> None:
        return None

    def runtime(self) -> OnnxRuntime:
        from .runtime import OnnxRuntime

        return OnnxRuntime()


def _draw(how: Initializer) -> list[str]:
    """The lines of a function that draws weights of a shape, in PyTorch's layout."""
    if not how.mode:
        return [f"    return rng.normal(0.0, {how.std!r}, shape)"]
    fan = "math.prod(shape[1:])" if how.mode == "fan_in" else "shape[0] * math.prod(shape[2:])"
    ratio = how.scale * (3 if how.uniform else 1)
    scale = f"{ratio}.0" if ratio.denominator == 1 else str(ratio).replace("/", " / ")
    if how.uniform:
        drawn = [f"limit = math.sqrt({scale} / fan)", "return rng.uniform(-limit, limit, shape)"]
    else:
        drawn = [f"return rng.normal(0.0, math.sqrt({scale} / fan), shape)"]
    return [f"    {line}" for line in (f"fan = {fan}", *drawn)]


def _reasons(analysis: Analysis) -> Iterator[str]:
    network = analysis.network
    if network.name in RESERVED:
        yield f"'{network.name}' is a name that the emitted file needs itself; rename the network"
    for path, trace in analysis.elaborated.flat():
        if type(trace.op) in OnnxBackend.UNSUPPORTED:
            yield f"{'.'.join(path)}: {OnnxBackend.UNSUPPORTED[type(trace.op)]}"
        if len(dilated_pads(trace.node, analysis)) > 1:
            place = ".".join(path)
            yield f"{place}: `same` beside a dilation means different pixels in different calls"
    for block in network.blocks.values():
        if uncountable(block):
            yield f"block '{block.name}': how many steps it has depends on the repetition"


backend = OnnxBackend()
