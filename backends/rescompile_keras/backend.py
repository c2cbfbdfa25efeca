"""The Keras backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, cast

from rescompile.emit.borders import cuts, skips
from rescompile.emit.channels_last import Proofs
from rescompile.emit.contract import ENGINE, RANKS, Request
from rescompile.emit.functions.define import BLOCK, network_function, new_program
from rescompile.emit.functions.function import Function
from rescompile.emit.functions.numbering import uncountable
from rescompile.emit.layout import Call
from rescompile.emit.lines import RETURN, Line
from rescompile.emit.preprocessing import PreprocessingRequest, preprocessing, refuse_bicubic
from rescompile.emit.program import Definition
from rescompile.emit.summary import arranged, docstring
from rescompile.emit.table import complement, number
from rescompile.emit.template import environment, helper, mentions, tidy
from rescompile.expr.dims import Number
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path, channel_names
from rescompile.ir.trace import Elaborated, flatten
from rescompile.ops import AvgPool, Conv, ConvTranspose, Op, Pool, Prelu, Same, StdConv, Upsample

from .initialise import initializer
from .layers import CONSTANTS, TABLE, Style, norm_layer
from .names import collisions
from .pooling import asks_for_size, reasons
from .syntax import KerasSyntax
from .vocabulary import FIXED, PART, RESERVED, SIZED, function

if TYPE_CHECKING:
    from rescompile.emit.validation.graph import Graph
    from rescompile.emit.validation.traced import Traced

    from .bare import KerasFiles
    from .runtime import KerasRuntime

FOLDER = FilePath(__file__).parent
TEMPLATES, HELPERS = FOLDER / "templates", FOLDER / "helpers"
# As tests/backends/keras measures it; Keras' engine for PyTorch gives the same.
EXACTNESS = (
    "TensorFlow and JAX round up to 1 of 1,000 values otherwise than PyTorch, by 1 of 255 levels."
)


class KerasBackend:
    """Emits a functional model, built by one function for each block."""

    name = "keras"
    title = "Keras"
    suffix = ".py"
    by_default = True
    requires = ("keras", "tensorflow")
    engines = ("tensorflow", "jax", "torch")
    no_training = ""
    biased_variance = channels_last = True
    weight_files = (".weights.h5", ".keras")
    bare_files = {".weights.h5": ("h5py",)}
    interchange_files: tuple[str, ...] = ()
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[type[Op], Any]] = {"emission": TABLE}

    def unsupported(self, analysis: Analysis) -> list[str]:
        return list(dict.fromkeys(_reasons(analysis)))

    def emit(self, request: Request) -> str:
        style = Style(request.analysis)
        syntax = KerasSyntax(style)
        program = new_program(request.analysis, syntax)
        head, lines = network_function(program)
        helpers = [one.function() for one in style.helpers]
        blocks = [line for function in program.order for line in function.lines]
        code = [*lines, *(line for one in helpers for line in one.lines), *blocks]
        fixed = [make(style) for name, make in GIVEN.items() if mentions(code, rf"{name}\(")]
        code += [line for one in fixed for line in one.lines]
        own = [name for name in FIXED if mentions(code, rf"{name}\(")]
        divides = ["make_divisible"] if mentions([*blocks, *lines], r"make_divisible\(") else []
        functions = [*fixed, *helpers, *program.order]
        tensors = [*own, *(one for one in functions if one.name != "dense_init")]
        used = {"KerasTensor": bool(tensors), "layers": own or mentions(code, r"layers\.")}
        template = environment(TEMPLATES).get_template("module.py.j2")
        source = template.render(
            docstring=request.summary.docstring("channels_last"),
            imported=[name for name, yes in used.items() if yes],
            shares=PART in own,
            recurses=bool(syntax.recursion_limit),
            uses_math=mentions([*blocks, *lines], r"math\."),
            constants=list(_constants(style)),
            helpers=[helper(HELPERS, name) for name in (*divides, *own)],
            functions=functions,
            head=head,
            lines=lines,
        )
        return tidy(source)

    def preprocessing(self, request: PreprocessingRequest) -> str:
        refuse_bicubic(self.title, request)
        resized = request.preparation.resize is not None
        return preprocessing(request, TEMPLATES, EXACTNESS if resized else "", "channels_last")

    def weight_name(self, path: Path) -> str:
        return "_".join(path)

    def trace(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        from .standin import trace

        kernels = Proofs(elaborated).kernels.items()
        rows = {self.weight_name(path): shape for path, shape in kernels}
        network, arguments = elaborated.network, dict[str, Number](given)
        for channels in channel_names(network.inputs).values():
            arguments.pop(channels, None)
        shapes = (arranged(shape, "channels_last") for shape in network.inputs.values())
        values = (*shapes, *arguments.values()) if given else ()
        return trace(source, network.name, graph, _helpers(), rows, values)

    def files(self) -> KerasFiles:
        from .bare import KerasFiles

        return KerasFiles(_helpers())

    def runtime(self) -> KerasRuntime:
        engine = os.environ.get(ENGINE)
        if engine is not None:  # asked for by a measurement; Keras reads this when it is imported
            os.environ["KERAS_BACKEND"] = engine or "tensorflow"
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from .runtime import KerasRuntime

        return KerasRuntime()


def _helpers() -> dict[str, str]:
    """The sources of what a file may define itself, where they are always the same."""
    return {name: helper(HELPERS, name) for name in FIXED}


def _batch_norm(style: Style) -> Function:
    """The norm that most have."""
    assert style.norm is not None
    layer = norm_layer(style.norm).written(CONSTANTS, BLOCK.keyword())
    return function("batch_norm", (), [Line(Call(layer, ("x",)), "x")])


class DenseInit(Definition):
    """The function for the initialisers of linear layers."""

    signature = "def dense_init() -> keras.Initializer:"


def _dense_init(style: Style) -> DenseInit:
    about = "A new one for each layer: one that is shared gives all of them the same values."
    made = Line(initializer(style.analysis.network.linear_init), RETURN)
    return DenseInit("dense_init", (), (str(made),), tuple(docstring(about)))


GIVEN = {"batch_norm": _batch_norm, "dense_init": _dense_init}


def _constants(style: Style) -> Iterator[str]:
    if style.norm is not None:
        yield "# Given explicitly: Keras' momentum is the weight of the old statistics."
        yield f"BN_MOMENTUM = {number(complement(style.norm.momentum))}"
        yield f"BN_EPSILON = {number(style.norm.epsilon)}"


def _reasons(analysis: Analysis) -> Iterator[str]:
    network, style = analysis.network, Style(analysis)
    if network.name in RESERVED | style.helper_names():
        yield f"'{network.name}' is a name that the emitted file needs itself; rename the network"
    for path, trace in analysis.elaborated.flat():
        place = ".".join(path)
        if type(trace.op) in KerasBackend.UNSUPPORTED:
            yield f"{place}: {KerasBackend.UNSUPPORTED[type(trace.op)]}"
        if isinstance(trace.op, Conv) and skips(trace.op):
            op = cast(Conv, trace.node.op)
            if isinstance(op, StdConv):
                yield f"{place}: in Keras nothing has a stride and a dilation at once"
            elif isinstance(op.padding, Same):
                yield f"{place}: no Keras layer has a stride, a dilation and `same` padding at once"
            elif len({*op.stride}) > 1 or len({*op.dilation}) > 1:
                yield f"{place}: with a stride and a dilation at once, each must be one number"
        if isinstance(trace.op, ConvTranspose):
            yield from _transposed(trace.op, place)
        if isinstance(trace.op, Upsample):
            row = style.words.usual[Upsample]
            for name, value in row.implied:
                if getattr(trace.op, name) != value:
                    yield f"{place}: {row.name} has no other {name} than {value.value}"
        if isinstance(trace.op, Prelu) and len(analysis.ranks(trace.node)) > 1:
            yield f"{place}: {RANKS}"
        if isinstance(trace.op, Pool):
            yield from reasons(style.pools.sites[trace.node.id], place)
    yield from _sizes(style)
    for block in network.blocks.values():
        if uncountable(block):
            yield f"block '{block.name}': how many steps it has depends on the repetition"
    yield from collisions(style)


def _sizes(style: Style) -> Iterator[str]:
    """What cannot stand in layers that are shared by maps of several sizes."""
    found = [one for one in style.analysis.shared.values() if one.resized]
    inside = {trace.node.id for one in found for _, trace in flatten(one.traces)}
    for path, trace in style.analysis.elaborated.owning():
        op = trace.op
        asks = isinstance(op, SIZED) or (isinstance(op, AvgPool) and asks_for_size(op))
        if asks and trace.node.id in inside and trace.x[1:] != (1, 1):
            place = ".".join(path)
            yield f"{place}: it is shared by maps of several sizes, and asks Keras for the size"


def _transposed(op: ConvTranspose, place: str) -> Iterator[str]:
    if op.groups != 1:
        yield f"{place}: Keras has no transposed convolution in groups"
    if any(cast(int, side) < 0 for pads in cuts(op) for side in pads):
        yield f"{place}: no Keras layer gives an output_padding that exceeds the padding"


backend = KerasBackend()
