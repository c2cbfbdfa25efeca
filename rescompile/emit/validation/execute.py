"""Emitted source, executed without its framework: what it imports are the modules it is given."""

from __future__ import annotations

import builtins
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

# What emitted code may call. Anything else is a NameError, as a misspelt name is.
ALLOWED = (
    *("__build_class__", "bool", "dict", "enumerate", "float", "int", "isinstance", "len"),
    *("list", "max", "min", "object", "range", "reversed", "round", "str", "sum", "super"),
    *("tuple", "zip", "ValueError", "None", "True", "False"),
)
SYS = SimpleNamespace(getrecursionlimit=lambda: 1000, setrecursionlimit=lambda limit: None)


def namespace(meanings: Mapping[str, Any]) -> SimpleNamespace:
    """What has all that some names with dots tell, each by its last part in what is before it."""
    made = SimpleNamespace()
    for name, meaning in meanings.items():
        *outer, last = name.split(".")
        inner = made
        for part in outer:
            inner = vars(inner).setdefault(part, SimpleNamespace())
        setattr(inner, last, meaning)
    return made


def execute(
    source: str, modules: Mapping[str, Any], fixed: Mapping[str, tuple[str, Any]]
) -> dict[str, Any]:
    """The names that `source` defines when `import` finds nothing but `modules`, math and sys.

    `fixed` are the helpers whose text is always the same, each with what stands for it here; a
    helper that is not that text to the letter is executed as any other code.
    """
    known = {"math": math, "sys": SYS, **modules}

    def find(
        name: str, scope: Any = None, local: Any = None, names: Any = (), level: int = 0
    ) -> Any:
        if level or name not in known:
            raise ImportError(f"the code imports {name}")
        return known[name] if names else known[name.partition(".")[0]]

    allowed = {name: getattr(builtins, name) for name in ALLOWED if hasattr(builtins, name)}
    scope: dict[str, Any] = {
        "__builtins__": {**allowed, "__import__": find},
        "__name__": "emitted",
    }
    for name, (text, meaning) in fixed.items():
        if text in source:
            source = source.replace(text, "", 1)
            scope[name] = meaning
    exec(compile(source, "<emitted>", "exec"), scope)
    return scope
