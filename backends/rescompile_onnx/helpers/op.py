from collections.abc import Callable
from typing import Any

from .Value import Value


class Operators:
    """`op.Relu(x, name="relu")` adds a node where x is, and gives its output."""

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def add(x: Value, *more: Any, name: str, **attributes: Any) -> Any:
            made = x.graph.add(kind, (x, *more), name, **attributes)
            return made[0] if len(made) == 1 else made

        return add


op = Operators()
