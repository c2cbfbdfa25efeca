"""Operations and runs of operations in a few words, for a reader of a report."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, cast

from ..expr.dims import Number
from ..ir.trace import (
    CallTrace,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
)
from ..ops import Conv, ConvTranspose, Op, Pool, Same, Shape

MAX_WORDS = 6


def describe_op(op: Op, x: Shape) -> str:
    """One operation on input shape `x`: "conv 3x3, 64, stride 2"."""
    if isinstance(op, Conv):
        return ", ".join(_conv(op, x))
    if isinstance(op, ConvTranspose):
        return ", ".join(_conv_transpose(op))
    if isinstance(op, Pool):
        return ", ".join(_pool(op))
    return ", ".join([op.word, *_options(op, ())])


def _conv(op: Conv, x: Shape) -> Iterator[str]:
    yield f"conv {_window(op.kernel)}"
    yield f"{op.channels}"
    if op.stride != (1, 1):
        yield f"stride {_pair(op.stride)}"
    if op.dilation != (1, 1):
        yield f"dilation {_pair(op.dilation)}"
    if op.groups != 1:
        yield "depthwise" if op.groups == x[0] else f"groups {op.groups}"
    (kh, kw), (dh, dw) = cast(Any, (op.kernel, op.dilation))
    ph, pw = (kh - 1) // 2 * dh, (kw - 1) // 2 * dw
    if op.padding != (ph, ph, pw, pw):
        yield _padding(op.padding)
    if op.bias:
        yield "bias"


def _conv_transpose(op: ConvTranspose) -> Iterator[str]:
    yield f"conv_transpose {_window(op.kernel)}"
    yield f"{op.channels}"
    for word in ("stride", "padding", "output_padding"):
        pair = getattr(op, word)
        if pair != ((1, 1) if word == "stride" else (0, 0)):
            yield f"{word} {_pair(pair)}"
    yield from _options(op, ("kernel", "channels", "stride", "padding", "output_padding"))


def _pool(op: Pool) -> Iterator[str]:
    yield f"{op.word} {_window(op.kernel)}"
    yield f"stride {_pair(op.stride)}"
    if op.padding != (0, 0, 0, 0):
        yield _padding(op.padding)
    yield from _options(op, ("kernel", "stride", "padding"))


def _padding(padding: Any) -> str:
    if isinstance(padding, Same):
        return "padding same"
    top, bottom, left, right = padding
    if (top, left) == (bottom, right):
        return f"padding {_pair((top, left))}"
    return f"padding {top}+{bottom}, {left}+{right}"


def _options(op: Op, done: tuple[str, ...]) -> Iterator[str]:
    for field in dataclasses.fields(op):
        value = getattr(op, field.name)
        if field.name in done or value == field.default:
            continue
        if isinstance(value, bool):
            yield f"{'' if value else 'no '}{field.name}"
        else:
            yield f"{field.name} {value.value if isinstance(value, Enum) else value}"


def _window(kernel: tuple[object, object]) -> str:
    return f"{kernel[0]}x{kernel[1]}"


def _pair(pair: tuple[object, object]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def describe_call(instance: Instance) -> str:
    """A block with its arguments: "basic(channels=128, stride=2)"."""
    env = instance.env
    given = ", ".join(f"{p.name}={_plain(env[p.name])}" for p in instance.block.parameters)
    return f"{instance.block.name}({given})" if given else instance.block.name


def _plain(value: Number) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def describe_join(item: JoinTrace | ResidualTrace) -> str:
    """What brings the branches together: "concat", "add projection shortcut"."""
    if isinstance(item, JoinTrace):
        return item.node.kind.value
    kind = item.node.kind if item.shortcut else "identity"
    return f"add {kind} shortcut"


def describe_run(items: Iterable[Trace]) -> str:
    """What a run of traces is made of: "conv, batch_norm, relu, max_pool" or "basic x 3"."""
    counts = Counter(_words(items))
    words = [word if n == 1 else f"{word} x {n}" for word, n in counts.items()]
    return ", ".join(words[:MAX_WORDS] + ["..."] * (len(words) > MAX_WORDS))


def _words(items: Iterable[Trace]) -> Iterator[str]:
    for item in items:
        if isinstance(item, OpTrace):
            yield item.op.word
        elif isinstance(item, CallTrace):
            yield item.instance.block.name
        elif isinstance(item, GroupTrace):
            yield from _words(item.items)
        elif isinstance(item, ResidualTrace):
            yield from _words((*item.pre, *item.branch))
            if item.shortcut is not None:
                yield describe_join(item)
        elif isinstance(item, FromTrace):
            yield f"from {item.node.source}"
        else:
            for branch in item.branches:
                yield from _words(branch)
            yield item.node.kind.value
