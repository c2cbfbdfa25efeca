"""Names of layers: paths joined by underscores, which must differ and which Keras must not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rescompile import ops
from rescompile.ir.structure import Path
from rescompile.ir.trace import CallTrace, FromTrace, GroupTrace, JoinTrace, OpTrace, Trace

from .layers import Style, cuts, permutes

# Keras counts up these names for operations without a layer, and for the input.
AUTOMATIC = {
    ops.PadChannels: ("pad",),
    ops.SliceChannels: ("get_item",),
    ops.MaxPool: ("pad",),
    ops.AvgPool: ("pad", "get_item", "ones_like", "average_pool", "true_divide"),
}


def collisions(style: Style) -> Iterator[str]:
    """A reason for each name that two layers would have."""
    owners: dict[str, str] = {}
    automatic = {"input_layer"}
    for name, owner, trace in _names(style, style.analysis.elaborated.root.items, ()):
        if owners.setdefault(name, owner) != owner:
            yield f"{owner} and {owners[name]}: both would be the layer '{name}'"
        if isinstance(trace, JoinTrace):
            automatic |= {"split"} if trace.node.split else set()
        elif trace is not None and _uses_operations(style, trace):
            automatic |= {*AUTOMATIC[type(trace.op)]}
    pattern = re.compile(rf"(?:{'|'.join(sorted(automatic))})(?:_\d+)?")
    for name, owner in owners.items():
        if pattern.fullmatch(name):
            yield f"{owner}: Keras gives the name '{name}' to operations; choose another"


def _names(
    style: Style, items: tuple[Trace, ...], path: Path
) -> Iterator[tuple[str, str, OpTrace | JoinTrace | None]]:
    """Every layer's name with what it belongs to."""
    for item in items:
        if isinstance(item, CallTrace):
            yield from _names(style, item.instance.items, (*path, item.name))
        elif isinstance(item, GroupTrace):
            yield from _names(style, item.items, (*path, item.name))
        elif isinstance(item, OpTrace):
            inner = (*path, item.name)
            for suffix in ("", *_suffixes(style, item)):
                owner = ".".join(inner) + (f" (for its {suffix})" if suffix else "")
                yield "_".join((*inner, suffix) if suffix else inner), owner, item
        elif not isinstance(item, FromTrace):
            for part in item.parts:
                yield from _names(style, part, path)
            inner = (*path, item.node.name)
            join = item if isinstance(item, JoinTrace) else None
            yield "_".join(inner), ".".join(inner), join


def _suffixes(style: Style, trace: OpTrace) -> tuple[str, ...]:
    """What is appended to the name of an operation for the layers beside its own."""
    op = trace.op
    if isinstance(op, ops.Conv):
        (helper,) = (h for h in style.convs if trace.node.id in h.sites)
        padded = ("pad",) if helper.pads(trace) else ()
        return (*padded, "subsample") if helper.sites[trace.node.id].skips else padded
    if isinstance(op, ops.ConvTranspose):
        return ("crop",) if any(side != 0 for side in cuts(op)) else ()
    if isinstance(op, ops.Pool):
        return style.pools.adds(trace)
    if isinstance(op, ops.ChannelShuffle):
        return ("split", "swap")
    if isinstance(op, ops.Flatten) and permutes(style, trace.node):
        return ("permute",)
    return ()


def _uses_operations(style: Style, trace: OpTrace) -> bool:
    if isinstance(trace.op, ops.Pool):
        return style.pools.uses_ops(trace)
    return type(trace.op) in AUTOMATIC
