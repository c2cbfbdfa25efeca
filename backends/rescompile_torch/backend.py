"""The PyTorch backend: what it declares, what it cannot do, and the emission of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from rescompile.backend.contract import Request
from rescompile.backend.repetition import counted, uses_index
from rescompile.backend.template import environment, tidy
from rescompile.ir.facts import Facts
from rescompile.ir.ops import Conv, Op, Same
from rescompile.ir.structure import Call, Layer, Loop, Path, walk
from rescompile.ir.trace import Elaborated

from .define import define_network
from .initialise import DRAWN, initialisers
from .modules import MODULES
from .view import FILE_NAMES, Definition, File

if TYPE_CHECKING:
    from rescompile.backend.validation import Traced
    from rescompile.backend.validation.graph import Graph

    from .runtime import TorchRuntime

TEMPLATES = FilePath(__file__).parent / "templates"
# Attributes of nn.Module that a child of the same name would hide.
RESERVED = frozenset(
    [
        "T",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_buffer",
        "register_module",
        "register_parameter",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
        "append",
        "extend",
        "insert",
        "pop",
    ]
)


class TorchBackend:
    """Emits an nn.Module class for each block, and one for the network."""

    name = "torch"
    title = "PyTorch"
    requires = ("torch",)
    engines = ()
    biased_variance = False
    weight_files = (".pth", ".pt", ".th")
    neutral_files = (".safetensors", ".npz")
    UNSUPPORTED: Mapping[type[Op], str] = {}
    tables: Mapping[str, Collection[type[Op]]] = {"emission": MODULES, "initialisation": DRAWN}

    def unsupported(self, facts: Facts) -> list[str]:
        return list(dict.fromkeys(_reasons(facts)))

    def emit(self, request: Request) -> str:
        file = File(request)
        network = define_network(file)
        lines = list(initialisers(file.facts))
        jinja = environment(TEMPLATES)
        code = list(_code([*file.order, network]))
        code += [jinja.get_template(f"{name}.py.j2").render() for name in sorted(file.helpers)]
        source = jinja.get_template("module.py.j2").render(
            docstring=request.summary.docstring(),
            uses_math=_mentions(code, "math"),
            uses_torch=_mentions(code, "torch"),
            uses_functional=_mentions(code, "F"),
            helpers=sorted(file.helpers),
            functions=sorted(file.functions),
            definitions=file.order,
            network=network,
            initialisers=lines,
            name=request.facts.network.name,
            outputs=len(request.facts.network.outputs),
        )
        return tidy(source)

    def weight_name(self, path: Path) -> str:
        return ".".join(path)

    def trace(self, source: str, elaborated: Elaborated, graph: Graph) -> Traced:
        from .standin import trace
        from .standin_layers import HELPERS

        texts = {helper: (TEMPLATES / f"{helper}.py.j2").read_text("utf-8") for helper in HELPERS}
        return trace(source, elaborated.network.name, graph, texts)

    def runtime(self) -> TorchRuntime:
        from .runtime import TorchRuntime

        return TorchRuntime()


# What emitted functions bind or call: a parameter of such a name would hide it.
BOUND = frozenset(
    (
        *(
            "F",
            "Tensor",
            "bool",
            "first",
            "float",
            "i",
            "int",
            "layers",
            "math",
            "max",
            "min",
            "module",
        ),
        *("nn", "range", "rest", "round", "self", "stage", "super", "torch", "x"),
    )
)


def _hidden_names(facts: Facts) -> Iterator[str]:
    for block in facts.network.blocks.values():
        own = {*(param.name for param in block.parameters), *(let for let, _ in block.lets)}
        counts = any(
            isinstance(node, Loop)
            or (isinstance(node, Call) and (uses_index(node) or counted(node)))
            for node in walk(block.body)
        )
        for name in sorted(own & (BOUND | {"width"} if counts else BOUND)):
            yield f"block '{block.name}': its code needs the name '{name}' itself; rename it"


def _code(definitions: list[Definition]) -> Iterator[str]:
    for definition in definitions:
        yield from (*definition.lines, *definition.forward)


def _mentions(code: list[str], module: str) -> bool:
    """Whether the code takes something from a module that it calls by this name."""
    return any(re.search(rf"(?<![\w.]){module}\.", text) for text in code)


def _reasons(facts: Facts) -> Iterator[str]:
    if facts.network.name in FILE_NAMES:
        name = facts.network.name
        yield f"'{name}' is a name that the emitted file needs itself; rename the network"
    yield from _hidden_names(facts)
    for path, trace in facts.elaborated.flat():
        place = ".".join(path)
        if type(trace.op) in TorchBackend.UNSUPPORTED:
            yield f"{place}: {TorchBackend.UNSUPPORTED[type(trace.op)]}"
        hidden = RESERVED.intersection(path)
        if hidden:
            yield f"{place}: '{min(hidden)}' is an attribute of nn.Module; choose another name"
        if len({len(t.x) for t in facts.traces[id(trace.node)]}) > 1:
            yield f"{place}: one layer of a block sees maps in one call and vectors in another"
        if _padding_varies(facts, trace.node):
            yield f"{place}: `same` padding means different pixels in different calls of the block"


def _padding_varies(facts: Facts, node: Layer) -> bool:
    if not isinstance(node.op, Conv) or not isinstance(node.op.padding, Same):
        return False
    pads = {t.op.pads(t.x) for t in facts.traces[id(node)] if isinstance(t.op, Conv)}
    return len(pads) > 1


backend = TorchBackend()
