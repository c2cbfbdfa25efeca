"""Names of layers: paths joined by underscores, which must differ and which Keras must not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rescompile import ops
from rescompile.emit.borders import cuts
from rescompile.ir.trace import JoinTrace, OpTrace, ResidualTrace, Trace, walk_traces

from .layers import Style
from .vocabulary import USUAL

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
    for path, trace in walk_traces(style.analysis.elaborated.root.items):
        if not isinstance(trace, (OpTrace, JoinTrace, ResidualTrace)):
            continue
        automatic |= {*_automatic(style, trace)}
        for suffix in ("", *_suffixes(style, trace)):
            name = "_".join((*path, suffix) if suffix else path)
            owner = ".".join(path) + (f" (for its {suffix})" if suffix else "")
            if owners.setdefault(name, owner) != owner:
                yield f"{owner} and {owners[name]}: both would be the layer '{name}'"
    pattern = re.compile(rf"(?:{'|'.join(sorted(automatic))})(?:_\d+)?")
    for name, owner in owners.items():
        if pattern.fullmatch(name):
            yield f"{owner}: Keras gives the name '{name}' to operations; choose another"


def _suffixes(style: Style, trace: Trace) -> tuple[str, ...]:
    """What is appended to a name for the layers beside its own."""
    if not isinstance(trace, OpTrace):
        return ()
    op, key = trace.op, trace.node.id
    if isinstance(op, ops.Conv):
        padded = ("pad",) if style.conv_of[key].pads(trace) else ()
        return (*padded, "subsample") if style.conv_of[key].sites[key].skips else padded
    if isinstance(op, ops.ConvTranspose):
        return ("crop",) if any(side != 0 for side in cuts(op)) else ()
    if isinstance(op, ops.Pool):
        return style.pools.adds(trace)
    if type(op) in USUAL and USUAL[type(op)].parts:
        return tuple(suffix for _, suffix in USUAL[type(op)].parts if suffix)
    return ("permute",) if key in style.ordered else ()


def _automatic(style: Style, trace: Trace) -> tuple[str, ...]:
    """The names that Keras gives to operations."""
    if isinstance(trace, JoinTrace):
        return ("split",) if trace.node.split else ()
    if not isinstance(trace, OpTrace):
        return ()
    if isinstance(trace.op, ops.Pool) and not style.pools.uses_ops(trace):
        return ()
    return AUTOMATIC.get(type(trace.op), ())
