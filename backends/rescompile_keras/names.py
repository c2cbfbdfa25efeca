"""Names of layers: paths joined by underscores, which must differ and which Keras must not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rescompile import ops
from rescompile.emit.borders import cuts
from rescompile.ir.structure import INPUT
from rescompile.ir.trace import (
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    is_again,
    walk_traces,
)

from .layers import Style

Words = tuple[str, ...]
# Keras counts up these names for operations without a layer, and for the input.
AUTOMATIC = {
    ops.PadChannels: ("pad",),
    ops.SliceChannels: ("get_item",),
    ops.MaxPool: ("pad",),
    ops.AvgPool: ("pad", "get_item", "ones_like", "average_pool", "true_divide"),
}


def collisions(style: Style) -> Iterator[str]:
    """A reason for each name that two layers would have."""
    inputs = style.analysis.network.inputs
    owners = {name: f"the input {name}" for name in inputs if name != INPUT}
    automatic = {"input_layer"}
    items = style.analysis.elaborated.root.items
    for path, trace in walk_traces(items, enter=lambda item: not is_again(item)):
        shared = trace.node.id in style.analysis.shared
        if not isinstance(trace, (OpTrace, JoinTrace, ResidualTrace)) and not shared:
            continue
        suffixes, given = (("after",), ()) if is_again(trace) else _more(style, trace)
        automatic |= {*given}
        for suffix in ("", *suffixes):
            name = "_".join((*path, suffix) if suffix else path)
            owner = ".".join(path) + (f" (for its {suffix})" if suffix else "")
            if owners.setdefault(name, owner) != owner:
                yield f"{owner} and {owners[name]}: both would be the layer '{name}'"
    pattern = re.compile(rf"(?:{'|'.join(sorted(automatic))})(?:_\d+)?")
    for name, owner in owners.items():
        if pattern.fullmatch(name):
            yield f"{owner}: Keras gives the name '{name}' to operations; choose another"


def _more(style: Style, trace: Trace) -> tuple[Words, Words]:
    """What is appended to a name for layers beside its own, and names that Keras gives."""
    if isinstance(trace, JoinTrace):
        return (), ("split",) if trace.node.split else ()
    if not isinstance(trace, OpTrace):
        return (), ()
    op, key = trace.op, trace.node.id
    suffixes: Words = ("permute",) if key in style.ordered else ()
    if type(op) is ops.Conv:
        suffixes = ("pad",) if style.conv_of[key].pads(trace) else ()
        suffixes += ("subsample",) if style.conv_of[key].sites[key].skips else ()
    elif isinstance(op, ops.ConvTranspose):
        suffixes = ("crop",) if any(side != 0 for pads in cuts(op) for side in pads) else ()
    elif isinstance(op, ops.Pool):
        suffixes = ("pad",) if style.pools.pads(trace) else ()
        return suffixes, AUTOMATIC[type(op)] if style.pools.uses_ops(trace) else ()
    elif (row := style.words.usual.get(type(op))) is not None:
        suffixes += tuple(suffix for _, suffix in row.parts if suffix)
    return suffixes, AUTOMATIC.get(type(op), ())
