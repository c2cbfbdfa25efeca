"""What a file of classes cannot express: operations, and names that mean something else there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...ir.analysis import Analysis
from ...ir.structure import Form, Path
from ...ir.trace import CallTrace, Trace
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
    yield from _hidden(syntax, analysis.elaborated.root.items, (), False)
    for path, trace in analysis.elaborated.flat():
        if type(trace.op) in unsupported:
            yield f"{'.'.join(path)}: {unsupported[type(trace.op)]}"


def _hidden(syntax: Syntax, items: tuple[Trace, ...], path: Path, sequence: bool) -> Iterator[str]:
    """The children whose names the target's modules need for attributes of their own."""
    for item in items:
        inner, inside = path, sequence
        if not item.shares_scope:
            inner = (*path, item.name)
            of_all = item.name in syntax.attributes
            if of_all or (sequence and item.name in syntax.sequence_attributes):
                owner = syntax.module if of_all else syntax.sequence
                place = f" ({item.node.at.place})" if item.node.at else ""
                reason = f"'{item.name}' is an attribute of {owner}; choose another name{place}"
                yield f"{'.'.join(inner)}: {reason}"
            called = isinstance(item, CallTrace) and item.instance.block
            inside = not called or called.form is not Form.MODULE
        for part in item.parts:
            yield from _hidden(syntax, part, inner, inside)
