"""What a file of classes cannot express: operations, and names that mean something else there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile

from ...ir.analysis import Analysis
from ...ir.structure import Path
from ...ir.trace import walk_traces
from ...ops import Op
from .syntax import Syntax


def refusals(
    analysis: Analysis, syntax: Syntax, unsupported: Mapping[type[Op], str]
) -> Iterator[str]:
    """A reason for each, with its place; `unsupported` has those for operations."""
    network = analysis.network
    for name in sorted({network.name, network.class_name} & syntax.file_names):
        key = "name" if name == network.name else "class_name"
        yield f"'{name}' is a name that the emitted file needs itself; choose another `{key}`"
    yield from _attributes(analysis, syntax)
    for path, trace in analysis.elaborated.flat():
        if type(trace.op) in unsupported:
            yield f"{'.'.join(path)}: {unsupported[type(trace.op)]}"


def _attributes(analysis: Analysis, syntax: Syntax) -> Iterator[str]:
    """Members, and lists of members, that are called what every module has."""
    told: set[Path] = set()
    for path, trace in walk_traces(analysis.elaborated.root.items):
        numbers = [*takewhile(str.isdigit, reversed(path))]  # those of `blocks.0`, in a list
        path = path[: len(path) - len(numbers)]
        if trace.shares_scope or path in told or not {*path[-1:]} & syntax.attributes:
            continue
        told.add(path)
        place = f" ({trace.node.at.place})" if trace.node.at else ""
        reason = f"'{path[-1]}' is an attribute of {syntax.module}; choose another name{place}"
        yield f"{'.'.join(path)}: {reason}"
