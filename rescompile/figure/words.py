"""Operations and calls as a picture names them: "3x3 conv, 128, /2"."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from .. import ops
from ..expr.dims import Dim, Expr, Var
from ..expr.dims import text as written
from ..ir.structure import IN_CHANNELS, INPUT, Block, Call
from ..ops import Op
from .scene import TIMES

WORDS = {
    "conv_transpose": "transposed conv",
    "linear": "fc",
    "max_pool": "max pool",
    "avg_pool": "avg pool",
    "adaptive_avg_pool": "adaptive avg pool",
    "global_avg_pool": "global avg pool",
    "global_max_pool": "global max pool",
    "global_attention_pool": "global attention pool",
    "batch_norm": "batch norm",
    "layer_norm": "layer norm",
    "group_norm": "group norm",
    "instance_norm": "instance norm",
    "adaptive_max_pool": "adaptive max pool",
    "channel_mean": "mean of channels",
    "channel_max": "maximum of channels",
    "channel_conv": "conv of channels",
    "local_response_norm": "local response norm",
    "l2_norm": "L2 norm",
    "global_response_norm": "global response norm",
    "split_softmax": "split softmax",
}
TOLD = ("kernel", "stride", "channels", "features", "groups", "padding", "bias")  # in words above
MAX_WIDTH = 34  # characters of a line in a box


def shown(value: Any) -> str:
    """An attribute: expressions as in a spec, without the sigil."""
    if isinstance(value, tuple):
        parts = [shown(one) for one in value]
        if len(parts) > 3 and parts[::2] == parts[1::2]:
            parts = parts[::2]  # what is the same on opposite sides
        return parts[0] if len(set(parts)) == 1 else f"({', '.join(parts)})"
    if isinstance(value, (Expr, int, float)):
        return written(value).replace("$", "")
    return str(value.value if isinstance(value, Enum) else value)


def window(kernel: Any) -> str:
    """The size of a window: "3x3", "1x7", "k x k"."""
    parts = [shown(one) for one in kernel]
    return ("x" if "".join(parts).isdigit() else " x ").join(parts)


def operation(op: Op, entering: Dim | None = None) -> str:
    """An operation in a line; `entering` are the channels that reach it, where they are known."""
    word = WORDS.get(op.word, op.word)
    kernel = getattr(op, "kernel", None)
    made = [f"{window(kernel)} {word}" if kernel is not None else word]
    made += [shown(getattr(op, n)) for n in ("channels", "features") if hasattr(op, n)]
    stride: Any = getattr(op, "stride", None)
    if stride is not None and (shown(stride) != "1" or isinstance(op, (ops.MaxPool, ops.AvgPool))):
        made.append(f"/{shown(stride)}")  # of pools always: the language takes the kernel for it
    return ", ".join([*made, *_rest(op, entering)])


def pool(op: Op) -> str:
    """A pool by its word and stride alone: "max pool, /2"."""
    stride: Any = getattr(op, "stride", 1)
    word = WORDS[op.word]
    return word if shown(stride) == "1" else f"{word}, /{shown(stride)}"


def _rest(op: Op, entering: Dim | None) -> Iterator[str]:
    """What differs from an operation as one writes it without further words."""
    if isinstance(op, ops.Conv):
        yield from _of_conv(op, entering)
    elif isinstance(op, ops.Linear):
        yield from _of_bias(op, usual=True)
    elif isinstance(op, ops.ConvTranspose):
        yield from _of_bias(op)
    if op.like:
        yield f"to {op.like}"
    told = TOLD if isinstance(op, ops.Weighted) else ("kernel", "stride", "to", "extents")
    for name, value in ops.said(op).items():
        if name not in told:
            yield _attribute(name.replace("_", " "), value)


def _of_conv(op: ops.Conv, entering: Dim | None) -> Iterator[str]:
    groups: Any = op.groups
    if groups != 1 and groups in (entering, Var(IN_CHANNELS)):
        yield "depthwise"
    elif groups != 1:
        yield f"{groups} groups" if isinstance(groups, int) else f"groups={shown(groups)}"
    if not _is_half(op):
        yield "no padding" if shown(op.padding) == "0" else f"padding {shown(op.padding)}"
    yield from _of_bias(op)


def _of_bias(op: ops.Weighted, usual: bool = False) -> Iterator[str]:
    """Whether there is a bias, where that is not as usual."""
    if isinstance(op.bias, Expr):
        yield f"bias if {written(op.bias, '')}"
    elif op.bias is not usual:
        yield "bias" if op.bias else "no bias"


def _attribute(word: str, value: Any) -> str:
    if isinstance(value, bool):
        return word if value else f"no {word}"
    return f"{word} {shown(value)}"


def _is_half(op: ops.Conv) -> bool:
    """Whether the padding is what goes without saying: half of the window on each side."""
    kernel: Any = op.kernel
    dilation: Any = op.dilation
    wanted = []
    for k, d in zip(kernel, dilation, strict=True):
        if isinstance(k, int) and isinstance(d, int):
            wanted.append(str((k - 1) // 2 * d))
        else:
            half = f"({shown(k)} - 1) // 2"
            wanted.append(half if shown(d) == "1" else f"{half} * {shown(d)}")
    padding: Any = op.padding
    if isinstance(padding, Enum):
        return False
    sides = [shown(side) for side in padding]
    return sides[::2] == sides[1::2] == wanted


def call(node: Call, block: Block) -> str:
    """A call with its arguments, but for those that are what the block takes by default."""
    once = {p.name for p in block.parameters if p.once}
    usual = {p.name: p.default for p in block.parameters}
    given = []
    for name, dim in node.args:
        if usual.get(name) != dim:
            first = " once" if name in once and node.repeat not in (None, 1) else ""
            given.append(f"{name}={shown(dim)}{first}")
    called = f"{node.block}({', '.join(given)})" if given else node.block
    return f"{called} of {', '.join(node.sources)}" if node.sources else called


def definition(block: Block) -> str:
    """The head of a block: its name and parameters, with what they are by default."""
    given = [
        "once " * p.once + (p.name if p.default is None else f"{p.name}={shown(p.default)}")
        for p in block.parameters
    ]
    called = f"{block.name}({', '.join(given)})" if given else block.name
    inputs = f" of {', '.join(block.entering)}" if [*block.entering] != [INPUT] else ""
    return f"{called}{inputs}" + (f": {', '.join(block.outputs)}" if block.outputs else "")


def folded(text: str, width: int = MAX_WIDTH) -> tuple[str, ...]:
    """A line in lines of some `width` characters, broken behind commas if that is enough."""
    lines: list[str] = []
    for part in _parts(text, width):
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return tuple(lines)


def _parts(text: str, width: int) -> Iterator[str]:
    """What stands between commas; where that is too long, behind a bracket, or between spaces."""
    for part in text.replace(", ", ",\n").split("\n"):
        head, bracket, rest = part.partition("(")
        if len(part) <= width * 1.3:
            yield from [part] if part else []
        elif bracket and len(rest) <= width * 1.3:
            yield from (head + bracket, rest)
        else:
            yield from part.split()


def condition(when: Dim) -> str:
    return f"if {shown(when)}"


def times(count: Dim) -> str:
    """How often something is repeated; nothing for once."""
    return "" if count == 1 else f"{TIMES} {shown(count)}"
