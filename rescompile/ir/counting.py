"""Which arguments of a repeated call depend on the number of the repetition, and how.

Most do not, or count up by one from a number that the call gives.
"""

from __future__ import annotations

from ..expr.dims import Binary, Dim, Expr, Var, names
from .nodes import Call
from .structure import INDEX


def counted(node: Call) -> dict[str, Dim]:
    """The parameters that count up by one with each repetition, and what the first one gets."""
    starts = {name: _start(dim) for name, dim in node.args}
    return {name: start for name, start in starts.items() if start is not None}


def counts(dim: Dim) -> bool:
    """Whether a value is the number of the repetition, counted from some number on."""
    return _start(dim) is not None


def _start(dim: Dim) -> Dim | None:
    if dim == Var(INDEX):
        return 0
    counts = isinstance(dim, Binary) and dim.op == "+" and dim.left == Var(INDEX)
    return dim.right if counts and not isinstance(dim.right, Expr) else None  # type: ignore[union-attr]


def uses_index(node: Call) -> bool:
    """Whether arguments of a repeated call depend on its number and do not just count up."""
    plain = counted(node)
    return any(INDEX in names(dim) for name, dim in node.args if name not in plain)
