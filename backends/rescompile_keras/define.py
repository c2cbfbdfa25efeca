"""The functions of an emitted file: one for each block, and the network's own."""

from __future__ import annotations

from dataclasses import replace

from rescompile.emit.layout import Call, Code, Items, Keyword, signature, statement
from rescompile.emit.naming import shown_names
from rescompile.expr.dims import Var
from rescompile.ir.structure import CLASSES, IN_CHANNELS, Block, Form

from .body import Body
from .file import File
from .sequence import Sequence
from .view import BLOCK, Argument, Function, Label, Line, Scope, arguments_of, function

# Keras' layers, joins and shapes follow a global setting, and some networks would build without it.
CHANNELS_LAST = (
    '    if keras.config.image_data_format() != "channels_last":',
    "        raise ValueError(\"call keras.config.set_image_data_format('channels_last') first\")",
)


def block_function(file: File, block: Block, name: str) -> Function:
    """The function of a block."""
    scope = Scope(shown_names(block, file.given))
    own = [*(p.name for p in block.parameters), *(let for let, _ in block.lets), IN_CHANNELS]
    local = [scope.dim(Var(n)) for n in own]
    scope.used.clear()
    body = Body(file, scope, file.analysis.flows[block.name][0], local)
    if block.form is Form.MODULE:
        result = body.module(block.body, BLOCK)
    else:
        counter = "start" if block.form is Form.INLINE else ""
        result = Sequence(body, BLOCK, "x", "x", counter).run(block.body)
    if body.lines and body.lines[-1].target == result and body.lines[-1].indent == 4:
        body.lines[-1] = replace(body.lines[-1], target="x")  # nothing comes after that asks for it
    else:
        body.copy("x", result)
    lines = [*_lets(block, scope), *body.lines]
    inline = block.form is Form.INLINE
    return function(name, arguments_of(block, scope), lines, block.about, inline)


def _lets(block: Block, scope: Scope) -> list[Line]:
    """The expressions that a block's text uses, and the channels of its input."""
    lines: list[Line] = []
    for let, dim in reversed(block.lets):
        if let in scope.used:
            lines.insert(0, Line(scope.dim(dim), scope.dim(Var(let))))
    if IN_CHANNELS in scope.used:
        lines.insert(0, Line("x.shape[-1]", IN_CHANNELS))
    return lines


def network_function(file: File) -> tuple[str, list[str]]:
    """The head and the lines of the network's own function."""
    network = file.network
    channels, height, width = network.input
    shapes = dict(file.analysis.elaborated.root.shapes)
    scope = Scope()
    body = Body(file, scope, file.analysis.root_flow, ("inputs", "input_shape", CLASSES), shapes)
    body.assign("inputs", "keras.Input(input_shape)")
    body.entry = "inputs"
    result = body.read(body.module(network.body, Label(), network.outputs))
    arguments = [
        Argument("input_shape", "tuple[int, int, int]", f"({height}, {width}, {channels})")
    ]
    if network.classes is not None and CLASSES in scope.used:
        arguments.append(Argument(CLASSES, "int", str(network.classes)))
    head = signature(network.name, [a.declared for a in arguments], "keras.Model")
    given: Code = Items("[", "]", tuple(body.outputs)) if body.outputs else result
    model = Call("keras.Model", ("inputs", given, Keyword("name", f'"{network.name}"')))
    return head, [
        *_deep(file),
        *CHANNELS_LAST,
        *map(str, body.lines),
        statement(model, before="return ", indent=4),
    ]


def _deep(file: File) -> list[str]:
    """What a deep network needs first. Keras walks a path of layers by recursion."""
    limit = file.recursion_limit
    if not limit:
        return []
    code = f"sys.setrecursionlimit(max(sys.getrecursionlimit(), {limit:_}))"
    return [f"    {code}  # Keras recurses over layers"]
