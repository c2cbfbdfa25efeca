"""The Keras backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, cast

from rescompile.emit.contract import ENGINE, Request
from rescompile.emit.functions.define import network_function, new_program
from rescompile.emit.functions.numbering import uncountable
from rescompile.emit.layout import statement
from rescompile.emit.template import environment, tidy
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path
from rescompile.ir.trace import Elaborated
from rescompile.ops import Conv, ConvTranspose, Op, Pool, Same

from .convolution import skips
from .initialise import initializer
from .layers import HELPERS, LAYERS, Style, cuts, keras_momentum, norm_layer
from .names import collisions
from .pooling import reasons
from .storage import STORAGE
from .syntax import KerasSyntax
from .view import RESERVED, number

if TYPE_CHECKING:
    from rescompile.emit.validation import Traced
    from rescompile.emit.validation.graph import Graph

    from .bare import KerasFiles
    from .runtime import KerasRuntime

TEMPLATES = FilePath(__file__).parent / "templates"


class KerasBackend:
    """Emits a functional model, built by one function for each block."""

    name = "keras"
    title = "Keras"
    requires = ("keras", "tensorflow")
    engines = ("tensorflow", "jax", "torch")
    biased_variance = True
    weight_files = (".weights.h5", ".keras")
    bare_files = {".weights.h5": ("h5py",)}
    interchange_files: tuple[str, ...] = ()
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, dict[type[Op], Any]] = {"emission": LAYERS, "storage": STORAGE}

    def unsupported(self, analysis: Analysis) -> list[str]:
        return list(dict.fromkeys(_reasons(analysis)))

    def emit(self, request: Request) -> str:
        style = Style(request.analysis)
        syntax = KerasSyntax(style)
        program = new_program(request.analysis, syntax)
        head, lines = network_function(program)
        helpers = [h.function() for h in style.convs if h.is_function]
        functions = [*helpers, *style.pools.functions(), *program.order]
        code = "\n".join([*lines, *(line for one in functions for line in one.lines)])
        used = {
            "KerasTensor": bool(functions or style.templates - {"dense_init"}),
            "layers": bool(style.templates - {"dense_init"}) or "layers." in code,
        }
        template = environment(TEMPLATES).get_template("module.py.j2")
        source = template.render(
            docstring=request.summary.docstring("channels_last"),
            imported=[name for name in ("KerasTensor", "layers") if used[name]],
            recurses=bool(syntax.recursion_limit),
            uses_math=any("math." in line for f in program.order for line in f.lines),
            constants=list(_constants(style)),
            norm_layer=norm_layer(style.norm) if style.norm else "",
            templates=[name for name in HELPERS if name in style.templates],
            make_divisible=any(
                "make_divisible(" in line for f in program.order for line in f.lines
            ),
            dense_init=statement(
                initializer(program.network.linear_init), before="return ", indent=4
            ),
            functions=functions,
            head=head,
            lines=lines,
        )
        return tidy(source)

    def weight_name(self, path: Path) -> str:
        return "_".join(path)

    def trace(self, source: str, elaborated: Elaborated, graph: Graph) -> Traced:
        from .analysis import Flattening
        from .standin import trace

        kernels = Flattening(elaborated).kernels.items()
        rows = {self.weight_name(path): shape for path, shape in kernels}
        return trace(source, elaborated.network.name, graph, _helpers(), rows)

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
    names = ("LayerScale", "UnbiasedBatchNormalization", "channel_shuffle")
    return {name: (TEMPLATES / f"{name}.py.j2").read_text("utf-8") for name in names}


def _constants(style: Style) -> Iterator[str]:
    if style.norm is not None:
        yield "# Given explicitly: Keras' momentum is the weight of the old statistics."
        yield f"BN_MOMENTUM = {keras_momentum(style.norm.momentum)}"
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
            if isinstance(op.padding, Same):
                yield f"{place}: no Keras layer has a stride, a dilation and `same` padding at once"
            elif op.stride[0] != op.stride[1] or op.dilation[0] != op.dilation[1]:
                yield f"{place}: with a stride and a dilation at once, each must be one number"
        if isinstance(trace.op, ConvTranspose):
            yield from _transposed(trace.op, place)
        if isinstance(trace.op, Pool):
            yield from reasons(style.pools.sites[trace.node.id], place)
    for block in network.blocks.values():
        if uncountable(block):
            yield f"block '{block.name}': how many steps it has depends on the repetition"
    yield from collisions(style)


def _transposed(op: ConvTranspose, place: str) -> Iterator[str]:
    if op.groups != 1:
        yield f"{place}: Keras has no transposed convolution in groups"
    if any(cast(int, side) < 0 for side in cuts(op)):
        yield f"{place}: no Keras layer gives an output_padding that exceeds the padding"


backend = KerasBackend()
