"""The IR as text: blocks with what still varies in them, then the network with its shapes."""

from __future__ import annotations

from collections.abc import Iterator

from ..expr.dims import Dim, Expr, text
from ..ops import Op, Same, said, show_inputs, show_shape
from .analysis import Analysis
from .nodes import Call, From, Group, Join, Layer, Loop, Node, Residual, Reuse, Where
from .structure import INPUT, Block, Network, channel_names

INDENT = "  "


def show(analysis: Analysis) -> str:
    """The network as text, one line a node."""
    network = analysis.network
    lines = [f"network {network.name}: {show_inputs(network.inputs)}"]
    shapes = analysis.elaborated.root.shapes
    for stage in network.stages:
        lines.append(f"{INDENT}{stage.label}:")
        for node in stage.body:
            made = list(_node(node, 2))
            made[0] += f"  -> {show_shape(shapes[node.id])}"
            lines.extend(made)
    if network.outputs:
        lines.append(f"{INDENT}outputs: {', '.join(network.outputs)}")
    lines.append(f"{INDENT}initialise: {_initialisers(network)}")
    for block in network.blocks.values():
        lines.extend(["", *_block(block)])
    return "\n".join(lines) + "\n"


def _initialisers(network: Network) -> str:
    shown = []
    for word, how in (("conv", network.conv_init), ("linear", network.linear_init)):
        shown.append(f"{word} {how.text()}")
    return ", ".join(shown)


def _block(block: Block) -> Iterator[str]:
    called = channel_names(block.entering)
    entering = [f"{called[n]}: int" for n, dim in block.entering.items() if isinstance(dim, Expr)]
    given = [_parameter(p.name, p.type.__name__, p.default, p.once) for p in block.parameters]
    yield f"block {block.name}({', '.join([*entering, *given])}): {block.form.value}"
    for name, dim in block.lets:
        yield f"{INDENT}let {name} = {text(dim)}"
    if [*block.entering] != [INPUT]:
        yield f"{INDENT}inputs: {', '.join(block.entering)}"
    for node in block.body:
        yield from _node(node, 1)
    if block.outputs:
        outputs = (n if n == of else f"{n} = {of}" for n, of in block.outputs.items())
        yield f"{INDENT}outputs: {', '.join(outputs)}"


def _parameter(name: str, kind: str, default: Dim | None, once: bool) -> str:
    shown = f"{name}: {kind}" + ("" if default is None else f" = {text(default)}")
    return f"once {shown}" if once else shown


def _node(node: Node, depth: int) -> Iterator[str]:
    pad = INDENT * depth
    if isinstance(node, Layer):
        yield f"{pad}{_name(node)}{_op(node.op)}{_when(node.when)}"
    elif isinstance(node, Call):
        args = ", ".join(f"{name}={text(dim)}" for name, dim in node.args)
        repeat = "" if node.repeat is None else f" repeat {text(node.repeat)}"
        pattern = "" if node.children == "{i}" else f" as {node.children}"
        given = f" from {', '.join(node.sources)}" if node.sources else ""
        called = f"{_name(node)}{node.block}({args}){given}"
        yield f"{pad}{called}{repeat}{pattern}{_when(node.when)}"
    elif isinstance(node, (Group, Loop)):
        word = "group" if isinstance(node, Group) else f"repeat {text(node.count)}"
        when = _when(node.when) if isinstance(node, Group) else ""
        yield f"{pad}{_name(node) if isinstance(node, Group) else ''}{word}{when}:"
        yield from _nodes(node.body, depth + 1)
    elif isinstance(node, Join):
        split = " of split channels" if node.split else ""
        yield f"{pad}{node.name} = {node.kind.value}{split}:"
        for branch in node.branches:
            yield f"{pad}{INDENT}branch {branch.name or ''}".rstrip() + ":"
            yield from _nodes(branch.body, depth + 2)
    elif isinstance(node, From):
        yield f"{pad}from {node.source}"
    elif isinstance(node, Reuse):
        repeat = "" if node.repeat is None else f" repeat {text(node.repeat)}"
        yield f"{pad}{_name(node)}{node.of} again{repeat}"
    else:
        yield from _residual(node, depth)


def _residual(node: Residual, depth: int) -> Iterator[str]:
    pad = INDENT * depth
    yield f"{pad}{node.name} = residual{_when(node.when)}:"
    if node.pre:
        yield f"{pad}{INDENT}preactivation:"
        yield from _nodes(node.pre, depth + 2)
    yield f"{pad}{INDENT}branch:"
    yield from _nodes(node.branch, depth + 2)
    where = f" {node.where.value}" if node.shortcut and node.where is not Where.ALWAYS else ""
    tap = " from the preactivation" if node.tap_pre and node.shortcut else ""
    yield f"{pad}{INDENT}shortcut {node.kind}{where}{tap}:"
    yield from _nodes(node.shortcut, depth + 2)


def _nodes(nodes: tuple[Node, ...], depth: int) -> Iterator[str]:
    if not nodes:
        yield f"{INDENT * depth}identity"
    for node in nodes:
        yield from _node(node, depth)


def _name(node: Layer | Group | Call | Reuse) -> str:
    return "" if node.name is None else f"{node.name} = "


def _when(when: Dim) -> str:
    return "" if when is True else f" when {text(when)}"


def _op(op: Op) -> str:
    shown = [op.word]
    shown += (f"{name}={_value(value)}" for name, value in said(op).items())
    return " ".join(shown)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        if len(set(map(str, value))) == 1:
            return _value(value[0])
        return "(" + ", ".join(_value(v) for v in value) + ")"
    if isinstance(value, Same):
        return value.value
    if isinstance(value, (Expr, int, float)):
        shown = text(value)
        return f"({shown})" if " " in shown else shown
    return str(getattr(value, "value", value))
